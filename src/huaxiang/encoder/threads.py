"""How many threads are worth having now."""

import os


def idle_cores() -> int:
    """Cores of this process that nobody else keeps busy now, at least one: threads that must wait for a core make all
    the others wait (two threads on two busy cores were three times slower than one)."""
    return max(1, len(os.sched_getaffinity(0)) - round(os.getloadavg()[0]))

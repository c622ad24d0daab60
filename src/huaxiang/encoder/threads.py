"""How many threads are worth having now."""

import os
import time
from pathlib import Path
from typing import Final

_STAT: Final = Path("/proc/stat")
_WATCHED: Final = 0.3
"""Seconds that the cores are watched. The system's load average would still count what ended a minute ago."""


def idle_cores(stat: Path = _STAT, seconds: float = _WATCHED) -> int:
    """Cores of this process that nobody keeps busy now, at least one: threads that must wait for a core make all the
    others wait (two threads on two busy cores were three times slower than one).

    Takes `seconds`; where the system does not count the time of its cores, the load average stands in.
    """
    ours = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))
    try:
        before = _counted(stat)
        time.sleep(seconds)
        after = _counted(stat)
    except OSError:
        return max(1, len(ours) - round(os.getloadavg()[0]))
    idle = sum(_idle_share(before[core], after[core]) for core in ours if core in before and core in after)
    return max(1, round(idle))


def _counted(stat: Path) -> dict[int, tuple[int, int]]:
    """Ticks of each core so far: idle, and all."""
    found = {}
    for line in stat.read_text(encoding="ascii").splitlines():
        name, *ticks = line.split()
        if name.startswith("cpu") and name[3:].isdigit():
            values = [int(tick) for tick in ticks[:8]]  # the two after them are counted in the first ones too
            found[int(name[3:])] = (values[3] + values[4], sum(values))
    return found


def _idle_share(before: tuple[int, int], after: tuple[int, int]) -> float:
    return (after[0] - before[0]) / max(after[1] - before[1], 1)

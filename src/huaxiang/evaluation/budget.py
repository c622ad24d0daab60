"""A budget of wall time for everything, and the list of what it left out."""

import re
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from huaxiang.errors import ConfigError

_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h)?")


def parse_duration(text: str) -> float:
    """Seconds of `90`, `90s`, `25m` or `1.5h`."""
    found = _DURATION.fullmatch(text.strip().lower())
    seconds = float(found[1]) * {"s": 1.0, "m": 60.0, "h": 3600.0}[found[2] or "s"] if found else 0.0
    if seconds <= 0.0:
        raise ConfigError(f"{text!r} is no budget; give a time above 0 such as 90s, 25m or 1.5h")
    return seconds


@dataclass(slots=True)
class Budget:
    """Counts from its making.

    Attributes:
        say: told in a few words what is being done now.
        reserved: seconds kept for what must come at the end; no part of `left` until they are freed.
        left_out: what there was no time or memory for, and why, for people.
    """

    seconds: float
    say: Callable[[str], None] = lambda _: None
    reserved: float = 0.0
    left_out: list[str] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)

    @property
    def spent(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self.started

    @property
    def left(self) -> float:
        """Seconds that remain and are free, never below 0."""
        return max(0.0, self.seconds - self.spent - self.reserved)

    def allows(self, what: str, seconds: float, share: float = 1.0) -> bool:
        """Whether something that takes about `seconds` fits into a share of what is left; if not, it is noted."""
        if seconds <= self.left * share:
            return True
        self.left_out.append(f"{what}: takes about {seconds:.0f} s, {self.left * share:.0f} s were free for it")
        return False


def peak_mb() -> float:
    """Highest resident memory of this process so far, in MB (2**20 bytes)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0

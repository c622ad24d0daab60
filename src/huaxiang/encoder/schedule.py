"""How long training may run and how its learning rate moves: a budget of steps and of wall-clock seconds."""

import math
import time
from collections.abc import Callable
from typing import TypeAlias

Progress: TypeAlias = Callable[[str, int, int, float], None]
"""`progress(stage, step, planned_steps, seconds_left)`: called after each step; the plan shrinks when time is short."""

_MEASURED_STEPS = 4
"""Steps before the first estimate: the first ones pay for allocations and mislead."""


class Clock:
    """Wall-clock seconds that may still be used."""

    def __init__(self, seconds: float) -> None:
        self.started = time.monotonic()
        self.deadline = self.started + seconds

    @property
    def elapsed(self) -> float:
        """Seconds since the clock was made."""
        return time.monotonic() - self.started

    @property
    def left(self) -> float:
        """Seconds until the deadline, negative beyond it."""
        return self.deadline - time.monotonic()


class Schedule:
    """Counts steps against a plan, cuts the plan to what the time allows, and gives each step's learning rate.

    Without a shortage of time everything depends on the step alone, so equal seeds train equally.
    """

    def __init__(self, planned: int, seconds: float, *, warm_up: float = 0.1) -> None:
        self.asked = self.planned = max(planned, 0)
        self.step = 0
        self.clock = Clock(seconds)
        self._warm_up = warm_up
        self._paused = 0.0

    @property
    def done(self) -> bool:
        """Whether to stop: the plan is fulfilled or the time is over."""
        return self.step >= self.planned or self.clock.left <= 0

    @property
    def cut(self) -> bool:
        """Whether the time cut the plan."""
        return self.step < self.asked

    def advance(self) -> None:
        """One step was made; plan again for the time that is left."""
        self.step += 1
        if self.step >= _MEASURED_STEPS and self.step % _MEASURED_STEPS == 0:
            each = (self.clock.elapsed - self._paused) / self.step
            affordable = self.step + int(max(self.clock.left, 0.0) / max(each, 1e-9))
            self.planned = min(self.asked, affordable)

    def take_up(self, step: int, planned: int, elapsed: float) -> None:
        """Go on where an interrupted training stood: these steps are made, and so many seconds are used."""
        self.step, self.planned = step, min(planned, self.asked)
        self.clock.started -= elapsed
        self.clock.deadline -= elapsed

    def without(self, work: Callable[[], None]) -> None:
        """Do `work`, such as validation, off the clock: whoever made the schedule has set time aside for it."""
        began = time.monotonic()
        work()
        self._paused += time.monotonic() - began
        self.clock.deadline += time.monotonic() - began

    def factor(self) -> float:
        """What the peak learning rate is multiplied with: a linear rise, then a half cosine down to nothing."""
        share = self.step / max(self.planned, 1)
        rise = max(self._warm_up * self.asked, 1.0)
        up = min((self.step + 1) / min(rise, max(self.planned * self._warm_up, 1.0)), 1.0)
        return up * 0.5 * (1.0 + math.cos(math.pi * min(share, 1.0)))

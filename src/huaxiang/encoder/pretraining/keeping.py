"""Keeping the state of an unfinished pretraining, and finding it again."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from huaxiang.encoder.training_state import Parts, load_state, read_header, save_state


@dataclass(slots=True)
class Keeper:
    """Where and how often the state is kept.

    Attributes:
        every_steps: also after so many steps; None: by time alone.
    """

    path: Path
    every_seconds: float = 60.0
    every_steps: int | None = None
    _last: float = field(default_factory=time.monotonic)

    def found(self) -> dict[str, Any] | None:
        """What an interrupted run said of itself; None where there is none."""
        said: dict[str, Any] | None = read_header(self.path)["said"] if self.path.is_file() else None
        return said

    def due(self, step: int) -> bool:
        """Whether the state is to be kept after this step."""
        by_steps = self.every_steps is not None and step % self.every_steps == 0
        return by_steps or time.monotonic() - self._last >= self.every_seconds

    def keep(self, parts: Parts, said: dict[str, Any]) -> None:
        """Keep it now."""
        save_state(self.path, parts, said)
        self._last = time.monotonic()

    def restore(self, parts: Parts) -> dict[str, Any]:
        """Put what was kept into `parts`."""
        said, _ = load_state(self.path, parts)
        return said

"""What pretraining did, in figures."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PretrainReport:
    """What pretraining did; losses are nats per piece asked for, on held-out texts where not said otherwise.

    Attributes:
        loss_before, loss_after: NaN where no text could be held out.
        losses: of each step, on what was learned from; dropout on.
        held_out: `(step, loss)` of each measurement, the first and the last included.
        tokens_per_second: pieces read, padding not counted, for each second of training.
        peak_mb: the most memory that the process held so far.
        resumed_from: the step that it was taken up again at; 0 where it ran in one go.
        notes: what was decided or changed on the way, one sentence each.
    """

    steps: int
    planned_steps: int
    seconds: float
    loss_before: float
    loss_after: float
    objective: str = "masked"
    masking: str = ""
    losses: tuple[float, ...] = ()
    held_out: tuple[tuple[int, float], ...] = ()
    precision: str = "fp32"
    tokens_per_second: float = 0.0
    peak_mb: float = 0.0
    resumed_from: int = 0
    notes: tuple[str, ...] = ()

    @property
    def perplexity_before(self) -> float:
        """`exp(loss_before)`: of how many pieces the model hesitates among."""
        return math.exp(min(self.loss_before, 700.0))

    @property
    def perplexity_after(self) -> float:
        """`exp(loss_after)`."""
        return math.exp(min(self.loss_after, 700.0))

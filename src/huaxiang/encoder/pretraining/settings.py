"""How pretraining goes about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from huaxiang.errors import ConfigError

OBJECTIVES: Final = ("masked", "next-word")
MASKINGS: Final = ("whole-word", "token")
CONTINUED_RATE: Final = 1e-4
"""Peak learning rate for a checkpoint; see experiments/LOG.md."""


@dataclass(frozen=True, slots=True)
class Pretraining:
    """Settings of pretraining.

    Attributes:
        batch_size: texts whose gradient is computed at once, `accumulate` times for one step of the optimiser.
        learning_rate: at its peak. Chosen for new networks of width 128 by held-out loss after 300 steps: of 5e-4,
            1e-3, 2e-3, 4e-3 and 8e-3 the fourth was best and the last collapsed; half the best is safe.
        masked: share of pieces that is asked for.
        masking: whether all pieces of a word are asked for together, or each piece by itself. After 1,000 steps on
            Chinese reviews both were as good frozen under a linear head (.815 and .813 by piece and by word, two seeds)
            and on questions about whole words (perplexity 207 and 208), and by piece took a tenth less time.
        packed: whether short texts share a row; otherwise texts of like length share a batch. None: decoders' texts do,
            which was a quarter faster here; for encoders both took the same time.
        warm_up: share of the steps in which the learning rate rises.
        held_out: share of the texts, `max_held_out` at most, that are not learned from but measured on.
        checks: measurements on held-out texts between the first step and the last, for the curve in the report.
    """

    batch_size: int = 32
    accumulate: int = 1
    learning_rate: float = 2e-3
    epochs: int = 10
    masked: float = 0.2
    masking: str = "token"
    packed: bool | None = None
    weight_decay: float = 0.01
    warm_up: float = 0.1
    held_out: float = 0.05
    max_held_out: int = 256
    checks: int = 0

    def __post_init__(self) -> None:
        if self.masking not in MASKINGS:
            raise ConfigError(f"masking {self.masking!r} is unknown; choose one of {', '.join(MASKINGS)}")
        for name in ("batch_size", "accumulate", "epochs", "learning_rate"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name} is {getattr(self, name)}; give a positive number")
        if not 0 < self.masked < 1 or not 0 <= self.held_out < 1 or not 0 <= self.warm_up <= 1:
            raise ConfigError("masked, held_out and warm_up are shares between 0 and 1")

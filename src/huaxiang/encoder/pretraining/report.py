"""What pretraining did, in figures."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from huaxiang.encoder.pretraining.decoder import Sample
from huaxiang.measure.figures import plain

MAX_POINTS: Final = 1_000
"""Points of the loss curve in a file; of a longer run each is the mean of some steps."""


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


@dataclass(frozen=True, slots=True)
class RunReport:
    """What a pretraining made of files of text.

    Attributes:
        fingerprint: of the exported encoder; "" for a decoder.
        parameters: weights of the network, without the prediction head.
        export_cosine: smallest agreement of the exported graph with torch; None for a decoder.
        samples: how a decoder goes on from the beginning of some texts.
        notes: what was begun, cut, taken up again or decided, one sentence each.
    """

    name: str
    fingerprint: str
    d: int
    parameters: int
    vocabulary: int
    max_tokens: int
    n_texts: int
    pretrain: PretrainReport
    export_cosine: float | None
    samples: tuple[Sample, ...]
    seconds: float
    notes: tuple[str, ...]

    def figures(self) -> dict[str, Any]:
        """The same as JSON-compatible values, those of the training beside the others; NaN becomes None."""
        figures = asdict(self)
        done = {**figures.pop("pretrain"), "perplexity_before": self.pretrain.perplexity_before}
        done |= {"perplexity_after": self.pretrain.perplexity_after, "losses": thinned(self.pretrain.losses)}
        done |= {"training_seconds": done.pop("seconds")}
        return {name: plain(value) for name, value in {**done, **figures}.items()}


def thinned(losses: tuple[float, ...]) -> list[float]:
    """At most `MAX_POINTS` points: each the mean of as many steps as needed for that."""
    each = -(-len(losses) // MAX_POINTS) or 1
    return [float(np.mean(losses[at : at + each])) for at in range(0, len(losses), each)]

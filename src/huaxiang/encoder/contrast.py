"""Step 4: contrastive fine-tuning, a shopper's history against the item that came next, by one encoder for both.

Legend: B pairs of a batch, M different items among them, D width.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.encoder.batches import cut, shuffled
from huaxiang.encoder.heldout import Retrieval, Validation
from huaxiang.encoder.model import Network
from huaxiang.encoder.optimising import adamw, descend
from huaxiang.encoder.schedule import Progress, Schedule

if TYPE_CHECKING:
    import torch

_VALIDATIONS: Final = 5
_PATIENCE: Final = 3
_BETWEEN_CHECKS: Final = 20
"""Steps between two checks, at least: fewer change less than a check can see."""
_SHARE_OF_CHECKS: Final = 0.25
"""Of the time, at most, that goes into validation."""


@dataclass(frozen=True, slots=True)
class Contrast:
    """Settings of contrastive fine-tuning; rate and temperature were chosen by validation recall after 60 steps.

    Attributes:
        max_tokens: where texts are cut while training, at most where the encoder cuts them: a step of 64 tokens costs
            two thirds of one of 96.
    """

    batch_size: int = 64
    learning_rate: float = 5e-4
    temperature: float = 0.1
    epochs: int = 10
    weight_decay: float = 0.01
    max_tokens: int = 64


@dataclass(frozen=True, slots=True)
class ContrastReport:
    """What fine-tuning did; losses are nats per pair, means of the first and the last ten steps.

    Attributes:
        kept: whether the tuned weights were kept; False means that no check beat the weights it began with.
        stopped_early: whether validation ended it before the plan or the time did.
    """

    steps: int
    planned_steps: int
    seconds: float
    loss_first: float
    loss_last: float
    before: Retrieval
    after: Retrieval
    kept: bool
    stopped_early: bool


def finetune(
    network: Network,
    items: Sequence[str],
    pairs: Sequence[tuple[str, int]],
    validation: Validation,
    *,
    before: Retrieval,
    seconds: float,
    rng: np.random.Generator,
    max_steps: int | None = None,
    settings: Contrast = Contrast(),
    progress: Progress | None = None,
) -> ContrastReport:
    """Train `network.lm.base_model` in place; what validates best is what remains, the beginning included.

    Args:
        items: each different item text, none blank.
        pairs: a history and the index in `items` of what came next; none is in `validation`.
        before: what `validation` says of the network as it is.

    Memory: weights five times (Adam and the best so far), plus activations of two batches of `max_tokens`.
    """
    started = time.monotonic()
    best = _Best(network, validation, before)
    each_check = before.seconds
    planned = math.ceil(len(pairs) / settings.batch_size) * settings.epochs
    n_checks = max(1, min(_VALIDATIONS, int(seconds * _SHARE_OF_CHECKS / max(each_check, 1e-9))))
    for_steps = seconds - n_checks * each_check
    schedule = Schedule(planned if max_steps is None else min(planned, max_steps), for_steps)
    losses: list[float] = []
    if not schedule.done:
        losses = _train(network, items, pairs, best, n_checks, schedule, settings, rng, progress)
    best.restore()
    return _report(losses, schedule, best, time.monotonic() - started)


def _report(losses: list[float], schedule: Schedule, best: _Best, seconds: float) -> ContrastReport:
    return ContrastReport(
        steps=schedule.step,
        planned_steps=schedule.asked,
        seconds=seconds,
        loss_first=float(np.mean(losses[:10])) if losses else math.nan,
        loss_last=float(np.mean(losses[-10:])) if losses else math.nan,
        before=best.first,
        after=best.found,
        kept=best.improved,
        stopped_early=best.exhausted and not schedule.done,
    )


class _Best:
    """The best weights so far by validation, and how often in a row they were not beaten."""

    def __init__(self, network: Network, validation: Validation, before: Retrieval) -> None:
        self._network, self._validation = network, validation
        self.first = self.found = before
        self._weights = self._copy()
        self._misses = 0
        self.improved = False

    @property
    def exhausted(self) -> bool:
        """Whether patience is over."""
        return self._misses >= _PATIENCE

    def check(self) -> None:
        """Validate the weights as they are; without validation pairs the newest are kept."""
        now = self._validation.check(self._network)
        if now.n_pairs == 0 or now.mrr > self.found.mrr:
            self.found, self._weights, self._misses, self.improved = now, self._copy(), 0, True
        else:
            self._misses += 1

    def restore(self) -> None:
        """Put the best weights back."""
        self._network.lm.base_model.load_state_dict(self._weights)

    def _copy(self) -> dict[str, Any]:
        return {name: value.detach().clone() for name, value in self._network.lm.base_model.state_dict().items()}


def _train(
    network: Network,
    items: Sequence[str],
    pairs: Sequence[tuple[str, int]],
    best: _Best,
    n_checks: int,
    schedule: Schedule,
    settings: Contrast,
    rng: np.random.Generator,
    progress: Progress | None,
) -> list[float]:
    import torch

    positive_N = np.array([item for _, item in pairs])
    log_drawn_M = _log_drawn(positive_N, len(items), settings.batch_size)
    optimiser = adamw(network.lm.base_model, settings.learning_rate, settings.weight_decay)
    losses: list[float] = []
    checks = last = 0
    for batch in shuffled([len(history) for history, _ in pairs], settings.batch_size, rng):
        if schedule.done or best.exhausted:
            break
        network.lm.train()
        shown_M, which_B = np.unique(positive_N[batch], return_inverse=True)
        loss = info_nce(
            network.vectors(cut(network.tokens.ids([pairs[i][0] for i in batch]), settings.max_tokens)),
            network.vectors(cut(network.tokens.ids([items[i] for i in shown_M]), settings.max_tokens)),
            torch.from_numpy(which_B),
            torch.from_numpy(log_drawn_M[shown_M]),
            settings.temperature,
        )
        losses.append(descend(loss, network.lm.base_model, optimiser, settings.learning_rate * schedule.factor()))
        schedule.advance()
        if progress is not None:
            progress("finetune", schedule.step, schedule.planned, max(schedule.clock.left, 0.0))
        due = schedule.step >= schedule.planned * (checks + 1) / n_checks and schedule.step >= last + _BETWEEN_CHECKS
        if due or schedule.done:
            checks, last = checks + 1, schedule.step
            schedule.without(best.check)
    network.lm.eval()
    return losses


def info_nce(
    queries_BD: torch.Tensor,
    items_MD: torch.Tensor,
    positive_B: torch.Tensor,
    log_drawn_M: torch.Tensor,
    temperature: float,
) -> torch.Tensor:
    """Cross-entropy of each query's item among the different items of the batch (van den Oord et al. 2018), in nats.

    `log_drawn_M` is subtracted from the scores: a popular item is a negative in more batches than a rare one, and
    uncorrected the encoder would learn to push popular items away (Yi et al. 2019). An item that several queries share
    is one column, so nobody's positive is another one's negative copy.
    """
    from torch.nn.functional import cross_entropy

    return cross_entropy(queries_BD @ items_MD.T / temperature - log_drawn_M, positive_B)


def _log_drawn(positive_N: NDArray[np.int64], n_items: int, batch_size: int) -> NDArray[np.float32]:
    """Log of the chance that an item is among the positives of a batch drawn with replacement."""
    share_M = np.bincount(positive_N, minlength=n_items) + 0.5
    share_M /= share_M.sum()
    chance_M = -np.expm1(batch_size * np.log1p(-np.minimum(share_M, 1.0 - 1e-9)))
    return np.asarray(np.log(chance_M), dtype=np.float32)

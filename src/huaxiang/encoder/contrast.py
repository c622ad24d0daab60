"""Step 4: contrastive fine-tuning, a shopper's history against the item that came next, by one encoder for both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from huaxiang.encoder.finetuning.loop import FitReport, Plan, fit
from huaxiang.encoder.heldout import Retrieval, Validation
from huaxiang.encoder.model import Network
from huaxiang.encoder.schedule import Progress
from huaxiang.encoder.tasks.base import Score
from huaxiang.encoder.tasks.contrast import Contrast, as_score

PLAN: Final = Plan(epochs=10, batch_size=64, learning_rate=5e-4, checks=5, patience=3, between_checks=20)
"""Of a small network made from the shop's text; the rate was chosen by validation recall after 60 steps."""
CHECKPOINT_RATE: Final = 1e-4
"""Of a network that was taught before, such as e5 or MiniLM: the larger one unlearns it; see experiments/LOG.md."""


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
    plan: Plan = PLAN,
    progress: Progress | None = None,
) -> ContrastReport:
    """Train `network.lm.base_model` in place; what validates best is what remains, the beginning included.

    Args:
        items: each different item text, none blank.
        pairs: a history and the index in `items` of what came next; none is in `validation`.
        before: what `validation` says of the network as it is.

    Memory: weights five times (Adam and the best so far), plus activations of two batches of 64 tokens.

    Raises:
        DivergedError: the loss became NaN or infinite; the network holds the best weights before that.
    """
    done = fit(
        network,
        Contrast(items, pairs, validation, batch_size=plan.batch_size),
        plan,
        seconds=seconds,
        rng=rng,
        max_steps=max_steps,
        before=as_score(before),
        keep_beginning=True,
        progress=progress,
    )
    return reported(done, before)


def reported(done: FitReport, before: Retrieval) -> ContrastReport:
    """What a training did whose task was judged by `before`'s validation."""
    return ContrastReport(
        steps=done.steps,
        planned_steps=done.planned_steps,
        seconds=done.seconds,
        loss_first=done.loss_first,
        loss_last=done.loss_last,
        before=before,
        after=_retrieval(done.after, before),
        kept=done.best_step > 0,
        stopped_early=done.stopped_early,
    )


def _retrieval(score: Score, like: Retrieval) -> Retrieval:
    return replace(like, recall=score.figures["recall"], mrr=score.figures["mrr"], seconds=score.seconds)

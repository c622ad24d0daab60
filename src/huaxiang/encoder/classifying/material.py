"""What every candidate for a classifier is given, and how candidates are judged.

Legend: N training texts, H held-out ones among them, C classes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from huaxiang.encoder.classifying.splits import Fold, folds, whole_groups
from huaxiang.encoder.classifying.table import Labelled, check_pair
from huaxiang.encoder.heads.linear import Scores
from huaxiang.encoder.schedule import Clock, Progress
from huaxiang.errors import listed
from huaxiang.measure.calibration import log_loss


@dataclass(slots=True)
class Material:
    """The training texts, how they are divided, and the time there is.

    Attributes:
        targets_NC: 1 where a text has the class.
        folds: rows to learn from and to judge by; a candidate is judged on all held-out rows together.
        many: whether a text can have several labels or none.
        balanced: whether classes count alike, however often they occur.
        notes: what was left out, cut or dropped, one sentence each.
    """

    train: Labelled
    classes: tuple[str, ...]
    targets_NC: NDArray[np.float32]
    folds: list[Fold]
    clock: Clock
    rng: np.random.Generator
    many: bool = False
    balanced: bool = False
    progress: Progress | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def held_N(self) -> NDArray[np.int64]:
        """Rows that are judged, ascending."""
        return np.sort(np.concatenate([fold.held for fold in self.folds])) if self.folds else np.zeros(0, np.int64)

    @property
    def n_classes(self) -> int:
        """How many classes there are."""
        return len(self.classes)

    def class_weights(self) -> NDArray[np.float32] | None:
        """Inverse to how often each class occurs, mean 1 over the texts; None where all count alike.

        Of many labels: what a text that has the label counts beside those that lack it.
        """
        if not self.balanced:
            return None
        count_C = np.maximum(self.targets_NC.sum(axis=0), 1.0)
        n = len(self.targets_NC)
        return np.asarray((n - count_C) / count_C if self.many else n / (self.n_classes * count_C), dtype=np.float32)

    def tell(self, step: str, done: int, planned: int) -> None:
        """Say how far a step has come."""
        if self.progress is not None:
            self.progress(step, done, planned, max(self.clock.left, 0.0))


def material_of(
    train: Labelled, clock: Clock, *, seed: int, many: bool, balanced: bool, progress: Progress | None = None
) -> Material:
    """The training texts, divided as `huaxiang finetune classify` divides them with this seed; by whole groups where
    they have any."""
    classes = check_pair(train, None)
    rng = np.random.default_rng(seed)
    firsts = [labels[0] if labels else "" for labels in train.labels]
    divided = whole_groups(train.texts, firsts, train.groups, rng) if train.groups else folds(train.texts, firsts, rng)
    targets_NC, notes = train.targets(classes), list(train.notes)
    if train.groups:
        held = sorted({train.groups[i] for i in divided[0].held})
        notes.append(f"candidates were judged by texts of groups that they had not learned from: {listed(held)}")
    return Material(train, classes, targets_NC, divided, clock, rng, many, balanced, progress, notes)


@dataclass(frozen=True, slots=True)
class Judged:
    """A candidate's scores on the held-out rows, and what they are worth.

    Attributes:
        scores_HC: logits in the order of `Material.held_N`.
        accuracy: share of rows that are right; of many labels, micro F1.
        balanced_accuracy: mean over the classes of the share of their rows that are right (one label only).
        log_loss: in nats; of many labels the mean binary loss.
        seconds: what it took.
    """

    scores_HC: Scores
    accuracy: float
    log_loss: float
    balanced_accuracy: float = float("nan")
    seconds: float = 0.0


def judge(scores_HC: Scores, targets_HC: NDArray[np.float32], *, many: bool, seconds: float = 0.0) -> Judged:
    """What scores on held-out rows are worth; NaN where none are held out."""
    if not len(targets_HC):
        return Judged(scores_HC, math.nan, math.nan, seconds=seconds)
    if many:
        said_HC, right_HC = scores_HC > 0, targets_HC > 0
        f1 = 2.0 * float((said_HC & right_HC).sum()) / max(int(said_HC.sum() + right_HC.sum()), 1)
        loss_HC = np.logaddexp(0.0, np.where(right_HC, -scores_HC, scores_HC))
        return Judged(scores_HC, f1, float(loss_HC.mean()), seconds=seconds)
    right_H, said_H = targets_HC.argmax(axis=1), scores_HC.argmax(axis=1)
    hit_H = said_H == right_H
    rows_C = np.bincount(right_H, minlength=targets_HC.shape[1])
    share_C = np.bincount(right_H, hit_H, minlength=targets_HC.shape[1]) / np.maximum(rows_C, 1)
    return Judged(
        scores_HC, float(hit_H.mean()), log_loss(scores_HC, right_H), float(share_C[rows_C > 0].mean()), seconds
    )

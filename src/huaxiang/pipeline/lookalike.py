"""How much people are like examples: by the vector U alone, or by a classifier that is taught by the examples.

Legend: N people, D width of the encoder, B figures of behaviour, F = D + B features.
"""

import heapq
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.pipeline.logistic import fit_logistic
from huaxiang.pipeline.request import Pipeline
from huaxiang.profiles import FoldState
from huaxiang.profiles.facets import figures
from huaxiang.types import UserId

MOST_TAUGHT: Final = 5_000
"""Examples, and others beside them, that a classifier is taught by."""

_RIDGE: Final = 10.0
_FIGURES: Final = ("n_events", "n_orders", "recency_days", "frequency_per_week")
"""Of the behaviour, each as log(1 + x); of whom none may be read, the mean of the taught stands in."""

Likeness = Callable[["Read"], NDArray[np.float64]]
"""Scores of shape (N,) of people that were read; higher is more alike."""


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """People as they are compared; whose history says nothing is not among them.

    Attributes:
        u_ND: unit vectors U.
        figures_NB: behaviour, NaN where it may not be read.
    """

    user_ids: tuple[UserId, ...]
    u_ND: NDArray[np.float32]
    figures_NB: NDArray[np.float32]


def vectors_of(
    pipeline: Pipeline, user_ids: Sequence[UserId], states: Sequence[FoldState], *, now: datetime
) -> NDArray[np.float32]:
    """U of people by the open release's encoder, as a request reads them, shape (N, D); zeros where there is none."""
    people = pipeline.read_all(states, pipeline.index.snapshot(), now=now, user_ids=user_ids)
    return np.stack([person.u_D for person in people]) if people else np.zeros((0, pipeline.encoder.d), np.float32)


def read_people(
    pipeline: Pipeline,
    user_ids: Sequence[UserId],
    states: Sequence[FoldState],
    u_ND: NDArray[np.float32],
    *,
    now: datetime,
) -> Read:
    """People as they are compared.

    Args:
        states: of their figures and consents; of all else nothing is read.
        u_ND: as `vectors_of` gives them.
    """
    lengths_N = np.linalg.norm(u_ND, axis=1)
    told_N: list[int] = np.flatnonzero(lengths_N > 0.0).tolist()
    figures_NB = np.array([_figures(pipeline, states[at], now) for at in told_N], np.float32)
    ids = tuple(user_ids[at] for at in told_N)
    return Read(ids, u_ND[told_N] / lengths_N[told_N][:, None], figures_NB.reshape(len(ids), len(_FIGURES)))


def _figures(pipeline: Pipeline, state: FoldState, now: datetime) -> list[float]:
    portraits = pipeline.portraits
    if state.consents.get("analytics", portraits.config.consent_default) == "denied":
        return [math.nan] * len(_FIGURES)
    known = figures(state, portraits.item_facets, now=now)
    return [math.log1p(max(0.0, known.get(name, 0.0))) for name in _FIGURES]


class Sample:
    """An even sample of people who come in blocks, the same for the same blocks and seed; and the mean of all their U.

    Memory: at most twice `most` rows.
    """

    def __init__(self, most: int, d: int, *, seed: int) -> None:
        self._most, self._rng = most, np.random.default_rng(seed)
        self._keys_N = np.zeros(0)
        self._sum_D = np.zeros(d)
        self.n = 0
        self.kept = Read((), np.zeros((0, d), np.float32), np.zeros((0, len(_FIGURES)), np.float32))

    def add(self, read: Read) -> None:
        """Take a block in."""
        self.n += len(read.user_ids)
        self._sum_D += read.u_ND.sum(axis=0, dtype=np.float64)
        keys_N = np.concatenate([self._keys_N, self._rng.random(len(read.user_ids))])
        ids = (*self.kept.user_ids, *read.user_ids)
        u_ND = np.concatenate([self.kept.u_ND, read.u_ND])
        figures_NB = np.concatenate([self.kept.figures_NB, read.figures_NB])
        chosen = np.argsort(keys_N, kind="stable")[: self._most]
        self._keys_N = keys_N[chosen]
        self.kept = Read(tuple(ids[at] for at in chosen), u_ND[chosen], figures_NB[chosen])

    @property
    def mean_D(self) -> NDArray[np.float64]:
        """Mean of the unit vectors of everybody who came in."""
        return self._sum_D / max(self.n, 1)


def by_vector(examples: Sample) -> Likeness:
    """The cosine of U with the mean of the examples' unit vectors."""
    mean_D = examples.mean_D
    unit_D = mean_D / max(float(np.linalg.norm(mean_D)), 1e-12)
    return lambda read: np.asarray(read.u_ND @ unit_D, dtype=np.float64)


def by_classifier(examples: Sample, others: Sample, *, ridge: float = _RIDGE) -> Likeness:
    """Log-odds of being an example rather than one of the others, by U and a few figures of behaviour.

    Args:
        ridge: 10 was best of .1 to 100 on half of the demo shop's hidden groups (experiments/LOG.md).
    """
    figures_NB = np.concatenate([examples.kept.figures_NB, others.kept.figures_NB])
    told_NB = ~np.isnan(figures_NB)
    mean_B = np.where(told_NB, figures_NB, 0.0).sum(axis=0) / np.maximum(told_NB.sum(axis=0), 1)

    def features(read: Read) -> NDArray[np.float32]:
        filled_NB = np.where(np.isnan(read.figures_NB), mean_B, read.figures_NB)
        return np.concatenate([read.u_ND, filled_NB.astype(np.float32)], axis=1)

    taught_NF = np.concatenate([features(examples.kept), features(others.kept)])
    is_example_N = np.arange(len(taught_NF)) < len(examples.kept.user_ids)
    model = fit_logistic(taught_NF, is_example_N, ridge=ridge)
    return lambda read: model.log_odds(features(read))


def most_alike(scored: Iterable[tuple[Sequence[UserId], NDArray[np.float64]]], k: int) -> list[tuple[UserId, float]]:
    """The `k` with the best scores, best first; of equal ones the first to come in.

    Memory: `k` people.
    """
    best: list[tuple[float, int, UserId]] = []
    at = 0
    for user_ids, scores_N in scored:
        for user_id, score in zip(user_ids, scores_N.tolist(), strict=True):
            at -= 1
            entry = (score, at, user_id)
            if len(best) < k:
                heapq.heappush(best, entry)
            elif entry > best[0]:
                heapq.heapreplace(best, entry)
    return [(user_id, score) for score, _, user_id in sorted(best, reverse=True)]

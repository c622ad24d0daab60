"""The questions a leave-one-out protocol asks, and the rank at which the right answer comes.

Legend: N users, M items, C candidates. A rank is 0-based over the whole catalogue less the items of the history; ties
go to the item that stands first in the catalogue. A right answer that was met before is masked like any other and
counts as missed.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from huaxiang.retrieval.base import History, Retriever, Scores
from huaxiang.retrieval.fuse import Candidates, Fused

MISSED: Final = 2**31
Stage: TypeAlias = Callable[[Candidates], Scores]
"""Second stage: scores of shape (C,) for the candidates of one history. A learned ranker has this form too."""


@dataclass(frozen=True, slots=True, eq=False)
class Questions:
    """Histories and what came next.

    Attributes:
        histories: items met before, oldest first. targets_N: the item met next, int64.
    """

    histories: tuple[History, ...]
    targets_N: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.histories)

    def sample(self, n: int, *, rng: np.random.Generator) -> "Questions":
        """At most `n` of them, drawn without return, in their order."""
        if n >= len(self):
            return self
        kept = np.sort(rng.choice(len(self), n, replace=False))
        return Questions(tuple(self.histories[i] for i in kept), self.targets_N[kept])


def questions(rows: Sequence[NDArray[np.int32]], from_end: int) -> Questions:
    """The item at `from_end` (1 is the last) of each row, after all that stands before it; short rows ask nothing."""
    asked = [row for row in rows if len(row) >= 3]
    histories = tuple(History.of(row[:-from_end]) for row in asked)
    return Questions(histories, np.array([row[-from_end] for row in asked], dtype=np.int64))


def full_ranks(retriever: Retriever, asked: Questions, *, chunk: int = 512) -> NDArray[np.int64]:
    """Rank of each target among the retriever's scores of the whole catalogue, shape (N,); `chunk` users at a time."""
    ranks_N = np.empty(len(asked), np.int64)
    for start in range(0, len(asked), chunk):
        histories = asked.histories[start : start + chunk]
        for place, (row_M, history) in enumerate(zip(retriever.scores(histories), histories, strict=True), start):
            ranks_N[place] = _rank(row_M, history, int(asked.targets_N[place]))
    return ranks_N


def _rank(row_M: Scores, history: History, target: int) -> int:
    level = row_M[target]
    row_M[history.items_L] = -np.inf
    if row_M[target] == -np.inf:
        return MISSED
    return int(np.count_nonzero(row_M > level)) + int(np.count_nonzero(row_M[:target] == level))


def staged_ranks(fused: Fused, stage: Stage, asked: Questions, *, before: float) -> NDArray[np.int64]:
    """Rank of each target by two stages, shape (N,) or shorter; a target that the first did not name is missed.

    Args:
        before: on the monotonic clock; the users that remain then are left out.
    """
    ranks: list[int] = []
    for history, target in zip(asked.histories, asked.targets_N.tolist(), strict=True):
        if time.monotonic() > before and ranks:
            break
        found = fused.gather(history, exclude=history.items_L)
        place = int(np.searchsorted(found.items_C, target))
        if place == len(found.items_C) or found.items_C[place] != target:
            ranks.append(MISSED)
            continue
        scores_C = stage(found)
        level = scores_C[place]
        ranks.append(int(np.count_nonzero(scores_C > level)) + int(np.count_nonzero(scores_C[:place] == level)))
    return np.array(ranks, dtype=np.int64)


def weighted(weights_F: NDArray[np.float32]) -> Stage:
    """The plain second stage: a weighted sum of z-scores."""
    return lambda found: np.asarray(found.z_CF @ weights_F, dtype=np.float32)

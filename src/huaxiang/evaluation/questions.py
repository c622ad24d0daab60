"""The questions a protocol asks, and what is answered to each: the first K of the whole catalogue less the history.

Legend: N users, M items, C candidates, K places of a list. Ties go to the item that stands first in the catalogue. A
right answer that was met before is masked like any other and counts as missed.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from huaxiang.measure.metrics import ndcg_at_k
from huaxiang.retrieval.base import History, Indices, Retriever, Scores, best_of
from huaxiang.retrieval.fuse import Candidates, Fused

K: Final = 10
_BLOCK_BYTES: Final = 64_000_000
Stage: TypeAlias = Callable[[Candidates, History], Scores]
"""Second stage: scores of shape (C,) for the candidates of one history; minus infinity leaves one out."""


@dataclass(frozen=True, slots=True, eq=False)
class Questions:
    """Histories and what came next.

    Attributes:
        histories: items met before, oldest first. targets: the items met next, at least one each, int64.
        users_N: whose they are, by their row in the interactions of the same step.
    """

    histories: tuple[History, ...]
    targets: tuple[Indices, ...]
    users_N: Indices

    def __len__(self) -> int:
        return len(self.histories)

    def sample(self, n: int, *, rng: np.random.Generator) -> "Questions":
        """At most `n` of them, drawn without return, in an order of chance: where time runs out over them, those who
        were asked must be like the others, and a file may begin with the hardest."""
        return self.at(rng.permutation(len(self))[:n])

    def at(self, places: Iterable[int]) -> "Questions":
        """Those at some places."""
        chosen = list(places)
        histories, targets = tuple(self.histories[i] for i in chosen), tuple(self.targets[i] for i in chosen)
        return Questions(histories, targets, self.users_N[chosen])


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """The first K items of every list, and which of them were right.

    Attributes:
        lists_NK: catalogue indices, best first, -1 where a list ends early.
        hits_NK: whether that place was right.
        n_right_N: right items of each question, answered or not.
    """

    lists_NK: Indices
    hits_NK: NDArray[np.bool_]
    n_right_N: Indices

    def __len__(self) -> int:
        return len(self.lists_NK)

    @classmethod
    def of(cls, lists_NK: Indices, targets: Sequence[Indices]) -> "Answers":
        """Lists against what was right."""
        hits_NK = np.zeros(lists_NK.shape, np.bool_)
        for row_K, right, hits_K in zip(lists_NK, targets, hits_NK, strict=True):
            hits_K[:] = np.isin(row_K, right) & (row_K >= 0)
        return cls(lists_NK, hits_NK, np.array([len(right) for right in targets], dtype=np.int64))

    def at(self, places: Iterable[int]) -> "Answers":
        """Those at some places."""
        chosen = list(places)
        return Answers(self.lists_NK[chosen], self.hits_NK[chosen], self.n_right_N[chosen])

    @property
    def ndcg(self) -> float:
        """Mean ndcg over the questions; 0 without any."""
        return float(ndcg_at_k(self.hits_NK, self.n_right_N, K).mean()) if len(self) else 0.0


def questions(rows: Sequence[NDArray[np.int32]], from_end: int, *, least: int = 3) -> Questions:
    """The item at `from_end` (1 is the last) of each row, after all before it; rows below `least` items ask nothing."""
    users_N = np.array([user for user, row in enumerate(rows) if len(row) >= least], dtype=np.int64)
    histories = tuple(History.of(rows[user][:-from_end]) for user in users_N)
    return Questions(histories, tuple(np.array([rows[user][-from_end]], dtype=np.int64) for user in users_N), users_N)


def full_answers(retriever: Retriever, asked: Questions) -> Answers:
    """Lists by the retriever's scores of the whole catalogue; histories in blocks of at most 64 MB of scores."""
    at_once = max(1, min(512, _BLOCK_BYTES // (4 * max(retriever.n_items, 1))))
    lists_NK = np.full((len(asked), K), -1)
    for start in range(0, len(asked), at_once):
        histories = asked.histories[start : start + at_once]
        for place, (row_M, history) in enumerate(zip(retriever.scores(histories), histories, strict=True), start):
            row_M[history.items_L[history.items_L >= 0]] = -np.inf
            items_C = np.flatnonzero(row_M > -np.inf)
            first = best_of(items_C, row_M[items_C], K)[0]
            lists_NK[place, : len(first)] = first
    return Answers.of(lists_NK, asked.targets)


def staged_answers(fused: Fused, stage: Stage, asked: Questions, *, before: float, least: int = 1) -> Answers:
    """Lists by two stages: what the first does not name is not answered.

    Args:
        before: on the monotonic clock; the users that remain then are left out, so that the answers are fewer.
        least: so many are answered whatever the time.
    """
    found = fused.gather_many(asked.histories, exclude=[history.items_L for history in asked.histories])
    lists: list[Indices] = []
    for history, candidates in zip(asked.histories, found, strict=True):
        if len(lists) >= least and time.monotonic() > before:
            break
        scores_C = stage(candidates, history)
        kept_C = scores_C > -np.inf
        first = best_of(candidates.items_C[kept_C], scores_C[kept_C], K)[0]
        lists.append(np.concatenate([first, np.full(K - len(first), -1)]))
    return Answers.of(np.array(lists, dtype=np.int64).reshape(-1, K), asked.targets[: len(lists)])


def weighted(weights_F: NDArray[np.float32]) -> Stage:
    """The plain second stage: a weighted sum of z-scores."""
    return lambda found, _: np.asarray(found.z_CF @ weights_F, dtype=np.float32)

"""Candidates of many questions laid below each other, for weighing and for teaching a ranker.

Legend: N users, F retrievers, S candidates of all users, G features, C candidates of one user.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.evaluation.questions import Questions, Stage, weighted
from huaxiang.pipeline.second import N_RANKED
from huaxiang.ranking.features import FeatureReader
from huaxiang.ranking.learning import Lists
from huaxiang.ranking.model import Ranker
from huaxiang.retrieval.base import History, Indices, Scores
from huaxiang.retrieval.fuse import AT_ONCE, Candidates, Fused, Weighing

MOST_TAUGHT: Final = 20_000
"""Questions that teach a ranker, at most."""


@dataclass(frozen=True, slots=True, eq=False)
class Gathered:
    """What the retrievers named for the first questions.

    Attributes:
        z_SF: z-scores. right_S: which candidates came next. owners_S: the question of each row, ascending.
        n_right_N: right items of each question, named or not.
        seconds_per_user: what gathering cost.
    """

    z_SF: Scores
    right_S: NDArray[np.bool_]
    owners_S: Indices
    n_right_N: Indices
    seconds_per_user: float


def gather_all(fused: Fused, asked: Questions, *, before: float, at_most: int = 10**9) -> Gathered:
    """Candidates of the questions; those that remain at `before` (monotonic clock) are left out, but for the first
    block: it is gathered at once, and one of it alone would say nothing of what each costs."""
    began = time.monotonic()
    z: list[Scores] = []
    right: list[NDArray[np.bool_]] = []
    n_right: list[int] = []
    found = fused.gather_many(asked.histories, exclude=[history.items_L for history in asked.histories])
    for targets, candidates in zip(asked.targets, found, strict=True):
        if len(z) == at_most or (len(z) >= AT_ONCE and time.monotonic() > before):
            break
        z.append(candidates.z_CF)
        right.append(np.isin(candidates.items_C, targets))
        n_right.append(len(targets))
    owners_S = np.repeat(np.arange(len(z)), [len(rows) for rows in z])
    z_SF = np.concatenate(z) if z else np.empty((0, len(fused.retrievers)), np.float32)
    right_S = np.concatenate(right) if right else np.empty(0, np.bool_)
    seconds = (time.monotonic() - began) / max(len(z), 1)
    return Gathered(z_SF, right_S, owners_S, np.array(n_right, dtype=np.int64), seconds)


def chosen(found: Candidates, weights_F: NDArray[np.float32], n: int = N_RANKED) -> NDArray[np.int64]:
    """Places of the `n` best candidates by the weighted sum, in catalogue order."""
    order_C = np.argsort(-(found.z_CF @ weights_F), kind="stable")
    return np.sort(order_C[:n])


def features_of(
    found: Candidates, history: History, reader: FeatureReader, weights_F: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Places of the candidates that are ranked, and their features, shape (C, G)."""
    at_C = chosen(found, weights_F)
    since = float(history.ages_L[-1]) if len(history) else 0.0
    rows = reader.read(found.items_C[at_C], found.scores_CF[at_C], found.z_CF[at_C], history.items_L, since)
    return at_C, rows


@dataclass(frozen=True, slots=True, eq=False)
class ReadOne:
    """One question as a ranker reads it: features and weighted sums of its candidates, and which of them came next.

    Attributes:
        n_right: right items, among the candidates or not.
    """

    features_CG: NDArray[np.float32]
    right_C: NDArray[np.bool_]
    plain_C: NDArray[np.float32]
    n_right: int

    @classmethod
    def of(
        cls,
        features_CG: NDArray[np.float32],
        right_C: NDArray[np.bool_],
        plain_C: NDArray[np.float32],
        targets: NDArray[np.int64],
    ) -> "ReadOne":
        """Candidates none of which is right teach nothing, and are not kept."""
        kept = len(right_C) if right_C.any() else 0
        return cls(features_CG[:kept], right_C[:kept], plain_C[:kept], len(targets))


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """Lists of questions as a ranker reads them.

    Attributes:
        lists: of the questions whose answer is among the candidates that are ranked; owners are the question's number.
        plain_S: their weighted sums.
        n_right_N: right items of every question that was read, named or not.
    """

    lists: Lists
    plain_S: NDArray[np.float32]
    n_right_N: Indices

    @classmethod
    def of(cls, asked: Sequence[ReadOne], n_features: int) -> "Read":
        """Questions below each other."""
        n_right_N = np.array([one.n_right for one in asked], dtype=np.int64)
        kept = [(at, one) for at, one in enumerate(asked) if one.right_C.any()]
        if not kept:
            none = Lists(np.empty((0, n_features), np.float32), np.empty(0, np.bool_), np.empty(0, np.int64))
            return cls(none, np.empty(0, np.float32), n_right_N)
        lists = Lists(
            np.concatenate([one.features_CG for _, one in kept]),
            np.concatenate([one.right_C for _, one in kept]),
            np.concatenate([np.full(len(one.right_C), at) for at, one in kept]),
        )
        return cls(lists, np.concatenate([one.plain_C for _, one in kept]), n_right_N)

    def ndcg(self, scores_S: NDArray[np.float32]) -> float:
        """Mean ndcg@10 of an order by these scores over all questions that were read."""
        return float(self.ndcg_of_each(scores_S).sum() / max(len(self.n_right_N), 1))

    def ndcg_of_each(self, scores_S: NDArray[np.float32]) -> NDArray[np.float64]:
        """The same of each question, shape (N,)."""
        if not len(scores_S):
            return np.zeros(len(self.n_right_N))
        weighing = Weighing(scores_S[:, None], self.lists.right_S, self.lists.owners_S, self.n_right_N)
        return weighing.ndcg_of_each(np.ones(1))

    def without(self, n_last: int) -> "Read":
        """The same without the last features."""
        lists = Lists(self.lists.features_SG[:, :-n_last], self.lists.right_S, self.lists.owners_S)
        return Read(lists, self.plain_S, self.n_right_N)


def read_lists(fused: Fused, reader: FeatureReader, asked: Questions, *, before: float) -> Read:
    """Features of the candidates of the questions, as many as there are read before a moment (monotonic clock)."""
    read: list[ReadOne] = []
    found = fused.gather_many(asked.histories, exclude=[history.items_L for history in asked.histories])
    for history, targets, candidates in zip(asked.histories, asked.targets, found, strict=True):
        if read and time.monotonic() > before:
            break
        at_C, features_CG = features_of(candidates, history, reader, fused.weights_F)
        plain_C = np.asarray(candidates.z_CF[at_C] @ fused.weights_F, dtype=np.float32)
        read.append(ReadOne.of(features_CG, np.isin(candidates.items_C[at_C], targets), plain_C, targets))
    return Read.of(read, len(reader.names))


def ranked(fused: Fused, reader: FeatureReader, ranker: Ranker) -> Stage:
    """The learned second stage: the best candidates of the weighted sum in the ranker's order, the rest behind them."""
    behind = weighted(fused.weights_F)

    def stage(found: Candidates, history: History) -> Scores:
        at_C, features_CG = features_of(found, history, reader, fused.weights_F)
        scores_C = behind(found, history)
        said_C = ranker.scores(features_CG)
        scores_C -= scores_C.max(initial=0.0) + 1.0
        scores_C[at_C] = said_C - said_C.min(initial=0.0)
        return scores_C

    return stage

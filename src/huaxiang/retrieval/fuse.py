"""Fusion: each retriever names its candidates, and their z-scores over the union are added up.

Legend: N users, M items, F retrievers, C candidates of one user, L events of one history, K results.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.errors import ConfigError
from huaxiang.retrieval.base import Forgets, History, Indices, Interactions, Retriever, Scores, best_of

_STEPS: Final = (2.0, 1.4, 1.15)


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """What the first stage hands to the second, for one history.

    Attributes:
        items_C: catalogue order.
        scores_CF: each retriever's own score of each candidate, whoever named it, float32.
        z_CF: the same as z-scores per retriever over the C candidates; 0 where a retriever makes no difference.
    """

    items_C: Indices
    scores_CF: Scores
    z_CF: Scores


class Fused:
    """Retrievers in parallel: union of their best, sum of weighted z-scores.

    Args:
        weights: one per retriever, >= 0; None weighs all alike. `choose_weights` finds them on validation data.
        n_candidates: how many each retriever names.
    """

    name: Final = "fused"

    def __init__(
        self, retrievers: Sequence[Retriever], weights: Sequence[float] | None = None, *, n_candidates: int = 100
    ) -> None:
        chosen = [1.0] * len(retrievers) if weights is None else list(weights)
        if not retrievers or len(chosen) != len(retrievers) or n_candidates < 1:
            raise ConfigError(f"fusion needs a weight per retriever and n_candidates >= 1, got {len(chosen)} weights")
        self.retrievers, self.n_candidates = tuple(retrievers), n_candidates
        self.weights_F = np.asarray(chosen, dtype=np.float32)

    @property
    def forgets(self) -> Forgets:
        """`exact` only if every part is."""
        return "exact" if all(part.forgets == "exact" for part in self.retrievers) else "stale"

    @property
    def n_items(self) -> int:
        """M of the catalogue the parts were fitted on."""
        return self.retrievers[0].n_items

    def fit(self, interactions: Interactions) -> "Fused":
        """Fit every part; the weights stay."""
        for part in self.retrievers:
            part.fit(interactions)
        return self

    def gather(self, history: History, *, exclude: Indices | None = None) -> Candidates:
        """The union of what the retrievers name, with everyone's score of everyone."""
        rows_FM = [part.scores([history])[0] for part in self.retrievers]
        shut = np.empty(0, np.int64) if exclude is None else exclude[exclude >= 0]
        named_M = np.zeros(self.n_items, np.bool_)
        for row_M in rows_FM:
            named_M[_named(row_M, self.n_candidates, shut)] = True
        items_C = np.flatnonzero(named_M)
        scores_CF = np.stack([row_M[items_C] for row_M in rows_FM], axis=1)
        return Candidates(items_C, scores_CF, z_scores(scores_CF))

    def candidates(self, history: History, k: int, *, exclude: Indices | None = None) -> tuple[Indices, Scores]:
        """At most `k` of the union, best first, with their fused scores."""
        found = self.gather(history, exclude=exclude)
        return best_of(found.items_C, found.z_CF @ self.weights_F, k)

    def scores(self, histories: Sequence[History]) -> Scores:
        """Fused scores of shape (N, M); -inf outside the union, which is everything that nobody named."""
        scores_NM = np.full((len(histories), self.n_items), -np.inf, np.float32)
        for row_M, history in zip(scores_NM, histories, strict=True):
            found = self.gather(history)
            row_M[found.items_C] = found.z_CF @ self.weights_F
        return scores_NM

    def similar(self, item: int, k: int) -> tuple[Indices, Scores]:
        """The fused neighbours of one item."""
        return self.candidates(History.of([item]), k, exclude=np.array([item]))

    def contributions(self, history: History, item: int) -> Scores:
        """Each event's part of the fused score, shape (L,): the parts' own, in units of their spread.

        They sum to the score up to a constant of the history: the means that z-scores take away, and what owes nothing
        to the history.
        """
        found = self.gather(history)
        spread_F = (
            found.scores_CF.std(axis=0, dtype=np.float64) if len(found.items_C) else np.zeros(len(self.weights_F))
        )
        added_L = np.zeros(len(history), np.float64)
        for part, weight, spread in zip(self.retrievers, self.weights_F, spread_F, strict=True):
            if weight > 0.0 and spread > 0.0:
                added_L += float(weight) / spread * part.contributions(history, item)
        return added_L.astype(np.float32)

    def save(self, folder: Path) -> None:
        """Each part saves itself into a folder of its own name; the caller keeps `weights_F`."""
        for part in self.retrievers:
            (folder / part.name).mkdir()
            part.save(folder / part.name)


def _named(row_M: Scores, k: int, shut: Indices) -> Indices:
    """The `k` best of a row that is not kept, by index; what is exactly 0 is not named, ties in catalogue order."""
    free_M = row_M != 0.0
    free_M[shut] = False
    free_M &= row_M > -np.inf
    items_C = np.flatnonzero(free_M)
    return best_of(items_C, row_M[items_C], k)[0]


def z_scores(scores_CF: Scores) -> Scores:
    """Each column less its mean, by its standard deviation; zeros where a column is constant."""
    if not len(scores_CF):
        return scores_CF
    mean_F, spread_F = scores_CF.mean(axis=0), scores_CF.std(axis=0)
    return np.asarray((scores_CF - mean_F) / np.where(spread_F > 1e-12, spread_F, np.inf), dtype=np.float32)


def choose_weights(
    z_SF: Scores, items_S: Indices, owners_S: Indices, targets_N: Indices, *, k: int = 10, max_passes: int = 6
) -> tuple[NDArray[np.float64], float]:
    """Weights with the highest ndcg@k on validation candidates, by coordinate ascent from equal weights.

    Deterministic: it multiplies, divides and drops one weight at a time, by ever smaller steps, and keeps what helps.

    Args:
        z_SF: the users' candidates below each other, S in all; within a user in catalogue order.
        owners_S: user of each row, ascending, 0 to N - 1.
        targets_N: the item that each user met next; a user whose candidates lack it counts 0.
    Returns:
        Weights of shape (F,) that sum to 1, and the ndcg.
    """
    weights_F = np.ones(z_SF.shape[1])
    found = np.flatnonzero(items_S == targets_N[owners_S])

    def ndcg(weights: NDArray[np.float64]) -> float:
        scores_S = z_SF @ weights.astype(np.float32)
        goal_N = np.full(len(targets_N), np.inf, np.float32)
        goal_N[owners_S[found]] = scores_S[found]
        level_S = goal_N[owners_S]
        ahead_S = (scores_S > level_S) | ((scores_S == level_S) & (items_S < targets_N[owners_S]))
        ranks_N = np.bincount(owners_S[ahead_S], minlength=len(targets_N))[owners_S[found]]
        return float((1.0 / np.log2(ranks_N[ranks_N < k] + 2.0)).sum() / max(len(targets_N), 1))

    top = ndcg(weights_F)
    for step in _STEPS:
        for _ in range(max_passes):
            before = top
            for f in range(len(weights_F)):
                start = weights_F[f] if weights_F[f] > 0.0 else 0.1
                for value in (start * step, start / step, 0.0):
                    tried = weights_F.copy()
                    tried[f] = value
                    if tried.sum() > 0.0 and (score := ndcg(tried)) > top + 1e-5:
                        weights_F, top = tried, score
            if top == before:
                break
    return weights_F / weights_F.sum(), top

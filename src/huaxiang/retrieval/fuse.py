"""Fusion: each retriever names its candidates, and their z-scores over the union are added up.

Legend: N users, M items, F retrievers, C candidates of one user, L events of one history, K results.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.errors import ConfigError
from huaxiang.retrieval.base import Forgets, History, Indices, Interactions, Retriever, Scores, best_of, floors

_STEPS: Final = (2.0, 1.4, 1.15)
AT_ONCE: Final = 64
"""Histories that are scored together, at most: more leave the cache."""
_BLOCK_BYTES: Final = 128_000_000
_THREADS: Final = 2
"""Of one call: numpy and scipy let go of the interpreter while they work, the rest of a block does not."""


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

    def forget(self, gone: Interactions) -> "Fused":
        """Every part that is exact without these people; the stale ones and the weights as they are."""
        parts = [part.forget(gone) if part.forgets == "exact" else part for part in self.retrievers]
        return Fused(parts, self.weights_F.tolist(), n_candidates=self.n_candidates)

    def gather(self, history: History, *, exclude: Indices | None = None) -> Candidates:
        """The union of what the retrievers name, with everyone's score of everyone."""
        return next(self.gather_many([history], exclude=None if exclude is None else [exclude]))

    def gather_many(
        self, histories: Sequence[History], *, exclude: Sequence[Indices] | None = None
    ) -> Iterator[Candidates]:
        """The same for each of many histories, in blocks of at most 128 MB on two threads: several times faster than
        one by one."""
        at_once = max(1, min(AT_ONCE, _BLOCK_BYTES // (4 * max(self.n_items, 1) * len(self.retrievers))))
        starts = range(0, len(histories), at_once)

        def block(start: int) -> list[Candidates]:
            part = slice(start, start + at_once)
            return self._block(histories[part], None if exclude is None else exclude[part])

        if len(starts) < 2:
            yield from (found for start in starts for found in block(start))
            return
        with ThreadPoolExecutor(_THREADS) as pool:
            waiting = deque(pool.submit(block, start) for start in starts[: _THREADS + 1])
            for start in starts[_THREADS + 1 :]:
                yield from waiting.popleft().result()
                waiting.append(pool.submit(block, start))
            while waiting:
                yield from waiting.popleft().result()

    def _block(self, histories: Sequence[History], exclude: Sequence[Indices] | None) -> list[Candidates]:
        rows_FNM = [part.scores(histories) for part in self.retrievers]
        shut_N = [np.empty(0, np.int64)] * len(histories) if exclude is None else exclude
        named_NM = np.zeros((len(histories), self.n_items), np.bool_)
        for rows_NM in rows_FNM:
            named_NM |= named(rows_NM, self.n_candidates, shut_N)
        flat_S = np.flatnonzero(named_NM)
        owners_S, items_S = np.divmod(flat_S, max(self.n_items, 1))
        scores_SF = np.stack([rows_NM.reshape(-1)[flat_S] for rows_NM in rows_FNM], axis=1)
        edges = [0, *np.cumsum(np.bincount(owners_S, minlength=len(histories))).tolist()]
        z_SF = z_scores_of_each(scores_SF, np.array(edges))
        return [Candidates(items_S[at:to], scores_SF[at:to], z_SF[at:to]) for at, to in pairwise(edges)]

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


def named(rows_NM: Scores, k: int, shut_N: Sequence[Indices]) -> NDArray[np.bool_]:
    """Where the `k` best of each row stand that are not shut, shape (N, M).

    What is exactly 0 is not named, nor what is below it while there are `k` of 0 and more: those are against. Ties at
    the end of the list go to the item that stands first in the catalogue. Rows become minus infinity where they are
    shut.
    """
    rows_S, shut_S = np.repeat(np.arange(len(shut_N)), [len(shut) for shut in shut_N]), np.concatenate(shut_N)
    rows_NM[rows_S[shut_S >= 0], shut_S[shut_S >= 0]] = -np.inf
    floors_N = floors(rows_NM, k)
    chosen_NM = rows_NM >= floors_N[:, None]
    low_N = np.flatnonzero(floors_N <= 0.0)
    low_RM = rows_NM[low_N]
    enough_R1 = np.count_nonzero(low_RM >= 0.0, axis=1)[:, None] >= k
    chosen_NM[low_N] &= np.where(enough_R1, low_RM > 0.0, (low_RM != 0.0) & (low_RM > -np.inf))
    many_N = np.flatnonzero(np.count_nonzero(chosen_NM, axis=1) > k)
    if len(many_N):
        _cut(chosen_NM, rows_NM, many_N, k)
    return np.asarray(chosen_NM)


def _cut(chosen_NM: NDArray[np.bool_], rows_NM: Scores, many_N: Indices, k: int) -> None:
    """Leave the `k` best of the chosen in rows that have more, all rows at once; the first of equals stay."""
    owners_S, items_S = np.divmod(np.flatnonzero(chosen_NM[many_N]), chosen_NM.shape[1])  # nonzero takes four times
    lengths_R = np.bincount(owners_S)
    places_S = np.arange(len(owners_S)) - np.repeat(np.cumsum(lengths_R) - lengths_R, lengths_R)
    table_RW = np.full((len(many_N), int(lengths_R.max())), -np.inf, np.float32)
    table_RW[owners_S, places_S] = rows_NM[many_N[owners_S], items_S]
    width = table_RW.shape[1]
    edge_R1 = np.partition(table_RW, width - k, axis=1)[:, width - k, None]
    kept_RW = table_RW > edge_R1
    equal_RW = table_RW == edge_R1
    room_R1 = k - np.count_nonzero(kept_RW, axis=1)[:, None]
    kept_RW |= equal_RW & (np.cumsum(equal_RW, axis=1) <= room_R1)
    chosen_NM[many_N[owners_S], items_S] = kept_RW[owners_S, places_S]


def z_scores(scores_CF: Scores) -> Scores:
    """Each column less its mean, by its standard deviation; zeros where a column is constant."""
    return z_scores_of_each(scores_CF, np.array([0, len(scores_CF)]))


def z_scores_of_each(scores_SF: Scores, edges_N1: Indices) -> Scores:
    """`z_scores` within each of N slices of rows, which follow each other.

    Args:
        edges_N1: where each begins, and the end.
    """
    lengths_N = np.diff(edges_N1)
    filled_N = np.flatnonzero(lengths_N)
    if not len(filled_N):
        return scores_SF
    starts, lengths = edges_N1[filled_N], lengths_N[filled_N]
    mean_NF = np.add.reduceat(scores_SF, starts, axis=0, dtype=np.float64) / lengths[:, None]
    centred_SF = scores_SF - np.repeat(mean_NF, lengths, axis=0)
    spread_NF = np.sqrt(np.add.reduceat(centred_SF**2, starts, axis=0) / lengths[:, None])
    scale_NF = np.where(spread_NF > 1e-12, spread_NF, np.inf)
    return np.asarray(centred_SF / np.repeat(scale_NF, lengths, axis=0), dtype=np.float32)


class Weighing:
    """Candidates of validation questions, ready to be weighed many times.

    Args:
        z_SF: the users' candidates below each other, S in all; within a user in catalogue order.
        right_S: which of them the user met next.
        owners_S: user of each row, ascending, 0 to N - 1.
        n_right_N: items that each user met next, also those that are no candidates.
    """

    def __init__(
        self, z_SF: Scores, right_S: NDArray[np.bool_], owners_S: Indices, n_right_N: Indices, *, k: int = 10
    ) -> None:
        self.z_SF, self._k = z_SF, k
        self._ranks = _Ranks(right_S, owners_S)
        ideal_N = np.concatenate([[0.0], np.cumsum(1.0 / np.log2(np.arange(k) + 2.0))])[np.minimum(n_right_N, k)]
        self._n, self._worth_R = len(n_right_N), 1.0 / ideal_N[self._ranks.owners_R]

    def only(self, places: Sequence[int]) -> "Weighing":
        """The same candidates by some of the parts alone; who named them plays no part."""
        fewer = Weighing.__new__(Weighing)
        fewer.z_SF, fewer._k, fewer._ranks = self.z_SF[:, list(places)], self._k, self._ranks
        fewer._n, fewer._worth_R = self._n, self._worth_R
        return fewer

    def ndcg(self, weights_F: NDArray[np.float64]) -> float:
        """Mean ndcg@k of the weighted sum over the users."""
        return float(self.ndcg_of_each(weights_F).sum() / max(self._n, 1))

    def ndcg_of_each(self, weights_F: NDArray[np.float64]) -> NDArray[np.float64]:
        """The same of each user, shape (N,)."""
        ranks_R = self._ranks(self.z_SF @ weights_F.astype(np.float32))
        gains_R = np.where(ranks_R < self._k, self._worth_R / np.log2(ranks_R + 2.0), 0.0)
        return np.bincount(self._ranks.owners_R, gains_R, minlength=self._n).astype(np.float64)


def choose_weights(weighing: Weighing, *, max_passes: int = 6) -> tuple[NDArray[np.float64], float]:
    """Weights with the highest ndcg@k on validation candidates, by coordinate ascent from equal weights.

    Deterministic: it multiplies, divides and drops one weight at a time, by ever smaller steps, and keeps what helps.

    Returns:
        Weights of shape (F,) that sum to 1, and the ndcg.
    """
    ndcg = weighing.ndcg
    weights_F = np.ones(weighing.z_SF.shape[1])
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


class _Ranks:
    """Ranks of the R right rows among the rows of their owners; ties by the order of rows. Pairs are laid out once."""

    def __init__(self, right_S: NDArray[np.bool_], owners_S: Indices) -> None:
        right_R = np.flatnonzero(right_S)
        self.owners_R = owners_S[right_R]
        starts_R = np.searchsorted(owners_S, self.owners_R, side="left")
        lengths_R = np.searchsorted(owners_S, self.owners_R, side="right") - starts_R
        self.of_pair = np.repeat(np.arange(len(right_R)), lengths_R)
        self.row = np.arange(len(self.of_pair)) + np.repeat(starts_R - (np.cumsum(lengths_R) - lengths_R), lengths_R)
        self.right = right_R[self.of_pair]
        self.earlier = self.row < self.right

    def __call__(self, scores_S: Scores) -> Indices:
        level, other = scores_S[self.right], scores_S[self.row]
        ahead = (other > level) | ((other == level) & self.earlier)
        return np.bincount(self.of_pair[ahead], minlength=len(self.owners_R))

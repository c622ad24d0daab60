"""Figures of rows that are judged by real gains, alone or list by list, in plain numpy. Legend: N rows."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from huaxiang.errors import DataError
from huaxiang.measure.metrics import mrr_at_k


class ListFigures(NamedTuple):
    """Means over the lists that can be judged; NaN where there is none.

    Attributes:
        mrr: one over the rank of the first row with a gain.
        ndcg: normalised discounted cumulative gain within k, gain `2^g - 1` (Järvelin & Kekäläinen 2002).
        n_lists: lists of at least two rows, of which one has a gain above 0.
        left_out: the other lists.
    """

    mrr: float
    ndcg: float
    n_lists: int
    left_out: int


def auc(scores_N: NDArray[np.floating], positive_N: NDArray[np.bool_]) -> float:
    """Chance that a positive row stands before a negative one, equal scores counted half; NaN without either kind."""
    n_positive = int(positive_N.sum())
    n_negative = len(positive_N) - n_positive
    if not n_positive or not n_negative:
        return float("nan")
    _, place_N, counts = np.unique(scores_N, return_inverse=True, return_counts=True)
    rank_N = (np.cumsum(counts) - (counts - 1) / 2.0)[place_N]
    return float((rank_N[positive_N].sum() - n_positive * (n_positive + 1) / 2.0) / (n_positive * n_negative))


def list_figures(
    scores_N: NDArray[np.floating], gains_N: NDArray[np.floating], list_N: NDArray[np.int64], k: int = 10
) -> ListFigures:
    """Rank each list by its scores; of equal scores the smaller gain stands first.

    Args:
        gains_N: 0 or more.
        list_N: which list a row is in, by any number.
    """
    if not len(scores_N) == len(gains_N) == len(list_N):
        raise DataError(f"{len(scores_N)} scores, {len(gains_N)} gains and {len(list_N)} lists; give one for each row")
    order_N = np.lexsort((gains_N, -np.asarray(scores_N), list_N))
    ends = np.flatnonzero(np.diff(list_N[order_N], prepend=np.nan))
    split = np.split(np.asarray(gains_N, dtype=np.float64)[order_N], ends[1:])
    found = [each for each in split if len(each) > 1 and each.any()]
    n_lists = len(ends) if len(order_N) else 0
    if not found:
        return ListFigures(float("nan"), float("nan"), 0, n_lists)
    mrr, ndcg = np.mean([(_mrr(each), _ndcg(each, k)) for each in found], axis=0)
    return ListFigures(float(mrr), float(ndcg), len(found), n_lists - len(found))


def _mrr(gains_m: NDArray[np.float64]) -> float:
    hits = gains_m[None] > 0
    return float(mrr_at_k(hits, hits.sum(axis=1), len(gains_m))[0])


def _ndcg(gains_m: NDArray[np.float64], k: int) -> float:
    worth_m = np.exp2(gains_m) - 1.0
    discounts_K = 1.0 / np.log2(np.arange(min(k, len(gains_m))) + 2.0)
    ideal = float(np.sort(worth_m)[::-1][:k] @ discounts_K)
    return float(worth_m[:k] @ discounts_K) / ideal

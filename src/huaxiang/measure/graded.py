"""Figures of lists whose rows are judged by grades, list by list, in plain numpy. Legend: N rows, Q lists."""

import numpy as np
from numpy.typing import NDArray

from huaxiang.errors import DataError


def ndcg_of_lists(
    scores_N: NDArray[np.floating], grades_N: NDArray[np.floating], list_N: NDArray[np.int64], k: int = 10
) -> NDArray[np.float64]:
    """Normalised discounted cumulative gain within k of each list, shape (Q,), in order of their numbers.

    The gain of a grade g is `2^g - 1`, the discount `log2(rank + 1)`, the ideal that of the list's own rows (Burges et
    al. 2005). Rows of equal scores keep their order. NaN where the ideal is not above 0: nothing there is worth having.

    Args:
        list_N: which list a row is in, from 0; every number up to the largest occurs.
    """
    gains_N = np.exp2(np.asarray(grades_N, np.float64)) - 1.0
    found_Q = _discounted(np.asarray(scores_N, np.float64), gains_N, list_N, k)
    ideal_Q = _discounted(gains_N, gains_N, list_N, k)
    return np.where(ideal_Q > 0.0, found_Q / np.where(ideal_Q > 0.0, ideal_Q, 1.0), np.nan)


def mrr_of_lists(
    scores_N: NDArray[np.floating], grades_N: NDArray[np.floating], list_N: NDArray[np.int64]
) -> NDArray[np.float64]:
    """One over the rank of the first row whose grade is the highest of its list, shape (Q,); rows of equal scores keep
    their order, and a list of equal grades gives 1."""
    best_Q = np.full(int(list_N.max(initial=-1)) + 1, -np.inf)
    np.maximum.at(best_Q, list_N, grades_N)
    rank_N = _ranks(np.asarray(scores_N, np.float64), list_N)
    first_Q = np.full(len(best_Q), np.iinfo(np.int64).max)
    at_best_N = grades_N >= best_Q[list_N]
    np.minimum.at(first_Q, list_N[at_best_N], rank_N[at_best_N])
    return np.asarray(1.0 / (first_Q + 1.0), np.float64)


def _discounted(
    scores_N: NDArray[np.float64], gains_N: NDArray[np.float64], list_N: NDArray[np.int64], k: int
) -> NDArray[np.float64]:
    rank_N = _ranks(scores_N, list_N)
    worth_N = np.where(rank_N < k, gains_N / np.log2(rank_N + 2.0), 0.0)
    return np.bincount(list_N, worth_N).astype(np.float64)


def _ranks(scores_N: NDArray[np.float64], list_N: NDArray[np.int64]) -> NDArray[np.int64]:
    """From 0 within each list, highest score first."""
    if not scores_N.shape == list_N.shape or not np.isfinite(scores_N).all():
        raise DataError(f"{len(list_N)} rows of lists need as many finite scores, got {scores_N.shape}")
    order_N = np.lexsort((-scores_N, list_N))
    starts_N = np.searchsorted(list_N[order_N], list_N[order_N], side="left")
    rank_N = np.empty(len(order_N), np.int64)
    rank_N[order_N] = np.arange(len(order_N)) - starts_N
    return rank_N

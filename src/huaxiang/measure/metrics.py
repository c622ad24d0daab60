"""Ranking metrics, binary gains, in plain numpy.

Legend: N users, m ranks shown, K cut-off, M items. `hits` of shape (N, m) says whether rank r (0-based) was relevant;
`n_relevant` of shape (N,) how many relevant items there are, retrieved or not. Each metric of a user lies in [0, 1] and
is NaN where nothing is relevant: report the share of NaN. A rank beyond m counts as a miss.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from huaxiang.errors import DataError

Hits: TypeAlias = NDArray[np.bool_]
Counts: TypeAlias = NDArray[np.int64]
PerUser: TypeAlias = NDArray[np.float64]


def ndcg_at_k(hits: Hits, n_relevant: Counts, k: int) -> PerUser:
    """Normalised discounted cumulative gain, gain 1, discount log2(rank + 1) (Järvelin & Kekäläinen 2002)."""
    top_NK = _top(hits, n_relevant, k)
    discounts_K = 1.0 / np.log2(np.arange(k) + 2.0)
    ideal = np.concatenate([[0.0], np.cumsum(discounts_K)])[np.minimum(n_relevant, k)]
    return _share(top_NK @ discounts_K[: top_NK.shape[1]], ideal)


def recall_at_k(hits: Hits, n_relevant: Counts, k: int) -> PerUser:
    """Relevant items among the first k, of all relevant ones."""
    return _share(_top(hits, n_relevant, k).sum(axis=1), n_relevant)


def hit_rate_at_k(hits: Hits, n_relevant: Counts, k: int) -> PerUser:
    """1 where any of the first k is relevant."""
    found_N = _top(hits, n_relevant, k).any(axis=1).astype(np.float64)
    return np.where(n_relevant > 0, found_N, np.nan)


def precision_at_k(hits: Hits, n_relevant: Counts, k: int) -> PerUser:
    """Relevant items among the first k, of k."""
    found_N = _top(hits, n_relevant, k).sum(axis=1) / k
    return np.where(n_relevant > 0, found_N, np.nan)


def mrr_at_k(hits: Hits, n_relevant: Counts, k: int) -> PerUser:
    """One over the rank (from 1) of the first relevant item within k, else 0."""
    top_NK = _top(hits, n_relevant, k)
    if not top_NK.shape[1]:
        return np.where(n_relevant > 0, 0.0, np.nan)
    found_N = np.where(top_NK.any(axis=1), 1.0 / (top_NK.argmax(axis=1) + 1.0), 0.0)
    return np.where(n_relevant > 0, found_N, np.nan)


def map_at_k(hits: Hits, n_relevant: Counts, k: int) -> PerUser:
    """Mean over min(relevant, k) of the precision at each relevant rank within k."""
    top_NK = _top(hits, n_relevant, k)
    precision_NK = np.cumsum(top_NK, axis=1) / (np.arange(top_NK.shape[1]) + 1.0)
    return _share((precision_NK * top_NK).sum(axis=1), np.minimum(n_relevant, k))


def hits_of_ranks(ranks: Counts, m: int) -> Hits:
    """Hits of shape (N, m) where each user has one relevant item at a 0-based rank; a rank of m or more is a miss."""
    return np.asarray(ranks[:, None] == np.arange(m), dtype=np.bool_)


def coverage(shown: NDArray[np.int64], n_items: int) -> float:
    """Share of the catalogue that stands in any list; `shown` holds item indices, negative ones are padding."""
    return len(np.unique(shown[shown >= 0])) / n_items if n_items else float("nan")


def gini(shown: NDArray[np.int64], n_items: int) -> float:
    """Inequality of how often the catalogue's items are shown: 0 all alike, (M - 1) / M one item alone."""
    counts_M = np.sort(np.bincount(shown[shown >= 0].reshape(-1), minlength=n_items)).astype(np.float64)
    if not counts_M.sum():
        return float("nan")
    ranks_M = np.arange(1, len(counts_M) + 1)
    return float((2.0 * ranks_M - len(counts_M) - 1.0) @ counts_M / (len(counts_M) * counts_M.sum()))


def novelty(shown: NDArray[np.int64], popularity: NDArray[np.float64]) -> float:
    """Mean self-information of what is shown, in bits (Zhou et al. 2010): -log2 of the share of all events.

    Args:
        popularity: events of each item, shape (M,); an item nobody met counts as met once.
    """
    met_M = np.maximum(popularity, 1.0)
    bits_M = -np.log2(met_M / met_M.sum())
    said = shown[shown >= 0]
    return float(bits_M[said].mean()) if len(said) else float("nan")


def _top(hits: Hits, n_relevant: Counts, k: int) -> Hits:
    if k < 1:
        raise DataError(f"the cut-off is {k}; it must be at least 1")
    if hits.ndim != 2 or n_relevant.shape != (len(hits),):
        raise DataError(f"hits of shape {hits.shape} need n_relevant of shape ({len(hits)},), got {n_relevant.shape}")
    return hits[:, :k].astype(np.bool_)


def _share(part_N: NDArray[np.float64] | Counts, whole_N: NDArray[np.float64] | Counts) -> PerUser:
    whole = np.asarray(whole_N, dtype=np.float64)
    shares = np.full(len(whole), np.nan)
    np.divide(part_N, whole, out=shares, where=whole > 0.0)
    return shares

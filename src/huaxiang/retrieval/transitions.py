"""Transition graphs that need no training: what people who met this met next, and what lies two steps on.

Legend: M items, E interactions, P pairs within a user.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from huaxiang.errors import ConfigError
from huaxiang.retrieval.base import Forgets, Interactions
from huaxiang.retrieval.counting import Counts

_PAIRS_AT_ONCE = 4_000_000
_PRODUCTS_AT_ONCE = 32_000_000
"""Of two entries, in a block of rows: its memory is at most twelve bytes for each."""
_ROWS_AT_ONCE = 1024
_ENTRIES_AT_ONCE = 1_000_000
"""Entries of rows that are added up in one go: 40 bytes for each."""
_FEW_ROWS = 32
_CELLS_AT_ONCE = 100_000
"""Sums that are counted in one go, 8 bytes each: more leave the cache."""


@dataclass(frozen=True, slots=True)
class Transitions:
    """All ordered pairs within a user, nearer ones stronger, popular ends weaker.

    Attributes:
        decay: of an event's weight per distinct item that came after it, at query time.
        gap_power: a pair `gap` steps apart counts `gap ** -gap_power`.
        backward: how much a pair counts against its direction.
        popularity_power: each end divides by its number of events to this power.
        window: pairs further apart are left out, which bounds the work to E x window.
    """

    decay: float = 0.7
    gap_power: float = 0.5
    backward: float = 0.5
    popularity_power: float = 0.3
    window: int = 50
    name: ClassVar[str] = "transitions"
    forgets: ClassVar[Forgets] = "exact"

    def __post_init__(self) -> None:
        if not 0.0 < self.decay <= 1.0 or self.window < 1:
            raise ConfigError(f"transitions need 0 < decay <= 1 and window >= 1, got {self.decay} and {self.window}")

    def counts(self, interactions: Interactions) -> Counts:
        """Ordered pairs, and how often each item was met."""
        forward_MM = count_pairs(interactions, gap_power=self.gap_power, window=self.window)
        return {"pairs": forward_MM, "popularity": popularity(interactions)}

    def matrix(self, counts: Counts) -> sparse.csr_array:
        """Strength of the way from item (row) to item (column), shape (M, M), float32, empty diagonal."""
        forward_MM, met_M = counts["pairs"], counts["popularity"]
        graph_MM = (forward_MM + self.backward * forward_MM.T).tocsr()
        return damp(graph_MM, np.asarray(met_M), self.popularity_power)


@dataclass(frozen=True, slots=True)
class Paths:
    """What lies two steps on in the transition graph: reaches items that no single user joined.

    Attributes:
        neighbours: only the strongest ways out of an item are walked.
        kept: the strongest ends that are kept for an item.
    """

    decay: float = 0.7
    gap_power: float = 0.5
    backward: float = 0.5
    popularity_power: float = 0.3
    window: int = 50
    neighbours: int = 30
    kept: int = 300
    name: ClassVar[str] = "paths"
    forgets: ClassVar[Forgets] = "exact"

    def counts(self, interactions: Interactions) -> Counts:
        """Those of the graph that is walked."""
        return self._graph.counts(interactions)

    def matrix(self, counts: Counts) -> sparse.csr_array:
        """Sum over middle items of the products of the two strengths, shape (M, M), float32, empty diagonal."""
        return two_steps(self._graph.matrix(counts), neighbours=self.neighbours, kept=self.kept)

    @property
    def _graph(self) -> Transitions:
        return Transitions(self.decay, self.gap_power, self.backward, self.popularity_power, self.window)


@dataclass(frozen=True, slots=True)
class Together:
    """What people take in one go: pairs within a time, whichever came first, by the cosine of their counts.

    Attributes:
        within_days: between two events of one person, at most: an hour for a session, a day for a purchase.
        shrink: added to the product under the root, so that one person's pair of rare items is no rule.
    """

    decay: float = 0.7
    within_days: float = 1.0
    window: int = 50
    shrink: float = 5.0
    name: ClassVar[str] = "together"
    forgets: ClassVar[Forgets] = "exact"

    def counts(self, interactions: Interactions) -> Counts:
        """Pairs, and how often each item was met."""
        pairs_MM = count_pairs(interactions, gap_power=0.0, window=self.window, within_days=self.within_days)
        return {"pairs": pairs_MM, "popularity": popularity(interactions)}

    def matrix(self, counts: Counts) -> sparse.csr_array:
        """Cosines of shape (M, M), float32, empty diagonal."""
        pairs_MM: sparse.csr_array = (counts["pairs"] + counts["pairs"].T).tocsr()
        roots_M = np.sqrt(np.asarray(counts["popularity"]) + self.shrink)
        pairs_MM.data /= np.repeat(roots_M, np.diff(pairs_MM.indptr)) * roots_M[pairs_MM.indices]
        cosines_MM: sparse.csr_array = pairs_MM.astype(np.float32)
        return cosines_MM


def empty(n_items: int) -> sparse.csr_array:
    """A graph without ways, shape (M, M), float32."""
    return sparse.coo_array((np.empty(0, np.float32), (np.empty(0, int), np.empty(0, int))), (n_items, n_items)).tocsr()


def entries_of(
    graph_MM: sparse.csr_array, items_L: NDArray[Any]
) -> tuple[NDArray[np.int64], NDArray[Any], NDArray[Any]]:
    """The P filled entries of the rows of items: which of the rows each is in, its column, its number."""
    owner_P = np.repeat(np.arange(len(items_L)), graph_MM.indptr[items_L + 1] - graph_MM.indptr[items_L])
    return owner_P, *_rows_of(graph_MM, items_L)


def summed_rows(
    graph_MM: sparse.csr_array,
    owners_E: NDArray[np.int64],
    items_E: NDArray[np.int64],
    weights_E: NDArray[np.float32],
    n: int,
) -> NDArray[np.float32]:
    """For each of `n` owners the weighted sum of the rows of its items, shape (N, M), float32.

    Owners ascend. Counting into cells is several times faster than a sparse product, which first looks at all of the
    graph: for one owner of a dozen items in 12,000, 60 us in place of 3 ms.
    """
    n_items = graph_MM.shape[1]
    sums_NM = np.zeros((n, n_items), np.float32)
    lengths_E = graph_MM.indptr[items_E + 1].astype(np.int64) - graph_MM.indptr[items_E]
    for start, end in _pieces(lengths_E, owners_E, max(1, _CELLS_AT_ONCE // max(n_items, 1))):
        first, last = owners_E[start], owners_E[end - 1] + 1
        columns_P, entries_P = _rows_of(graph_MM, items_E[start:end])
        cells_P = columns_P + np.repeat((owners_E[start:end] - first) * n_items, lengths_E[start:end])
        added_P = entries_P * np.repeat(weights_E[start:end], lengths_E[start:end])
        added = np.bincount(cells_P, added_P, minlength=(last - first) * n_items)
        sums_NM[first:last] += added.reshape(-1, n_items)
    return sums_NM


def _rows_of(graph_MM: sparse.csr_array, items_E: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Columns and numbers of the rows of items, one after the other; scipy's own indexing, which is the faster one for
    many, makes a matrix first: 60 us."""
    if not 0 < len(items_E) <= _FEW_ROWS:
        rows = graph_MM[items_E]
        return rows.indices, rows.data
    slices = [slice(graph_MM.indptr[item], graph_MM.indptr[item + 1]) for item in items_E.tolist()]
    columns_P = np.concatenate([graph_MM.indices[mine] for mine in slices])
    return columns_P, np.concatenate([graph_MM.data[mine] for mine in slices])


def _pieces(
    lengths_E: NDArray[np.int64], owners_E: NDArray[np.int64], owners_at_once: int
) -> Iterator[tuple[int, int]]:
    """Slices of events whose rows have few enough entries, of few enough owners; at least one event each."""
    if len(owners_E) and lengths_E.sum() < _ENTRIES_AT_ONCE and owners_E[-1] < owners_at_once:
        yield 0, len(owners_E)
        return
    by_entries_E, by_owners_E = np.cumsum(lengths_E) // _ENTRIES_AT_ONCE, owners_E // owners_at_once
    begins_E = (np.diff(by_entries_E, prepend=-1) != 0) | (np.diff(by_owners_E, prepend=-1) != 0)
    yield from pairwise([*np.flatnonzero(begins_E).tolist(), len(owners_E)])


def popularity(interactions: Interactions) -> NDArray[np.float64]:
    """Sum of the positive weights of each item's events, shape (M,)."""
    weights_E = np.maximum(interactions.weights_E, 0.0).astype(np.float64)
    return np.bincount(interactions.items_E, weights_E, minlength=interactions.n_items).astype(np.float64)


def count_pairs(
    interactions: Interactions, *, gap_power: float, window: int, within_days: float = np.inf
) -> sparse.csr_array:
    """Weighted counts of ordered pairs, (M, M) float64: `gap ** -gap_power` times the mean strength of the two events.

    The mean is geometric, so a purchase after a view counts between two views and two purchases.
    """
    shape = (interactions.n_items, interactions.n_items)
    total_MM = empty(shape[0]).astype(np.float64)
    held: list[tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]] = []
    n_held = 0
    for part in _pairs(interactions, gap_power, window, within_days):
        held.append(part)
        n_held += len(part[0])
        if n_held >= _PAIRS_AT_ONCE:
            total_MM = total_MM + _sum(held, shape)
            held, n_held = [], 0
    return (total_MM + _sum(held, shape)).tocsr() if held else total_MM


def _pairs(
    interactions: Interactions, gap_power: float, window: int, within_days: float
) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]]:
    kept_E = interactions.weights_E > 0.0
    users_E, items_E, days_E = interactions.users_E[kept_E], interactions.items_E[kept_E], interactions.days_E[kept_E]
    roots_E = np.sqrt(interactions.weights_E[kept_E].astype(np.float64))
    longest = int(np.bincount(users_E).max()) if len(users_E) else 0
    for gap in range(1, min(window, longest - 1) + 1):
        joined_P = np.flatnonzero((users_E[:-gap] == users_E[gap:]) & (items_E[:-gap] != items_E[gap:]))
        if within_days < np.inf:
            joined_P = joined_P[days_E[joined_P + gap] - days_E[joined_P] <= within_days]
        yield items_E[joined_P], items_E[joined_P + gap], roots_E[joined_P] * roots_E[joined_P + gap] * gap**-gap_power


def _sum(
    held: list[tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]], shape: tuple[int, int]
) -> sparse.csr_array:
    rows_P, columns_P, weights_P = (np.concatenate(parts) for parts in zip(*held, strict=True))
    return sparse.coo_array((weights_P, (rows_P, columns_P)), shape=shape).tocsr()


def damp(graph_MM: sparse.csr_array, popularity_M: NDArray[np.float64], power: float) -> sparse.csr_array:
    """Divide each way by the popularity of both its ends to a power."""
    scale_M = (np.maximum(popularity_M, 1.0) ** -power).astype(np.float32)
    damped_MM = graph_MM.astype(np.float32)
    damped_MM.data *= np.repeat(scale_M, np.diff(damped_MM.indptr)) * scale_M[damped_MM.indices]
    return damped_MM


def two_steps(graph_MM: sparse.csr_array, *, neighbours: int, kept: int) -> sparse.csr_array:
    """The graph times itself, over the strongest ways out; the strongest ends stay."""
    strong_MM = strongest(graph_MM, neighbours)
    return strongest_product(strong_MM, strong_MM, kept)


def strongest_product(left: sparse.csr_array, right: sparse.csr_array, kept: int) -> sparse.csr_array:
    """The `kept` largest entries of each row of a product of shape (M, M), without its diagonal, in blocks of rows."""
    blocks = []
    edges = [*_block_starts(left, right), left.shape[0]]
    for start, end in pairwise(edges):
        block = (left[start:end] @ right).tocsr()
        blocks.append(strongest(_without_diagonal(block, start), kept))
    product_MM: sparse.csr_array = sparse.vstack(blocks, format="csr") if blocks else empty(0)
    return product_MM


def _block_starts(left: sparse.csr_array, right: sparse.csr_array) -> list[int]:
    """First rows of blocks that multiply about as many entries each, of at most 1,024 rows."""
    costs_M = sparse.csr_array((np.ones(len(left.indices)), left.indices, left.indptr), shape=left.shape) @ np.diff(
        right.indptr
    )
    block_M = np.cumsum(costs_M + _PRODUCTS_AT_ONCE / _ROWS_AT_ONCE) // _PRODUCTS_AT_ONCE
    return [int(start) for start in np.flatnonzero(np.diff(block_M, prepend=-1.0))]


def _without_diagonal(block: sparse.csr_array, start: int) -> sparse.csr_array:
    """Rows `start` and following of a square matrix, without what each says of itself."""
    rows_P = np.repeat(np.arange(block.shape[0]), np.diff(block.indptr))
    off_P = block.indices != rows_P + start
    indptr = np.concatenate([[0], np.cumsum(np.bincount(rows_P[off_P], minlength=block.shape[0]))])
    return sparse.csr_array((block.data[off_P], block.indices[off_P], indptr), shape=block.shape)


def strongest(graph_MM: sparse.csr_array, k: int) -> sparse.csr_array:
    """The `k` largest entries of each row, ties in catalogue order."""
    lengths = np.diff(graph_MM.indptr)
    if not len(lengths) or lengths.max() <= k:
        return graph_MM
    graph_MM.sort_indices()
    kept_P = np.ones(len(graph_MM.data), dtype=np.bool_)
    for row in np.flatnonzero(lengths > k):
        mine = slice(graph_MM.indptr[row], graph_MM.indptr[row + 1])
        kept_P[mine] = _largest(graph_MM.data[mine], k)
    indptr = np.concatenate([[0], np.cumsum(np.minimum(lengths, k))])
    return sparse.csr_array((graph_MM.data[kept_P], graph_MM.indices[kept_P], indptr), shape=graph_MM.shape)


def _largest(values_P: NDArray[Any], k: int) -> NDArray[np.bool_]:
    """Which are the `k` largest, the first of equals; linear in their number, where sorting them all is not."""
    edge = np.partition(values_P, len(values_P) - k)[len(values_P) - k]
    kept_P: NDArray[np.bool_] = values_P > edge
    kept_P[np.flatnonzero(values_P == edge)[: k - np.count_nonzero(kept_P)]] = True
    return kept_P

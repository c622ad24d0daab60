"""Linear models in closed form: EASE and decayed-transition ridge regression, of the whole catalogue or item by item.

Legend: M items, E interactions, P entries, S items around one. Over the whole catalogue one dense (M, M) matrix is
inverted in place; above `whole_up_to` items each item is predicted from the S that stand most beside it, which takes
memory for the sparse counts and one (S, S) system at a time. The result is sparse, so serving is as fast as a graph.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import lapack

from huaxiang.errors import ConfigError, DataError
from huaxiang.retrieval.base import Forgets, Indices, Interactions
from huaxiang.retrieval.counting import Counts
from huaxiang.retrieval.transitions import empty, entries_of, strongest

WHOLE_UP_TO: Final = 20_000
"""Items whose dense matrix, 4 M^2 = 1.6 GB, is inverted at once."""
_BLOCK: Final = 1024


@dataclass(frozen=True, slots=True)
class Ease:
    """Embarrassingly shallow autoencoder (Steck 2019): each item from the others of the same user, zero diagonal.

    Attributes:
        decay: of the history at query time only; the fit sees sets.
        reg: added to the diagonal of the Gram matrix.
        kept: entries of largest size that are kept for an item.
        whole_up_to: items; a larger catalogue is solved around each item.
        around: S, the items that one is predicted from there (Ning & Karypis 2011 choose them likewise).
    """

    decay: float = 0.8
    reg: float = 100.0
    kept: int = 500
    whole_up_to: int = WHOLE_UP_TO
    around: int = 200
    name: ClassVar[str] = "ease"
    forgets: ClassVar[Forgets] = "exact"

    def counts(self, interactions: Interactions) -> Counts:
        """How many people met both of two items."""
        met_NM = _met(interactions)
        return {"both": (met_NM.T @ met_NM).tocsr()}

    def matrix(self, counts: Counts) -> sparse.csr_array:
        """Weights of shape (M, M), float32: row says for column, empty diagonal."""
        gram_MM = counts["both"]
        n_items = gram_MM.shape[0]
        if n_items > self.whole_up_to:
            return _around(gram_MM, gram_MM, self.reg, self.around, self.kept)
        inverse_MM = _inverse(gram_MM, self.reg)
        scale_M = -1.0 / np.diagonal(inverse_MM)
        blocks = (inverse_MM[start : start + _BLOCK] * scale_M for start in range(0, n_items, _BLOCK))
        return _keep(blocks, self.kept, n_items)


@dataclass(frozen=True, slots=True)
class Ridge:
    """Ridge regression of the next item on the decayed history before it, one row per step of each user.

    Attributes:
        decay: of an event per step, in the fit and at query time.
        reg: added to the diagonal of the Gram matrix.
        window: steps of history that are read in the fit.
        kept, whole_up_to, around: as of `Ease`.
    """

    decay: float = 0.7
    reg: float = 100.0
    window: int = 20
    kept: int = 500
    whole_up_to: int = WHOLE_UP_TO
    around: int = 200
    name: ClassVar[str] = "ridge"
    forgets: ClassVar[Forgets] = "exact"

    def counts(self, interactions: Interactions) -> Counts:
        """Gram matrix of the decayed histories, and histories against next items."""
        gram_MM, next_MM = _steps(interactions, self.decay, self.window)
        return {"gram": gram_MM, "next": next_MM}

    def matrix(self, counts: Counts) -> sparse.csr_array:
        """Weights of shape (M, M), float32: row says for column, empty diagonal."""
        gram_MM, next_MM = counts["gram"], counts["next"]
        n = gram_MM.shape[0]
        if n > self.whole_up_to:
            return _around(gram_MM, next_MM, self.reg, self.around, self.kept)
        inverse_MM = _inverse(gram_MM, self.reg)
        columns_MM = next_MM.T.tocsr().astype(np.float32)
        blocks = ((columns_MM @ inverse_MM[start : start + _BLOCK].T).T for start in range(0, n, _BLOCK))
        return _keep(blocks, self.kept, n)


def _met(interactions: Interactions) -> sparse.csr_array:
    """Who met what, shape (N, M), entries 1: events of weight <= 0 are left out."""
    kept_E = interactions.weights_E > 0.0
    users_E, items_E = interactions.users_E[kept_E], interactions.items_E[kept_E]
    shape = (interactions.n_users, interactions.n_items)
    met_NM: sparse.csr_array = sparse.coo_array((np.ones(len(users_E)), (users_E, items_E)), shape).tocsr()
    met_NM.sum_duplicates()
    met_NM.data[:] = 1.0
    return met_NM


def _steps(interactions: Interactions, decay: float, window: int) -> tuple[sparse.csr_array, sparse.csr_array]:
    """Gram matrix of the decayed histories, and histories against next items; both (M, M) float64."""
    kept_E = interactions.weights_E > 0.0
    users_E, items_E = interactions.users_E[kept_E], interactions.items_E[kept_E].astype(np.int64)
    n, n_items = len(items_E), interactions.n_items
    gram_MM, next_MM = empty(n_items).astype(np.float64), empty(n_items).astype(np.float64)
    for start in range(0, n, 100_000):
        ends_E = np.arange(start, min(start + 100_000, n))
        rows, columns, values = [], [], []
        for gap in range(1, window + 1):
            inside = ends_E[ends_E >= gap]
            same = inside[users_E[inside - gap] == users_E[inside]]
            rows.append(same - start)
            columns.append(items_E[same - gap])
            values.append(np.full(len(same), decay ** (gap - 1)))
        entries = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
        histories_PM = sparse.coo_array(entries, (len(ends_E), n_items)).tocsr()
        hits = (np.ones(len(ends_E)), (np.arange(len(ends_E)), items_E[ends_E]))
        next_PM = sparse.coo_array(hits, (len(ends_E), n_items)).tocsr()
        gram_MM = gram_MM + histories_PM.T @ histories_PM
        next_MM = next_MM + histories_PM.T @ next_PM
    return gram_MM.tocsr(), next_MM.tocsr()


def _around(
    gram_MM: sparse.csr_array, beside_MM: sparse.csr_array, reg: float, around: int, kept: int
) -> sparse.csr_array:
    """Each item from the items that most stand beside it: the ridge regression on those alone, without itself.

    Args:
        beside_MM: what stands beside (row) an item (column), and what the regression aims at.
    """
    _check(reg)
    n_items = gram_MM.shape[0]
    pairs = beside_MM.T.tocoo()
    off = pairs.row != pairs.col
    apart = (pairs.data[off], (pairs.row[off], pairs.col[off]))
    beside_MM = strongest(sparse.coo_array(apart, shape=pairs.shape).tocsr(), around)
    ends = beside_MM.indptr
    place_M = np.full(n_items, -1)
    weights_P = np.zeros(len(beside_MM.data), np.float32)
    for item in np.flatnonzero(np.diff(ends)):
        mine = slice(int(ends[item]), int(ends[item + 1]))
        near_S = beside_MM.indices[mine]
        system_SS = _corner(gram_MM, near_S, place_M)
        system_SS[np.diag_indices_from(system_SS)] += reg
        _, found_S, failed = lapack.dposv(system_SS, beside_MM.data[mine], lower=1, overwrite_a=1)
        if failed:
            raise DataError(f"the Gram matrix plus {reg} is not positive definite; raise reg")
        weights_P[mine] = found_S
    columns_P = np.repeat(np.arange(n_items), np.diff(ends))
    entries = (weights_P, (beside_MM.indices, columns_P))
    return _largest(sparse.coo_array(entries, shape=gram_MM.shape).tocsr(), kept)


def _corner(gram_MM: sparse.csr_array, near_S: NDArray[np.int32], place_M: Indices) -> NDArray[np.float64]:
    """The entries between some items, dense, shape (S, S); `place_M` is all -1 and is left so."""
    place_M[near_S] = np.arange(len(near_S))
    owner_P, beside_P, entries_P = entries_of(gram_MM, near_S)
    column_P = place_M[beside_P]
    inside_P = column_P >= 0
    corner_SS = np.zeros((len(near_S), len(near_S)), order="F")
    corner_SS[owner_P[inside_P], column_P[inside_P]] = entries_P[inside_P]
    place_M[near_S] = -1
    return corner_SS


def _check(reg: float) -> None:
    if not reg > 0.0:
        raise ConfigError(f"reg is {reg}; the closed form needs more than 0")


def _inverse(gram_MM: sparse.csr_array, reg: float) -> NDArray[np.float32]:
    """Inverse of a Gram matrix with `reg` on its diagonal, by Cholesky in place, float32."""
    _check(reg)
    dense_MM = np.zeros(gram_MM.shape, np.float32, order="F")
    for start in range(0, gram_MM.shape[0], _BLOCK):
        dense_MM[:, start : start + _BLOCK] = gram_MM[start : start + _BLOCK].toarray().T
    dense_MM[np.diag_indices_from(dense_MM)] += np.float32(reg)
    factor_MM, failed = lapack.spotrf(dense_MM, lower=1, overwrite_a=1)
    inverse_MM, failed_too = lapack.spotri(factor_MM, lower=1, overwrite_c=1)
    if failed or failed_too:
        raise DataError(f"the Gram matrix plus {reg} is not positive definite in float32; raise reg")
    for start in range(0, len(inverse_MM), _BLOCK):
        stop = start + _BLOCK
        inverse_MM[start:stop, stop:] = inverse_MM[stop:, start:stop].T
        corner = np.tril(inverse_MM[start:stop, start:stop])
        inverse_MM[start:stop, start:stop] = corner + np.tril(corner, -1).T
    return np.asarray(inverse_MM)


def _keep(blocks: Iterator[NDArray[np.float32]], kept: int, n_items: int) -> sparse.csr_array:
    """The entries of largest size of each row, as a sparse matrix with an empty diagonal."""
    parts, start = [], 0
    for block in blocks:
        rows = np.arange(len(block))
        block[rows, rows + start] = 0.0
        size = np.abs(block)
        if n_items > kept:
            floor = np.partition(size, n_items - kept, axis=1)[:, n_items - kept, None]
            block = np.where(size >= floor, block, np.float32(0.0))  # noqa: PLW2901 - the pruned one takes its place
        parts.append(sparse.csr_array(block))
        start += len(rows)
    graph_MM: sparse.csr_array = sparse.vstack(parts, format="csr") if parts else empty(0)
    return graph_MM


def _largest(graph_MM: sparse.csr_array, kept: int) -> sparse.csr_array:
    """The entries of largest size of each row of a sparse matrix."""
    sized_MM = graph_MM.copy()
    sized_MM.data = np.abs(sized_MM.data)
    chosen_MM = strongest(sized_MM, kept)
    chosen_MM.data = np.ones_like(chosen_MM.data)
    kept_MM: sparse.csr_array = graph_MM.multiply(chosen_MM).tocsr()
    return kept_MM

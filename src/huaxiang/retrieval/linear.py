"""Linear models in closed form over the whole catalogue: EASE and decayed-transition ridge regression.

Legend: M items, E interactions, P entries. Both invert one dense (M, M) matrix in place, which is refused with its
price when it would not fit; the result is kept sparse, so serving is as fast as a graph.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import lapack

from huaxiang.errors import ConfigError, DataError
from huaxiang.retrieval.base import Forgets, Interactions
from huaxiang.retrieval.transitions import empty

_BLOCK: Final = 1024


@dataclass(frozen=True, slots=True)
class Ease:
    """Embarrassingly shallow autoencoder (Steck 2019): each item from the others of the same user, zero diagonal.

    Attributes:
        decay: of the history at query time only; the fit sees sets.
        reg: added to the diagonal of the Gram matrix.
        kept: entries of largest size that are kept for an item.
        max_bytes: of the dense matrix, 4 M^2; above it the fit is refused.
    """

    decay: float = 0.8
    reg: float = 100.0
    kept: int = 500
    max_bytes: int = 2_000_000_000
    name: ClassVar[str] = "ease"
    forgets: ClassVar[Forgets] = "stale"

    def matrix(self, interactions: Interactions) -> sparse.csr_array:
        """Weights of shape (M, M), float32: row says for column."""
        check_size(self.name, interactions.n_items, self.max_bytes)
        met_NM = _met(interactions)
        inverse_MM = _inverse((met_NM.T @ met_NM).tocsr(), self.reg)
        scale_M = -1.0 / np.diagonal(inverse_MM)
        blocks = (inverse_MM[start : start + _BLOCK] * scale_M for start in range(0, len(scale_M), _BLOCK))
        return _keep(blocks, self.kept, len(scale_M))


@dataclass(frozen=True, slots=True)
class Ridge:
    """Ridge regression of the next item on the decayed history before it, one row per step of each user.

    Attributes:
        decay: of an event per step, in the fit and at query time.
        reg: added to the diagonal of the Gram matrix.
        window: steps of history that are read in the fit.
        kept: entries of largest size that are kept for an item.
        max_bytes: of the dense matrix, 4 M^2; above it the fit is refused.
    """

    decay: float = 0.7
    reg: float = 100.0
    window: int = 20
    kept: int = 500
    max_bytes: int = 2_000_000_000
    name: ClassVar[str] = "ridge"
    forgets: ClassVar[Forgets] = "stale"

    def matrix(self, interactions: Interactions) -> sparse.csr_array:
        """Weights of shape (M, M), float32: row says for column, empty diagonal."""
        check_size(self.name, interactions.n_items, self.max_bytes)
        gram_MM, next_MM = _steps(interactions, self.decay, self.window)
        inverse_MM = _inverse(gram_MM, self.reg)
        columns_MM = next_MM.T.tocsr()
        n = interactions.n_items
        blocks = ((columns_MM @ inverse_MM[start : start + _BLOCK].T).T for start in range(0, n, _BLOCK))
        return _keep(blocks, self.kept, n)


def check_size(name: str, n_items: int, max_bytes: int) -> None:
    """Refuse a catalogue whose dense matrix would not fit."""
    if 4 * n_items * n_items > max_bytes:
        raise ConfigError(
            f"{name} inverts a dense matrix: {n_items} items need {4e-9 * n_items * n_items:.1f} GB and "
            f"{1e-9 * max_bytes:.1f} GB are allowed; raise max_bytes, or leave {name} out"
        )


def _met(interactions: Interactions) -> sparse.csr_array:
    """Who met what, shape (N, M), entries 1: events of weight <= 0 are left out."""
    kept_E = interactions.weights_E > 0.0
    users_E, items_E = interactions.users_E[kept_E], interactions.items_E[kept_E]
    shape = (interactions.n_users, interactions.n_items)
    met_NM: sparse.csr_array = sparse.coo_array((np.ones(len(users_E), np.float32), (users_E, items_E)), shape).tocsr()
    met_NM.sum_duplicates()
    met_NM.data[:] = 1.0
    return met_NM


def _steps(interactions: Interactions, decay: float, window: int) -> tuple[sparse.csr_array, sparse.csr_array]:
    """Gram matrix of the decayed histories, and histories against next items; both (M, M)."""
    kept_E = interactions.weights_E > 0.0
    users_E, items_E = interactions.users_E[kept_E], interactions.items_E[kept_E].astype(np.int64)
    n, n_items = len(items_E), interactions.n_items
    gram_MM, next_MM = empty(n_items), empty(n_items)
    for start in range(0, n, 100_000):
        ends_E = np.arange(start, min(start + 100_000, n))
        rows, columns, values = [], [], []
        for gap in range(1, window + 1):
            inside = ends_E[ends_E >= gap]
            same = inside[users_E[inside - gap] == users_E[inside]]
            rows.append(same - start)
            columns.append(items_E[same - gap])
            values.append(np.full(len(same), decay ** (gap - 1), np.float32))
        entries = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
        histories_PM = sparse.coo_array(entries, (len(ends_E), n_items)).tocsr()
        hits = (np.ones(len(ends_E), np.float32), (np.arange(len(ends_E)), items_E[ends_E]))
        next_PM = sparse.coo_array(hits, (len(ends_E), n_items)).tocsr()
        gram_MM = gram_MM + histories_PM.T @ histories_PM
        next_MM = next_MM + histories_PM.T @ next_PM
    return gram_MM.tocsr(), next_MM.tocsr()


def _inverse(gram_MM: sparse.csr_array, reg: float) -> NDArray[np.float32]:
    """Inverse of a Gram matrix with `reg` on its diagonal, by Cholesky in place, float32."""
    if not reg > 0.0:
        raise ConfigError(f"reg is {reg}; the closed form needs more than 0")
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

"""Items that nobody has met, placed among those that people met: a closed-form map from content to collaborative space.

Legend: N histories, M items, D width of content, F width of the collaborative space, L events of a history.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Final, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import svds

from huaxiang.errors import ConfigError, DataError
from huaxiang.retrieval.base import Forgets, History, Indices, Interactions, Scores, best
from huaxiang.retrieval.item_to_item import DEPTH, event_weights, weighted_events
from huaxiang.retrieval.saving import read_part, write_part
from huaxiang.retrieval.transitions import Transitions
from huaxiang.types import Vectors

_LEAST: Final = 3
"""Items that were met, below which there is no space to map into."""
_WHOLE: Final = 1_000_000
"""Entries of a matrix that is taken apart whole, in about a second."""


class TextMap:
    """Factors of the transition graph, and a ridge regression from content to them (Gantner et al. 2010 map likewise).

    The graph's singular vectors give each item a place as what was met and a place as what comes next. Both are learned
    from content over the items that were met, each counting by the root of how often, and every item gets the places
    that its content says: so what nobody met stands beside what its like is met with.

    Args:
        vectors_MD: content, one row an item; a row of zeros is placed nowhere.
        width: F, at most; a small shop has fewer. reg: of the map, per unit of the mean variance of the content.
        decay: of an event's weight for each distinct item after it.
    """

    name: ClassVar[str] = "mapped"
    forgets: ClassVar[Forgets] = "stale"

    def __init__(self, vectors_MD: Vectors, *, width: int = 96, reg: float = 0.3, decay: float = 0.8) -> None:
        if vectors_MD.ndim != 2 or not np.isfinite(vectors_MD).all():
            raise DataError(f"content must be finite and of shape (M, D), got shape {vectors_MD.shape}")
        self.vectors_MD, self.width, self.reg, self.decay = vectors_MD.astype(np.float32), width, reg, decay
        self._become(np.zeros((0, 1), np.float32), np.zeros((0, 1), np.float32))

    def _become(self, met_MF: NDArray[np.float32], next_MF: NDArray[np.float32]) -> None:
        self.met_MF, self.next_MF = met_MF, next_MF

    @property
    def n_items(self) -> int:
        """M of the catalogue it was fitted on; 0 before `fit`."""
        return len(self.met_MF)

    def fit(self, interactions: Interactions) -> Self:
        """Factors of the graph of these, then both maps."""
        if interactions.n_items != len(self.vectors_MD):
            raise DataError(f"content of {len(self.vectors_MD)} items for a catalogue of {interactions.n_items}")
        graph = Transitions()
        counts = graph.counts(interactions)
        from_MF, to_MF = factors(graph.matrix(counts), self.width)
        root_M = np.sqrt(np.asarray(counts["popularity"]))
        self._become(self._mapped(from_MF, root_M), self._mapped(to_MF, root_M))
        return self

    def _mapped(self, factors_MF: NDArray[np.float32], weight_M: NDArray[np.float64]) -> NDArray[np.float32]:
        """What content says of the factors, for every item."""
        met = np.flatnonzero(weight_M > 0.0)
        if not factors_MF.shape[1] or len(met) < _LEAST:
            return np.zeros((len(self.vectors_MD), max(factors_MF.shape[1], 1)), np.float32)
        scaled_ED = self.vectors_MD[met] * weight_M[met, None]
        gram_DD = scaled_ED.T @ scaled_ED
        gram_DD[np.diag_indices_from(gram_DD)] += self.reg * max(float(np.trace(gram_DD)) / len(gram_DD), 1e-9)
        map_DF = np.linalg.solve(gram_DD, scaled_ED.T @ (factors_MF[met] * weight_M[met, None]))
        return np.asarray(self.vectors_MD @ map_DF, dtype=np.float32)

    def forget(self, gone: Interactions) -> Self:  # noqa: ARG002 - there is no way
        """Not possible: factors do not add up over people."""
        raise ConfigError("the map from content is stale until the next training; train a new release to forget")

    def scores(self, histories: Sequence[History]) -> Scores:
        """Scores of shape (N, M), float32."""
        read = [history.latest(DEPTH) for history in histories]
        owners_E, items_E, weights_E = weighted_events(read, self.decay)
        places_NF = np.zeros((len(histories), self.met_MF.shape[1]), np.float32)
        np.add.at(places_NF, owners_E, weights_E[:, None] * self.met_MF[items_E])
        return np.asarray(places_NF @ self.next_MF.T, dtype=np.float32)

    def candidates(self, history: History, k: int, *, exclude: Indices | None = None) -> tuple[Indices, Scores]:
        """At most `k` items with a score, best first."""
        return best(self.scores([history])[0], k, exclude)

    def similar(self, item: int, k: int) -> tuple[Indices, Scores]:
        """What is met after items with such content."""
        return self.candidates(History.of([item]), k, exclude=np.array([item]))

    def contributions(self, history: History, item: int) -> Scores:
        """What each event adds, shape (L,)."""
        added_L = np.zeros(len(history), np.float32)
        read = history.latest(DEPTH)
        known = np.flatnonzero(read.items_L >= 0)
        weights_L = event_weights(read, self.decay)[known]
        places_LF = self.met_MF[read.items_L[known]]
        added_L[len(history) - len(read) + known] = weights_L * (places_LF @ self.next_MF[item])
        return added_L

    def save(self, folder: Path) -> None:
        """Write both places of every item into an existing folder; content is not kept."""
        write_part(folder, self.name, {"decay": self.decay}, {"met": self.met_MF, "next": self.next_MF})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """What `save` wrote. It answers, and cannot be fitted again."""
        settings, arrays = read_part(folder, cls.name)
        made = cls(np.zeros((0, 1), np.float32), decay=settings["decay"])
        made._become(arrays["met"], arrays["next"])
        return made


def factors(graph_MM: sparse.csr_array, width: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Places whose products are nearest to the graph's ways (truncated singular values), each (M, F); none of an empty
    graph."""
    n = graph_MM.shape[0]
    f = min(width, n - 2)
    if f < 1 or not graph_MM.nnz:
        return np.zeros((n, 0), np.float32), np.zeros((n, 0), np.float32)
    u_MF, s_F, v_MF = _leading(graph_MM, f)
    root_F = np.sqrt(s_F)
    return (u_MF * root_F).astype(np.float32), (v_MF * root_F).astype(np.float32)


def content_of(terms_MT: sparse.csr_array, width: int = 256) -> Vectors:
    """Dense content from terms (latent semantic analysis, Deerwester et al. 1990), shape (M, D)."""
    n, t = terms_MT.shape
    f = min(width, n - 2, t - 2)
    if f < 1 or not terms_MT.nnz:
        return np.zeros((n, 1), np.float32)
    u_MD, s_D, _ = _leading(terms_MT, f)
    return np.asarray(u_MD * s_D, dtype=np.float32)


def _leading(matrix: sparse.csr_array, f: int) -> tuple[Any, Any, Any]:
    """The `f` largest singular values with their vectors, as columns. A small matrix is taken apart whole: where values
    are equal, as in a small shop, an iteration would find other vectors each time."""
    if matrix.shape[0] * matrix.shape[1] <= _WHOLE:
        u, s, vt = np.linalg.svd(matrix.toarray().astype(np.float64), full_matrices=False)
        return u[:, :f], s[:f], vt[:f].T
    n = min(matrix.shape)
    u, s, vt = svds(matrix.astype(np.float64), k=f, v0=np.full(n, n**-0.5), rng=np.random.default_rng(0))
    return u, s, vt.T

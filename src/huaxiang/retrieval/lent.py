"""What another shop lends: its ways between items, and what people met there, carried over by likeness of text.

Legend: S items of the other shop, M items of this one, D width, N people. Nothing here matches ids of items: two shops
share people and language, not catalogues.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from huaxiang.errors import ConfigError
from huaxiang.retrieval.base import Forgets, History, Interactions, best
from huaxiang.retrieval.counting import Counts
from huaxiang.retrieval.item_to_item import ItemToItem, weighted_events
from huaxiang.retrieval.transitions import Transitions, strongest
from huaxiang.types import Vectors

NAME: Final = "lent"
_DECAY: Final = 0.8
_NEAR: Final = 20
"""Items of the other side that one item is carried over to, the nearest by cosine, each by its cosine squared."""
_KEPT: Final = 300
_KEPT_OF_A_PERSON: Final = 50
_ROWS_AT_ONCE: Final = 512


@dataclass(frozen=True, slots=True)
class _Lender:
    """Stands for the recipe of a matrix that cannot be made again from this shop's log."""

    name: str = NAME
    forgets: Forgets = "stale"
    decay: float = _DECAY

    def counts(self, interactions: Interactions) -> Counts:
        """Not possible: what is lent was counted in the other shop."""
        raise ConfigError(f"{interactions.n_items} items' ways cannot be lent again; train with `--warm-from` instead")

    def matrix(self, counts: Counts) -> sparse.csr_array:
        """Not possible, likewise."""
        raise ConfigError(f"no ways follow from {len(counts)} counts; train with `--warm-from` instead")


@dataclass(frozen=True, slots=True, eq=False)
class Carried:
    """How items of the two shops answer each other.

    Attributes:
        out_MS: of each item here (row) the nearest there; rows sum to 1, or are empty.
        home_SM: of each item there (row) the nearest here, likewise.
        ways_SS: the other shop's transition graph, rows summing to 1, or empty.
    """

    out_MS: sparse.csr_array
    home_SM: sparse.csr_array
    ways_SS: sparse.csr_array

    @classmethod
    def of(cls, ours_MD: Vectors, theirs_SD: Vectors, graph_SS: sparse.csr_array) -> "Carried":
        """From unit vectors of both catalogues in one space, zeros for an item without text; work in blocks of rows."""
        return cls(_nearest(ours_MD, theirs_SD), _nearest(theirs_SD, ours_MD), _rows_to_one(graph_SS))

    def ways(self) -> ItemToItem:
        """Out, on, and home again: from an item here to what is like that which follows there, as a retriever."""
        ends_MS = strongest(sparse.csr_array(self.out_MS @ self.ways_SS), _KEPT)
        lent_MM = sparse.csr_array(ends_MS @ self.home_SM)
        lent_MM.setdiag(0.0)
        lent_MM.eliminate_zeros()
        return ItemToItem.made(_Lender(), strongest(lent_MM.astype(np.float32), _KEPT))

    def of_people(self, histories: Sequence[History]) -> list[dict[int, float]]:
        """What each history of the other shop says for items here, at most 50, the largest 1: likeness to what was met
        there and to what follows it there, half and half."""
        owners_E, items_E, weights_E = weighted_events(histories, _DECAY)
        shape = (len(histories), self.ways_SS.shape[0])
        met_NS = sparse.csr_array(sparse.coo_array((weights_E, (owners_E, items_E)), shape=shape))
        said_NM = strongest(sparse.csr_array((met_NS + met_NS @ self.ways_SS) @ self.home_SM), _KEPT_OF_A_PERSON)
        return [
            _scaled(said_NM.indices[start:end], said_NM.data[start:end])
            for start, end in zip(said_NM.indptr[:-1], said_NM.indptr[1:], strict=True)
        ]


def graph_of(transitions: ItemToItem) -> sparse.csr_array:
    """The other shop's transition graph."""
    assert transitions.name == Transitions.name
    return sparse.csr_array(transitions.matrix_MM)


def _scaled(items_P: NDArray[np.int32], scores_P: NDArray[np.float32]) -> dict[int, float]:
    top = float(scores_P.max(initial=0.0))
    return {int(item): float(score) / top for item, score in zip(items_P, scores_P, strict=True) if score > 0.0}


def _nearest(from_MD: Vectors, to_SD: Vectors) -> sparse.csr_array:
    rows, columns, weights = [], [], []
    for start in range(0, len(from_MD), _ROWS_AT_ONCE):
        cosines = from_MD[start : start + _ROWS_AT_ONCE] @ to_SD.T
        for row, cosines_S in enumerate(np.maximum(cosines, 0.0), start):
            near, said = best(cosines_S, _NEAR)
            rows.append(np.full(len(near), row))
            columns.append(near)
            weights.append(said**2)
    shape = (len(from_MD), len(to_SD))
    flat = [np.concatenate(parts) if parts else np.empty(0, np.int64) for parts in (weights, rows, columns)]
    return _rows_to_one(sparse.coo_array((flat[0], (flat[1], flat[2])), shape=shape).tocsr())


def _rows_to_one(matrix: sparse.csr_array) -> sparse.csr_array:
    """Rows divided by their sums; what has none stays empty."""
    sums = np.maximum(np.asarray(matrix.sum(axis=1)).reshape(-1), 1e-12)
    scaled: sparse.csr_array = matrix.astype(np.float32)
    scaled.data /= np.repeat(sums, np.diff(scaled.indptr)).astype(np.float32)
    return scaled

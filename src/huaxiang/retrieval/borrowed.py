"""Items that few or none have met borrow the ways of those that their content is like.

Legend: M items, T terms. Of what was tried for items without a meeting (cosine to the history, a ridge regression from
content to factors of the graph, this) this was ahead, and further with the cosine beside it; see experiments/LOG.md.
"""

from dataclasses import dataclass, field
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from huaxiang.errors import DataError
from huaxiang.retrieval.base import Forgets, Interactions
from huaxiang.retrieval.counting import Counts
from huaxiang.retrieval.transitions import Transitions, empty, strongest

_BLOCK: Final = 1024


@dataclass(frozen=True, slots=True)
class Borrowed:
    """From an item (row) to what is like (column) that which people met next: the graph times likeness.

    Attributes:
        terms_MT: unit rows, from `content.tf_idf`.
        decay: of an event's weight per distinct item that came after it, at query time.
        near: items that were met, from which one borrows: the nearest by cosine, each by its cosine squared.
        kept: the strongest ends that are kept for an item.
    """

    terms_MT: sparse.csr_array = field(repr=False)
    decay: float = 0.8
    near: int = 50
    kept: int = 300
    name: ClassVar[str] = "borrowed"
    forgets: ClassVar[Forgets] = "exact"

    def counts(self, interactions: Interactions) -> Counts:
        """Those of the transition graph."""
        if interactions.n_items != self.terms_MT.shape[0]:
            raise DataError(f"terms of {self.terms_MT.shape[0]} items for a catalogue of {interactions.n_items}")
        return Transitions().counts(interactions)

    def matrix(self, counts: Counts) -> sparse.csr_array:
        """Shape (M, M), float32, empty diagonal; work in blocks of rows."""
        graph_MM = Transitions().matrix(counts)
        like_MM = likeness(self.terms_MT, np.asarray(counts["popularity"]) > 0.0, self.near).T.tocsr()
        blocks = []
        for start in range(0, graph_MM.shape[0], _BLOCK):
            block = (graph_MM[start : start + _BLOCK] @ like_MM).tocoo()
            off = block.row + start != block.col
            ends = sparse.coo_array((block.data[off], (block.row[off], block.col[off])), shape=block.shape)
            blocks.append(strongest(ends.tocsr(), self.kept))
        lent_MM: sparse.csr_array = sparse.vstack(blocks, format="csr").astype(np.float32) if blocks else empty(0)
        return lent_MM


def likeness(terms_MT: sparse.csr_array, met_M: NDArray[np.bool_], near: int) -> sparse.csr_array:
    """Of each item (row) the nearest others that were met, by squared cosine; rows sum to 1, or are empty."""
    columns_TM = terms_MT[met_M].T.tocsr()
    names = np.flatnonzero(met_M)
    blocks = []
    for start in range(0, terms_MT.shape[0], _BLOCK):
        block = (terms_MT[start : start + _BLOCK] @ columns_TM).tocoo()
        off = block.row + start != names[block.col]
        shape = (block.shape[0], terms_MT.shape[0])
        close = sparse.coo_array((block.data[off] ** 2, (block.row[off], names[block.col[off]])), shape=shape)
        blocks.append(strongest(close.tocsr(), near))
    like_MM: sparse.csr_array = sparse.vstack(blocks, format="csr") if blocks else empty(0)
    sums_M = np.asarray(like_MM.sum(axis=1)).reshape(-1)
    like_MM.data /= np.repeat(np.maximum(sums_M, 1e-12), np.diff(like_MM.indptr))
    return like_MM

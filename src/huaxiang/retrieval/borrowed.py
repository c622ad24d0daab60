"""Items that few or none have met borrow the ways of those that their content is like.

Legend: M items, T terms. Of what was tried for items without a meeting (cosine to the history, a ridge regression from
content to factors of the graph, this) this was ahead, and further with the cosine beside it; see experiments/LOG.md.
"""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from huaxiang.errors import DataError
from huaxiang.retrieval.base import Forgets, Interactions
from huaxiang.retrieval.counting import Counts
from huaxiang.retrieval.transitions import Transitions, strongest_product


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
        lent_MM: sparse.csr_array = strongest_product(graph_MM, like_MM, self.kept)
        return lent_MM.astype(np.float32)


def likeness(terms_MT: sparse.csr_array, met_M: NDArray[np.bool_], near: int) -> sparse.csr_array:
    """Of each item (row) the nearest others that were met, by squared cosine; rows sum to 1, or are empty."""
    met_MT = sparse.csr_array(terms_MT.multiply(met_M[:, None].astype(np.float32)))
    met_MT.eliminate_zeros()
    like_MM = strongest_product(terms_MT, met_MT.T.tocsr(), near)
    like_MM.data **= 2
    sums_M = np.asarray(like_MM.sum(axis=1)).reshape(-1)
    like_MM.data /= np.repeat(np.maximum(sums_M, 1e-12), np.diff(like_MM.indptr))
    return like_MM

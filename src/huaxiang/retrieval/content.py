"""Content: cosine between what a history is about and what an item is about, exact Top-k.

Legend: N users, M items, D width, L events of one history, T terms, K results.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from scipy import sparse

from huaxiang.errors import DataError
from huaxiang.retrieval.base import Forgets, History, Indices, Interactions, Scores, best
from huaxiang.retrieval.counting import Counts
from huaxiang.retrieval.item_to_item import DEPTH, event_weights
from huaxiang.retrieval.saving import read_part, write_part
from huaxiang.retrieval.transitions import strongest_product
from huaxiang.types import Vectors


class Content:
    """Cosine of an item's vector with the decayed mean of the history's vectors, or with a vector that is given.

    Args:
        vectors_MD: one row per catalogue item, any length; a row of zeros is an item without content.
        decay: factor on an event's weight for each distinct item that came after it.
    """

    name: ClassVar[str] = "content"
    forgets: ClassVar[Forgets] = "exact"

    def __init__(self, vectors_MD: Vectors, *, decay: float = 0.7) -> None:
        if vectors_MD.ndim != 2 or not np.isfinite(vectors_MD).all():
            raise DataError(f"item vectors must be finite and of shape (M, D), got shape {vectors_MD.shape}")
        lengths_M = np.linalg.norm(vectors_MD, axis=1, keepdims=True)
        self.vectors_MD = (vectors_MD / np.where(lengths_M > 0.0, lengths_M, 1.0)).astype(np.float32)
        self.decay = decay

    @property
    def n_items(self) -> int:
        """M of the vectors."""
        return len(self.vectors_MD)

    def fit(self, interactions: Interactions) -> Self:
        """Nothing to learn: only checks that the catalogue is the one of the vectors."""
        if interactions.n_items != self.n_items:
            raise DataError(f"{self.n_items} item vectors for a catalogue of {interactions.n_items}; encode them again")
        return self

    def forget(self, gone: Interactions) -> Self:
        """Itself: it has learned from nobody."""
        return self.fit(gone)

    def about(self, history: History) -> Vectors:
        """What a history is about: unit vector of shape (D,), zeros where it knows no item."""
        history = history.latest(DEPTH)
        known_L = history.items_L >= 0
        weights_L = event_weights(history, self.decay)[known_L]
        mean_D = weights_L @ self.vectors_MD[history.items_L[known_L]]
        length = float(np.linalg.norm(mean_D))
        return np.asarray(mean_D / length if length > 0.0 else mean_D * 0.0, dtype=np.float32)

    def scores(self, histories: Sequence[History]) -> Scores:
        """Cosines of shape (N, M), float32."""
        if not histories:
            return np.empty((0, self.n_items), np.float32)
        return np.stack([self.vectors_MD @ self.about(history) for history in histories])

    def candidates(self, history: History, k: int, *, exclude: Indices | None = None) -> tuple[Indices, Scores]:
        """The `k` nearest to what the history is about."""
        return self.nearest(self.about(history), k, exclude=exclude)

    def nearest(self, u_D: Vectors, k: int, *, exclude: Indices | None = None) -> tuple[Indices, Scores]:
        """The `k` items nearest to a vector of the same space, such as a profile's U or a query's."""
        return best(self.vectors_MD @ u_D.astype(np.float32), k, exclude)

    def similar(self, item: int, k: int) -> tuple[Indices, Scores]:
        """The nearest items by content."""
        return self.nearest(self.vectors_MD[item], k, exclude=np.array([item]))

    def contributions(self, history: History, item: int) -> Scores:
        """Each event's part of the cosine, shape (L,)."""
        read = history.latest(DEPTH)
        known = np.flatnonzero(read.items_L >= 0)
        weights_L = event_weights(read, self.decay)[known]
        vectors_LD = self.vectors_MD[read.items_L[known]]
        length = float(np.linalg.norm(weights_L @ vectors_LD))
        added_L = np.zeros(len(history), np.float32)
        if length > 0.0:
            added_L[len(history) - len(read) + known] = weights_L * (vectors_LD @ self.vectors_MD[item]) / length
        return added_L

    def save(self, folder: Path) -> None:
        """Write the vectors into an existing folder."""
        write_part(folder, self.name, {"decay": self.decay}, {"vectors": self.vectors_MD})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """What `save` wrote."""
        settings, arrays = read_part(folder, cls.name)
        made = cls.__new__(cls)
        made.vectors_MD, made.decay = arrays["vectors"], settings["decay"]
        return made


@dataclass(frozen=True, slots=True)
class Terms:
    """Recipe of an item-to-item matrix: TF-IDF cosine over the items' attributes or words, for want of an encoder.

    Attributes:
        terms_MT: unit rows, from `tf_idf`.
        kept: the nearest items that are kept for an item.
    """

    terms_MT: sparse.csr_array = field(repr=False)
    decay: float = 0.8
    kept: int = 300
    name: str = "terms"
    forgets: ClassVar[Forgets] = "exact"

    def counts(self, interactions: Interactions) -> Counts:
        """None: only checks that the catalogue is the one of the terms."""
        if interactions.n_items != self.terms_MT.shape[0]:
            raise DataError(f"terms of {self.terms_MT.shape[0]} items for a catalogue of {interactions.n_items}")
        return {}

    def matrix(self, counts: Counts) -> sparse.csr_array:  # noqa: ARG002 - of people it owes nothing
        """Cosines of the nearest items, shape (M, M), float32, empty diagonal; work in blocks of rows."""
        near_MM: sparse.csr_array = strongest_product(self.terms_MT, self.terms_MT.T.tocsr(), self.kept)
        return near_MM.astype(np.float32)


def tf_idf(terms: Sequence[Sequence[str]]) -> sparse.csr_array:
    """Unit TF-IDF rows of shape (M, T): tf 1 + ln(count), idf ln((1 + M) / (1 + df)) + 1; terms in order of first use.

    An item without terms has an empty row.
    """
    known: dict[str, int] = {}
    rows = np.repeat(np.arange(len(terms)), [len(of_item) for of_item in terms])
    columns = np.array([known.setdefault(term, len(known)) for of_item in terms for term in of_item], dtype=np.int64)
    shape = (len(terms), len(known))
    counts_MT = sparse.coo_array((np.ones(len(rows), np.float64), (rows, columns)), shape=shape).tocsr()
    counts_MT.sum_duplicates()
    df_T = np.bincount(counts_MT.indices, minlength=len(known))
    idf_T = np.log((1.0 + len(terms)) / (1.0 + df_T)) + 1.0
    counts_MT.data = (1.0 + np.log(counts_MT.data)) * idf_T[counts_MT.indices]
    lengths_M = np.sqrt(np.asarray(counts_MT.power(2).sum(axis=1)).reshape(-1))
    counts_MT.data /= np.repeat(lengths_M, np.diff(counts_MT.indptr))
    return counts_MT.astype(np.float32)

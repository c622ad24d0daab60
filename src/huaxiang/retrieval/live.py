"""The live index: a release's items and vectors, and what came after it: new and changed items by their text, at once.

Legend: N asking vectors, M items (those of the release first, then new ones as they came), P items whose vectors are
newer than the 8-bit products, D width.
"""

import threading
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.collect.catalogue import Catalogue
from huaxiang.encoder.base import Encoder
from huaxiang.retrieval.base import UNKNOWN
from huaxiang.retrieval.products import Products
from huaxiang.text.wording import item_text
from huaxiang.types import ItemId, Vectors

_AT_ONCE: Final = 64
"""Changed items that a request encodes itself; more wait for the follower thread."""
_MOST_NEWER: Final = 1_000
"""Newer vectors that are asked one by one, before all are made into products again."""


class LiveIndex:
    """Item ids, their positions and vectors V; follows the catalogue. Safe to read from many threads.

    Readers take `snapshot()` once per request and see one consistent state. Memory: 6 D bytes and about 300 for an
    item.
    """

    def __init__(
        self, item_ids: Sequence[ItemId], vectors_MD: Vectors, encoder: Encoder, catalogue: Catalogue, *, seq: int
    ) -> None:
        self._encoder, self._catalogue = encoder, catalogue
        self._lock = threading.Lock()
        self._seq = seq
        self._changed = -1
        positions = {item: at for at, item in enumerate(item_ids)}
        self._now = Snapshot(tuple(item_ids), vectors_MD, positions, Products(vectors_MD))
        self.refresh()

    def snapshot(self) -> "Snapshot":
        """The index as it is; takes in a few changed items first."""
        if self._catalogue.changed != self._changed and len(self._waiting()) <= _AT_ONCE:
            self.refresh()
        return self._now

    def _waiting(self) -> list[ItemId]:
        return [item for item in self._catalogue.changed_since(self._seq) if item in self._catalogue]

    def refresh(self) -> None:
        """Encode every item that was set since the last time."""
        with self._lock:
            changed, upto = self._catalogue.changed, self._catalogue.seq
            # an item may be deleted between being listed and being read
            items = [item for name in self._waiting() if (item := self._catalogue.get(name)) is not None]
            if items:
                vectors_ND = self._encoder.encode([item_text(item) for item in items])
                self._now = self._now.with_items([item.item_id for item in items], vectors_ND)
            self._changed, self._seq = changed, upto

    def tidy(self) -> None:
        """Make new products where many vectors are newer than they; for a thread beside requests."""
        with self._lock:
            if len(self._now.newer_P) > _MOST_NEWER:
                self._now = self._now.tidied()


class Snapshot:
    """One state of the index; never changed.

    Attributes:
        newer_P: positions of the items whose vectors came after the products were made.
    """

    def __init__(
        self,
        item_ids: tuple[ItemId, ...],
        vectors_MD: Vectors,
        positions: dict[ItemId, int],
        products: Products,
        newer_P: NDArray[np.int64] | None = None,
    ) -> None:
        self.item_ids, self.vectors_MD, self.by_id = item_ids, vectors_MD, positions
        self._products = products
        self.newer_P = np.empty(0, np.int64) if newer_P is None else newer_P

    def __len__(self) -> int:
        return len(self.item_ids)

    def position(self, item_id: ItemId) -> int:
        """Index of an item, -1 where it is unknown."""
        return self.by_id.get(item_id, UNKNOWN)

    def positions(self, item_ids: Sequence[ItemId]) -> NDArray[np.int64]:
        """Indices of items, -1 where unknown."""
        return np.fromiter((self.by_id.get(item, UNKNOWN) for item in item_ids), np.int64, len(item_ids))

    def with_items(self, item_ids: Sequence[ItemId], vectors_ND: Vectors) -> "Snapshot":
        """The next state: vectors of known items replaced, new items appended."""
        fresh = [item for item in item_ids if item not in self.by_id]
        positions = self.by_id | {item: len(self) + at for at, item in enumerate(fresh)}
        vectors_MD = np.concatenate([self.vectors_MD, np.zeros((len(fresh), vectors_ND.shape[1]), np.float32)])
        changed = [positions[item] for item in item_ids]
        vectors_MD[changed] = vectors_ND
        newer_P = np.union1d(self.newer_P, np.array(changed, np.int64))
        return Snapshot((*self.item_ids, *fresh), vectors_MD, positions, self._products, newer_P)

    def tidied(self) -> "Snapshot":
        """The same with products of all vectors."""
        return Snapshot(self.item_ids, self.vectors_MD, self.by_id, Products(self.vectors_MD))

    def products(self, asked_ND: NDArray[np.float32]) -> NDArray[np.float32]:
        """Of vectors with every item's, shape (N, M), float32, in 8-bit numbers where they are made: see `Products`."""
        found_NM = self._products.of(asked_ND)
        if len(self.newer_P):
            found_NM = np.pad(found_NM, [(0, 0), (0, len(self) - len(self._products))])
            found_NM[:, self.newer_P] = asked_ND @ self.vectors_MD[self.newer_P].T
        return found_NM

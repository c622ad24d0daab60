"""The shelf: which items may be shown at all, and their facets as a sparse matrix; patched as items change.

Legend: N people, M items, F distinct facets, P items changed since the matrix was built.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from huaxiang.profiles import ItemFacets
from huaxiang.types import ItemId

KIND_WEIGHTS: Final[Mapping[str, float]] = {"category": 1.0, "brand": 1.0, "price_band": 0.5, "keyword": 0.3}
"""How much a shared facet of a kind counts; other kinds (attributes) count 0.3."""

_OTHERWISE: Final = 0.3
_MOST_PATCHES: Final = 1_000


class FacetMatrix:
    """Facets of items as a sparse matrix, one row an item."""

    def __init__(self, item_ids: Sequence[ItemId], item_facets: ItemFacets) -> None:
        self._columns: dict[tuple[str, str], int] = {}
        rows, columns, weights = [], [], []
        for row, item_id in enumerate(item_ids):
            for kind, value, weight in item_facets.of(item_id):
                rows.append(row)
                columns.append(self._columns.setdefault((kind, value), len(self._columns)))
                weights.append(weight * KIND_WEIGHTS.get(kind, _OTHERWISE))
        shape = (len(item_ids), len(self._columns))
        self._matrix_MF = sp.csr_matrix((np.asarray(weights, np.float32), (rows, columns)), shape=shape)

    def scores_of(self, shares: Sequence[Mapping[tuple[str, str], float]]) -> NDArray[np.float32]:
        """The sum of the shares of each item's facets, a row for each person; 0 where nothing is shared."""
        weights_FN = np.zeros((self._matrix_MF.shape[1], len(shares)), np.float32)
        for at, of_one in enumerate(shares):
            known = {column: share for key, share in of_one.items() if (column := self._columns.get(key)) is not None}
            weights_FN[list(known), at] = list(known.values())
        scores_NM: NDArray[np.float32] = np.ascontiguousarray((self._matrix_MF @ weights_FN).T, dtype=np.float32)
        return scores_NM


@dataclass(frozen=True, slots=True, eq=False)
class Shelf:
    """One state of the shelf; never changed.

    Attributes:
        changed: the catalogue's count of changes when this was made.
        seq: the log position up to which item changes are in it.
        built_seq: the same of the matrix below the patches.
        alive_M: in the catalogue and in stock.
        patched: positions of the changed items, whose rows `patch` holds.
    """

    changed: int
    seq: int
    built_seq: int
    alive_M: NDArray[np.bool_]
    facets: FacetMatrix
    patched: NDArray[np.int64]
    patch: FacetMatrix

    @classmethod
    def of(cls, item_ids: Sequence[ItemId], item_facets: ItemFacets) -> Self:
        """Read every item: about 10 us each once their facets are known."""
        catalogue = item_facets.catalogue
        changed, seq = catalogue.changed, catalogue.seq
        alive_M = np.fromiter((_alive(item, item_facets) for item in item_ids), np.bool_, len(item_ids))
        none = np.empty(0, np.int64)
        return cls(changed, seq, seq, alive_M, FacetMatrix(item_ids, item_facets), none, FacetMatrix((), item_facets))

    @property
    def wants_rebuilding(self) -> bool:
        """Whether so many items changed that patches cost more than a new matrix."""
        return len(self.patched) > _MOST_PATCHES

    def after(self, item_ids: Sequence[ItemId], positions: Mapping[ItemId, int], item_facets: ItemFacets) -> "Shelf":
        """The shelf with what changed since, for `item_ids` that have grown at their end.

        A request that holds an older list than this shelf gets one of its own, which must not be kept: what was built
        in beyond its end is not in it.
        """
        catalogue = item_facets.catalogue
        changed, seq = catalogue.changed, catalogue.seq
        names = [item for item in catalogue.changed_since(self.built_seq) if item in positions]
        patched = np.fromiter((positions[item] for item in names), np.int64, len(names))
        alive_M = np.zeros(len(item_ids), dtype=np.bool_)
        both = min(len(self.alive_M), len(item_ids))
        alive_M[:both] = self.alive_M[:both]
        alive_M[patched] = [_alive(item, item_facets) for item in names]
        patch = FacetMatrix(names, item_facets)
        return Shelf(changed, seq, self.built_seq, alive_M, self.facets, patched, patch)

    def scores_of(self, shares: Sequence[Mapping[tuple[str, str], float]]) -> NDArray[np.float32]:
        """How well each item fits each person's shares of interest, shape (N, M)."""
        scores_NM = np.zeros((len(shares), len(self.alive_M)), np.float32)
        built_NM = self.facets.scores_of(shares)[:, : len(self.alive_M)]
        scores_NM[:, : built_NM.shape[1]] = built_NM
        scores_NM[:, self.patched] = self.patch.scores_of(shares)
        return scores_NM

    def having(self, facets: Iterable[tuple[str, str]]) -> NDArray[np.bool_]:
        """Which items have any of these facets, shape (M,)."""
        having_M: NDArray[np.bool_] = self.scores_of([dict.fromkeys(facets, 1.0)])[0] > 0.0
        return having_M


def _alive(item_id: ItemId, item_facets: ItemFacets) -> bool:
    item = item_facets.catalogue.get(item_id)
    return item is not None and item.in_stock

"""The shelf: which items may be shown at all, and their facets as a sparse matrix; patched as items change.

Legend: N people, M items, F distinct facets, P items changed since the matrix was built, E items of all people.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from huaxiang.profiles import ItemFacets
from huaxiang.profiles.taste import Taste
from huaxiang.types import ItemId

KIND_WEIGHTS: Final[Mapping[str, float]] = {"category": 1.0, "brand": 1.0, "price_band": 0.5, "keyword": 0.3}
"""How much a shared facet of a kind counts; other kinds (attributes) count 0.3."""

_OTHERWISE: Final = 0.3
_MOST_PATCHES: Final = 1_000


class FacetMatrix:
    """Facets of items as a sparse matrix, one row an item.

    Args:
        beyond: a matrix whose columns mean the same here; facets that it does not have come after them.
    """

    def __init__(
        self, item_ids: Sequence[ItemId], item_facets: ItemFacets, beyond: "FacetMatrix | None" = None
    ) -> None:
        self._beyond = beyond
        self._own: dict[tuple[str, str], int] = {}
        first = 0 if beyond is None else beyond.n_columns
        rows, columns, weights = [], [], []
        for row, item_id in enumerate(item_ids):
            for kind, value, weight in item_facets.of(item_id):
                known = None if beyond is None else beyond.column(kind, value)
                rows.append(row)
                columns.append(self._own.setdefault((kind, value), first + len(self._own)) if known is None else known)
                weights.append(weight)
        self.n_columns: int = first + len(self._own)
        shape = (len(item_ids), self.n_columns)
        self.weights_MF = sp.csr_matrix((np.asarray(weights, np.float32), (rows, columns)), shape=shape)
        worth = np.array([KIND_WEIGHTS.get(kind, _OTHERWISE) for kind, _ in self._own], np.float32)
        self.worth_F: NDArray[np.float32] = worth if beyond is None else np.concatenate([beyond.worth_F, worth])

    def column(self, kind: str, value: str) -> int | None:
        """Of a facet; None where no item has it."""
        known = None if self._beyond is None else self._beyond.column(kind, value)
        return self._own.get((kind, value)) if known is None else known

    def scores(self, worth_FN: NDArray[np.float32]) -> NDArray[np.float32]:
        """The sum of what each item's facets are worth to each person, shape (N, M); more columns may be given."""
        return np.ascontiguousarray((self.weights_MF @ worth_FN[: self.n_columns]).T, dtype=np.float32)


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
        built = FacetMatrix(item_ids, item_facets)
        none = np.empty(0, np.int64)
        return cls(changed, seq, seq, alive_M, built, none, FacetMatrix((), item_facets, built))

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
        patch = FacetMatrix(names, item_facets, self.facets)
        return Shelf(changed, seq, self.built_seq, alive_M, self.facets, patched, patch)

    def fits(self, tastes: Sequence[Taste]) -> NDArray[np.float32]:
        """How well each item fits each person's interests, shape (N, M): the shares of its facets in all that interests
        the person, by how much a facet of the kind counts."""
        shares_NF = self._masses(tastes)
        np.clip(shares_NF, -1.0, 1.0, out=shares_NF)
        for at, taste in enumerate(tastes):
            if taste.shares is not None:
                shares_NF[at] = self._row(taste.shares)
        return self._scores(shares_NF)

    def fits_at(self, taste: Taste, at_P: NDArray[np.int64]) -> NDArray[np.float32]:
        """`fits` of one person for the items at a few positions, shape (P,), without going through the others."""
        shares_F = np.clip(self._masses([taste])[0], -1.0, 1.0) if taste.shares is None else self._row(taste.shares)
        worth_F = shares_F * self.patch.worth_F
        place_M = np.full(len(self.alive_M), -1)
        place_M[self.patched] = np.arange(len(self.patched))
        scores_P = np.zeros(len(at_P), np.float32)
        is_patched_P = place_M[at_P] >= 0
        is_built_P = ~is_patched_P & (at_P < self.facets.weights_MF.shape[0])
        for matrix, mine_P, rows_P in ((self.facets, is_built_P, at_P), (self.patch, is_patched_P, place_M[at_P])):
            if mine_P.any():
                scores_P[mine_P] = matrix.weights_MF[rows_P[mine_P]] @ worth_F[: matrix.n_columns]
        return scores_P

    def _masses(self, tastes: Sequence[Taste]) -> NDArray[np.float32]:
        """What is gathered under each facet, shape (N, F)."""
        counts_N = [len(taste.items_I) for taste in tastes]
        items_E = np.concatenate([taste.items_I for taste in tastes])
        masses_E = np.concatenate([taste.masses_I for taste in tastes])
        owners_E = np.repeat(np.arange(len(tastes)), counts_N)
        row_M = np.full(len(self.alive_M), -1)
        row_M[self.patched] = np.arange(len(self.patched))
        in_patch_E = row_M[items_E] >= 0
        found_NF = np.zeros((len(tastes), self.patch.n_columns), np.float32)
        is_built_E = ~in_patch_E & (items_E < self.facets.weights_MF.shape[0])
        for matrix, mine_E, rows_E in ((self.facets, is_built_E, items_E), (self.patch, in_patch_E, row_M[items_E])):
            where = (owners_E[mine_E], rows_E[mine_E])
            masses_NM = sp.csr_matrix((masses_E[mine_E], where), shape=(len(tastes), matrix.weights_MF.shape[0]))
            found_NF[:, : matrix.n_columns] += (masses_NM @ matrix.weights_MF).toarray()
        for at, taste in enumerate(tastes):
            for word, mass in taste.words.items():
                if (column := self.patch.column("keyword", word)) is not None:
                    found_NF[at, column] += mass
        return found_NF

    def _row(self, shares: Mapping[tuple[str, str], float]) -> NDArray[np.float32]:
        row_F = np.zeros(self.patch.n_columns, np.float32)
        for (kind, value), share in shares.items():
            if (column := self.patch.column(kind, value)) is not None:
                row_F[column] = share
        return row_F

    def _scores(self, shares_NF: NDArray[np.float32]) -> NDArray[np.float32]:
        worth_FN = np.ascontiguousarray((shares_NF * self.patch.worth_F).T)
        scores_NM = np.zeros((len(shares_NF), len(self.alive_M)), np.float32)
        built_NM = self.facets.scores(worth_FN)[:, : len(self.alive_M)]
        scores_NM[:, : built_NM.shape[1]] = built_NM
        scores_NM[:, self.patched] = self.patch.scores(worth_FN)
        return scores_NM

    def having(self, facets: Iterable[tuple[str, str]]) -> NDArray[np.bool_]:
        """Which items have any of these facets, shape (M,)."""
        having_M: NDArray[np.bool_] = self._scores(self._row(dict.fromkeys(facets, 1.0))[None])[0] > 0.0
        return having_M


def _alive(item_id: ItemId, item_facets: ItemFacets) -> bool:
    item = item_facets.catalogue.get(item_id)
    return item is not None and item.in_stock

"""How well items fit a profile's facets: one sparse product over the catalogue.

Legend: M items, F distinct facets.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from huaxiang.profiles import ItemFacets
from huaxiang.types import ItemId

KIND_WEIGHTS: Final[Mapping[str, float]] = {"category": 1.0, "brand": 1.0, "price_band": 0.5, "keyword": 0.3}
"""How much a shared facet of a kind counts; other kinds (attributes) count 0.3."""

_OTHERWISE: Final = 0.3


class FacetMatrix:
    """Facets of all items as a sparse matrix of shape (M, F)."""

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

    def scores(self, shares: Mapping[tuple[str, str], float]) -> NDArray[np.float32]:
        """Shape (M,): the sum of the shares of each item's facets; 0 where nothing is shared."""
        weights_F = np.zeros(self._matrix_MF.shape[1], np.float32)
        for key, share in shares.items():
            column = self._columns.get(key)
            if column is not None:
                weights_F[column] = share
        scores_M: NDArray[np.float32] = np.asarray(self._matrix_MF @ weights_F, dtype=np.float32)
        return scores_M

    def having(self, facets: Iterable[tuple[str, str]]) -> NDArray[np.bool_]:
        """Shape (M,): which items have any of these facets."""
        weights_F = np.zeros(self._matrix_MF.shape[1], np.float32)
        weights_F[[self._columns[key] for key in facets if key in self._columns]] = 1.0
        has_M: NDArray[np.bool_] = np.asarray(self._matrix_MF @ weights_F) > 0.0
        return has_M

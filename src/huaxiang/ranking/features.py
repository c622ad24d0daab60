"""What the learned ranker reads of a candidate: one definition for training and serving.

Legend: C candidates of one history, F retrievers, G features, M items, L events of the history.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

_OF_A_PART: Final = ("score", "z", "place")
_OF_A_HISTORY: Final = ("events", "days_since")
_OF_POPULARITY: Final = ("popularity", "popularity_beside_history")


@dataclass(frozen=True, slots=True, eq=False)
class FeatureReader:
    """Turns the retrievers' scores of candidates into rows of features.

    Attributes:
        parts: names of the F retrievers, in the order of their columns.
        popularity_M: events of each item in what the retrievers were fitted on; None leaves popularity out.
    """

    parts: tuple[str, ...]
    popularity_M: NDArray[np.float32] | None

    @property
    def names(self) -> tuple[str, ...]:
        """Of the G columns."""
        of_parts = [f"{part}:{kind}" for kind in _OF_A_PART for part in self.parts]
        return (*of_parts, *_OF_A_HISTORY, *(() if self.popularity_M is None else _OF_POPULARITY))

    def read(
        self,
        items_C: NDArray[np.int64],
        scores_CF: NDArray[np.float32],
        z_CF: NDArray[np.float32],
        history_L: Sequence[int] | NDArray[np.int64],
        days_since: float,
    ) -> NDArray[np.float32]:
        """Rows of shape (C, G), float32, all finite.

        Args:
            items_C: indices of the candidates. history_L: of the history's events, -1 where unknown.
            days_since: the newest event, in the unit that the retrievers were taught with.
        """
        n = len(items_C)
        known_L = np.asarray(history_L, dtype=np.int64)
        known_L = known_L[known_L >= 0]
        columns: list[NDArray[np.float32]] = [
            scores_CF,
            z_CF,
            places(scores_CF),
            _all_alike(n, np.log1p(len(known_L)), np.log1p(days_since)),
        ]
        if self.popularity_M is not None:
            logs_C = np.log1p(self.popularity_M[items_C])
            usual = float(np.log1p(self.popularity_M[known_L]).mean()) if len(known_L) else 0.0
            columns += [logs_C[:, None], logs_C[:, None] - np.float32(usual)]
        return np.concatenate(columns, axis=1).astype(np.float32)


def places(scores_CF: NDArray[np.float32]) -> NDArray[np.float32]:
    """One over the place (from 1) of each candidate in each retriever's own order, shape (C, F); 0 where it is silent.

    Ties keep the order of the catalogue.
    """
    order_CF = np.argsort(-scores_CF, axis=0, kind="stable")
    place_CF = np.empty_like(order_CF)
    np.put_along_axis(place_CF, order_CF, np.arange(len(scores_CF))[:, None], axis=0)
    return np.where(scores_CF != 0.0, 1.0 / (place_CF + 1.0), 0.0).astype(np.float32)


def _all_alike(n: int, *values: float) -> NDArray[np.float32]:
    return np.tile(np.array(values, dtype=np.float32), (n, 1))

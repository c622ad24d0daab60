"""The second stage: the learned ranker orders the best of the weighted sum; the others stay behind them.

Legend: M items, C candidates, P parts, G features, K positions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from huaxiang.errors import ReleaseError
from huaxiang.ranking.features import FeatureReader
from huaxiang.ranking.model import Ranker
from huaxiang.retrieval.base import History
from huaxiang.retrieval.fuse import z_scores

N_RANKED: Final = 150
"""Candidates, the best of the weighted sum, that the ranker orders."""


def reader_of(weights: Mapping[str, float]) -> FeatureReader:
    """What is read of the parts that have a weight; popularity is among them, as a part."""
    return FeatureReader(tuple(sorted(name for name, weight in weights.items() if weight > 0.0)), None)


def features_of(
    reader: FeatureReader, parts: Mapping[str, NDArray[np.float32]], history: History, items_C: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Features of some items of the index, shape (C, G): one definition for teaching and serving.

    Args:
        parts: standardised scores of shape (M,). items_C: ascending positions.
    """
    scores_CP = np.stack([parts[name][items_C] for name in reader.parts], axis=1)
    since = float(history.ages_L[-1]) if len(history) else 0.0
    return reader.read(items_C, scores_CP, z_scores(scores_CP), history.items_L, since)


@dataclass(frozen=True, slots=True, eq=False)
class SecondStage:
    """A ranker and what it reads."""

    reader: FeatureReader
    ranker: Ranker

    def scores(
        self,
        order_K: NDArray[np.intp],
        fused_M: NDArray[np.float64],
        parts: Mapping[str, NDArray[np.float32]],
        history: History,
    ) -> NDArray[np.float64]:
        """The weighted sums, dealt out anew among the first of `order_K` as the ranker orders those, shape (M,).

        So a score keeps its unit, which boosts and variety count in, and nobody falls behind what was not ranked.

        Args:
            order_K: positions, best of the weighted sum first.
        """
        items_C = np.sort(order_K[:N_RANKED])
        said_C = self.ranker.scores(features_of(self.reader, parts, history, items_C))
        scores_M = fused_M.copy()
        scores_M[items_C[np.argsort(-said_C, kind="stable")]] = np.sort(fused_M[items_C])[::-1]
        return scores_M

    def save(self, folder: Path) -> None:
        """Write into an existing folder."""
        self.ranker.save(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """What `save` wrote.

        Raises:
            ReleaseError: a file is damaged, or the ranker reads what is not known here.
        """
        ranker = Ranker.load(folder)
        parts = [name.removesuffix(":score") for name in ranker.names if name.endswith(":score")]
        reader = FeatureReader(tuple(parts), None)
        if reader.names != ranker.names:
            raise ReleaseError("the release's ranker reads features that this version does not know; train a new one")
        return cls(reader, ranker)

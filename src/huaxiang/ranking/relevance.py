"""How relevant a title is to a query without anything learned here: a fixed sum of a few features of `matching`.

Legend: C candidates, G features of `matching.NAMES`.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.ranking.matching import NAMES

WEIGHTS: Final[Mapping[str, float]] = MappingProxyType(
    {
        "bm25": 0.60,
        "grams": 0.50,
        "numbers_found": 0.45,
        "last_near_end": 0.35,
        "in_order": 0.30,
        "all_found": 0.05,
    }
)
"""Beside a cosine; least squares without negative weights against gains, on queries that no test uses, rounded: see
experiments/LOG.md."""
MEANING: Final = 0.18
"""Weight of a cosine in standard deviations of those of pairs drawn at random, whatever encoder it is by."""
WEIGHTS_ALONE: Final[Mapping[str, float]] = MappingProxyType(
    {
        "grams": 1.35,
        "bm25": 0.85,
        "last_near_end": 0.45,
        "numbers_found": 0.45,
        "in_order": 0.30,
        "all_found": 0.02,
    }
)
"""Without an encoder, chosen likewise."""


def relevance(features_CG: NDArray[np.float32], meaning_C: NDArray[np.floating] | None = None) -> NDArray[np.float64]:
    """Scores of shape (C,), comparable within a query.

    Args:
        meaning_C: cosine of query and title, less the mean of random pairs and over their standard deviation; None
            without an encoder.
    """
    weights = WEIGHTS_ALONE if meaning_C is None else WEIGHTS
    weights_G = np.array([weights.get(name, 0.0) for name in NAMES])
    scores_C: NDArray[np.float64] = features_CG.astype(np.float64) @ weights_G
    return scores_C if meaning_C is None else scores_C + MEANING * meaning_C

"""How far an export agrees with its source: cosines of their vectors, or the order of likeness among texts.

Legend: N texts, D width of the source's vectors, E of the export's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.errors import DataError
from huaxiang.types import Vectors

REQUIRED: Final = {"fp32": 0.9999, "int8": 0.99}
"""The smallest cosine on any text with which weights of this precision are shipped."""
REQUIRED_RANK: Final = 0.3
"""The rank correlation with which a static encoder is shipped: of pieces alone, on text the source reads well, it is
.34 to .5; fitted to the shop's text, .55 to .9."""
_PAIRS: Final = 50_000
_NEIGHBOURS: Final = 10


@dataclass(frozen=True, slots=True)
class Cosines:
    """Agreement of vectors that lie in one space: mean and smallest cosine over the texts."""

    mean: float
    least: float
    n_texts: int

    @classmethod
    def of(cls, ours_ND: Vectors, theirs_ND: Vectors) -> Cosines:
        """Compare row by row; two rows of zeros agree, one of zeros with another does not."""
        check_finite(ours_ND, theirs_ND)
        cosine_N = (ours_ND * theirs_ND).sum(axis=1)
        cosine_N[~ours_ND.any(axis=1) & ~theirs_ND.any(axis=1)] = 1.0
        return cls(float(cosine_N.mean()), float(cosine_N.min()), len(cosine_N))


@dataclass(frozen=True, slots=True)
class Likeness:
    """Agreement of vectors that do not lie in one space.

    Attributes:
        spearman: rank correlation of the cosines of random pairs of texts, ours against theirs.
        recall: share of each text's ten nearest by the source that are among its ten nearest by the export.
    """

    spearman: float
    recall: float
    n_texts: int

    @classmethod
    def of(cls, ours_ND: Vectors, theirs_NE: Vectors, rng: np.random.Generator) -> Likeness:
        """Compare all texts; both are 0 where a side cannot tell them apart."""
        check_finite(ours_ND, theirs_NE)
        n = len(ours_ND)
        if n < 3:
            raise DataError(f"{n} texts are too few to compare the likeness of texts; give at least 3")
        left = rng.integers(0, n, _PAIRS)
        right = (left + rng.integers(1, n, _PAIRS)) % n
        ranks = [_ranks((each[left] * each[right]).sum(axis=1)) for each in (ours_ND, theirs_NE)]
        return cls(_correlation(*ranks), _shared_neighbours(ours_ND, theirs_NE), n)


def check_finite(*several: Vectors) -> None:
    """Refuse vectors that are not finite."""
    if not all(np.isfinite(vectors).all() for vectors in several):
        raise DataError("the encoder gives vectors that are not finite; train again with a smaller learning rate")


def _ranks(values: NDArray[np.float32]) -> NDArray[np.float64]:
    from scipy.stats import rankdata

    return np.asarray(rankdata(values), dtype=np.float64)


def _correlation(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    a, b = a - a.mean(), b - b.mean()
    length = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / length if length > 0.0 else 0.0


def _shared_neighbours(ours_ND: Vectors, theirs_NE: Vectors) -> float:
    k = min(_NEIGHBOURS, len(ours_ND) - 1)
    ours_NK, theirs_NK = _nearest(ours_ND, k), _nearest(theirs_NE, k)
    return float((ours_NK[:, :, None] == theirs_NK[:, None, :]).any(axis=2).mean())


def _nearest(vectors: Vectors, k: int) -> NDArray[np.int64]:
    scores_NN = vectors @ vectors.T
    np.fill_diagonal(scores_NN, -np.inf)
    return np.argsort(-scores_NN, axis=1, kind="stable")[:, :k]

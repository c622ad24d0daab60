"""From what the parts of a release say of the catalogue, for a block of people at once, to the first of one order.

Legend: N people, M items.
"""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.retrieval.base import best_of

_BLOCK_BYTES: Final = 32_000_000
_MOST_AT_ONCE: Final = 64


def people_at_once(n_items: int, n_parts: int) -> int:
    """How many people a block may hold, so that their scores by every part take at most 32 MB."""
    return int(max(1, min(_MOST_AT_ONCE, _BLOCK_BYTES // (4 * max(n_items, 1) * (n_parts + 2)))))


def fuse(parts: Mapping[str, NDArray[np.float32]], weights: Mapping[str, float]) -> NDArray[np.float64]:
    """The weighted sum of standardised scores, of their shape: (M,), or (N, M)."""
    fused = np.zeros(next(iter(parts.values())).shape, np.float32)
    part = np.empty_like(fused)
    for name, scores in parts.items():
        if weight := weights.get(name, 0.0):
            fused += np.multiply(scores, np.float32(weight), out=part)
    return fused.astype(np.float64)


def standardise(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Zero mean and unit deviation over the catalogue, the last axis; zeros where all are equal."""
    mean = scores.mean(axis=-1, keepdims=True)
    scaled: NDArray[np.float32] = scores - mean
    deviation = np.sqrt(np.einsum("...m,...m->...", scaled, scaled)[..., None] / max(scores.shape[-1], 1))
    told = deviation > 1e-6 * np.abs(mean)  # less is what rounding leaves of equal numbers
    scaled *= np.where(told, 1.0 / np.where(told, deviation, 1.0), 0.0).astype(np.float32)
    return scaled


def padded(scores: NDArray[np.float32], m: int) -> NDArray[np.float32]:
    """With zeros for items that came after the fit, (M,) or (N, M)."""
    short = m - scores.shape[-1]
    return np.pad(scores, [(0, 0)] * (scores.ndim - 1) + [(0, short)]) if short else scores


def best_among(scores_M: NDArray[np.float64], among: NDArray[np.intp], k: int) -> NDArray[np.intp]:
    """The `k` positions of `among` (ascending) with the best scores, best first; ties keep the order of the index."""
    return best_of(among, scores_M[among], k)[0]


def best_passing(
    scores_M: NDArray[np.float64], among: NDArray[np.intp], k: int, passes: Callable[[int], bool]
) -> NDArray[np.intp]:
    """`best_among` those that pass a test, which is asked of the best first and of no more than it takes."""
    chosen: list[int] = []
    asked, at_once = 0, 4 * k
    while len(chosen) < k and asked < len(among):
        chosen += [at for at in best_among(scores_M, among, at_once)[asked:].tolist() if passes(at)]
        asked, at_once = min(at_once, len(among)), 8 * at_once
    return np.array(chosen[:k], dtype=np.intp)

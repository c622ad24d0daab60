"""From the scores of several parts to one order of the catalogue.

Legend: M items.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray


def fuse(parts: Mapping[str, NDArray[np.float32]], weights: Mapping[str, float]) -> NDArray[np.float64]:
    """The weighted sum of standardised scores, shape (M,)."""
    fused_M = np.zeros(len(next(iter(parts.values()))), np.float64)
    for name, scores_M in parts.items():
        fused_M += weights.get(name, 0.0) * scores_M
    return fused_M


def best_of(scores_M: NDArray[np.float64], among: NDArray[np.intp], k: int) -> NDArray[np.intp]:
    """The `k` positions of `among` (ascending) with the best scores, best first; ties keep the order of the index."""
    if len(among) > 4 * k:  # sorting a whole catalogue for one page costs more than finding where the page ends
        against = -scores_M[among]
        among = among[against <= np.partition(against, k - 1)[k - 1]]
    return among[np.argsort(-scores_M[among], kind="stable")[:k]]


def best_passing(
    scores_M: NDArray[np.float64], among: NDArray[np.intp], k: int, passes: Callable[[int], bool]
) -> NDArray[np.intp]:
    """`best_of` those that pass a test, which is asked of the best first and of no more than it takes."""
    chosen: list[int] = []
    asked, at_once = 0, 4 * k
    while len(chosen) < k and asked < len(among):
        chosen += [at for at in best_of(scores_M, among, at_once)[asked:].tolist() if passes(at)]
        asked, at_once = min(at_once, len(among)), 8 * at_once
    return np.array(chosen[:k], dtype=np.intp)


def standardise(scores_M: NDArray[np.float32]) -> NDArray[np.float32]:
    """Zero mean and unit deviation over the catalogue; zeros where all are equal."""
    deviation = float(scores_M.std())
    if deviation == 0.0:
        return np.zeros_like(scores_M)
    scaled_M: NDArray[np.float32] = scores_M - scores_M.mean()
    scaled_M *= np.float32(1.0 / deviation)
    return scaled_M


def padded(scores_M: NDArray[np.float32], m: int) -> NDArray[np.float32]:
    """With zeros for items that came after the fit, shape (M,)."""
    return scores_M if len(scores_M) == m else np.concatenate([scores_M, np.zeros(m - len(scores_M), np.float32)])

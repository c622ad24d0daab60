"""Vectors of pieces whose sums come near to given vectors of texts: a regression that stays near where it began.

Legend: N texts, V pieces, D width.
"""

from typing import Final

import numpy as np
from scipy import sparse

from huaxiang.types import Vectors

_STEPS: Final = 20
"""Steps of conjugate gradients with each piece scaled by how often it occurs: 15 came as near as 40."""


def fit_sums(
    counts_NV: sparse.csr_array, targets_ND: Vectors, start_VD: Vectors, *, reg: float = 1.0, rounds: int = 3
) -> Vectors:
    """Change `start_VD` so that each text's sum, brought to length 1, comes near to its target.

    The length of a sum depends on what is looked for, so each round takes the lengths of the one before and solves
    `min |counts/length W - targets|^2 + reg |W - start|^2` (iteratively reweighted least squares). A piece that no text
    holds stays where it was, one that few texts hold near it.

    Args:
        targets_ND: rows of length 1.
        reg: chosen on held-out titles, queries and reviews of two encoders: of .1, .3 and 1 nearly equal, 1 the best on
            other text than was fitted.
        rounds: one reached a rank correlation of .858 on held-out titles, three .887.
    """
    table_VD = start_VD
    for _ in range(rounds):
        length_N = np.linalg.norm(counts_NV @ table_VD, axis=1)
        shares_NV = sparse.csr_array(sparse.diags_array(1.0 / np.maximum(length_N, 1e-6)) @ counts_NV, dtype=np.float32)
        residual_ND = targets_ND - shares_NV @ start_VD
        table_VD = start_VD + _solve(shares_NV, residual_ND, reg)
    return table_VD


def _solve(a_NV: sparse.csr_array, b_ND: Vectors, reg: float) -> Vectors:
    """`(A'A + reg I) X = A'B` for all columns of B at once, by preconditioned conjugate gradients."""
    back_VN = sparse.csr_array(a_NV.T)
    weight_V1 = (1.0 / (np.asarray(a_NV.power(2).sum(axis=0)).ravel() + reg)).astype(np.float32)[:, None]
    rest_VD = np.asarray(back_VN @ b_ND, dtype=np.float32)
    found_VD = np.zeros_like(rest_VD)
    towards_VD = weight_V1 * rest_VD
    size_D = np.einsum("vd,vd->d", rest_VD, towards_VD)
    for _ in range(_STEPS):
        image_VD = np.asarray(back_VN @ (a_NV @ towards_VD), dtype=np.float32) + np.float32(reg) * towards_VD
        step_D = size_D / np.maximum(np.einsum("vd,vd->d", towards_VD, image_VD), 1e-20)
        found_VD += step_D * towards_VD
        rest_VD -= step_D * image_VD
        scaled_VD = weight_V1 * rest_VD
        before_D, size_D = size_D, np.einsum("vd,vd->d", rest_VD, scaled_VD)
        towards_VD = scaled_VD + (size_D / np.maximum(before_D, 1e-20)) * towards_VD
    return found_VD

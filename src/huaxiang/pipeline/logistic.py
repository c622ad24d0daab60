"""Logistic regression in plain numpy, for as many columns as an encoder is wide; serving imports no scikit-learn.

Legend: N rows, F features, G features and the constant.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

_STEPS: Final = 50
_ENOUGH: Final = 1e-6
_FARTHEST: Final = 30.0
"""A logit beyond which a probability is 0 or 1 as far as it matters."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Logistic:
    """Log-odds as a linear function of standardised features.

    Attributes:
        weights_F: on features as they come; the standardisation is folded into them.
    """

    weights_F: Floats
    bias: float

    def log_odds(self, features_NF: NDArray[np.floating]) -> Floats:
        """Shape (N,)."""
        return np.asarray(features_NF @ self.weights_F + self.bias, dtype=np.float64)


def fit_logistic(
    features_NF: NDArray[np.floating], is_positive_N: NDArray[np.bool_], *, ridge: float, is_balanced: bool = True
) -> Logistic:
    """Ridge logistic regression by Newton's method (iteratively reweighted least squares), classes of equal weight.

    The loss is the mean over rows, each class weighing half of it where it is balanced, plus `ridge / 2` times the
    squared weights of the standardised features; the constant is free. Deterministic.

    Args:
        features_NF: finite; columns are standardised here, constant ones get the weight 0.
        is_positive_N: both classes must be there.
        ridge: above 0, so that classes that can be told apart have finite weights.
        is_balanced: False where log-odds are to be those of the rows as they come, so that they give probabilities.
    """
    mean_F, deviation_F = features_NF.mean(axis=0, dtype=np.float64), features_NF.std(axis=0, dtype=np.float64)
    scale_F = np.where(deviation_F > 1e-9, 1.0 / np.maximum(deviation_F, 1e-9), 0.0)
    x_NG = np.column_stack([(features_NF - mean_F) * scale_F, np.ones(len(features_NF))])
    n_positive = int(is_positive_N.sum())
    rows_N = np.where(is_positive_N, 0.5 / n_positive, 0.5 / (len(x_NG) - n_positive))
    if not is_balanced:
        rows_N = np.full(len(x_NG), 1.0 / len(x_NG))
    ridge_G = np.append(np.full(x_NG.shape[1] - 1, ridge), 1e-9)
    weights_G = _minimum(x_NG, is_positive_N.astype(np.float64), rows_N, ridge_G)
    weights_F = weights_G[:-1] * scale_F
    return Logistic(weights_F, float(weights_G[-1] - mean_F @ weights_F))


def _minimum(x_NG: Floats, y_N: Floats, rows_N: Floats, ridge_G: Floats) -> Floats:
    weights_G = np.zeros(x_NG.shape[1])
    loss = _loss(weights_G, x_NG, y_N, rows_N, ridge_G)
    for _ in range(_STEPS):
        p_N = 1.0 / (1.0 + np.exp(-np.clip(x_NG @ weights_G, -_FARTHEST, _FARTHEST)))
        gradient_G = x_NG.T @ (rows_N * (p_N - y_N)) + ridge_G * weights_G
        curvature_GG = (x_NG.T * (rows_N * p_N * (1.0 - p_N))) @ x_NG + np.diag(ridge_G)
        step_G = np.linalg.solve(curvature_GG, gradient_G)
        reach = 1.0
        while (after := _loss(weights_G - reach * step_G, x_NG, y_N, rows_N, ridge_G)) > loss and reach > 1e-4:
            reach /= 2.0  # far from the minimum a whole step of Newton's may lead uphill
        weights_G, loss = weights_G - reach * step_G, after
        if np.abs(reach * step_G).max() < _ENOUGH:
            break
    return weights_G


def _loss(weights_G: Floats, x_NG: Floats, y_N: Floats, rows_N: Floats, ridge_G: Floats) -> float:
    odds_N = x_NG @ weights_G
    return float(rows_N @ (np.logaddexp(0.0, odds_N) - y_N * odds_N) + 0.5 * ridge_G @ weights_G**2)

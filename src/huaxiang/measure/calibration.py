"""How far probabilities can be believed: temperature, calibration error, and when to abstain.

Legend: N texts, C classes.
"""

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from huaxiang.errors import DataError

Scores: TypeAlias = NDArray[np.float64]
Labels: TypeAlias = NDArray[np.int64]


def log_loss(scores_NC: Scores, labels_N: Labels) -> float:
    """Mean of `-log p(right class)` in nats, of logits; NaN without rows."""
    if not len(labels_N):
        return float("nan")
    return float(-log_softmax(scores_NC, axis=1)[np.arange(len(labels_N)), labels_N].mean())


def temperature(scores_NC: Scores, labels_N: Labels) -> float:
    """What logits are divided by so that their log loss is smallest (Guo et al. 2017), within 0.01 to 100.

    One more row counts, scored as the others are on average and of any label alike (after Platt 2000): rows that are
    all right would else make every answer certain. It changes no ranking, only how sure the answer sounds. Fit it on
    rows that taught nothing else.
    """
    if len(scores_NC) != len(labels_N):
        raise DataError(f"{len(scores_NC)} rows of scores but {len(labels_N)} labels")
    if not len(labels_N):
        return 1.0
    n = len(labels_N)

    def loss(log_t: float) -> float:
        log_NC = log_softmax(scores_NC / np.exp(log_t), axis=1)
        return -float(log_NC[np.arange(n), labels_N].sum() + log_NC.mean()) / (n + 1)

    found = minimize_scalar(
        loss,
        bounds=(np.log(0.01), np.log(100)),
        method="bounded",
    )
    return float(np.exp(found.x))


def calibration_error(confidence_N: NDArray[np.float64], right_N: NDArray[np.bool_], bins: int = 15) -> float:
    """Expected calibration error: |confidence - accuracy| over equal-width bins, weighted by their rows
    (Naeini et al. 2015); NaN without rows."""
    if not len(confidence_N):
        return float("nan")
    bin_N = np.minimum((confidence_N * bins).astype(np.int64), bins - 1)
    rows_B = np.bincount(bin_N, minlength=bins)
    gap_B = np.abs(np.bincount(bin_N, confidence_N, bins) - np.bincount(bin_N, right_N.astype(np.float64), bins))
    return float(gap_B.sum() / rows_B.sum())


class Abstention(NamedTuple):
    """From which confidence on an answer is given.

    Attributes:
        threshold: below it, say that you do not know.
        coverage: share of rows that are answered; `accuracy` is of those.
    """

    threshold: float
    coverage: float
    accuracy: float


def abstain(confidence_N: NDArray[np.float64], right_N: NDArray[np.bool_], wanted: float) -> Abstention:
    """The lowest threshold whose answered rows are right in `wanted` of all cases, so that most rows are answered.

    Where no threshold reaches it, the one that answers the most confident rows only.
    """
    if not len(confidence_N):
        return Abstention(0.0, float("nan"), float("nan"))
    order = np.argsort(-confidence_N, kind="stable")
    sure_N = confidence_N[order]
    accuracy_N = np.cumsum(right_N[order]) / np.arange(1, len(order) + 1)
    last_of_tie = np.append(sure_N[1:] < sure_N[:-1], True)
    good = np.flatnonzero((accuracy_N >= wanted) & last_of_tie)
    at = int(good[-1]) if len(good) else int(np.flatnonzero(last_of_tie)[0])
    threshold = 0.0 if at == len(order) - 1 else float(sure_N[at])
    return Abstention(threshold, (at + 1) / len(order), float(accuracy_N[at]))


def threshold_keeping(confidence_N: NDArray[np.float64], right_N: NDArray[np.bool_], given_up: float) -> float:
    """The highest threshold below which at most the share `given_up` of the right answers lies; 0 without any."""
    sure_R = np.sort(confidence_N[right_N])
    if not len(sure_R):
        return 0.0
    return float(sure_R[int(given_up * len(sure_R))])

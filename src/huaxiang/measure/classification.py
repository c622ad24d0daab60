"""Figures of classifiers: accuracy, F1, confusion.

Legend: N texts, C classes, P places of a matrix.
"""

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from huaxiang.errors import DataError

Labels: TypeAlias = NDArray[np.int64]


class PerClass(NamedTuple):
    """Precision, recall and F1 of each class, each shape `(C,)`; 0 where nothing was asked or answered.

    Attributes:
        support: rows that have the class; `answered`: rows that were given it.
    """

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    f1: NDArray[np.float64]
    support: NDArray[np.int64]
    answered: NDArray[np.int64]

    @property
    def macro_f1(self) -> float:
        """Mean F1 over the classes that occur, in what is right or in what was answered."""
        met = (self.support > 0) | (self.answered > 0)
        return float(self.f1[met].mean()) if met.any() else float("nan")


def confusion(right_N: Labels, said_N: Labels, n_classes: int) -> NDArray[np.int64]:
    """Rows of each class (first axis) by what was answered (second axis), shape `(C, C)`."""
    if len(right_N) != len(said_N):
        raise DataError(f"{len(right_N)} right labels but {len(said_N)} answers")
    return np.bincount(right_N * n_classes + said_N, minlength=n_classes**2).reshape(n_classes, n_classes)


def per_class(confusion_CC: NDArray[np.int64]) -> PerClass:
    """Figures of each class from a confusion matrix."""
    hits_C = np.diag(confusion_CC).astype(np.float64)
    return _figures(hits_C, confusion_CC.sum(axis=0), confusion_CC.sum(axis=1))


def per_label(right_NC: NDArray[np.bool_], said_NC: NDArray[np.bool_]) -> PerClass:
    """Figures of each label where a row can have several."""
    if right_NC.shape != said_NC.shape:
        raise DataError(f"right labels of shape {right_NC.shape} but answers of shape {said_NC.shape}")
    return _figures((right_NC & said_NC).sum(axis=0).astype(np.float64), said_NC.sum(axis=0), right_NC.sum(axis=0))


def _figures(hits_C: NDArray[np.float64], said_C: NDArray[np.int64], support_C: NDArray[np.int64]) -> PerClass:
    precision_C = hits_C / np.maximum(said_C, 1)
    recall_C = hits_C / np.maximum(support_C, 1)
    f1_C = 2.0 * hits_C / np.maximum(said_C + support_C, 1)
    return PerClass(precision_C, recall_C, f1_C, np.asarray(support_C, np.int64), np.asarray(said_C, np.int64))

"""A linear head: trained by scikit-learn, saved as safetensors, served by numpy.

Legend: N texts, F features, C classes.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from huaxiang.errors import DataError

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Features: TypeAlias = "NDArray[np.float32] | csr_matrix"
Scores: TypeAlias = NDArray[np.float64]

_TENSORS: Final = "linear.safetensors"
_MANY_CLASSES: Final = 20
_NEVER: Final = -30.0
"""Logit of a class without a row to learn from: never the answer, and its loss stays a number."""


@dataclass(frozen=True, slots=True)
class Linear:
    """`scores = features @ weights.T + bias`: logits, of which softmax (one label) or sigmoid (many) is taken.

    Attributes:
        weights_CF: shape `(C, F)`.
        bias_C: shape `(C,)`.
    """

    weights_CF: NDArray[np.float32]
    bias_C: NDArray[np.float32]

    def scores(self, features_NF: Features) -> Scores:
        """Logits of shape `(N, C)`."""
        return np.asarray(features_NF @ self.weights_CF.T + self.bias_C, dtype=np.float64)

    def save(self, folder: Path) -> None:
        """Write the weights."""
        folder.mkdir(parents=True, exist_ok=True)
        save_file({"weights": np.ascontiguousarray(self.weights_CF), "bias": self.bias_C}, folder / _TENSORS)

    @classmethod
    def load(cls, folder: Path) -> Linear:
        """Read what `save` wrote."""
        try:
            tensors = load_file(folder / _TENSORS)
            return cls(tensors["weights"], tensors["bias"])
        except (OSError, KeyError, SafetensorError) as error:
            raise DataError(f"{folder} holds no linear head: {error}; train the classifier again") from error


def fit_linear(
    features_NF: Features,
    targets_NC: NDArray[np.float32],
    *,
    c: float,
    balanced: bool = False,
    many: bool = False,
    dense: bool = False,
) -> Linear:
    """Train a head; one column of `targets_NC` for each class, 1 where the text has the label.

    Few classes are told apart by logistic regression, and so are all in a few hundred dense features; more than 20 in
    sparse features by one linear support vector machine each (Fan et al. 2008): as good there, and several times as
    fast.

    Args:
        c: inverse of the regularisation.
        balanced: whether each class counts alike, however often it occurs.
        many: whether a text can have several labels or none.
        dense: whether the features are a matrix without zeros.
    """
    weight = "balanced" if balanced else None
    if many:
        return _each(features_NF, targets_NC, c, weight)
    machines = targets_NC.shape[1] > _MANY_CLASSES and not dense
    return _one(features_NF, targets_NC.argmax(axis=1), targets_NC.shape[1], c, weight, machines)


def _one(
    features_NF: Features, labels_N: NDArray[np.int64], n: int, c: float, weight: str | None, machines: bool
) -> Linear:
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import LinearSVC

    present = np.unique(labels_N)
    if machines:
        model: Any = LinearSVC(C=c / 10, class_weight=weight, dual=True, random_state=0)
    else:
        model = LogisticRegression(C=c, class_weight=weight, max_iter=200)
    weights_CF = np.zeros((n, features_NF.shape[1]), dtype=np.float32)
    bias_C = np.full(n, _NEVER, dtype=np.float32)
    if len(present) == 1:
        bias_C[present] = 0.0
        return Linear(weights_CF, bias_C)
    with _quiet_about_convergence():
        model.fit(features_NF, labels_N)
    if len(present) == 2:
        half = 0.5  # the two-class logit, shared evenly: softmax of the two gives back the same probability
        weights_CF[present] = half * np.concatenate([-model.coef_, model.coef_])
        bias_C[present] = half * np.concatenate([-model.intercept_, model.intercept_])
    else:
        weights_CF[present], bias_C[present] = model.coef_, model.intercept_
    return Linear(weights_CF, bias_C)


def _each(features_NF: Features, targets_NC: NDArray[np.float32], c: float, weight: str | None) -> Linear:
    """Many labels: one logistic regression for each; a label that all or none have is answered by its share."""
    from sklearn.linear_model import LogisticRegression

    n = targets_NC.shape[1]
    weights_CF = np.zeros((n, features_NF.shape[1]), dtype=np.float32)
    share_C = np.clip(targets_NC.mean(axis=0), 1e-4, 1 - 1e-4)
    bias_C = np.log(share_C / (1 - share_C)).astype(np.float32)
    for label in range(n):
        if 0 < targets_NC[:, label].sum() < len(targets_NC):
            model: Any = LogisticRegression(C=c, class_weight=weight, max_iter=200)
            with _quiet_about_convergence():
                model.fit(features_NF, targets_NC[:, label])
            weights_CF[label], bias_C[label] = model.coef_[0], model.intercept_[0]
    return Linear(weights_CF, bias_C)


@contextmanager
def _quiet_about_convergence() -> Iterator[None]:
    """Hide that a solver stopped at its last iteration, which held-out texts judge, and that there are many classes."""
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
        yield

"""Candidates that train no network: n-grams under a linear head, and a frozen encoder under one.

Legend: N training texts, H held-out ones, F features, C classes, D width.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.encoder.classifying.material import Judged, Material, judge
from huaxiang.encoder.heads.linear import Features, Linear, Scores, fit_linear
from huaxiang.encoder.heads.ngrams import Ngrams
from huaxiang.types import Vectors

if TYPE_CHECKING:
    from collections.abc import Sequence

NGRAM_CS: Final = (1.0, 3.0, 10.0)
VECTOR_CS: Final = (0.01, 0.1, 1.0)
"""Inverse regularisations that held-out texts choose from; vectors are standardised first."""
_MOST_WEIGHTS: Final = 40_000_000
"""Classes times n-grams, at most: 160 MB in float32."""


@dataclass(frozen=True, slots=True)
class Head:
    """A linear head as the held-out texts chose it, trained on every training text.

    Attributes:
        c: the inverse regularisation that was chosen.
        of_folds: heads of a dense matrix that have not seen the rows held out, one a fold: to go on from.
    """

    linear: Linear
    judged: Judged
    c: float
    of_folds: tuple[Linear, ...] = ()


def fit_head(
    features_NF: Features, material: Material, cs: Sequence[float], *, dense: bool, one_scale: bool = False
) -> Head:
    """Choose the regularisation on the held-out rows, then train on all.

    Args:
        one_scale: whether dense features are scaled together instead of each by its own deviation, see
            `fit_on_vectors`.
    """
    began = time.monotonic()
    tried: dict[float, Judged] = {}
    heads: dict[float, tuple[Linear, ...]] = {}
    for c in cs if material.folds else cs[-1:]:
        scores_HC, of_folds = held_scores(features_NF, material, c, dense=dense, one_scale=one_scale)
        targets_HC = material.targets_NC[material.held_N]
        tried[c] = judge(scores_HC, targets_HC, many=material.many, seconds=time.monotonic() - began)
        heads[c] = of_folds if dense else ()
    best = max(tried, key=lambda c: (tried[c].accuracy, -tried[c].log_loss))
    whole = _fit(features_NF, material.targets_NC, material, best, dense, one_scale)
    return Head(whole, tried[best], best, heads[best])


def held_scores(
    features_NF: Features, material: Material, c: float, *, dense: bool, one_scale: bool = False
) -> tuple[Scores, tuple[Linear, ...]]:
    """Scores of each held-out row by a head that has not seen it, shape `(H, C)`, and those heads."""
    scores_NC = np.zeros((len(material.train), material.n_classes))
    heads = []
    for fold in material.folds:
        heads.append(_fit(features_NF[fold.fit], material.targets_NC[fold.fit], material, c, dense, one_scale))
        scores_NC[fold.held] = heads[-1].scores(features_NF[fold.held])
    return scores_NC[material.held_N], tuple(heads)


def _fit(
    features_NF: Features,
    targets_NC: NDArray[np.float32],
    material: Material,
    c: float,
    dense: bool,
    one_scale: bool,
) -> Linear:
    if not dense:
        return fit_linear(features_NF, targets_NC, c=c, balanced=material.balanced, many=material.many)
    return fit_on_vectors(np.asarray(features_NF), targets_NC, material, c, one_scale=one_scale)


def fit_on_vectors(
    vectors_ND: Vectors, targets_NC: NDArray[np.float32], material: Material, c: float, *, one_scale: bool = False
) -> Linear:
    """A head on an encoder's vectors, which are standardised first; the head that comes back takes them as they are.

    Args:
        one_scale: bring the vectors to a mean square length of 1 about their mean, all widths by one number: of few
            texts the deviation of each width is mostly chance.
    """
    mean_D, spread_D = vectors_ND.mean(axis=0), vectors_ND.std(axis=0) + 1e-6
    if one_scale:
        spread_D = np.full_like(spread_D, np.sqrt(np.square(vectors_ND - mean_D).sum(axis=1).mean()) + 1e-6)
    head = fit_linear(
        (vectors_ND - mean_D) / spread_D, targets_NC, c=c, balanced=material.balanced, many=material.many, dense=True
    )
    weights_CD = head.weights_CF / spread_D
    return Linear(weights_CD.astype(np.float32), (head.bias_C - weights_CD @ mean_D).astype(np.float32))


@dataclass(frozen=True, slots=True)
class NgramModel:
    """N-grams with their head."""

    ngrams: Ngrams
    head: Head

    def scores(self, texts: Sequence[str]) -> Scores:
        """Logits of shape `(n, C)`."""
        return self.head.linear.scores(self.ngrams.transform(texts))

    def save(self, folder: Path) -> None:
        """Write both."""
        self.ngrams.save(folder)
        self.head.linear.save(folder)


def fit_ngrams(material: Material) -> NgramModel:
    """TF-IDF with a linear head: hard to beat, and never left out."""
    ngrams = Ngrams(max_features=min(400_000, _MOST_WEIGHTS // material.n_classes)).fit(material.train.texts)
    material.tell("n-grams", 1, 2)
    head = fit_head(ngrams.transform(material.train.texts), material, NGRAM_CS, dense=False)
    material.tell("n-grams", 2, 2)
    return NgramModel(ngrams, head)

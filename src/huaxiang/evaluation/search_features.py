"""What is known of judged pairs before any grade is looked at: words, places, amounts, and what an encoder says.

Legend: N judged pairs, Q queries, M products, D width, G features.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.encoder.opening import AUTO, NetworkEncoder, open_encoder
from huaxiang.encoder.precision import autocast, is_faster_in_bf16
from huaxiang.errors import DataError, MissingExtraError
from huaxiang.evaluation.budget import Budget
from huaxiang.evaluation.judgment_file import Judgments
from huaxiang.ranking.matching import NAMES, features, read_query, read_title
from huaxiang.ranking.relevance import relevance
from huaxiang.ranking.vocabulary import Vocabulary
from huaxiang.types import Vectors

Encode = Callable[[Sequence[str]], Vectors]

MEANING: Final = ("meaning", "meaning_widened")
"""Cosines, in standard deviations of those of random pairs: of the query, its slips corrected; and of the query drawn
towards the products that are nearest to it."""
_NEAREST: Final = 5
_DRAWN: Final = 1.0
"""Weight of the mean of the nearest products beside the query; both chosen on validation queries."""
_TIMED: Final = 64
_RANDOM_PAIRS: Final = 20_000
_LEAST_SPREAD: Final = 0.01
"""Of cosines; less is met only where all texts are alike."""


@dataclass(frozen=True, slots=True, eq=False)
class PairFeatures:
    """What was read of every pair.

    Attributes:
        values_NG: columns by `names`. spelled: each query as it was probably meant.
    """

    names: tuple[str, ...]
    values_NG: NDArray[np.float32]
    spelled: tuple[str, ...]

    def column(self, name: str) -> NDArray[np.float64]:
        """One feature of every pair."""
        return self.values_NG[:, self.names.index(name)].astype(np.float64)

    def fixed_scores(self) -> NDArray[np.float64]:
        """What the fixed formula says, shape (N,)."""
        meaning_N = self.column(MEANING[1]) if MEANING[1] in self.names else None
        return relevance(self.values_NG[:, : len(NAMES)], meaning_N)

    def last(self, n: int) -> "PairFeatures":
        """The last pairs alone."""
        return PairFeatures(self.names, self.values_NG[len(self.values_NG) - n :], self.spelled)

    def with_columns(self, more: Mapping[str, NDArray[np.floating]]) -> "PairFeatures":
        """The same with further features."""
        columns_NG = np.column_stack([self.values_NG, *more.values()]).astype(np.float32)
        return PairFeatures((*self.names, *more), columns_NG, self.spelled)


def read_pairs(judged: Judgments, encode: Encode | None, *, seed: int) -> PairFeatures:
    """Read every product and query and compare each pair; grades are not looked at.

    Args:
        encode: None where no encoder is at hand.
        seed: of the random pairs that a cosine is measured by.
    """
    vocabulary = Vocabulary()
    titles = [read_title(product.title, vocabulary, product.description) for product in judged.products]
    queries = [read_query(query, vocabulary) for query in judged.queries]
    values_NG = np.zeros((len(judged), len(NAMES)), np.float32)
    for query, rows in zip(queries, judged.rows_Q, strict=True):
        values_NG[rows] = features(query, [titles[at] for at in judged.product_N[rows]], vocabulary)
    read = PairFeatures(NAMES, values_NG, tuple(query.spelled for query in queries))
    if encode is None:
        return read
    products_MD = encode([product.text for product in judged.products])
    queries_QD = encode(read.spelled)
    rng = np.random.default_rng(seed)
    wide_QD = widened(queries_QD, products_MD)
    more = dict(zip(MEANING, (_spread(judged, each, products_MD, rng) for each in (queries_QD, wide_QD)), strict=True))
    return read.with_columns(more)


def widened(queries_QD: Vectors, products_MD: Vectors) -> Vectors:
    """Queries drawn towards the products nearest to them (Rocchio 1971, by cosine), brought to length 1."""
    wide_QD = queries_QD.copy()
    k = min(_NEAREST, len(products_MD))
    for start in range(0, len(queries_QD), 256):
        part_PD = queries_QD[start : start + 256]
        scores_PM = part_PD @ products_MD.T
        near_PK = np.argpartition(-scores_PM, k - 1, axis=1)[:, :k]
        weights_PK = np.maximum(np.take_along_axis(scores_PM, near_PK, axis=1), 1e-6)
        weights_PK /= weights_PK.sum(axis=1, keepdims=True)
        wide_QD[start : start + 256] += _DRAWN * np.einsum("pk,pkd->pd", weights_PK, products_MD[near_PK])
    return np.asarray(wide_QD / np.maximum(np.linalg.norm(wide_QD, axis=1, keepdims=True), 1e-9), np.float32)


def _spread(
    judged: Judgments, queries_QD: Vectors, products_MD: Vectors, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Cosines of the pairs in standard deviations of those of random ones, so that one weight serves all encoders."""
    q, m = (rng.integers(0, len(each), _RANDOM_PAIRS) for each in (queries_QD, products_MD))
    chance = (queries_QD[q] * products_MD[m]).sum(axis=1)
    found_N = (queries_QD[judged.query_N] * products_MD[judged.product_N]).sum(axis=1)
    return np.asarray((found_N - chance.mean()) / max(float(chance.std()), _LEAST_SPREAD), np.float64)


def fits(encode: Encode, texts: Sequence[str], budget: Budget, what: str) -> bool:
    """Whether the budget allows to encode these texts, by what a few of them take; if not, it is noted there."""
    few = list(texts[:: max(len(texts) // _TIMED, 1)][:_TIMED])
    encode(few[:2])  # the first call pays for allocations
    began = time.monotonic()
    encode(few)
    return budget.allows(what, (time.monotonic() - began) * len(texts) / max(len(few), 1))


def open_reader(texts: Sequence[str], notes: list[str]) -> Encode | None:
    """The installed encoder that reads these texts, None where there is none; which it is stands in the notes."""
    try:
        opened = open_encoder(AUTO, texts, light=False)
    except (MissingExtraError, DataError) as error:
        notes.append(f"huaxiang compares words alone: {error}")
        return None
    notes.append(f"huaxiang's encoder: {opened.why}")
    encoder = opened.encoder
    if not isinstance(encoder, NetworkEncoder):
        return encoder.encode
    faster = is_faster_in_bf16(encoder.network, texts)

    def encode(some: Sequence[str]) -> Vectors:
        with autocast(faster):
            return encoder.encode(some)

    return encode

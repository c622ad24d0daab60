"""Praise or blame: a head that learns from star ratings, which label a shop's reviews without anybody's work.

Legend: N texts, H held-out ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from huaxiang.errors import DataError
from huaxiang.measure.intervals import wilson
from huaxiang.text.sentiment import sentiment

if TYPE_CHECKING:
    from huaxiang.encoder.classifying.auto import Trained
    from huaxiang.encoder.classifying.classifier import TextClassifier

PRAISE: Final = frozenset({"positive", "pos", "1", "true", "good", "praise", "好评", "正面", "正向", "积极"})
BLAME: Final = frozenset({"negative", "neg", "0", "-1", "false", "bad", "blame", "差评", "负面", "负向", "消极"})
"""What the two labels of a classifier of polarity are called, in lower case."""

_STARS: Final = (2.0, 4.0)
"""Ratings up to the first are blame, from the second on praise, on a scale of five; what lies between is neither."""
_LEAST: Final = 100
"""Texts of either kind: with 100 the head was at .83 on Chinese reviews where the lexicon has .86, with 500 at .88, so
below that it would not be chosen anyway (experiments/LOG.md)."""
_MOST: Final = 10_000
"""Texts of either kind that are learned from: 15 seconds on one core, .927 on Chinese reviews."""
_POSITIVE, _NEGATIVE = "positive", "negative"


@dataclass(frozen=True, slots=True)
class Polarity:
    """How much a text praises, by whatever was found best.

    Attributes:
        judge: probabilities of praise, shape `(N,)`; .5 where nothing is said.
        name: `lexicon` or what was trained.
        why: one sentence on the choice.
        is_trained: whether `judge` learned from labels.
        log_odds: of praise against blame among the rated reviews, where `judge` learned from as many of either.
    """

    judge: Callable[[Sequence[str]], NDArray[np.float64]]
    name: str
    why: str
    is_trained: bool = False
    log_odds: float = 0.0

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """As `judge`."""
        return self.judge(texts)

    def shares(self, texts: Sequence[str]) -> tuple[float, float]:
        """Which shares of the texts praise and blame; what the lexicon is silent on does neither.

        By a trained head: its mean probabilities, given how many of the rated texts praise. With even odds one false
        blame in eight would be most of the blame in a shop that nearly all praise.
        """
        if not len(texts):
            return 0.0, 0.0
        praise_N = self.judge(texts)
        if not self.is_trained:
            return float((praise_N > 0.5).mean()), float((praise_N < 0.5).mean())
        praise_N = expit(logit(np.clip(praise_N, 1e-9, 1.0 - 1e-9)) + self.log_odds)
        return float(praise_N.mean()), float(1.0 - praise_N.mean())


def by_lexicon(why: str = "nothing was trained") -> Polarity:
    """What the word lists of both languages say."""
    return Polarity(_lexicon, "lexicon", why)


def by_classifier(classifier: TextClassifier, name: str) -> Polarity:
    """What a classifier says that `huaxiang finetune classify` trained on two labels for praise and blame.

    Raises:
        DataError: its labels are not called like praise and blame.
    """
    called = [label.strip().lower() for label in classifier.labels]
    if len(called) != 2 or not set(called) & PRAISE or not set(called) & BLAME:
        raise DataError(
            f"a classifier of polarity has two labels such as positive and negative, 1 and 0, 好评 and 差评; "
            f"{name} has {', '.join(classifier.labels[:6])}"
        )
    at = next(place for place, label in enumerate(called) if label in PRAISE)
    return Polarity(lambda texts: classifier.probabilities(texts)[:, at], name, f"{name} was asked for", True)


def train_polarity_from_ratings(
    texts: Sequence[str],
    ratings: Sequence[float | None],
    *,
    method: str = "ngrams",
    seconds: float = 600.0,
    seed: int = 0,
) -> Polarity:
    """Learn praise and blame from rated reviews; on held-out ones the head must beat the lexicon, or that answers.

    The side with more texts is thinned to the size of the other: of 32,000 reviews with 1 % blame a head with balanced
    weights had .69 on a balanced test, a head on the 800 of either side .86.

    Args:
        ratings: on a scale of five; None for a review without one.
        method: as `huaxiang finetune classify --method` takes it; `ngrams` needs no torch and a few seconds.
        seconds: wall time for methods that train a network.
    """
    sides = _sides(texts, ratings)
    n_praise, n_blame = len(sides[_POSITIVE]), len(sides[_NEGATIVE])
    if min(n_praise, n_blame) < _LEAST:
        return by_lexicon(f"{n_praise} rated texts praise and {n_blame} blame, {_LEAST} of either are needed to learn")
    chosen = _balanced(sides, np.random.default_rng(seed))
    from huaxiang.encoder.classifying.asked import Asked
    from huaxiang.encoder.classifying.auto import train_classifier
    from huaxiang.encoder.classifying.table import Labelled
    from huaxiang.encoder.schedule import Clock

    rows = Labelled(tuple(text for text, _ in chosen), tuple((label,) for _, label in chosen))
    trained = train_classifier(rows, Asked(method, seed=seed), Clock(seconds))
    return _better(trained, math.log(n_praise / n_blame))


def _sides(texts: Sequence[str], ratings: Sequence[float | None]) -> dict[str, list[str]]:
    """The distinct texts of praise and of blame, in their order."""
    low, high = _STARS
    stars: dict[str, float] = {}
    for text, rating in zip(texts, ratings, strict=True):
        if rating is not None and text.strip() and not low < rating < high:
            stars.setdefault(text, rating)
    return {
        _POSITIVE: [text for text, rating in stars.items() if rating >= high],
        _NEGATIVE: [text for text, rating in stars.items() if rating <= low],
    }


def _balanced(sides: Mapping[str, Sequence[str]], rng: np.random.Generator) -> list[tuple[str, str]]:
    """As many of either side, at most 10,000, each with its label."""
    n = min(*map(len, sides.values()), _MOST)
    drawn = {label: np.sort(rng.permutation(len(found))[:n]) for label, found in sides.items()}
    return [(sides[label][at], label) for label, places in drawn.items() for at in places]


def _better(trained: Trained, log_odds: float) -> Polarity:
    """The head or the lexicon, whichever is right more often on the same held-out texts."""
    held_H = trained.material.held_N
    right_H = trained.material.targets_NC[held_H].argmax(axis=1)
    head_H = trained.choice.judged.scores_HC.argmax(axis=1) == right_H
    positive = trained.classifier.labels.index(_POSITIVE)
    said_H = _lexicon([trained.material.train.texts[at] for at in held_H]) - 0.5
    lexicon_H = np.where(right_H == positive, said_H > 0, said_H < 0)  # .5, nothing said, is no answer
    figures = ", ".join(
        f"{name} {hits.mean():.3f} [{low:.3f}, {high:.3f}]"
        for name, hits in ((trained.method, head_H), ("lexicon", lexicon_H))
        for low, high in [wilson(int(hits.sum()), len(hits))]
    )
    why = f"right on {len(held_H):,} held-out reviews: {figures}"
    if head_H.mean() < lexicon_H.mean():
        return by_lexicon(why)
    name = f"{trained.method} on {len(trained.material.train):,} rated reviews"
    return Polarity(lambda texts: trained.classifier.probabilities(texts)[:, positive], name, why, True, log_odds)


def _lexicon(texts: Sequence[str]) -> NDArray[np.float64]:
    """The lexicon's polarity brought into [0, 1]."""
    return np.array([0.5 + 0.5 * (sentiment(text).polarity or 0.0) for text in texts], dtype=np.float64)

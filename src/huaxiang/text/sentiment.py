"""Sentiment (first cut)."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Sentiment:
    """What a text feels: `polarity` in [-1, 1] (None where it carries none), `strength` in [0, 1], aspects."""

    polarity: float | None = None
    strength: float = 0.0
    aspects: Mapping[str, float] = field(default_factory=dict)


def sentiment(text: str, language: str | None = None) -> Sentiment:
    """The sentiment of a text."""
    compound = float(_vader().polarity_scores(text[:5000])["compound"])
    return Sentiment(compound, abs(compound)) if compound else Sentiment()


@functools.cache
def _vader() -> Any:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    return SentimentIntensityAnalyzer()

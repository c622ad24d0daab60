"""Sentiment of a text and of what it judges (delivery, price, quality ...), in Chinese, English and both at once."""

import functools
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from huaxiang.text import english
from huaxiang.text.chinese import Clause, clauses_of, weigh
from huaxiang.text.language import UNDECIDED, detect
from huaxiang.text.lexicons import lines_of
from huaxiang.text.segment import HAN, normalise

SENTIMENT_LIMIT: Final = 5_000
"""Characters that are looked at."""

_READS: Final = frozenset({"zh", "en", UNDECIDED})
_HAN: Final = re.compile(f"[{HAN}]")
_SCALE: Final = 15.0
"""VADER's: a valence of 4, one strong word, becomes a polarity of .72."""
_ASPECT_SCALE: Final = 5.0
"""An aspect is mostly judged by one word."""
_SAYS: Final = 0.75
"""A word below this weight only leans: it moves a text that says something and says nothing alone."""


@dataclass(frozen=True, slots=True)
class Sentiment:
    """What a text feels.

    Attributes:
        polarity: in [-1, 1]; None where nothing in the text carries sentiment or its language is not read.
        strength: in [0, 1], how much sentiment there is of either sign: a mixed text has much, and a polarity near 0.
        aspects: of delivery, price, quality, service, packaging, size, taste and appearance those that the text
            judges, each with its polarity in [-1, 1].
    """

    polarity: float | None = None
    strength: float = 0.0
    aspects: Mapping[str, float] = field(default_factory=dict)


def sentiment(text: str, language: str | None = None) -> Sentiment:
    """The sentiment of the first 5,000 characters of a text; `language` as `detect` names it, found out if None.

    Only Chinese and English are read; a text in another language has no polarity, because words that look English
    (German "die") would give it a false one.
    """
    text = text[:SENTIMENT_LIMIT]
    language = detect(text) if language is None else language
    if language not in _READS:
        return Sentiment()
    return _of_chinese(normalise(text)) if _HAN.search(text) else _of_english(text)


def _of_chinese(text: str) -> Sentiment:
    clauses = list(clauses_of(text))
    weights = [abs(weight) for clause in clauses for _, weight in clause.hits]
    if max(weights, default=0.0) < _SAYS:
        return Sentiment()
    return Sentiment(_squash(weigh(clauses), _SCALE), _squash(sum(weights), _SCALE), _judged(_mentions(clauses)))


def _mentions(clauses: Iterable[Clause]) -> Iterator[tuple[str, float]]:
    """Each word of sentiment with the aspect it speaks of: the last one named before it in its clause, else after."""
    named = aspects_by_word()
    for clause in clauses:
        places = [(place, named[word]) for place, word in enumerate(clause.words) if word in named]
        if not places:
            continue
        for place, weight in clause.hits:
            if abs(weight) >= _SAYS:
                before = [aspect for at, aspect in places if at <= place]
                yield (before[-1] if before else places[0][1]), weight


def _of_english(text: str) -> Sentiment:
    text = english.join_phrases(text)
    compound, share = english.compound(text)
    if compound == 0.0 and share == 0.0:
        return Sentiment()
    judged = [
        (aspect, _stretch(value))
        for words, clause in english.clauses_naming(text, aspects_by_word().keys())
        if (value := english.compound(clause)[0])
        for aspect in dict.fromkeys(aspects_by_word()[word] for word in words)
    ]
    return Sentiment(compound, max(abs(compound), share), _judged(judged))


def _judged(mentions: Iterable[tuple[str, float]]) -> dict[str, float]:
    sums: dict[str, float] = {}
    for aspect, weight in mentions:
        sums[aspect] = sums.get(aspect, 0.0) + weight
    return {aspect: _squash(total, _ASPECT_SCALE) for aspect, total in sums.items()}


@functools.cache
def aspects_by_word() -> dict[str, str]:
    """Every word of both languages that names an aspect, with the aspect."""
    named: dict[str, str] = {}
    for line in lines_of("aspects"):
        aspect, _, words = line.partition(":")
        named.update(dict.fromkeys(words.split(), aspect))
    return named


def _squash(valence: float, scale: float) -> float:
    return valence / math.sqrt(valence * valence + scale)


def _stretch(compound: float) -> float:
    """The valence behind a compound of VADER's."""
    return compound * math.sqrt(_SCALE / max(1.0 - compound * compound, 0.01))

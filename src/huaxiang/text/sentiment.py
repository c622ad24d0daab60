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
_CLAUSES: Final = re.compile(r"[^，。！？；,.!?;…\n]+[，。！？；,.!?;…\n]*")
_LATIN: Final = re.compile(r"[A-Za-z]{2,}")
_FEW_WORDS: Final = 3
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
    (German "die") would give it a false one. In a text of both, each clause is read in its own.
    """
    text = text[:SENTIMENT_LIMIT]
    language = detect(text) if language is None else language
    if language not in _READS:
        return Sentiment()
    if not _HAN.search(text):
        found = _of_english(text)
    else:
        chinese, english_part = _by_script(text)
        found = _of_chinese(normalise(chinese))
        if english_part:
            found = found.and_also(_of_english(english_part))
    if found.mass == 0.0:
        return Sentiment()
    return Sentiment(_squash(found.valence, _SCALE), _squash(found.mass, _SCALE), _judged(found.mentions))


@dataclass(frozen=True, slots=True)
class _Found:
    """Sums over a text before they are brought into [-1, 1]: signed, unsigned, and by `(aspect, weight)`."""

    valence: float = 0.0
    mass: float = 0.0
    mentions: tuple[tuple[str, float], ...] = ()

    def and_also(self, other: "_Found") -> "_Found":
        return _Found(self.valence + other.valence, self.mass + other.mass, self.mentions + other.mentions)


def _by_script(text: str) -> tuple[str, str]:
    """The Chinese clauses and the English ones; all Chinese where the English are but a word or two: 质量 good."""
    clauses = _CLAUSES.findall(text)
    foreign = [clause for clause in clauses if not _HAN.search(clause)]
    if sum(len(_LATIN.findall(clause)) for clause in foreign) < _FEW_WORDS:
        return text, ""
    return "".join(clause for clause in clauses if _HAN.search(clause)), " ".join(foreign)


def _of_chinese(text: str) -> _Found:
    clauses = list(clauses_of(text))
    weights = [abs(weight) for clause in clauses for _, weight in clause.hits]
    if max(weights, default=0.0) < _SAYS:
        return _Found()
    return _Found(weigh(clauses), sum(weights), tuple(_mentions(clauses)))


def _of_english(text: str) -> _Found:
    text = english.join_phrases(text)
    compound, share = english.compound(text)
    named = aspects_by_word()
    judged = [
        (aspect, _stretch(value))
        for words, clause in english.clauses_naming(text, named.keys())
        if (value := english.compound(clause)[0])
        for aspect in dict.fromkeys(named[word] for word in words)
    ]
    return _Found(_stretch(compound), _stretch(max(abs(compound), share)), tuple(judged))


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

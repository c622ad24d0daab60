"""Sentiment of English texts: VADER (Hutto & Gilbert 2014) with the shop's words added to its lexicon."""

import functools
import re
from collections.abc import Collection, Iterator
from typing import Any, Final

from huaxiang.text.lexicons import weights_of

_CLAUSE: Final = re.compile(
    r"[.!?;,\n:()]+|\b(?:but|although|though|while|whereas|however|yet|except|unfortunately)\b", re.IGNORECASE
)
_AND: Final = re.compile(r"\band\b", re.IGNORECASE)
_WORD: Final = re.compile(r"[a-z]+(?:[-'][a-z]+)*")


def compound(text: str) -> tuple[float, float]:
    """VADER's compound in [-1, 1], and the share of the text, in [0, 1], that carries sentiment of either sign.

    The text has been through `join_phrases`.
    """
    scores = analyser().polarity_scores(text)
    return float(scores["compound"]), min(1.0, float(scores["pos"] + scores["neg"]))


def weight_of(word: str) -> float | None:
    """What one English word is worth alone, from -4 to +4; None where the lexicon does not hold it."""
    weight = analyser().lexicon.get(word)
    return None if weight is None else float(weight)


def clauses_naming(text: str, names: Collection[str]) -> Iterator[tuple[list[str], str]]:
    """The clauses that hold any of `names`, each with those; "fast delivery and poor quality" are two."""
    for clause in _CLAUSE.split(text):
        parts = _AND.split(clause)
        named = [[word for word in _WORD.findall(part.lower()) if word in names] for part in parts]
        if sum(map(bool, named)) > 1:
            yield from ((words, part) for words, part in zip(named, parts, strict=True) if words)
        elif any(named):
            yield [word for words in named for word in words], clause


@functools.cache
def analyser() -> Any:
    """VADER's analyser, built once, when the first English text comes."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    built = SentimentIntensityAnalyzer()
    built.lexicon.update(weights_of("sentiment_en"))
    for place, (mark, weight) in enumerate(weights_of("sentiment_emoji").items()):
        built.emojis[mark] = f"emoji{place}"  # VADER reads an emoji as its description: here a word of its own
        built.lexicon[f"emoji{place}"] = weight
    return built


def join_phrases(text: str) -> str:
    """The text with the lexicon's phrases as one word each: VADER weighs single words ("stopped-working")."""
    return _phrases().sub(lambda found: "-".join(found.group().split()), text)


@functools.cache
def _phrases() -> re.Pattern[str]:
    tails: dict[str, list[str]] = {}
    for word in weights_of("sentiment_en"):
        head, *tail = word.split("-")
        if tail:
            tails.setdefault(head, []).append(r"\s+".join(map(re.escape, tail)))
    joined = "|".join(rf"{re.escape(head)}\s+(?:{'|'.join(rest)})" for head, rest in tails.items())
    return re.compile(rf"\b(?:{joined})\b", re.IGNORECASE)

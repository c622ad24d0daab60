"""A text read once, at intake: its language, sentiment, aspects and the terms that carry it."""

import functools
from typing import Final

from huaxiang.text import chinese, english
from huaxiang.text.language import detect
from huaxiang.text.segment import content_words
from huaxiang.text.sentiment import sentiment
from huaxiang.types import Reading

READER: Final = "lexicon-1"
"""Version of the reader; a reading of an older version is re-read by one command."""

READ_LIMIT: Final = 5_000
"""Characters of a text that are read; what comes after them is kept in the log and not looked at."""

MAX_KEYWORDS: Final = 8

_PRAISE: Final = 1.0


def read(text: str) -> Reading:
    """Read a text; only its first 5,000 characters are looked at. Needs no fitted model, never raises on any text."""
    text = text[:READ_LIMIT]
    language = detect(text)
    found = sentiment(text, language)
    return Reading(READER, language, found.polarity, found.strength, found.aspects, salient(text, MAX_KEYWORDS))


def salient(text: str, k: int) -> tuple[str, ...]:
    """The terms that carry a single text, best first: said often, long, early; ties by place.

    Praise and words of degree are left out, because they say nothing of what the text is about; named faults stay.
    """
    counts: dict[str, int] = {}
    for word in content_words(text):
        counts[word] = counts.get(word, 0) + 1
    weighed = []
    for place, (word, n) in enumerate(counts.items()):
        if weight := _weight(word):
            weighed.append((-n * weight / (1.0 + 0.02 * place), place, word))
    return tuple(word for _, _, word in sorted(weighed)[:k])


@functools.lru_cache(maxsize=50_000)
def _weight(word: str) -> float:
    """What a word is worth as a keyword by itself; 0 for one that is none."""
    feeling = english.weight_of(word) if word.isascii() else chinese.weight_of(word)
    if feeling is not None and (feeling == 0.0 or feeling >= _PRAISE or len(word) == 1):
        return 0.0
    if word[0].isdigit():
        return 0.3
    if word.isascii():
        return 1.0 if len(word) > 3 else 0.6
    return min(len(word), 4) ** 0.5 if len(word) > 1 else 0.4

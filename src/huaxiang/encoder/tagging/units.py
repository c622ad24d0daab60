"""What a label stands for: each character, or each word.

Serving cuts a text as the training file was cut: characters without blanks, or words, of which each Chinese character
and each sign is one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from huaxiang.errors import UnknownNameError
from huaxiang.text.segment import HAN

CHARACTERS: Final = "characters"
WORDS: Final = "words"
MOST_CHARACTERS: Final = 2_000
"""Of a text that are read: a field of a million must cost no more than a long title, and no title is longer."""
_PATTERNS: Final = {
    CHARACTERS: re.compile(r"\S"),
    WORDS: re.compile(rf"[^\W{HAN}]+(?:[-'’._][^\W{HAN}]+)*|\S"),
}


def cut(text: str, unit: str) -> list[tuple[int, int]]:
    """Offsets of the units of a text."""
    if unit not in _PATTERNS:
        raise UnknownNameError("unit", unit, _PATTERNS)
    return [found.span() for found in _PATTERNS[unit].finditer(text)]


def joined(units: Sequence[str], unit: str) -> tuple[str, tuple[tuple[int, int], ...]]:
    """The text that units were cut from, and where they stand in it; words have a blank between them, unless both
    are Chinese."""
    text = ""
    places = []
    for each in units:
        if text and unit == WORDS and not (_is_han(text[-1]) and _is_han(each[0])):
            text += " "
        places.append((len(text), len(text) + len(each)))
        text += each
    return text, tuple(places)


def _is_han(character: str) -> bool:
    return re.match(f"[{HAN}]", character) is not None

"""How far what was typed is from what was meant, in slips: a doubled letter, swapped ones, the key beside."""

from collections.abc import Mapping
from typing import Final

from rapidfuzz.distance import OSA

DOUBLED: Final = 0.6
"""A double letter typed once, or a single one twice."""
SWAPPED: Final = 0.7
BESIDE: Final = 0.8
"""The neighbouring key instead of, or beside, the one that was meant."""
VOWEL: Final = 0.8
"""One vowel for another: people who know a word by ear."""
FIRST: Final = 0.25
"""What a slip in the first letter costs more: people begin words well."""

_ROWS: Final = (("qwertyuiop", 0.0), ("asdfghjkl", 0.25), ("zxcvbnm", 0.75))
_VOWELS: Final = frozenset("aeiouy")


def _places() -> Mapping[str, tuple[float, float]]:
    return {key: (at + shift, float(row)) for row, (keys, shift) in enumerate(_ROWS) for at, key in enumerate(keys)}


_PLACES: Final = _places()
NEIGHBOURS: Final[Mapping[str, frozenset[str]]] = {
    key: frozenset(
        other
        for other, (right, down) in _PLACES.items()
        if other != key and abs(right - x) < 1.1 and abs(down - y) < 1.1
    )
    for key, (x, y) in _PLACES.items()
}
"""Keys of a QWERTY keyboard to those beside them."""


def slips(typed: str, meant: str) -> float:
    """The cost of a typing error, 0 where there is none, about 1 for each slip: between .6 and 1.5.

    A letter lost, added or replaced, or two neighbours swapped, are one slip; more than one are counted as optimal
    string alignment does.
    """
    shorter = min(len(typed), len(meant))
    start = 0
    while start < shorter and typed[start] == meant[start]:
        start += 1
    end = 0
    while end < shorter - start and typed[-1 - end] == meant[-1 - end]:
        end += 1
    wrong, right = typed[start : len(typed) - end], meant[start : len(meant) - end]
    if not wrong and not right:
        return 0.0
    return _cost(wrong, right, typed, meant, start) + (FIRST if start == 0 else 0.0)


def _cost(wrong: str, right: str, typed: str, meant: str, start: int) -> float:
    """Of what is left between the common beginning and end."""
    if not wrong and len(right) == 1:
        return DOUBLED if right in meant[max(0, start - 1) : start] + meant[start + 1 : start + 2] else 1.0
    if not right and len(wrong) == 1:
        around = typed[max(0, start - 1) : start] + typed[start + 1 : start + 2]
        if wrong in around:
            return DOUBLED
        return BESIDE if any(wrong in NEIGHBOURS.get(key, ()) for key in around) else 1.0
    if len(wrong) == 1 and len(right) == 1:
        if right in NEIGHBOURS.get(wrong, ()):
            return BESIDE
        return VOWEL if wrong in _VOWELS and right in _VOWELS else 1.0
    if len(wrong) == 2 and wrong == right[::-1]:
        return SWAPPED
    return float(OSA.distance(wrong, right))

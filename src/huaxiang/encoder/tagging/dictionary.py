"""The simplest tagger, which every other must beat: spans that were seen are found again."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from huaxiang.encoder.tagging.spans import Bounds, Tagged, bounds_of, spelled

_MOST_UNITS = 16


class Dictionary:
    """Longest match, from the left, of the spans of training texts, each with its most frequent type.

    A string that is outside of spans more often than inside is left out, or "new" would be a brand everywhere.
    """

    def __init__(self) -> None:
        self._types: dict[tuple[str, ...], str] = {}

    def fit(self, texts: Sequence[Tagged]) -> Dictionary:
        """Collect the spans."""
        types: defaultdict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
        for text in texts:
            units = _units(text)
            for start, end, name in bounds_of(text.labels):
                if end - start <= _MOST_UNITS:
                    types[units[start:end]][name] += 1
        self._types = {string: counts.most_common(1)[0][0] for string, counts in types.items()}
        inside = Counter({string: counts.total() for string, counts in types.items()})
        met = Counter(string for text in texts for string in _strings(_units(text), self._types))
        self._types = {s: name for s, name in self._types.items() if 2 * inside[s] >= met[s]}
        return self

    def predict(self, texts: Sequence[Tagged]) -> list[tuple[str, ...]]:
        """Labels of the units of each text."""
        return [spelled(self._found(_units(text)), len(text.units)) for text in texts]

    def _found(self, units: tuple[str, ...]) -> list[Bounds]:
        found: list[Bounds] = []
        at = 0
        while at < len(units):
            ends = range(min(len(units), at + _MOST_UNITS), at, -1)
            end = next((end for end in ends if units[at:end] in self._types), at)
            if end > at:
                found.append((at, end, self._types[units[at:end]]))
            at = max(end, at + 1)
        return found


def _units(text: Tagged) -> tuple[str, ...]:
    return tuple(text.text[start:end].casefold() for start, end in text.units)


def _strings(units: tuple[str, ...], known: dict[tuple[str, ...], str]) -> list[tuple[str, ...]]:
    return [
        units[start:end]
        for start in range(len(units))
        for end in range(start + 1, min(len(units), start + _MOST_UNITS) + 1)
        if units[start:end] in known
    ]

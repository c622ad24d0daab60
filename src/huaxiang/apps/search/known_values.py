"""Brands, categories and attribute values of the catalogue, found in the words of a query."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from huaxiang.text.segment import STOP_WORDS
from huaxiang.text.terms import query_terms

_LONGEST: Final = 6
"""Terms of a value that is looked for."""
_PATH: Final = " > "


@dataclass(frozen=True, slots=True)
class Named:
    """A value that a query names.

    Attributes:
        field: `brand`, `category` or `attribute:<name>`.
        value: as the shop spells it; of a category the whole path.
        start, end: the terms of the query that name it.
    """

    field: str
    value: str
    start: int
    end: int


class KnownValues:
    """Values by their terms.

    Args:
        values: by field, each value with how many items have it; of several with the same terms the commonest is found.
    """

    def __init__(self, values: Mapping[str, Mapping[str, int]]) -> None:
        self._by_terms: dict[tuple[str, ...], tuple[tuple[str, str], int]] = {}
        for field, counts in values.items():
            for value, n in counts.items():
                for name in _names(field, value):
                    self._add(tuple(query_terms(name)[: _LONGEST + 1]), (field, value), n)

    def _add(self, terms: tuple[str, ...], named: tuple[str, str], n: int) -> None:
        if not 0 < len(terms) <= _LONGEST or (len(terms) == 1 and _says_little(terms[0])):
            return
        kept = self._by_terms.get(terms)
        if kept is None or n > kept[1]:
            self._by_terms[terms] = (named, n)

    def __len__(self) -> int:
        return len(self._by_terms)

    def find(self, terms: Sequence[str]) -> list[Named]:
        """The values named, longest first where they overlap, in the order of the query."""
        found, at = [], 0
        while at < len(terms):
            for length in range(min(_LONGEST, len(terms) - at), 0, -1):
                kept = self._by_terms.get(tuple(terms[at : at + length]))
                if kept is not None:
                    found.append(Named(*kept[0], at, at + length))
                    at += length
                    break
            else:
                at += 1
        return found


def _names(field: str, value: str) -> Iterable[str]:
    """A category is called by its narrowest level; one that is written in two languages by either of them."""
    if field != "category":
        return (value,)
    last = value.rsplit(_PATH, maxsplit=1)[-1]
    latin = "".join(character if character.isascii() else " " for character in last)
    other = "".join(" " if character.isascii() else character for character in last)
    return dict.fromkeys(name for name in (last, latin, other) if name.strip())


def _says_little(term: str) -> bool:
    return (len(term) == 1 and term.isascii()) or term.isdigit() or term in STOP_WORDS


Values = Callable[[], Mapping[str, Mapping[str, int]]]

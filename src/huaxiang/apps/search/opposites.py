"""Names that never stand for each other, however alike what is clicked: sizes, sexes, ages, colours, sides.

A shop whose lists do not tell red from blue teaches by its clicks that they are the same. What is below is what every
shop has; the values of its own attributes can be added to it.
"""

from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from typing import Final

from huaxiang.text.lexicons import lines_of
from huaxiang.text.terms import query_terms

Kinds = Mapping[str, frozenset[tuple[int, int]]]
"""A term to the groups that it is in, each with the value that it stands for there."""

_LIST: Final = "opposites"


def kinds_of(groups: Iterable[Collection[str]]) -> Kinds:
    """The list of the house, and groups of names of which no two are the same.

    Args:
        groups: of names as `synonyms.key_of` has them.
    """
    kinds: dict[str, set[tuple[int, int]]] = {name: set(values) for name, values in _built_in().items()}
    for number, group in enumerate(groups):
        for value, name in enumerate(sorted(set(group))):
            kinds.setdefault(name, set()).add((number, value))
    return {name: frozenset(values) for name, values in kinds.items()}


def are_apart(one: Collection[str], other: Collection[str], kinds: Kinds) -> bool:
    """Whether two names, as terms, hold different values of one group."""
    first, second = _values(one, kinds), _values(other, kinds)
    return any(first[group] != second[group] for group in first.keys() & second.keys())


def _values(terms: Collection[str], kinds: Kinds) -> dict[int, frozenset[int]]:
    found: dict[int, set[int]] = {}
    for name in (*terms, " ".join(terms)):
        for group, value in kinds.get(name, ()):
            found.setdefault(group, set()).add(value)
    return {group: frozenset(values) for group, values in found.items()}


@lru_cache(maxsize=1)
def _built_in() -> Kinds:
    """The list of the house: groups are numbered below 0, so that those of a shop stand apart from them."""
    kinds: dict[str, set[tuple[int, int]]] = {}
    for group, line in enumerate(lines_of(_LIST), start=1):
        for value, names in enumerate(line.split("|")):
            for name in names.split(","):
                kinds.setdefault(" ".join(query_terms(name)), set()).add((-group, value))
    return {name: frozenset(values) for name, values in kinds.items()}

"""Tags of an item from the catalogue's own fields: what profiles, filters and reasons are made of."""

from collections.abc import Iterable
from typing import Final

from huaxiang.text.lexicons import words_of
from huaxiang.types import Item

Tag = tuple[str, str]
"""`(facet, value)`, such as `("brand", "Acme")` or `("attribute:colour", "red")`."""

PATH: Final = " > "
_SAYS_NOTHING: Final = frozenset(value.replace("_", " ") for value in words_of("empty_values"))


def clean_value(value: str) -> str:
    """A field's value as it is shown: blanks collapsed; empty where it says nothing ("Unknown", "N/A", "无")."""
    shown = " ".join(value.split())
    return "" if shown.casefold() in _SAYS_NOTHING else shown


def item_tags(item: Item) -> list[Tag]:
    """The item's tags: its brand, each level of its category as a full path, each value of each attribute.

    Values keep the shop's spelling; two that differ in case or blanks alone are one tag, the first spelling stays.
    """
    tags: list[Tag] = []
    if item.brand is not None:
        tags.append(("brand", item.brand))
    levels = [level for level in map(clean_value, item.category) if level]
    tags.extend(("category", PATH.join(levels[: depth + 1])) for depth in range(len(levels)))
    for name, values in item.attributes.items():
        shown = clean_value(name)
        if shown:
            tags.extend((f"attribute:{shown.casefold()}", value) for value in values)
    return _distinct(tags)


def _distinct(tags: Iterable[Tag]) -> list[Tag]:
    kept: dict[Tag, Tag] = {}
    for facet, value in tags:
        shown = clean_value(value)
        if shown:
            kept.setdefault((facet, shown.casefold()), (facet, shown))
    return list(kept.values())

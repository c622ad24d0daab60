"""What the encoder reads of an item, a query and a history: one wording for training and serving.

A changed word here changes what an encoder was trained on, so `WORDING` is written into every release that was trained
on it. Lengths are counted in cells: a Chinese character or other wide letter is one, any other character a quarter,
about what a tokenizer makes of them.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

from huaxiang.text.segment import content_words
from huaxiang.text.tags import clean_value, item_tags
from huaxiang.types import Item

WORDING: Final = "plain-1"
"""Version of this wording."""

ITEM_CELLS: Final = 96
DESCRIPTION_CELLS: Final = 48
SHORT_CELLS: Final = 24
HISTORY_CELLS: Final = 160
MAX_HISTORY: Final = 20
MAX_QUERIES: Final = 5

_SEPARATOR: Final = " | "
_QUARTERS: Final = 4


def item_text(item: Item) -> str:
    """An item as the encoder reads it: name, brand, category, attributes, the beginning of its description.

    At most 96 cells. The item's id is used only where the shop says nothing at all, so that no text is empty.
    """
    fields = _distinct([item.name, item.brand or "", *item.category, *_attributes(item)])
    description = cut(_line(item.description), DESCRIPTION_CELLS)
    if description and not item.name.startswith(description):
        fields.append(description)
    return cut(_SEPARATOR.join(fields), ITEM_CELLS) or cut(item.item_id, SHORT_CELLS)


def item_terms(item: Item) -> tuple[list[str], list[str]]:
    """An item as two bags: words of its name and of the beginning of its description, and its tags as `facet=value`."""
    said = cut(_line(f"{item.name} {item.description}"), ITEM_CELLS)
    return content_words(said), [f"{facet}={value.casefold()}" for facet, value in item_tags(item)]


def query_text(query: str) -> str:
    """A search query as the encoder reads it: NFKC, blanks collapsed, at most 24 cells."""
    return cut(_line(unicodedata.normalize("NFKC", query[:2000])), SHORT_CELLS)


def history_text(items: Sequence[Item], queries: Sequence[str] = ()) -> str:
    """What a shopper did lately, as the encoder reads it: recent queries, then items from the newest back.

    Args:
        items: newest last; a repeated item counts once, at its newest place; at most 20 are read.
        queries: newest last; at most 5 are read.
    Returns:
        At most 160 cells; empty where there is neither item nor query.
    """
    asked = _distinct(query_text(query) for query in reversed(queries[-MAX_QUERIES:]))
    seen: dict[str, Item] = {}
    for item in reversed(items):
        if len(seen) == MAX_HISTORY:
            break
        seen.setdefault(item.item_id, item)
    return cut(_SEPARATOR.join([*asked, *map(_short_text, seen.values())]), HISTORY_CELLS)


def _short_text(item: Item) -> str:
    return _short(item.item_id, item.name, item.brand or "", item.category[-1:])


@lru_cache(maxsize=16_384)
def _short(item_id: str, name: str, brand: str, narrowest: tuple[str, ...]) -> str:
    """Kept, because every request words a history anew, of items that many histories share."""
    fields = _distinct([name, brand, *narrowest])
    return cut(" ".join(fields), SHORT_CELLS) or cut(item_id, SHORT_CELLS)


def _attributes(item: Item) -> list[str]:
    return [value for name in sorted(item.attributes) for value in item.attributes[name]]


def _distinct(values: Iterable[str]) -> list[str]:
    kept: dict[str, str] = {}
    for value in values:
        shown = clean_value(value[:2000])
        if shown:
            kept.setdefault(shown.casefold(), shown)
    return list(kept.values())


def _line(text: str) -> str:
    return " ".join(text[:4000].split())


def cut(text: str, cells: int) -> str:
    """The longest beginning of a text within so many cells, not ending inside a Latin word where that can be helped."""
    room = cells * _QUARTERS
    if len(text) * _QUARTERS <= room or (text.isascii() and len(text) <= room):
        return text
    for at, character in enumerate(text):
        room -= _QUARTERS if unicodedata.east_asian_width(character) in "WF" else 1
        if room < 0:
            whole = text[:at]
            blank = whole.rfind(" ")
            inside = character.isascii() and character.isalnum() and whole[-1:].isascii() and whole[-1:].isalnum()
            return (whole[:blank] if inside and blank > at // 3 else whole).rstrip(" |")
    return text

"""An item as the keyword index keeps it: one bag of terms, weighted by field, and the values that filters ask for.

BM25F (Robertson, Zaragoza and Taylor 2004) is BM25 over a text in which a field of weight w stands w times; so the
index needs a single field of terms, and a query asks it once per term.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Final

import tantivy

from huaxiang.text.terms import index_terms
from huaxiang.types import Item, ItemId

FIELD_WEIGHTS: Final[Mapping[str, int]] = {"name": 3, "brand": 2, "category": 2, "attributes": 1, "description": 1}
"""How many times a field's terms stand in the text."""

DESCRIPTION_CHARACTERS: Final = 2_000
"""Of a description: what comes after is terms of delivery more often than of the thing."""

MARK: Final = "\x1f"
"""Between a field's name and a value in the values that filters ask for."""

_KEPT: Final = 10_000
_KEPT_VALUES: Final = 20_000
"""Texts of fields, and values, that many items share: about 300 bytes each."""


def index_schema() -> tantivy.Schema:
    """Of the index: `slot` names the document, `text` is searched, the others are filtered by, and `value` counted."""
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("slot", stored=False, indexed=True, fast=True)
    builder.add_text_field("text", tokenizer_name="whitespace", index_option="freq")
    builder.add_unsigned_field("value", stored=False, indexed=True, fast=True)
    builder.add_text_field("exact", tokenizer_name="raw", index_option="basic")
    builder.add_float_field("price", indexed=True, fast=True)
    builder.add_boolean_field("in_stock", indexed=True, fast=True)
    return builder.build()


def document_of(item: Item, slot: int, name_terms: Sequence[str], values: Iterable[int]) -> tantivy.Document:
    """An item under the number `slot`, whose name has these terms; `values` are those of `values_of`, as numbers."""
    document = tantivy.Document()
    document.add_unsigned("slot", slot)
    document.add_text("text", weighted_text(item, name_terms))
    for value in values:
        document.add_unsigned("value", value)
    for key in exact_of(item):
        document.add_text("exact", key)
    if item.price is not None:
        document.add_float("price", item.price)
    document.add_boolean("in_stock", item.in_stock)
    return document


def weighted_text(item: Item, name_terms: Sequence[str]) -> str:
    """The item's terms, those of each field as often as it weighs, with blanks between."""
    said = [" ".join(name_terms)] * FIELD_WEIGHTS["name"]
    for field, text in texts_of(item).items():
        if text and field != "name":
            cut = _cut if field == "description" else _kept_cut
            said += [cut(text)] * FIELD_WEIGHTS[field]
    return " ".join(said)


def _cut(text: str) -> str:
    return " ".join(index_terms(text))


_kept_cut: Final = lru_cache(maxsize=_KEPT)(_cut)
"""Kept, because brands, categories and attributes stand in many items."""


def texts_of(item: Item) -> dict[str, str]:
    """What is said in each field that is searched."""
    return {
        "name": item.name,
        "brand": item.brand or "",
        "category": " ".join(item.category),
        "attributes": " ".join(value for values in item.attributes.values() for value in values),
        "description": item.description[:DESCRIPTION_CHARACTERS],
    }


def values_of(item: Item) -> dict[str, tuple[str, str]]:
    """What the item is filtered by and counted under: brand, paths of its category, attributes; each `value_key` with
    its field and the value in the shop's spelling."""
    pairs = list(_paths(item.category))
    if item.brand is not None:
        pairs.append(_value("brand", item.brand))
    pairs += [_value(attribute_field(name), value) for name, values in item.attributes.items() for value in values]
    return dict(reversed(pairs))  # of two spellings the first stays


@lru_cache(maxsize=_KEPT_VALUES)
def _value(field: str, value: str) -> tuple[str, tuple[str, str]]:
    return value_key(field, value), (field, value.strip())


@lru_cache(maxsize=_KEPT)
def _paths(category: tuple[str, ...]) -> tuple[tuple[str, tuple[str, str]], ...]:
    return tuple(_value("category", " > ".join(category[:depth])) for depth in range(1, len(category) + 1))


def exact_of(item: Item) -> list[str]:
    """What it is filtered by but never counted under: nearly every item has its own, or a path says it better."""
    currency = [] if item.currency is None else [_value("currency", item.currency)[0]]
    levels = dict.fromkeys([_value("category", level)[0] for level in item.category[1:]])
    return [id_key(item.item_id), value_key("item_id", item.item_id), value_key("name", item.name), *currency, *levels]


def id_key(item_id: ItemId) -> str:
    """What an item is taken out by: its id to the letter, in which case counts."""
    return f"{MARK}{item_id}"


def attribute_field(name: str) -> str:
    """The field that an attribute is kept under, apart from the item's own."""
    return f"attribute:{name}"


def value_key(field: str, value: str) -> str:
    """A field with a value as one text, in which case does not count; of a name its digest, for nearly every item has
    one of its own, and a dictionary of names would weigh as much as the index."""
    folded = value.strip().casefold()
    if field == "name":
        folded = blake2b(folded.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    return f"{field}{MARK}{folded}"

"""An item as the keyword index keeps it: one bag of terms, weighted by field, and the values that filters ask for.

BM25F (Robertson, Zaragoza and Taylor 2004) is BM25 over a text in which a field of weight w stands w times; so the
index needs a single field of terms, and a query asks it once per term.
"""

from collections.abc import Mapping, Sequence
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
    builder.add_text_field("value", tokenizer_name="raw", index_option="basic", fast=True)
    builder.add_text_field("exact", tokenizer_name="raw", index_option="basic")
    builder.add_float_field("price", indexed=True, fast=True)
    builder.add_boolean_field("in_stock", indexed=True, fast=True)
    return builder.build()


def document_of(item: Item, slot: int, name_terms: Sequence[str]) -> tantivy.Document:
    """An item under the number `slot`, whose name has these terms."""
    document = tantivy.Document()
    document.add_unsigned("slot", slot)
    document.add_text("text", " ".join(weighted_terms(item, name_terms)))
    for value in values_of(item):
        document.add_text("value", value)
    for value in exact_of(item):
        document.add_text("exact", value)
    if item.price is not None:
        document.add_float("price", item.price)
    document.add_boolean("in_stock", item.in_stock)
    return document


def weighted_terms(item: Item, name_terms: Sequence[str] | None = None) -> list[str]:
    """The item's terms, those of each field as often as it weighs."""
    terms = list(index_terms(item.name) if name_terms is None else name_terms) * FIELD_WEIGHTS["name"]
    for field, text in texts_of(item).items():
        if text and field != "name":
            found = index_terms(text) if field == "description" else _terms(text)
            terms += found * FIELD_WEIGHTS[field]
    return terms


def texts_of(item: Item) -> dict[str, str]:
    """What is said in each field that is searched."""
    return {
        "name": item.name,
        "brand": item.brand or "",
        "category": " ".join(item.category),
        "attributes": " ".join(value for values in item.attributes.values() for value in values),
        "description": item.description[:DESCRIPTION_CHARACTERS],
    }


@lru_cache(maxsize=_KEPT)
def _terms(text: str) -> list[str]:
    """Kept, because brands, categories and attributes stand in many items; never changed by who gets it."""
    return index_terms(text)


def values_of(item: Item) -> list[str]:
    """What the item is filtered by and counted under, as `value_key`."""
    return list(dict.fromkeys([_shared_key(field, value) for field, value in value_pairs(item)]))


def value_pairs(item: Item) -> list[tuple[str, str]]:
    """The same as fields and values in the shop's spelling: brand, paths of its category, attributes."""
    brand = [] if item.brand is None else [("brand", item.brand)]
    paths = [("category", " > ".join(item.category[:depth])) for depth in range(1, len(item.category) + 1)]
    named = [(attribute_field(name), value) for name, values in item.attributes.items() for value in values]
    return brand + paths + named


def exact_of(item: Item) -> list[str]:
    """What it is filtered by but never counted under: nearly every item has its own, or a path says it better."""
    pairs = [("item_id", item.item_id), ("name", item.name)]
    pairs += [] if item.currency is None else [("currency", item.currency)]
    pairs += [("category", level) for level in item.category[1:]]
    return [id_key(item.item_id), *dict.fromkeys([value_key(field, value) for field, value in pairs])]


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


_shared_key: Final = lru_cache(maxsize=_KEPT_VALUES)(value_key)

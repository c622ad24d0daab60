"""Brand and product type out of titles, for the items of a shop that lack them.

A value that a tagger found is a `set_item` event as any other, so whatever the shop says afterwards wins. Its property
`derived` keeps how sure the tagger was and which one it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

import orjson

from huaxiang.collect.catalogue import Catalogue
from huaxiang.collect.intake import Intake
from huaxiang.encoder.tagging.spans import Span
from huaxiang.errors import ConfigError, DataError, UnknownNameError
from huaxiang.store import Store
from huaxiang.text.tags import clean_value
from huaxiang.types import Item, ItemId

BRAND: Final = "brand"
TYPE: Final = "type"
"""Fills the category where there is none, else the attribute of this name."""
FIELDS: Final = (BRAND, TYPE)
MIN_CONFIDENCE: Final = 0.8
_PAGE: Final = 500
_EXAMPLES: Final = 12


class FindsSpans(Protocol):
    """What a `Tagger` is here."""

    @property
    def fingerprint(self) -> str:
        """Changes with the tagger."""
        ...

    @property
    def types(self) -> tuple[str, ...]:
        """The labels of its spans."""
        ...

    def tag(self, texts: Sequence[str]) -> list[tuple[Span, ...]]:
        """The spans of each text."""
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """A value that a title gave for a field that was missing."""

    item_id: ItemId
    name: str
    field: str
    value: str
    confidence: float


@dataclass(slots=True)
class Applied:
    """What became of a catalogue.

    Attributes:
        n_items: in the shop.
        missing: items that lack the field and have a name to read, by field.
        filled: of those, given a value (or that would be, in a dry run); `below` had one that was not sure enough,
            `said` one that the category says already; the rest had none.
        written: `set_item` events appended.
        examples: the first values that were filled, and the first that were not sure enough.
    """

    n_items: int
    missing: Counter[str] = field(default_factory=Counter)
    filled: Counter[str] = field(default_factory=Counter)
    below: Counter[str] = field(default_factory=Counter)
    said: Counter[str] = field(default_factory=Counter)
    written: int = 0
    examples: list[Found] = field(default_factory=list)
    unsure: list[Found] = field(default_factory=list)

    def figures(self) -> dict[str, Any]:
        """For a report."""
        counts = {name: dict(getattr(self, name)) for name in ("missing", "filled", "below", "said")}
        return {"n_items": self.n_items, **counts, "written": self.written}


def apply_tags(
    store: Store,
    tagger: FindsSpans,
    fields: Mapping[str, str],
    *,
    now: datetime,
    min_confidence: float = MIN_CONFIDENCE,
    dry_run: bool = False,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Applied:
    """Read the titles of items that lack a field, and append `set_item` events for what is found.

    Run again it changes nothing. Only what is missing at the moment of writing is written; an item that somebody
    sets between that look and the append, milliseconds, may still lose a brand to the tagger's.

    Args:
        fields: label of the tagger to the field it fills, `brand` or `type`.
        min_confidence: of a span, in [0, 1]; what is below it stays unwritten and is counted.
        now: time of the events.

    Raises:
        DataError: the tagger has no such label, or the shop's intake refused an item.
    """
    _check(tagger, fields, min_confidence)
    catalogue = Catalogue(store)
    named = [item.item_id for item in catalogue if item.name.strip()]
    spellings = {item.brand.casefold(): item.brand for item in catalogue if item.brand}
    derived = _derived_categories(store)
    applied = Applied(len(catalogue))
    for start in range(0, len(named), _PAGE):
        lacking = _lacking(catalogue, named[start : start + _PAGE], fields, derived)
        payloads = [
            _payload(item, sure, tagger.fingerprint, now)
            for item, lacks, found in _read(tagger, catalogue, lacking)
            if (sure := _sure(item, lacks, found, fields, min_confidence, spellings, applied))
        ]
        if payloads and not dry_run:
            applied.written += _append(Intake(store, catalogue), payloads)
        progress(min(start + _PAGE, len(named)), len(named))
    return applied


def _lacking(
    catalogue: Catalogue, names: Sequence[ItemId], fields: Mapping[str, str], derived: Collection[ItemId]
) -> list[tuple[Item, set[str]]]:
    """Items that lack a field, with what they lack."""
    items = (item for name in names if (item := catalogue.get(name)) is not None)
    return [(item, lacks) for item in items if (lacks := _lacks(item, fields, item.item_id in derived))]


def _read(
    tagger: FindsSpans, catalogue: Catalogue, lacking: Sequence[tuple[Item, set[str]]]
) -> Iterator[tuple[Item, set[str], tuple[Span, ...]]]:
    """The spans of these items' titles, without the items whose title was changed meanwhile."""
    spans = tagger.tag([item.name for item, _ in lacking])
    catalogue.refresh()
    for (before, lacks), found in zip(lacking, spans, strict=True):
        item = catalogue.get(before.item_id)
        if item is not None and item.name == before.name:
            yield item, lacks, found


def _check(tagger: FindsSpans, fields: Mapping[str, str], min_confidence: float) -> None:
    if not 0.0 <= min_confidence <= 1.0:
        raise ConfigError(f"the least confidence is {min_confidence}; it must be from 0 to 1")
    if not fields:
        raise ConfigError("no label is mapped to a field; say such as BRAND=brand,PRODUCT=type")
    for label, name in fields.items():
        if label not in tagger.types:
            raise UnknownNameError("label of this tagger", label, tagger.types)
        if name not in FIELDS:
            raise UnknownNameError("field", name, FIELDS)


def _derived_categories(store: Store) -> set[ItemId]:
    """Items whose category, as it was said last, a tagger gave."""
    derived: set[ItemId] = set()
    for batch in store.scan(events=frozenset({"set_item"}), columns=["item_id", "properties"]):
        for row in batch.to_pylist():
            said = orjson.loads(row["properties"]) if row["properties"] else {}
            if "category" in said:
                by_tagger = "category" in (said.get("derived") or {})
                (derived.add if by_tagger else derived.discard)(row["item_id"])
    return derived


def _lacks(item: Item, fields: Mapping[str, str], derived: bool) -> set[str]:
    """The fields that are missing."""
    lacks = set()
    if BRAND in fields.values() and not clean_value(item.brand or ""):
        lacks.add(BRAND)
    has_type = any(name.casefold() == TYPE for name in item.attributes) or (bool(item.category) and derived)
    if TYPE in fields.values() and not has_type:
        lacks.add(TYPE)
    return lacks


def _sure(
    item: Item,
    lacks: set[str],
    spans: Sequence[Span],
    fields: Mapping[str, str],
    least: float,
    spellings: Mapping[str, str],
    applied: Applied,
) -> list[Found]:
    """The best value of each missing field where it is sure enough; everything is counted."""
    sure = []
    for name in sorted(lacks):
        applied.missing[name] += 1
        best = max(
            (s for s in spans if fields.get(s.label) == name), key=lambda s: (s.confidence, -s.start), default=None
        )
        value = clean_value(best.text) if best is not None else ""
        if best is None or not value:
            continue
        value = spellings.get(value.casefold(), value) if name == BRAND else value
        found = Found(item.item_id, item.name, name, value, round(best.confidence, 4))
        if best.confidence < least:
            applied.below[name] += 1
            applied.unsure += [found] * (len(applied.unsure) < _EXAMPLES)
        elif name == TYPE and value.casefold() in {level.casefold() for level in item.category}:
            applied.said[name] += 1
        else:
            applied.filled[name] += 1
            applied.examples += [found] * (len(applied.examples) < _EXAMPLES)
            sure.append(found)
    return sure


def _payload(item: Item, sure: Sequence[Found], fingerprint: str, now: datetime) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    derived: dict[str, Any] = {}
    for found in sure:
        origin = {"confidence": found.confidence, "by": f"tagger {fingerprint}"}
        if found.field == BRAND:
            properties["brand"], derived["brand"] = found.value, origin
        elif not item.category:
            properties["category"], derived["category"] = [found.value], origin
        else:
            # A set_item replaces all attributes, so those that are there are said again.
            properties["attributes"] = {name: list(values) for name, values in item.attributes.items()}
            properties["attributes"][TYPE], derived[TYPE] = [found.value], origin
    moment = now.isoformat()
    return {
        "event": "set_item",
        "item_id": item.item_id,
        "timestamp": moment,
        "properties": properties | {"derived": derived},
    }


def _append(intake: Intake, payloads: Sequence[dict[str, Any]]) -> int:
    taken = intake.take(payloads)
    if taken.rejected:
        item_id = payloads[taken.rejected[0].index]["item_id"]
        raise DataError(
            f"item {item_id!r} could not be set: {taken.rejected[0].reason}; {taken.accepted} others were, run it again"
        )
    return taken.accepted

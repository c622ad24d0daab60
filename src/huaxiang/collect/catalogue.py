"""The live catalogue: the items as the fold of `set_item` and `delete_item`, kept as records beside the log."""

import bisect
import contextlib
import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any, Final, TypeVar

import orjson

from huaxiang.errors import ConflictError, DataError
from huaxiang.store import Record, Store
from huaxiang.types import Event, Item, ItemId

logger: Final = logging.getLogger(__name__)

_KIND: Final = "item"
_MARK: Final = "catalogue"
_PAGE: Final = 5_000
_KEPT: Final = 20_000
"""Brands, categories and values of attributes that items share."""
_TO_BE_HAD: Final = frozenset(["instock", "instoreonly", "limitedavailability", "madetoorder", "onlineonly"])
_NOT_TO_BE_HAD: Final = frozenset(
    ["outofstock", "soldout", "discontinued", "preorder", "presale", "backorder", "reserved"]
)
_CHANGES: Final = frozenset({"set_item", "delete_item"})


class Catalogue:
    """All items of a shop, in memory; safe to read from many threads.

    The log is the truth: records are a copy of the fold with a watermark, and whatever the log has beyond the
    watermark is replayed on `refresh`, so a process that was killed between log and record loses nothing.
    Memory: about 1 KB for each item.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._items: dict[ItemId, Item] = {}
        self._order: list[tuple[int, ItemId]] = []
        self._lock = threading.Lock()  # of refresh: an older replay must not overtake a newer one
        self.changed = 0
        self.seq = self._load()
        self.refresh()

    def _load(self) -> int:
        after: str | None = None
        while page := self._store.find(_KIND, after=after, limit=_PAGE):
            for record in page:
                item = item_from(record.id, record.body["item"])
                self._order.append((int(record.body["seq"]), item.item_id))
                if not record.body.get("deleted"):
                    self._items[item.item_id] = item
            after = page[-1].id
        self._order.sort()
        mark = self._store.get(_MARK, ["seq"]).get("seq")
        return int(mark.body["seq"]) if mark is not None else 0

    def refresh(self) -> int:
        """Replay what the log has beyond what this catalogue has read; how many changes there were."""
        with self._lock:
            return self._replay()

    def _replay(self) -> int:
        last = self._store.last_seq
        if last == self.seq:
            return 0
        changed: dict[ItemId, Record] = {}
        for batch in self._store.scan(after_seq=self.seq, events=_CHANGES):
            for row in batch.select(["seq", "event", "item_id", "properties"]).to_pylist():
                properties = orjson.loads(row["properties"]) if row["properties"] else {}
                record = self._apply(row["event"], row["item_id"], properties, row["seq"])
                changed[record.id] = record
        if len(self._order) > 2 * (len(self._items) + _PAGE):
            # only the last change of an item counts; readers keep the list that they have
            self._order = sorted((seq, item_id) for item_id, seq in {item: at for at, item in self._order}.items())
        self._keep(list(changed.values()), last)
        return len(changed)

    def absorb(self, events: Sequence[Event]) -> None:
        """Take events that were just appended (with their `seq`); others than item changes are passed over."""
        if any(event.event in _CHANGES for event in events):
            self.refresh()

    def _apply(self, event: str, item_id: ItemId, properties: Mapping[str, Any], seq: int) -> Record:
        item = self._items.get(item_id, Item(item_id))
        if event == "set_item":
            item = self._items[item_id] = _updated(item, properties, seq)
        else:
            self._items.pop(item_id, None)
        self._order.append((seq, item_id))
        self.changed += 1
        return Record(item_id, {"item": item_to(item), "seq": seq, "deleted": event == "delete_item"})

    def _keep(self, records: Sequence[Record], last: int) -> None:
        """Write the records, then the watermark: a crash between the two replays changes that are already there."""
        for start in range(0, len(records), _PAGE):
            self._store.put(_KIND, records[start : start + _PAGE])
        if records or last - self.seq > 10 * _PAGE:
            mark = self._store.get(_MARK, ["seq"]).get("seq")
            if mark is None or int(mark.body["seq"]) < last:
                # a conflict means that another process wrote its own mark; ours would only spare a replay
                with contextlib.suppress(ConflictError):
                    self._store.put(_MARK, [Record("seq", {"seq": last})], expect=mark.version if mark else 0)
        self.seq = last

    def get(self, item_id: ItemId) -> Item | None:
        """The item, None where the shop does not have it."""
        return self._items.get(item_id)

    def changed_since(self, seq: int) -> list[ItemId]:
        """Items set or deleted after a sequence number, by their first change: the live overlay of a release."""
        order = self._order
        return list(
            dict.fromkeys(item_id for _, item_id in order[bisect.bisect_right(order, seq, key=itemgetter(0)) :])
        )

    def __contains__(self, item_id: ItemId) -> bool:
        return item_id in self._items

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Item]:
        return iter(list(self._items.values()))


def _updated(item: Item, properties: Mapping[str, Any], seq: int) -> Item:
    """The item after a `set_item`: what the event does not name stays."""
    said = dict(properties)
    if "additionalProperty" in said:
        said["attributes"] = said.pop("additionalProperty")
    try:
        return item_from(item.item_id, {**item_to(item), **said})
    except DataError as error:  # kept by an intake with other rules: one bad item must not close the shop
        logger.error("item %r stays as it was: event %d of the log is refused: %s", item.item_id, seq, error)
        return item


def item_to(item: Item) -> dict[str, Any]:
    """An item as Schema.org-named properties, ready to be a `set_item` event or a JSON answer."""
    return {
        "name": item.name,
        "brand": item.brand,
        "category": list(item.category),
        "description": item.description,
        "image": item.image,
        "price": item.price,
        "currency": item.currency,
        "in_stock": item.in_stock,
        "attributes": {name: list(values) for name, values in item.attributes.items()},
    }


def item_from(item_id: ItemId, properties: Mapping[str, Any]) -> Item:
    """Read an item from Schema.org Product names (`offers.price`, `additionalProperty`, `availability` too)."""
    offers = properties.get("offers")
    offers = offers if isinstance(offers, Mapping) else {}
    price = offers.get("price", properties.get("price"))
    available = properties.get("availability", offers.get("availability"))
    in_stock = _in_stock(properties.get("in_stock", True)) if available is None else _is_available(available)
    return Item(
        item_id=item_id,
        name=_text("name", properties.get("name")),
        brand=_brand(properties.get("brand")),
        category=_category(properties.get("category")),
        description=_text("description", properties.get("description")),
        image=_image(properties.get("image")),
        price=None if price is None else _price(price),
        currency=_text("currency", offers.get("priceCurrency", properties.get("currency"))) or None,
        in_stock=in_stock,
        attributes=_attributes(properties.get("attributes", properties.get("additionalProperty"))),
    )


def _text(name: str, value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise DataError(f"{name} is {type(value).__name__}; it must be text")
    return value


def _brand(value: object) -> str | None:
    named = value.get("name") if isinstance(value, Mapping) else value
    return _shared(_text("brand", named).strip()) or None


def _image(value: object) -> str | None:
    """The first address of Schema.org's URL, ImageObject, or list of either."""
    first = next(iter(value), None) if isinstance(value, list | tuple) else value
    return _text("image", first.get("url") if isinstance(first, Mapping) else first) or None


def _in_stock(value: object) -> bool:
    if value is None:
        return True
    if not isinstance(value, bool):
        raise DataError(f"in_stock is {value!r}; it must be true or false")
    return value


def _is_available(value: object) -> bool:
    """Schema.org's ItemAvailability by address or name, or a feed's `in stock`, `in_stock`, `preorder` ..."""
    word = _text("availability", value).rsplit("/", 1)[-1].casefold()
    word = "".join(letter for letter in word if letter.isalpha())
    if word not in _TO_BE_HAD | _NOT_TO_BE_HAD:
        raise DataError(f"availability is {value!r}; give a value of Schema.org's ItemAvailability, such as OutOfStock")
    return word in _TO_BE_HAD


def _category(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    parts = value.split(">") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple):
        raise DataError(f"category is {type(value).__name__}; it must be 'A > B' or a list of names, widest first")
    return _shared(tuple(text for part in parts if (text := _text("category", part).strip())))


def _price(value: object) -> float:
    try:
        if isinstance(value, bool):
            raise ValueError
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise DataError(f"price is {value!r}; it must be a number without a currency sign") from None


def _attributes(value: object) -> dict[str, tuple[str, ...]]:
    if value is None:
        return {}
    if isinstance(value, list | tuple):  # Schema.org: [{"name": ..., "value": ...}]
        pairs = [(part.get("name"), part.get("value")) for part in value if isinstance(part, Mapping)]
    elif isinstance(value, Mapping):
        pairs = list(value.items())
    else:
        raise DataError(f"attributes is {type(value).__name__}; it must be an object of names to values")
    return {_shared(str(name)): _values(named) for name, named in pairs if name and named not in (None, "", [])}


def _values(value: object) -> tuple[str, ...]:
    return _shared(tuple(str(part) for part in value) if isinstance(value, list | tuple) else (str(value),))


_Said = TypeVar("_Said", str, tuple[str, ...])


def _shared(said: _Said) -> _Said:
    """One object for all items that say the same: less memory, and what many items share stays near the processor."""
    shared: _Said = _first(said)
    return shared


@lru_cache(maxsize=_KEPT)
def _first(said: Any) -> Any:
    return said

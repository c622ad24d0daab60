"""One payload in, one checked `Event` out; past this line nobody re-checks."""

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from difflib import get_close_matches
from typing import Any, Final

from huaxiang.collect.catalogue import item_from
from huaxiang.collect.moments import parse_moment
from huaxiang.errors import DataError
from huaxiang.types import CONSENT_SCOPES, EVENT_NAMES, Event, LineItem

MAX_TEXT: Final = 1_000_000
"""Longest text of one field, in UTF-8 bytes."""
MAX_EVENT: Final = 2_000_000
"""Largest event, in UTF-8 bytes of its texts and nested values."""
MAX_DEPTH: Final = 20
FUTURE: Final = timedelta(days=1)
"""How far ahead of the clock a moment may lie before it counts as clock skew."""

GIVEN_BY_STORE: Final = frozenset({"seq", "received_at", "reading", "subject"})
"""Keys that an exported event carries and the store gives anew; they are not taken from a payload."""

_NEEDS_ITEM: Final = frozenset(
    ["view_item", "select_item", "add_to_cart", "remove_from_cart", "add_to_wishlist", "like", "dislike"]
)
_NEEDS_ITEM_ID: Final = frozenset({"set_item", "delete_item"})
_NEEDS_TEXT: Final = frozenset({"support_message", "post"})
MAX_BOOST: Final = 10.0
"""Largest weight of an edit of a profile."""
_FACET: Final = {"facet": "the kind of what is edited, such as brand", "value": "what is edited, such as Acme"}
_EVENT_ID: Final = {"event_id": "the id of the event to leave out"}
_EDIT_ID: Final = {"edit_id": "the id of the edit to undo"}
EDITS: Final[Mapping[str, Mapping[str, str]]] = {
    **dict.fromkeys(("add", "remove", "mute", "boost"), _FACET),
    "exclude_event": _EVENT_ID,
    "undo": _EDIT_ID,
}
"""Each way to edit a profile, with what it needs."""
_EDIT_TEXTS: Final = {**_FACET, **_EVENT_ID, **_EDIT_ID}


def check_event(
    payload: Mapping[str, Any], *, tenant: str = "default", timezone: tzinfo | None = None, now: datetime | None = None
) -> Event:
    """Make an event of a payload in the names of CONVENTIONS, or say what is wrong with it.

    Unknown top-level keys are kept under `properties`, so nothing is lost; one that differs from a property of the
    same name is refused. Whole numbers are taken as ids. Nulls count as absent. A session id alone serves as the
    anonymous id. Of a line of `items` everything beyond id, price, quantity and index is kept in its properties.

    Args:
        payload: one event as JSON gives it.
        tenant: of the store that asks; a payload that names another is refused.
        timezone: None for HTTP: a time without a zone, or over a day ahead of `now`, is refused. For files the zone
            that times without one are in; moments ahead of the clock are then left for the report to count.
        now: the clock, aware; default the machine's.

    Raises:
        DataError: names the field, the rule and the way out.
    """
    if not isinstance(payload, Mapping):
        raise DataError(f"an event must be a JSON object, not {_kind(payload)}")
    if payload.get("event") == "profile_edit" and isinstance(payload.get("value"), str):
        raise DataError(
            "a profile_edit says what it edits under properties: op, facet, value, weight; move value there"
        )
    fields, extra = _taken(payload)
    if fields.pop("tenant", tenant) != tenant:
        raise DataError(f"tenant {payload['tenant']!r} is not this key's tenant; leave the field out")
    _check_name(fields)
    fields["timestamp"] = _moment(payload, timezone, now)
    if extra:
        _keep(extra, fields)
    if "user_id" not in fields and "anonymous_id" not in fields and "session_id" in fields:
        fields["anonymous_id"] = fields["session_id"]
    if (properties := fields.get("properties")) is not None:
        _check_price(properties)
    _check_size(fields)
    event = Event(**fields)
    _check_needs(event)
    return event


def _taken(payload: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The known fields, each checked, and the unknown ones; nulls count as absent."""
    fields: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for key, value in payload.items():
        rule = _RULES.get(key)
        if rule is None:
            if key not in GIVEN_BY_STORE and key != "timestamp":
                extra[key] = value
        elif value is not None:
            fields[key] = rule(key, value)
    return fields, extra


def _moment(payload: Mapping[str, Any], timezone: tzinfo | None, now: datetime | None) -> datetime:
    value = payload.get("timestamp")
    if value is None:
        raise DataError("timestamp is missing; say when it happened, such as 2019-02-14T08:05:00Z")
    moment = parse_moment(value, timezone)
    if timezone is None and moment - FUTURE > (now or datetime.now(UTC)):
        raise DataError(f"timestamp {moment.isoformat()} is over a day ahead of the clock; check the sender's clock")
    return moment


def _check_name(fields: Mapping[str, Any]) -> None:
    name = fields.get("event")
    if name is None:
        raise DataError("event is missing; name what happened, such as view_item or purchase")
    if name not in EVENT_NAMES:
        plain = name[:64].strip().lower().replace(" ", "_").replace("-", "_")
        near = get_close_matches(plain, EVENT_NAMES, n=3, cutoff=0.5)
        hint = f"nearest known: {', '.join(near)}" if near else f"known: {', '.join(sorted(EVENT_NAMES))}"
        raise DataError(f"unknown event {name[:64]!r}; {hint}")


def _keep(extra: Mapping[str, Any], fields: dict[str, Any]) -> None:
    _measure("payload", extra, 1)
    kept = dict(fields.get("properties", ()))
    for key, value in extra.items():
        if value is None:
            continue
        if kept.setdefault(key, value) != value:
            raise DataError(f"{key!r} stands at the top and, different, under properties; give it once")
    if kept:
        fields["properties"] = kept


def _check_price(holder: Mapping[str, Any], name: str = "properties") -> None:
    price = holder.get("price")
    if price is not None and not isinstance(price, str | Mapping | list):
        _number(f"{name}.price", price, 0.0)
    if name == "properties" and isinstance(offers := holder.get("offers"), Mapping):
        _check_price(offers, "properties.offers")


def _check_size(fields: Mapping[str, Any]) -> None:
    size = 0
    for name in ("text", "query"):
        if (text := fields.get(name)) is not None:
            size += _bytes(text)
    for name in ("properties", "items"):
        if (nested := fields.get(name)) is not None:
            size += _measure(name, nested, 1)
    if size > MAX_EVENT:
        raise DataError(f"the event has about {size} bytes; the largest is {MAX_EVENT}: send media as addresses")


def _check_needs(event: Event) -> None:
    """Refuse an event without the one thing that it is about."""
    name = event.event
    if name in _NEEDS_ITEM and event.item_id is None and not event.items:
        raise DataError(f"{name} names no item; give item_id or items")
    if name in _NEEDS_ITEM_ID and event.item_id is None:
        raise DataError(f"{name} needs item_id")
    if name == "set_item":
        item_from(event.item_id or "", event.properties)  # the catalogue must be able to read what the log keeps
    if name in _NEEDS_TEXT and not event.text:
        raise DataError(f"{name} needs text")
    if name == "search" and event.query is None:
        raise DataError("search needs query, the words that were searched for")
    if name == "identify" and (event.user_id is None or event.anonymous_id is None):
        raise DataError("identify needs both user_id and anonymous_id; it says that they are one person")
    if name == "identify":
        _check_named("identify", event.properties, "undo", "the event_id of the identify event to take back")
    if name == "consent":
        _check_consent(event.properties)
    if name == "profile_edit":
        _check_edit(event.properties)


def _check_consent(said: Mapping[str, Any]) -> None:
    scope, status = said.get("scope"), said.get("status")
    if not isinstance(scope, str) or scope not in (*CONSENT_SCOPES, "all"):
        raise DataError(f"consent scope is {_short(scope)}; give one of {', '.join(CONSENT_SCOPES)}, or all")
    if not isinstance(status, str) or status not in {"granted", "denied"}:
        raise DataError(f"consent status is {_short(status)}; give granted or denied")


def _check_edit(said: Mapping[str, Any]) -> None:
    """What an edit must say, under `properties`: a top-level `event_id` is the edit's own."""
    op = said.get("op")
    if not isinstance(op, str) or op not in EDITS:
        raise DataError(f"profile_edit op is {_short(op)}; give one of {', '.join(EDITS)}")
    for needed, meaning in EDITS[op].items():
        if said.get(needed) is None:
            raise DataError(f"profile_edit {op} needs properties.{needed}, {meaning}")
    for name, meaning in _EDIT_TEXTS.items():
        _check_named("profile_edit", said, name, meaning)
    if (weight := said.get("weight")) is not None and _number("properties.weight", weight, 0.0) > MAX_BOOST:
        raise DataError(f"properties.weight is {_short(weight)}; give a number from 0 to {MAX_BOOST:g}")


def _check_named(event: str, said: Mapping[str, Any], name: str, meaning: str) -> None:
    """Refuse a property that is there and is not text of 1 to 512 characters."""
    value = said.get(name)
    if value is not None and not (isinstance(value, str) and 0 < len(value) <= 512):
        raise DataError(f"{event} properties.{name} is {_short(value)}; give {meaning}, as text of 1 to 512 characters")


def _text(name: str, value: Any) -> str:
    if type(value) is not str:
        raise DataError(f"{name} is {_kind(value)}; give text")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise DataError(f"{name} holds broken characters (a lone surrogate); send valid UTF-8") from None
    if "\x00" in value:
        raise DataError(f"{name} holds U+0000; remove that control character")
    if len(value) > MAX_TEXT // 4 and _bytes(value) > MAX_TEXT:
        raise DataError(f"{name} has {_bytes(value)} bytes; the longest text is {MAX_TEXT}")
    return value


def _id(name: str, value: Any) -> str:
    return str(value) if type(value) is int and abs(value) < 1 << 64 else _text(name, value)


def _number(name: str, value: Any, low: float = -math.inf) -> float:
    if type(value) is not float and type(value) is not int:
        raise DataError(f"{name} is {_kind(value)}; give a number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not (math.isfinite(number) and number >= low):
        least = "" if low == -math.inf else f" of at least {low:g}"
        raise DataError(f"{name} is {_short(value)}; give a finite number{least}")
    return number


def _amount(name: str, value: Any) -> float:
    return _number(name, value, 0.0)


def _whole(name: str, value: Any) -> int:
    number = _number(name, value, 0.0)
    if number != int(number) or number >= 1 << 31:
        raise DataError(f"{name} is {_short(value)}; give a whole number of at least 0")
    return int(number)


def _properties(name: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise DataError(f"{name} is {_kind(value)}; give an object")
    return value


def _lines(name: str, value: Any) -> tuple[LineItem, ...]:
    if not isinstance(value, list | tuple):
        raise DataError(f"{name} is {_kind(value)}; give a list of objects with item_id")
    return tuple(_line(line, at) for at, line in enumerate(value))


def _line(line: Any, at: int) -> LineItem:
    if not isinstance(line, Mapping):
        raise DataError(f"items[{at}] is {_kind(line)}; give an object with item_id")
    fields: dict[str, Any] = {}
    rest: dict[str, Any] = {}
    for key, value in line.items():
        rule = _LINE_RULES.get(key)
        if rule is None:
            rest[key] = value
        elif value is not None:
            fields[key] = rule(f"items[{at}].{key}", value)
    if "item_id" not in fields:
        raise DataError(f"items[{at}] has no item_id; give the shop's own id of the item")
    return LineItem(**fields, properties=rest)


def _measure(name: str, value: Any, depth: int) -> int:
    """About how many bytes a nested value has; refuses what JSON cannot hold, and what is nested too deep."""
    if depth > MAX_DEPTH:
        raise DataError(f"{name} is nested over {MAX_DEPTH} levels deep; flatten it")
    kind = type(value)
    if kind is str:
        return _bytes(_text(name, value))
    if value is None or kind is bool:
        return 4
    if kind is float or kind is int:
        _number(name, value)
        if kind is int and not -(1 << 63) <= value < 1 << 64:
            raise DataError(f"{name} is a whole number beyond 64 bits; send it as text")
        return 8
    if isinstance(value, LineItem):
        return len(value.item_id) + 16 + _measure(name, value.properties, depth)
    if isinstance(value, Mapping):
        size = 2
        for key, inner in value.items():
            size += len(_text(f"a key of {name}", key)) + 4 + _measure(f"{name}.{key[:64]}", inner, depth + 1)
        return size
    if isinstance(value, list | tuple):
        return 2 + sum(_measure(name, inner, depth + 1) for inner in value)
    raise DataError(f"{name} is {_kind(value)}; give what JSON can hold")


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def _short(value: Any) -> str:
    if type(value) is int and abs(value) >= 1 << 64:
        return "a whole number beyond 64 bits"
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."


_KINDS: Final = {
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "an object",
}


def _kind(value: Any) -> str:
    return "null" if value is None else _KINDS.get(type(value), f"of type {type(value).__name__}")


_RULES: Final[dict[str, Callable[[str, Any], Any]]] = {
    "event": _text,
    "tenant": _text,
    "event_id": _id,
    "user_id": _id,
    "anonymous_id": _id,
    "session_id": _id,
    "item_id": _id,
    "value": _number,
    "currency": _text,
    "quantity": _amount,
    "rating": _number,
    "text": _text,
    "query": _text,
    "query_id": _id,
    "request_id": _id,
    "position": _whole,
    "items": _lines,
    "experiment": _text,
    "properties": _properties,
}
_LINE_RULES: Final[dict[str, Callable[[str, Any], Any]]] = {
    "item_id": _id,
    "price": _amount,
    "quantity": _amount,
    "index": _whole,
}

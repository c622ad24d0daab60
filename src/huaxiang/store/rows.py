"""Events to rows of the log and back, one at a time or as columns of an Arrow table.

A row is the tuple of `schema.ROW_COLUMNS`. Times are whole microseconds since 1970 in UTC, JSON is text and null where
empty.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import repeat
from operator import attrgetter
from typing import Any, Final, TypeAlias

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from huaxiang.errors import DataError
from huaxiang.store.base import EVENT_SCHEMA
from huaxiang.store.schema import ROW_COLUMNS
from huaxiang.store.trace import lines_from, reading_from
from huaxiang.types import EVENT_NAMES, Event, LineItem, Reading, anonymous_subject, is_anonymous

Row: TypeAlias = tuple[Any, ...]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_PLAIN: Final = ROW_COLUMNS[:16]
_FREE: Final = slice(ROW_COLUMNS.index("currency"), ROW_COLUMNS.index("timestamp"))
"""The texts that `Event` does not check as ids."""
_plain = attrgetter(*_PLAIN)
_NUL_ESCAPE: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_NUL: Final = r"\x00"
_NUL_IN_JSON: Final = r"(?:^|[^\\])(?:\\\\)*\\u0000"
_JSON_OPTIONS: Final = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS


def microseconds(moment: datetime) -> int:
    """Whole microseconds from 1970 to an aware moment, negative before."""
    return (moment - _EPOCH) // _MICROSECOND


def moment(since_1970: int) -> datetime:
    """The moment, in UTC, that many microseconds after 1970."""
    return _EPOCH + timedelta(0, 0, since_1970)


def json_text(name: str, value: object) -> str:
    """`value` as JSON text, refused with the field's name where no engine could keep it or JSON cannot say it."""
    try:
        said = orjson.dumps(value, default=_plain_json, option=_JSON_OPTIONS)
    except TypeError as error:
        raise DataError(
            f"{name} cannot be kept as JSON ({error}); use text, numbers, booleans, lists and objects"
        ) from None
    if b"\\u0000" in said and _NUL_ESCAPE.search(said):
        raise DataError(f"{name} holds U+0000, which no store can keep; remove that control character")
    return said.decode()


def _plain_json(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a {type(value).__name__}")


def row_of(event: Event) -> Row:
    """An event as a row; DataError where a text holds U+0000."""
    plain = _plain(event)
    for text in plain[_FREE]:
        if text is not None and "\x00" in text:
            raise blame((plain,))
    items, properties, reading = event.items, event.properties, event.reading
    return (
        *plain,
        (event.timestamp - _EPOCH) // _MICROSECOND,
        json_text("items", [_line_json(line) for line in items]) if items else None,
        json_text("properties", properties) if properties else None,
        None if reading is None else json_text("reading", _reading_json(reading)),
    )


def blame(rows: Iterable[Row], *, names: Sequence[str] = ROW_COLUMNS) -> DataError:
    """The error that names the first field that no engine can keep as text, and the event it is in."""
    for row in rows:
        for name, value in zip(names, row, strict=False):
            if isinstance(value, str) and "\x00" in value:
                return DataError(f"{name} {value[:60]!r} holds U+0000, which no store can keep; remove it")
            if isinstance(value, str) and not _is_unicode(value):
                return DataError(f"{name} {value[:60]!r} holds half of a surrogate pair; send it as valid UTF-8")
            if not isinstance(value, str | float | int | None):
                kind = type(value).__name__
                return DataError(f"{name} is a {kind}; give a plain Python number or text")
            if isinstance(value, int) and not -(2**63) <= value < 2**63:
                return DataError(f"{name} is {value}; the store keeps whole numbers of 64 bits")
    return DataError("a value is of a type or size that the store cannot keep; check the events' fields")


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _line_json(line: LineItem) -> dict[str, Any]:
    said: dict[str, Any] = {"item_id": line.item_id}
    if line.price is not None:
        said["price"] = line.price
    if line.quantity is not None:
        said["quantity"] = line.quantity
    if line.index is not None:
        said["index"] = line.index
    if line.properties:
        said["properties"] = line.properties
    return said


def _reading_json(reading: Reading) -> dict[str, Any]:
    return {
        "reader": reading.reader,
        "language": reading.language,
        "polarity": reading.polarity,
        "strength": reading.strength,
        "aspects": reading.aspects,
        "keywords": reading.keywords,
    }


# All events of one append came at one moment.
_received: Final = lru_cache(maxsize=4_096)(moment)
_NEW: Final = object.__new__
_SLOTS: Final = tuple(
    (getattr(Event, name).__set__, ("seq", "received_at", *ROW_COLUMNS).index(name))
    for name in _PLAIN
    if name != "subject"
)
_SET: Final = {name: getattr(Event, name).__set__ for name in Event.__slots__}


def event_of(row: Sequence[Any]) -> Event:
    """The event of a row `(seq, received_at, *ROW_COLUMNS)`.

    Slots are set directly: the event was checked when it was made, and checking 200 of them again for every request
    costs more than reading them.
    """
    event = _NEW(Event)
    for put, column in _SLOTS:
        put(event, row[column])
    subject = row[4]
    _SET["user_id"](event, None if not subject or is_anonymous(subject) else subject)
    _SET["seq"](event, row[0])
    _SET["received_at"](event, _received(row[1]))
    timestamp, items, properties, reading = row[18:]
    _SET["timestamp"](event, _EPOCH + timedelta(0, 0, timestamp))
    _SET["items"](event, () if items is None else lines_from(items))
    _SET["properties"](event, {} if properties is None else orjson.loads(properties))
    _SET["reading"](event, None if reading is None else reading_from(reading))
    return event


def rows_of_table(table: pa.Table) -> Iterator[list[Row]]:
    """A table of `EVENT_SCHEMA` columns as rows, 65,536 at a time; DataError where it breaks the schema's rules."""
    checked = _checked(table)
    for first in range(0, checked.num_rows, 65_536):
        part = checked.slice(first, 65_536)
        columns = [
            repeat(None, len(column)) if column.null_count == len(column) else column.to_pylist()
            for column in part.columns
        ]
        yield list(zip(*columns, strict=True))


def _checked(table: pa.Table) -> pa.Table:
    unknown = set(table.column_names) - set(EVENT_SCHEMA.names)
    if unknown or len(set(table.column_names)) != table.num_columns:
        raise DataError(
            f"columns {sorted(unknown) or 'named twice'} are not of an event; known: {', '.join(EVENT_SCHEMA.names)}"
        )
    columns = {}
    for field in EVENT_SCHEMA:
        if field.name not in table.column_names:
            columns[field.name] = pa.chunked_array([pa.nulls(table.num_rows, field.type)])
            continue
        columns[field.name] = _checked_column(field, table[field.name])
    for name in ("event_id", "event", "timestamp"):
        if columns[name].null_count:
            raise DataError(f"{columns[name].null_count} events of the table have no {name}; every event needs one")
    strange = set(pc.unique(columns["event"]).to_pylist()) - EVENT_NAMES
    if strange:
        raise DataError(f"unknown events {sorted(strange)}; known: {', '.join(sorted(EVENT_NAMES))}")
    columns["subject"] = _subjects(columns)
    columns["timestamp"] = columns["timestamp"].cast(pa.int64())
    return pa.table({name: columns[name] for name in ROW_COLUMNS})


def _checked_column(field: pa.Field, given: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_timestamp(given.type) and given.type.tz is None:
        raise DataError(f"column {field.name} has no time zone; give it one, such as UTC, or it would be a guess")
    try:
        column = given.cast(field.type)
        column.validate(full=pa.types.is_string(field.type))
    except pa.ArrowException as error:
        raise DataError(f"column {field.name} is {given.type}, not {field.type}: {error}") from None
    if pa.types.is_string(field.type):
        nul = _NUL_IN_JSON if field.name in ("items", "properties", "reading") else _NUL
        if pc.any(pc.match_substring_regex(column, nul)).as_py():
            raise DataError(f"column {field.name} holds U+0000, which no store can keep; remove that control character")
    elif pa.types.is_floating(field.type) and pc.any(pc.is_nan(column)).as_py():
        raise DataError(f"column {field.name} holds NaN; give null where a number is unknown")
    return column


def _subjects(columns: Mapping[str, pa.ChunkedArray]) -> pa.ChunkedArray:
    anonymous = pc.binary_join_element_wise(anonymous_subject(""), columns["anonymous_id"], "")
    subject = pc.coalesce(columns["user_id"], anonymous, pa.scalar("", pa.string()))
    given = columns["subject"]
    if given.null_count < len(given) and pc.any(pc.not_equal(given, subject)).as_py():
        raise DataError("column subject differs from what user_id and anonymous_id say; leave it out")
    return subject

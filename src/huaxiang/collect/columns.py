"""Rows in columns, checked together: what is plainly right goes on as an Arrow table, the rest one by one.

Only the plain kinds of events and values are judged here, and only favourably: a row that is not plainly right is made
a payload again and `check_event` decides, so there is one authority and one wording.
"""

from collections.abc import Mapping
from datetime import tzinfo
from hashlib import blake2b
from typing import Any, Final

import numpy as np
import orjson
import polars as pl
import pyarrow as pa

from huaxiang.collect.clock import moments
from huaxiang.store.base import EVENT_SCHEMA

IDS: Final = ("event_id", "user_id", "anonymous_id", "session_id", "item_id", "query_id", "request_id")
NUMBERS: Final = ("value", "quantity", "rating", "position")
TEXTS: Final = ("event", "text", "query", "currency", "experiment")
NESTED: Final = ("items", "properties")
FIELDS: Final = frozenset({*IDS, *NUMBERS, *TEXTS, *NESTED, "timestamp", "tenant"})

_BY_USER: Final = ("view_item_list", "view_cart", "begin_checkout", "purchase", "refund", "share", "review")
_BY_ITEM: Final = ("view_item", "select_item", "add_to_cart", "remove_from_cart", "add_to_wishlist", "like", "dislike")
_LONGEST: Final = 500_000
_UNFIT: Final = "[\x00\ufdd0]"
_OWN: Final = frozenset({"line", "occurrence", "properties_json"})
"""Columns that importers add: never a property, `properties_json` being properties already written as JSON."""


def split(frame: pl.DataFrame, *, timezone: tzinfo, day_first: bool | None = None) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows that are plainly right, typed, and the others as they came but for a `timestamp` that could be read.

    Args:
        frame: a batch's: `line`, canonical fields, further columns.
        timezone: of times without a zone.
        day_first: order of day and month in `3/4/2019`.
    """
    absent = [name for name in ("user_id", "anonymous_id", "session_id", "item_id") if name not in frame.columns]
    frame = frame.with_columns(pl.lit(None, pl.String).alias(name) for name in absent)
    if "timestamp" not in frame.columns:
        frame = frame.with_columns(pl.lit(None, pl.String).alias("timestamp"))
    moment = moments(frame["timestamp"], timezone, day_first)
    typed = frame.with_columns(moment, *_numbers(frame), *_ids(frame))
    alone = pl.col("user_id").is_null() & pl.col("anonymous_id").is_null()
    typed = typed.with_columns(pl.when(alone).then("session_id").otherwise("anonymous_id").alias("anonymous_id"))
    right = typed.select(pl.all_horizontal(_tests(frame, typed)).fill_null(False).alias("right"))["right"]
    rest = frame.with_columns(moment.alias("moment")).filter(~right)
    return typed.filter(right), rest


def _tests(frame: pl.DataFrame, typed: pl.DataFrame) -> list[pl.Expr]:
    """Is a row plainly right: known kind, someone, something, finite numbers, clean and short texts."""
    kind = pl.col("event").is_in(_BY_USER) | (pl.col("event").is_in(_BY_ITEM) & pl.col("item_id").is_not_null())
    for event, needed in (("support_message", "text"), ("search", "query")):
        if needed in frame.columns:
            kind |= (pl.col("event") == event) & (pl.col(needed).str.len_bytes() > 0)
    someone = pl.col("anonymous_id").is_not_null() | pl.col("user_id").is_not_null()
    tests = [kind.fill_null(False), someone, pl.col("timestamp").is_not_null(), *_text_tests(typed)]
    for name in typed.columns:
        dtype = frame.schema[name]
        if name in IDS:
            tests += _id_tests(name)
            tests.append(pl.col(name).is_not_null() | pl.lit(frame[name].is_null()) | (pl.lit(name) == "anonymous_id"))
        elif name in NUMBERS or name == "price":
            tests.append(_number_test(frame, name))
        elif name in {"items", "properties", "tenant"} or (name in TEXTS and dtype not in (pl.String, pl.Null)):
            tests.append(pl.col(name).is_null())
        elif name not in FIELDS and dtype.is_float():
            tests.append(pl.col(name).is_finite().fill_null(True))
        elif name not in FIELDS and (dtype.is_nested() or dtype in (pl.Binary, pl.Object)):
            tests.append(pl.col(name).is_null())
    return tests


def _text_tests(typed: pl.DataFrame) -> list[pl.Expr]:
    texts = [name for name in typed.columns if typed.schema[name] == pl.String]
    size = pl.sum_horizontal(pl.col(name).str.len_bytes().cast(pl.Int64) for name in texts)
    return [size <= _LONGEST, *(~pl.col(name).str.contains(_UNFIT).fill_null(False) for name in texts)]


def _id_tests(name: str) -> list[pl.Expr]:
    size = pl.col(name).str.len_bytes().fill_null(1)
    return [size > 0, size <= 512, ~pl.col(name).str.starts_with("\x1f").fill_null(False)]


def _is_number(dtype: pl.DataType) -> bool:
    return dtype.is_numeric() or dtype in (pl.String, pl.Null)


def _number_test(frame: pl.DataFrame, name: str) -> pl.Expr:
    absent = pl.lit(frame[name].is_null())
    if not _is_number(frame.schema[name]):
        return absent
    number = pl.col(name)
    fit = number.is_finite() & (number >= (-np.inf if name in {"value", "rating"} else 0.0))
    if name == "position":
        fit &= (number == number.floor()) & (number < 2**31)
    return absent | fit.fill_null(False)


def _numbers(frame: pl.DataFrame) -> list[pl.Expr]:
    """The numeric columns as float64; what is no number becomes null, which `_number_test` tells from absence."""
    named = [name for name in (*NUMBERS, "price") if name in frame.columns and _is_number(frame.schema[name])]
    return [pl.col(name).cast(pl.Float64, strict=False) for name in named]


def _ids(frame: pl.DataFrame) -> list[pl.Expr]:
    """Ids as text; a float column that holds whole numbers, as data frames with gaps do, loses its `.0`."""
    found = []
    for name in IDS:
        if name not in frame.columns or frame.schema[name] == pl.String:
            continue
        column, kind = pl.col(name), frame.schema[name]
        if kind.is_float():
            whole = (column == column.floor()) & (column.abs() < 2.0**53)
            found.append(pl.when(whole).then(column.cast(pl.Int64, strict=False).cast(pl.String)).alias(name))
        elif kind.is_integer() or kind == pl.Null:
            found.append(column.cast(pl.String))
        else:
            found.append(pl.lit(None, pl.String).alias(name))
    return found


def to_payload(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the rest as a payload: nulls left out, JSON texts opened, texts of numbers read."""
    payload: dict[str, Any] = {}
    for name, value in row.items():
        if value is None or name in {"line", "occurrence", "moment"}:
            continue
        if name == "properties_json":
            payload["properties"] = orjson.loads(value)
        else:
            payload[name] = _opened(name, value)
    if row.get("moment") is not None:
        payload["timestamp"] = row["moment"]
    return payload


def _opened(name: str, value: Any) -> Any:
    if isinstance(value, str):
        if name in NUMBERS or name == "price":
            try:
                return float(value)
            except ValueError:
                return value
        if name in NESTED:
            try:
                return orjson.loads(value)
            except orjson.JSONDecodeError:
                return value
    if name in IDS and isinstance(value, float) and value.is_integer():
        return int(value)
    if name not in FIELDS and not isinstance(value, str | int | float | bool | list | dict):
        return value.isoformat() if hasattr(value, "isoformat") else str(value)
    return value


def event_table(right: pl.DataFrame) -> pl.DataFrame:
    """The right rows in time order (file order within a moment) with `event_id` and `properties`, without readings."""
    found = right.with_columns(_properties(right)).sort("timestamp", maintain_order=True)
    digests = pl.Series("digest", _digests(found), dtype=pl.String)
    given = pl.col("event_id") if "event_id" in found.columns else pl.lit(None, pl.String)
    return found.with_columns(pl.coalesce(given, digests).alias("event_id"))


def to_arrow(events: pl.DataFrame) -> pa.Table:
    """The columns of the store's schema that there are, in its types."""
    names = [name for name in EVENT_SCHEMA.names if name in events.columns and events.schema[name] != pl.Null]
    table = events.select(names).to_arrow(compat_level=pl.CompatLevel.oldest())
    return table.cast(pa.schema([EVENT_SCHEMA.field(name) for name in names]))


def _properties(frame: pl.DataFrame) -> pl.Expr:
    """All further columns of each row as one JSON object, keys in order, nulls left out; null where nothing is left."""
    if "properties_json" in frame.columns:
        return pl.col("properties_json").alias("properties")
    names = sorted(name for name in frame.columns if name not in FIELDS and name not in _OWN)
    names = [name for name in names if not (frame.schema[name].is_nested() or frame.schema[name] == pl.Null)]
    if not names:
        return pl.lit(None, pl.String).alias("properties")
    parts = [_member(name, frame.schema[name]) for name in names]
    joined = pl.concat_str(parts, separator=",", ignore_nulls=True)
    nothing = pl.all_horizontal(pl.col(name).is_null() for name in names)
    return pl.when(~nothing).then(pl.concat_str(pl.lit("{"), joined, pl.lit("}"))).alias("properties")


def _member(name: str, dtype: pl.DataType) -> pl.Expr:
    """`"name":value` as JSON, null where the value is."""
    column = pl.col(name)
    if not (dtype.is_numeric() or dtype in (pl.String, pl.Boolean)):
        column = column.cast(pl.String)
    written = pl.struct(column.alias("v")).struct.json_encode().str.slice(5)  # {"v":...}
    key = orjson.dumps(name).decode() + ":"
    return pl.when(pl.col(name).is_not_null()).then(pl.concat_str(pl.lit(key), written.str.strip_suffix("}")))


def _digests(frame: pl.DataFrame) -> list[str]:
    """An id of each row's content, the same for the same content in every run and version of any library."""
    columns = [pl.col("timestamp").dt.epoch("us").cast(pl.String)]
    for name in ("event", *IDS[1:], *NUMBERS, *TEXTS[1:], "properties", "occurrence"):
        if name not in frame.columns or frame.schema[name] == pl.Null:
            columns.append(pl.lit(""))
        elif name in NUMBERS:
            bits = pl.Series(frame[name].fill_null(np.nan).to_numpy().view(np.int64))
            columns.append(pl.when(pl.col(name).is_null()).then(pl.lit("")).otherwise(pl.lit(bits).cast(pl.String)))
        else:
            columns.append(pl.col(name).cast(pl.String).fill_null(""))
    contents = frame.select(pl.concat_str(columns, separator="\x1f"))[:, 0]
    return ["f-" + blake2b(content.encode(), digest_size=12).hexdigest() for content in contents]

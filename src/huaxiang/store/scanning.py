"""The log as Arrow batches."""

from collections.abc import Sequence
from typing import Any, Final

import pyarrow as pa
import sqlalchemy as sa

from huaxiang.errors import UnknownNameError
from huaxiang.store.base import SCAN_SCHEMA
from huaxiang.store.schema import CATALOGUE, IS_CATALOGUE, events
from huaxiang.types import is_anonymous

BATCH_ROWS: Final = 65_536


def checked_columns(columns: Sequence[str] | None) -> tuple[str, ...]:
    """The columns to yield, all of `SCAN_SCHEMA` by default; UnknownNameError for one that is not there."""
    for name in columns or ():
        if name not in SCAN_SCHEMA.names:
            raise UnknownNameError("scan column", name, SCAN_SCHEMA.names)
    return tuple(SCAN_SCHEMA.names if columns is None else columns)


def statement(names: Sequence[str], until: int | None, wanted: frozenset[str] | None) -> sa.Select[Any]:
    """One page of the log, with parameters `after` and `last`; its first column is `seq`, then those named.

    Args:
        until: microseconds since 1970; only events before it.
    """
    chosen = [events.c["subject" if name == "user_id" else name].label(f"{name}_") for name in names]
    page = sa.select(events.c.seq, *chosen)
    page = page.where(events.c.seq > sa.bindparam("after"), events.c.seq <= sa.bindparam("last"))
    if until is not None:
        page = page.where(events.c.timestamp < until)
    if wanted is not None:
        page = page.where(events.c.event.in_(sorted(wanted)))
    if wanted and wanted <= CATALOGUE:
        # SQLite would walk the whole table for its order by seq; the index has it too, of these events alone.
        page = page.where(IS_CATALOGUE).with_hint(events, "INDEXED BY events_catalogue", "sqlite")
    return page.order_by(events.c.seq).limit(BATCH_ROWS)


def batch(rows: Sequence[Sequence[Any]], names: Sequence[str]) -> pa.RecordBatch:
    """Rows of `statement` as one batch."""
    schema = pa.schema([SCAN_SCHEMA.field(name) for name in names])
    columns = list(zip(*rows, strict=True))[1:]
    return pa.record_batch([_array(field, values) for field, values in zip(schema, columns, strict=True)], schema)


def _array(field: pa.Field, values: Sequence[Any]) -> pa.Array:
    if field.name == "user_id":
        values = [None if not subject or is_anonymous(subject) else subject for subject in values]
    if pa.types.is_timestamp(field.type):
        return pa.array(values, pa.int64()).view(field.type)
    return pa.array(values, field.type)

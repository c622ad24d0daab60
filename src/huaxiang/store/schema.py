"""The tables: one log, one table of records, and who watches whom."""

from typing import Any, Final

import sqlalchemy as sa

LAYOUT: Final = 1
"""Version of the tables below; a store of another layout is refused rather than misread."""

ROW_COLUMNS: Final = (
    "event_id",
    "event",
    "subject",
    "anonymous_id",
    "session_id",
    "item_id",
    "value",
    "quantity",
    "rating",
    "position",
    "currency",
    "text",
    "query",
    "query_id",
    "request_id",
    "experiment",
    "timestamp",
    "items",
    "properties",
    "reading",
)
"""What `rows` makes of an event, in this order; the store puts `seq` and `received_at` before it.

There is no `user_id`: the subject says it, and a column less is a tenth of the log's size.
"""

metadata = sa.MetaData()

_Key = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
"""Ids are ordered by code point in both engines, as Python orders them."""
_Whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_Real: Final[sa.Double[float]] = sa.Double()

_TYPES: Final = {"timestamp": _Whole, "position": _Whole, "value": _Real, "quantity": _Real, "rating": _Real}
_KEYS: Final = frozenset({"event_id", "subject", "anonymous_id"})
_ALWAYS: Final = frozenset({"event_id", "event", "subject", "timestamp"})


def _column(name: str) -> sa.Column[Any]:
    kind: Any = _TYPES.get(name, _Key if name in _KEYS else sa.Text())
    return sa.Column(name, kind, nullable=name not in _ALWAYS)


events = sa.Table(
    "events",
    metadata,
    sa.Column("seq", _Whole, primary_key=True, autoincrement=False),
    sa.Column("received_at", _Whole, nullable=False),
    *(_column(name) for name in ROW_COLUMNS),
)
sa.Index("events_event_id", events.c.event_id, unique=True)
# SQLite ends every index entry with the rowid, which is seq; PostgreSQL must be told.
sa.Index("events_history", events.c.subject, events.c.timestamp).ddl_if(dialect="sqlite")
sa.Index("events_history", events.c.subject, events.c.timestamp, events.c.seq).ddl_if(dialect="postgresql")
_IS_IDENTIFY = sa.literal_column("event") == sa.literal_column("'identify'")
sa.Index(
    "events_identify",
    events.c.anonymous_id,
    events.c.timestamp,
    sqlite_where=_IS_IDENTIFY,
    postgresql_where=_IS_IDENTIFY,
)

CATALOGUE: Final = frozenset({"set_item", "delete_item"})
"""Events that every start reads all of, in a log that holds a thousand others for each."""
IS_CATALOGUE: Final = sa.literal_column("event").in_([sa.literal_column(f"'{name}'") for name in sorted(CATALOGUE)])
sa.Index("events_catalogue", events.c.seq, sqlite_where=IS_CATALOGUE, postgresql_where=IS_CATALOGUE)

log = sa.Table(
    "log",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("layout", sa.Integer, nullable=False),
    sa.Column("last_seq", _Whole, nullable=False),
    sa.Column("last_received_at", _Whole, nullable=False),
)
"""One row. The highest `seq` is kept here and not in a sequence of the engine: it is read and raised in the
transaction of the append, which holds the row, so numbers rise in the order of commits and are never used twice."""

records = sa.Table(
    "records",
    metadata,
    sa.Column("kind", _Key, primary_key=True),
    sa.Column("id", _Key, primary_key=True),
    sa.Column("version", _Whole, nullable=False),
    sa.Column("at", _Whole),
    sa.Column("watches", sa.Text),
    sa.Column("body", sa.Text, nullable=False),
)
sa.Index("records_id", records.c.id)

watches = sa.Table(
    "watches",
    metadata,
    sa.Column("subject", _Key, primary_key=True),
    sa.Column("kind", _Key, primary_key=True),
    sa.Column("id", _Key, primary_key=True),
    sa.Column("at", _Whole),
    sqlite_with_rowid=False,
)
sa.Index("watches_record", watches.c.kind, watches.c.id)

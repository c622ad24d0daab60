"""The contract of a store: eight methods, one tenant, the log as the truth."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import pyarrow as pa

from huaxiang.types import Event, Subject


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of a batch, in its order.

    Attributes:
        seqs: sequence number of each event; None for a duplicate, of the log or of the batch itself.
        last_seq: the log's highest sequence number afterwards.
    """

    seqs: tuple[int | None, ...]
    last_seq: int

    @property
    def accepted(self) -> int:
        """How many events are new in the log."""
        return sum(seq is not None for seq in self.seqs)

    @property
    def duplicates(self) -> int:
        """How many were there already, by `event_id`."""
        return len(self.seqs) - self.accepted


@dataclass(frozen=True, slots=True)
class Record:
    """One derived or application record.

    Attributes:
        body: JSON-compatible.
        version: 0 before the first put; every put adds one.
        at: the moment the record is true as of, for records that the log can outdate.
        watches: subjects whose late or reaching-back events delete the record: an event at or before `at`, or of a
            kind in `REACHING_BACK` at any time, deletes it in the transaction that appends the event.
    """

    id: str
    body: Mapping[str, Any]
    version: int = 0
    at: datetime | None = None
    watches: tuple[Subject, ...] = ()


@dataclass(frozen=True, slots=True)
class Subjects:
    """One page of the people in the log."""

    user_id: Subject
    last_seen: datetime
    n_events: int


@dataclass(frozen=True, slots=True)
class Erased:
    """What `erase` removed, by table."""

    events: int
    records: int
    kinds: Mapping[str, int] = field(default_factory=dict)


class Store(Protocol):
    """One tenant's log and records. Every method is safe to call from many threads.

    Times are aware UTC with microsecond resolution. A subject is a user id or `anonymous_subject(...)`.
    """

    @property
    def last_seq(self) -> int:
        """The highest sequence number in the log, 0 when empty."""
        ...

    def append(self, events: Sequence[Event]) -> Appended:
        """Keep events durably, all or nothing; a duplicate `event_id` is counted, not kept."""
        ...

    def history(
        self, user_id: Subject, *, before: datetime, limit: int, events: frozenset[str] | None = None
    ) -> list[Event]:
        """The latest `limit` events of a subject with `timestamp < before`, oldest first by (timestamp, seq).

        An `identify` event is in the history of both of its ids, so a device knows who claimed it.
        """
        ...

    def scan(
        self, after_seq: int = 0, *, before: datetime | None = None, events: frozenset[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """The log in `seq` order from `after_seq` (exclusive), in Arrow batches of `SCAN_SCHEMA`."""
        ...

    def users(self, after: Subject | None = None, limit: int = 100) -> list[Subjects]:
        """Users (no anonymous subjects) in id order, from `after` (exclusive)."""
        ...

    def put(self, kind: str, records: Sequence[Record], expect: int | None = None) -> None:
        """Write records, all or nothing. With `expect`, each record must stand at that version, else ConflictError."""
        ...

    def get(self, kind: str, ids: Sequence[str]) -> dict[str, Record]:
        """The records that exist, by id."""
        ...

    def find(
        self, kind: str, where: Mapping[str, Any] | None = None, after: str | None = None, limit: int = 100
    ) -> list[Record]:
        """Records in id order, from `after` (exclusive), whose body equals `where` on each top-level key."""
        ...

    def erase(self, user_id: Subject) -> Erased:
        """Remove a subject's events and every record that watches it or is kept under its id."""
        ...

    def close(self) -> None:
        """Release connections; the store can no longer be used."""
        ...


SCAN_SCHEMA = pa.schema(
    [
        ("seq", pa.int64()),
        ("event_id", pa.string()),
        ("event", pa.string()),
        ("subject", pa.string()),
        ("user_id", pa.string()),
        ("anonymous_id", pa.string()),
        ("session_id", pa.string()),
        ("item_id", pa.string()),
        ("timestamp", pa.timestamp("us", tz="UTC")),
        ("received_at", pa.timestamp("us", tz="UTC")),
        ("value", pa.float64()),
        ("quantity", pa.float64()),
        ("rating", pa.float64()),
        ("text", pa.string()),
        ("query", pa.string()),
        ("items", pa.string()),
        ("properties", pa.string()),
        ("reading", pa.string()),
    ]
)
"""Columns of `scan`; `items`, `properties` and `reading` are JSON text, null where empty."""

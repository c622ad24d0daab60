"""The contract of a store: eight methods, one tenant, the log as the truth."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

import pyarrow as pa

from huaxiang.store.trace import Traces
from huaxiang.types import Event, Subject

GATE: Final = ("gate", "rules")
"""Kind and id of the record whose version counts the changes of the rules on whose events may come in."""

IMPERSONAL_KINDS: Final = frozenset({"item", "campaign", GATE[0]})
"""Kinds whose ids are the shop's names for things: an item `42` is not the person `42`, so `erase` leaves it alone."""


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of a batch, in its order.

    Attributes:
        seqs: sequence number of each event; None for a duplicate, of the log or of the batch itself. A `range` where
            a table was appended and nothing was a duplicate. Numbers strictly increase; a duplicate may leave a gap.
        last_seq: the log's highest sequence number afterwards.
    """

    seqs: Sequence[int | None]
    last_seq: int

    @property
    def accepted(self) -> int:
        """How many events are new in the log."""
        return len(self.seqs) - (0 if isinstance(self.seqs, range) else self.seqs.count(None))

    @property
    def duplicates(self) -> int:
        """How many were there already, by `event_id`."""
        return len(self.seqs) - self.accepted


@dataclass(frozen=True, slots=True)
class Record:
    """One derived or application record.

    Attributes:
        body: JSON-compatible: str keys, no NaN (kept as null), no U+0000; a tuple comes back as a list.
        version: 0 before the first put; every put adds one.
        at: the moment the record is true as of, for records that the log can outdate.
        watches: subjects whose late or reaching-back events delete the record: an event at or before `at`, or of a
            kind in `REACHING_BACK` at any time, deletes it in the transaction that appends the event.
        seen: the log's `last_seq` when the record was computed, for records that watch. An event that came in after
            that and before the `put`, and would have deleted the record, keeps it from being written: it is dropped
            as if the event had come a moment later. Not stored: None when read back.
    """

    id: str
    body: Mapping[str, Any]
    version: int = 0
    at: datetime | None = None
    watches: tuple[Subject, ...] = ()
    seen: int | None = None


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
    Every method may raise StoreError (StoreFullError where there is no room); then nothing of the call was kept.
    """

    @property
    def last_seq(self) -> int:
        """The highest sequence number ever given, 0 for a new log; erasing the newest event does not lower it."""
        ...

    def append(self, events: Sequence[Event] | pa.Table, *, gate: int | None = None) -> Appended:
        """Keep events durably, all or nothing; a duplicate `event_id` is counted, not kept.

        A table has columns of `EVENT_SCHEMA`, already checked as `Event` checks; missing ones are null.
        All events of one call get one `received_at`, which never falls as `seq` rises.

        Args:
            gate: version of the record `GATE` by which the events were let in, 0 for none; where it stands at another,
                ConflictError, and nothing is kept: so nothing of an erased person comes in while they are erased.
        """
        ...

    def history(
        self, user_id: Subject, *, before: datetime, limit: int, events: frozenset[str] | None = None
    ) -> list[Event]:
        """The latest `limit` events of a subject with `timestamp < before`, oldest first by (timestamp, seq).

        An `identify` event is in the history of both of its ids, so a device knows who claimed it.
        """
        ...

    def traces(self, user_id: Subject, *, before: datetime, limit: int, events: frozenset[str] | None = None) -> Traces:
        """The same events as `history` gives, as a fold reads them."""
        ...

    def scan(
        self,
        after_seq: int = 0,
        *,
        before: datetime | None = None,
        events: frozenset[str] | None = None,
        columns: Sequence[str] | None = None,
    ) -> Iterator[pa.RecordBatch]:
        """The log in `seq` order from `after_seq` (exclusive), in Arrow batches of `SCAN_SCHEMA`.

        Args:
            before: only events with `timestamp < before`. For what was known at a moment filter on `received_at`.
            columns: these columns of `SCAN_SCHEMA`, in this order; a few are several times faster than all.

        It ends at the `last_seq` of its beginning. Each batch is read by itself, so no writer waits for a slow reader.
        """
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

    def expire(
        self, *, before: datetime, keep: frozenset[str] = frozenset(), kinds: frozenset[str] = frozenset()
    ) -> Erased:
        """Remove events with `timestamp < before`, and the records that watch their subjects, which were computed over
        them.

        Args:
            keep: kinds of events that stay.
            kinds: kinds of records that go where their own `at` is before the moment.
        """
        ...

    def rename(
        self,
        names: Mapping[Subject, Subject],
        *,
        drop: frozenset[str] = frozenset(),
        add: Mapping[str, Sequence[Record]] | None = None,
    ) -> int:
        """Give subjects other ids, in one transaction: in the log, as ids of records that are theirs, and in what
        watches them. Answers with the number of events that were rewritten.

        Args:
            drop: kinds of records that are deleted rather than renamed, because their bodies name people.
            add: records by kind that are written in the same transaction.

        Raises:
            DataError: a new id is in use, or two subjects would become one.
        """
        ...

    def close(self) -> None:
        """Release connections; the store can no longer be used."""
        ...


EVENT_SCHEMA: Final = pa.schema(
    [
        ("event_id", pa.string()),
        ("event", pa.string()),
        ("subject", pa.string()),
        ("user_id", pa.string()),
        ("anonymous_id", pa.string()),
        ("session_id", pa.string()),
        ("item_id", pa.string()),
        ("timestamp", pa.timestamp("us", tz="UTC")),
        ("value", pa.float64()),
        ("currency", pa.string()),
        ("quantity", pa.float64()),
        ("rating", pa.float64()),
        ("text", pa.string()),
        ("query", pa.string()),
        ("query_id", pa.string()),
        ("request_id", pa.string()),
        ("position", pa.int64()),
        ("items", pa.string()),
        ("experiment", pa.string()),
        ("properties", pa.string()),
        ("reading", pa.string()),
    ]
)
"""Columns of a table for `append`. `event_id`, `event` and `timestamp` are required, the others may be missing or null.

`items` is a JSON list of objects with the fields of `LineItem`, `properties` a JSON object, `reading` a JSON object
with the fields of `Reading`; null where empty. `subject` follows from the two ids and is best left out.
"""

SCAN_SCHEMA: Final = pa.schema(
    [pa.field("seq", pa.int64()), *EVENT_SCHEMA, pa.field("received_at", pa.timestamp("us", tz="UTC"))]
)
"""Columns of `scan`: those of `EVENT_SCHEMA`, what the store adds, and nothing derived but `subject`."""

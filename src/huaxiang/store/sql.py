"""The eight methods over SQL, the same statements for every engine."""

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any, Final

import pyarrow as pa
import sqlalchemy as sa

from huaxiang.errors import ConflictError, DataError, StoreError
from huaxiang.store import naming, records, scanning
from huaxiang.store.base import GATE, Appended, Erased, Record, Subjects
from huaxiang.store.engine import Engine
from huaxiang.store.rows import (
    Row,
    blame,
    event_of,
    microseconds,
    moment,
    row_of,
    rows_of_table,
)
from huaxiang.store.schema import LAYOUT, ROW_COLUMNS, events, log, metadata, watches
from huaxiang.store.schema import records as kept_records
from huaxiang.store.trace import ORDERS, PROPERTIES, Traces
from huaxiang.types import EVENT_NAMES, Event, Subject, check_aware, is_anonymous

Clock = Callable[[], datetime]

DRIVER_ERRORS: Final = (sa.exc.SQLAlchemyError, UnicodeError, OverflowError)


_FEW: Final = 4


def _is_one_of(kinds: Collection[str]) -> sa.ColumnElement[bool]:
    """Kinds stand in the statement: as parameters they would be expanded anew for each call, at .3 ms. Few comparisons
    are made sooner than a list is looked through."""
    named: dict[str, sa.ColumnElement[str]] = {kind: sa.literal_column(f"'{kind}'") for kind in sorted(EVENT_NAMES)}
    others = EVENT_NAMES - set(kinds)
    if len(others) <= _FEW:
        return sa.and_(sa.true(), *(events.c.event != named[kind] for kind in sorted(others)))
    if len(kinds) <= _FEW:
        return sa.or_(sa.false(), *(events.c.event == named[kind] for kind in sorted(kinds)))
    return events.c.event.in_([named[kind] for kind in sorted(kinds)])


_ROW: Final = (events.c.seq, events.c.received_at, *(events.c[name] for name in ROW_COLUMNS))
_MOMENT: Final = 2 + ROW_COLUMNS.index("timestamp")
_NUMBER: Final = sa.case((_is_one_of(["review"]), events.c.rating), else_=events.c.value).label("number")
_TRACE: Final = (
    *(events.c[name] for name in ("seq", "timestamp", "event_id", "event", "session_id")),
    *(
        sa.null(),  # of the number, which loses bits as text
        sa.case(
            (_is_one_of(["search"]), events.c.query),
            (_is_one_of(ORDERS), events.c.currency),
            (_is_one_of(PROPERTIES), events.c.properties),
        ),
    ),
    *(events.c[name] for name in ("item_id", "items", "reading")),
)
_subject: Final = sa.bindparam("subject", type_=sa.Text())
_before: Final = sa.bindparam("before", type_=sa.BigInteger())
_limit: Final = sa.bindparam("limit", type_=sa.Integer())


def _latest(columns: Sequence[sa.ColumnElement[Any]], *conditions: sa.ColumnElement[bool]) -> sa.Select[Any]:
    newest_first = (events.c.timestamp.desc(), events.c.seq.desc())
    chosen = sa.select(*columns).where(*conditions, events.c.timestamp < _before)
    return chosen.order_by(*newest_first).limit(_limit)


_OWN: Final = events.c.subject == _subject
# The literal, not a parameter, is what lets the engines use the partial index of identify events.
_CLAIMED: Final = (
    sa.and_(events.c.anonymous_id == sa.bindparam("anonymous_id"), events.c.event == sa.literal_column("'identify'")),
    events.c.subject != _subject,
)


class _Statements:
    """Of a history, in one form: each is made once."""

    def __init__(self, columns: Sequence[sa.ColumnElement[Any]]) -> None:
        self._columns = columns
        self._own: dict[frozenset[str] | None, sa.Select[Any]] = {}
        self.claims = _latest(columns, *_CLAIMED)

    def own(self, names: frozenset[str] | None) -> sa.Select[Any]:
        """Of some kinds of events; of a kind that there is not there is no event."""
        found = self._own.get(names)
        if found is None:
            wanted = [] if names is None else [_is_one_of(names & EVENT_NAMES)]
            found = self._own[names] = _latest(self._columns, _OWN, *wanted)
        return found


# Whether any record watches anyone is asked once an append: a bulk import looks no further.
_GATE: Final = sa.select(kept_records.c.version).where(kept_records.c.kind == GATE[0], kept_records.c.id == GATE[1])
_STATE: Final = sa.select(
    log.c.last_seq,
    log.c.last_received_at,
    sa.exists(sa.select(1).select_from(watches)),
    sa.func.coalesce(_GATE.scalar_subquery(), 0),
)
_LAST: Final = sa.select(log.c.last_seq)
_ADVANCE: Final = sa.update(log).values(last_seq=sa.bindparam("seq"), last_received_at=sa.bindparam("received_at"))
_USERS: Final = (
    sa.select(events.c.subject, sa.func.max(events.c.timestamp), sa.func.count())
    .where(events.c.subject > sa.bindparam("after"))
    .where(sa.not_(sa.and_(events.c.subject >= "\x1f", events.c.subject < "\x20")))
    .group_by(events.c.subject)
    .order_by(events.c.subject)
    .limit(_limit)
)


def set_up(engine: Engine) -> None:
    """Make the tables where they are missing; StoreError where they are of another layout."""
    with engine.writing() as connection:
        engine.prepare(connection)
        metadata.create_all(connection)
        layout = connection.execute(sa.select(log.c.layout)).scalar()
        if layout is None:
            connection.execute(sa.insert(log).values(id=1, layout=LAYOUT, last_seq=0, last_received_at=-(2**62)))
        elif layout != LAYOUT:
            raise StoreError(
                f"the store has layout {layout}, this version reads {LAYOUT}; use the huaxiang that made it"
            )


class SQLStore:
    """A `Store` over one SQL database; see `huaxiang.store.base.Store` for the contract."""

    def __init__(self, engine: Engine, *, clock: Clock | None = None) -> None:
        self._engine = engine
        self._events = _Statements(_ROW)
        self._traces = _Statements([engine.as_json(_TRACE), _NUMBER])
        self._clock = clock or (lambda: datetime.now(UTC))
        self._closed = threading.Event()
        try:
            with self._translated():
                set_up(engine)
        except BaseException:
            engine.close()
            raise

    @contextmanager
    def _translated(self) -> Iterator[None]:
        if self._closed.is_set():
            raise StoreError("the store is closed; open it again with open_store")
        try:
            yield
        except DRIVER_ERRORS as error:
            raise self._engine.explain(error) from error

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        with self._translated(), self._engine.reading() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        with self._translated(), self._engine.writing() as connection:
            yield connection

    @property
    def last_seq(self) -> int:
        """The highest sequence number ever given, 0 for a new log."""
        with self._translated():
            return int(self._engine.fetch(_LAST, {})[0][0])

    def append(self, events: Sequence[Event] | pa.Table, *, gate: int | None = None) -> Appended:
        """Keep events durably, all or nothing; a duplicate `event_id` is counted, not kept."""
        if isinstance(events, pa.Table):
            return self._append(rows_of_table(events), gate)
        rows = [row_of(event) for event in events]
        appended = self._append(iter([rows]) if rows else iter(()), gate)
        return Appended(tuple(appended.seqs), appended.last_seq)

    def _append(self, parts: Iterator[list[Row]], gate: int | None) -> Appended:
        now = microseconds(check_aware("the clock's time", self._clock()))
        seqs: list[Sequence[int | None]] = []
        with self._writing() as connection:
            last, received_at, watched, rules = connection.execute(_STATE).one()
            if gate is not None and rules != gate:
                raise ConflictError(
                    f"the rules of the gate are at {rules}, not {gate}; read them, let in again, append"
                )
            start, given, received_at = last, last, max(now, received_at)
            for rows in parts:
                numbers = range(given + 1, given + 1 + len(rows))
                kept = self._keep(connection, numbers, received_at, rows)
                given = numbers[-1]
                last = given if kept is None else max(kept, default=last)
                seqs.append(numbers if kept is None else _with_gaps(numbers, kept))
                if watched:
                    records.drop_outdated(connection, _fresh(rows, numbers, kept))
            if last > start:
                connection.execute(_ADVANCE, {"seq": last, "received_at": received_at})
        return Appended(_joined(seqs), last)

    def _keep(self, connection: sa.Connection, numbers: range, received_at: int, rows: list[Row]) -> list[int] | None:
        numbered = [(seq, received_at, *row) for seq, row in zip(numbers, rows, strict=True)]
        try:
            return self._engine.keep(connection, numbered)
        except (UnicodeError, OverflowError, sa.exc.InterfaceError, sa.exc.DataError) as error:
            raise blame(rows) from error

    def history(
        self, user_id: Subject, *, before: datetime, limit: int, events: frozenset[str] | None = None
    ) -> list[Event]:
        """The latest `limit` events of a subject with `timestamp < before`, oldest first by (timestamp, seq)."""
        own, claims = self._latest(self._events, user_id, before, limit, events)
        rows = sorted([*own, *claims], key=itemgetter(_MOMENT, 0), reverse=True)[:limit] if claims else own
        return [event_of(row) for row in reversed(rows)]

    def traces(self, user_id: Subject, *, before: datetime, limit: int, events: frozenset[str] | None = None) -> Traces:
        """The same events as `history` gives, as a fold reads them."""
        own, claims = map(Traces.of_json, self._latest(self._traces, user_id, before, limit, events))
        return Traces.merged([own, claims]).part(-limit) if len(claims) else own

    def _latest(
        self, form: _Statements, user_id: Subject, before: datetime, limit: int, names: frozenset[str] | None
    ) -> tuple[Sequence[Row], Sequence[Row]]:
        """Rows of a history, newest first, and of links with its id that are in another."""
        asked: dict[str, Any] = {"subject": user_id, "before": microseconds(check_aware("before", before))}
        if limit <= 0 or not (names is None or names & EVENT_NAMES):
            return (), ()
        asked["limit"] = limit
        with self._translated():
            own = self._engine.fetch(form.own(names), asked)
            if not is_anonymous(user_id) or not (names is None or "identify" in names):
                return own, ()
            return own, self._engine.fetch(form.claims, asked | {"anonymous_id": user_id[1:]})

    def scan(
        self,
        after_seq: int = 0,
        *,
        before: datetime | None = None,
        events: frozenset[str] | None = None,
        columns: Sequence[str] | None = None,
    ) -> Iterator[pa.RecordBatch]:
        """The log in `seq` order from `after_seq` (exclusive), in Arrow batches of `SCAN_SCHEMA`."""
        names = scanning.checked_columns(columns)
        until = None if before is None else microseconds(check_aware("before", before))
        return self._scan(scanning.statement(names, until, events), names, after_seq)

    def _scan(self, page: sa.Select[Any], names: Sequence[str], after_seq: int) -> Iterator[pa.RecordBatch]:
        last, after = self.last_seq, after_seq
        while True:
            with self._reading() as connection:
                rows = connection.execute(page, {"after": after, "last": last}).all()
            if rows:
                after = rows[-1][0]
                yield scanning.batch(rows, names)
            if len(rows) < scanning.BATCH_ROWS:
                return

    def users(self, after: Subject | None = None, limit: int = 100) -> list[Subjects]:
        """Users (no anonymous subjects) in id order, from `after` (exclusive)."""
        with self._reading() as connection:
            rows = connection.execute(_USERS, {"after": after or "", "limit": max(limit, 0)}).all()
        return [Subjects(subject, moment(last), n) for subject, last, n in rows]

    def put(self, kind: str, records_: Sequence[Record], expect: int | None = None) -> None:
        """Write records, all or nothing; with `expect`, each must stand at that version, else ConflictError."""
        rows = records.rows_of(kind, records_)
        with self._writing() as connection:
            records.put(connection, self._engine, kind, rows, expect)

    def get(self, kind: str, ids: Sequence[str]) -> dict[str, Record]:
        """The records that exist, by id."""
        with self._translated():
            return records.get(self._engine, kind, ids)

    def find(
        self, kind: str, where: Mapping[str, Any] | None = None, after: str | None = None, limit: int = 100
    ) -> list[Record]:
        """Records in id order, from `after` (exclusive), whose body equals `where` on each top-level key."""
        with self._reading() as connection:
            return records.find(connection, self._engine, kind, where or {}, after or "", limit)

    def erase(self, user_id: Subject) -> Erased:
        """Remove a subject's events and every record that watches it or is kept under its id."""
        if not user_id:
            raise DataError("erase needs a user id or an anonymous subject; the empty subject is the catalogue's")
        with self._writing() as connection:
            erased = records.erase(connection, user_id)
        with self._translated():
            self._engine.forget()
        return erased

    def expire(
        self, *, before: datetime, keep: frozenset[str] = frozenset(), kinds: frozenset[str] = frozenset()
    ) -> Erased:
        """Remove events before a moment, the records that watch their subjects, and older records of `kinds`."""
        until = microseconds(check_aware("before", before))
        with self._writing() as connection:
            erased = records.expire(connection, until, keep, kinds)
        with self._translated():
            self._engine.forget()
        return erased

    def rename(
        self,
        names: Mapping[Subject, Subject],
        *,
        drop: frozenset[str] = frozenset(),
        add: Mapping[str, Sequence[Record]] | None = None,
    ) -> int:
        """Give subjects other ids, in one transaction; the number of events that were rewritten."""
        naming.check(names)
        rows = {kind: records.rows_of(kind, given) for kind, given in (add or {}).items()}
        with self._writing() as connection:
            n = naming.rename(connection, names, drop)
            for kind, kept in rows.items():
                records.put(connection, self._engine, kind, kept, None)
        with self._translated():
            self._engine.forget()
        return n

    def close(self) -> None:
        """Release connections; the store can no longer be used."""
        self._closed.set()
        self._engine.close()


def _with_gaps(numbers: range, kept: Sequence[int]) -> list[int | None]:
    fresh = set(kept)
    return [seq if seq in fresh else None for seq in numbers]


def _fresh(rows: list[Row], numbers: range, kept: Sequence[int] | None) -> Iterator[Row]:
    if kept is None:
        return iter(rows)
    return (rows[seq - numbers.start] for seq in kept)


def _joined(parts: list[Sequence[int | None]]) -> Sequence[int | None]:
    whole = [part for part in parts if isinstance(part, range)]
    if whole and len(whole) == len(parts):
        return range(whole[0].start, whole[-1].stop)
    return tuple(seq for part in parts for seq in part)

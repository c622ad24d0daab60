"""Records: written by compare-and-swap, outdated by the log, erased with their person; in a caller's transaction."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple, TypeVar

import orjson
import sqlalchemy as sa

from huaxiang.errors import ConflictError, DataError
from huaxiang.store.base import IMPERSONAL_KINDS, Erased, Record
from huaxiang.store.engine import Engine
from huaxiang.store.rows import Row, json_text, microseconds, moment
from huaxiang.store.schema import ROW_COLUMNS, events, records, watches
from huaxiang.types import REACHING_BACK, Subject, anonymous_subject, check_aware, is_anonymous

_T = TypeVar("_T")
_PLAIN_KEY: Final = re.compile(r"[A-Za-z0-9_]+")
_CHUNK: Final = 500
_EVENT, _SUBJECT, _ANONYMOUS_ID, _TIMESTAMP = (
    ROW_COLUMNS.index(name) for name in ("event", "subject", "anonymous_id", "timestamp")
)

_WATCHING: Final = sa.select(watches).where(watches.c.subject.in_(sa.bindparam("subjects", expanding=True)))
_kind: Final = sa.bindparam("of_kind", type_=sa.Text())
_id: Final = sa.bindparam("of_id", type_=sa.Text())
_UNWATCH: Final = sa.delete(watches).where(watches.c.kind == _kind, watches.c.id == _id)
_DROP: Final = sa.delete(records).where(records.c.kind == _kind, records.c.id == _id)
_GET: Final = sa.select(records).where(records.c.kind == _kind, records.c.id.in_(sa.bindparam("ids", expanding=True)))
_GET_ONE: Final = sa.select(records).where(records.c.kind == _kind, records.c.id == _id)
"""A list of one is a list that SQLAlchemy writes out for each call, at .3 ms."""
_VERSIONS: Final = sa.select(records.c.id, records.c.version).where(
    records.c.kind == _kind, records.c.id.in_(sa.bindparam("ids", expanding=True))
)
_REACHING_BACK: Final[list[sa.ColumnElement[str]]] = [sa.literal_column(f"'{name}'") for name in sorted(REACHING_BACK)]
_OVERTAKEN: Final = (
    sa.select(1)
    .where(events.c.seq > sa.bindparam("seen"))
    .where(sa.or_(events.c.timestamp <= sa.bindparam("at"), events.c.event.in_(_REACHING_BACK)))
    .limit(1)
)
_OWN_OVERTAKEN: Final = _OVERTAKEN.where(events.c.subject == sa.bindparam("subject"))
_CLAIM_OVERTAKEN: Final = _OVERTAKEN.where(
    events.c.anonymous_id == sa.bindparam("anonymous_id"), events.c.event == sa.literal_column("'identify'")
)


class Kept(NamedTuple):
    """A record as it will be written."""

    row: dict[str, Any]
    watches: tuple[Subject, ...]
    seen: int | None


def chunks(values: Iterable[_T]) -> Iterator[list[_T]]:
    """In lists of 500, as many as one statement may name."""
    rest = iter(values)
    while chunk := list(islice(rest, _CHUNK)):
        yield chunk


def rows_of(kind: str, given: Sequence[Record]) -> list[Kept]:
    """Records ready to be written; DataError for an id or body that no engine keeps."""
    kept = []
    for record in given:
        for name, value in (("kind", kind), ("record id", record.id)):
            if not value or "\x00" in value or len(value) > 600:
                raise DataError(f"{name} {value[:60]!r} must have 1 to 600 characters and no U+0000")
        row = {
            "kind": kind,
            "id": record.id,
            "at": None if record.at is None else microseconds(check_aware("record.at", record.at)),
            "watches": json_text("watches", record.watches) if record.watches else None,
            "body": json_text(f"body of {kind} {record.id!r}", record.body),
        }
        kept.append(Kept(row, tuple(dict.fromkeys(record.watches)), record.seen))
    return kept


def put(connection: sa.Connection, engine: Engine, kind: str, given: Sequence[Kept], expect: int | None) -> None:
    """Write records, their watches with them; ConflictError where one does not stand at `expect`."""
    current = [kept for kept in given if not _overtaken(connection, kept)]
    if not current:
        return
    if expect is not None:
        _check_versions(connection, kind, [kept.row["id"] for kept in current], expect)
    connection.execute(engine.upsert(), [kept.row for kept in current])
    connection.execute(_UNWATCH, [{"of_kind": kind, "of_id": kept.row["id"]} for kept in current])
    # A record given twice in one call is watched as its last writing says.
    last = {kept.row["id"]: kept for kept in current}
    watching = [
        {"subject": subject, "kind": kind, "id": kept.row["id"], "at": kept.row["at"]}
        for kept in last.values()
        for subject in kept.watches
    ]
    if watching:
        connection.execute(sa.insert(watches), watching)


def _check_versions(connection: sa.Connection, kind: str, ids: Sequence[str], expect: int) -> None:
    """Compare, before the swap: the transaction is the only writing one, so nothing can come between."""
    if len(set(ids)) != len(ids):
        raise DataError(f"{kind}: a record is given twice in one put with expect={expect}; give each once")
    stand: dict[str, int] = {}
    for chunk in chunks(ids):
        rows = connection.execute(_VERSIONS, {"of_kind": kind, "ids": chunk})
        stand.update((record_id, version) for record_id, version in rows)
    other = [f"{record_id!r} at {stand.get(record_id, 0)}" for record_id in ids if stand.get(record_id, 0) != expect]
    if other:
        more = f" and {len(other) - 3} more" if len(other) > 3 else ""
        raise ConflictError(
            f"{kind} {', '.join(other[:3])}{more} do not stand at version {expect}; nothing was written: get them "
            "again, decide again, put again"
        )


def _overtaken(connection: sa.Connection, kept: Kept) -> bool:
    """Whether an event came after `seen` that would have deleted the record, had it been there."""
    if kept.seen is None:
        return False
    for subject in kept.watches:
        asked = {"seen": kept.seen, "at": kept.row["at"], "subject": subject, "anonymous_id": subject[1:]}
        if connection.execute(_OWN_OVERTAKEN, asked).first() is not None:
            return True
        if is_anonymous(subject) and connection.execute(_CLAIM_OVERTAKEN, asked).first() is not None:
            return True
    return False


def _record(row: Sequence[Any]) -> Record:
    _, name, version, at, watching, body = row
    return Record(
        name,
        orjson.loads(body),
        version,
        None if at is None else moment(at),
        () if watching is None else tuple(orjson.loads(watching)),
    )


def get(engine: Engine, kind: str, ids: Sequence[str]) -> dict[str, Record]:
    """The records that exist, by id."""
    if len(ids) == 1:
        return dict(zip(ids, map(_record, engine.fetch(_GET_ONE, {"of_kind": kind, "of_id": ids[0]})), strict=False))
    found: dict[str, Record] = {}
    with engine.reading() as connection:
        for chunk in chunks(dict.fromkeys(ids)):
            for row in connection.execute(_GET, {"of_kind": kind, "ids": chunk}):
                found[row.id] = _record(row)
    return found


def find(
    connection: sa.Connection, engine: Engine, kind: str, where: Mapping[str, Any], after: str, limit: int
) -> list[Record]:
    """Records in id order whose body equals `where`.

    The engine compares what all engines compare alike, text under a plain key; the rest is compared here, so that
    `1`, `1.0`, `true` and nested values are equal where Python says so, whatever the engine.
    """
    page = sa.select(records).where(records.c.kind == kind, records.c.id > sa.bindparam("after"))
    for key, value in where.items():
        if isinstance(value, str) and _PLAIN_KEY.fullmatch(key):
            page = page.where(engine.text_at(records.c.body, key) == value)
    page = page.order_by(records.c.id).limit(sa.bindparam("n"))
    wanted = orjson.loads(json_text("where", dict(where)))
    found: list[Record] = []
    n = max(limit, 0)
    while len(found) < limit:
        rows = connection.execute(page, {"after": after, "n": n}).all()
        matching = (record for record in map(_record, rows) if _equals(record.body, wanted))
        found.extend(islice(matching, limit - len(found)))
        if len(rows) < n:
            break
        after, n = rows[-1].id, max(n, _CHUNK)
    return found


def _equals(body: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return all(key in body and body[key] == value for key, value in wanted.items())


def drop_outdated(connection: sa.Connection, rows: Iterable[Row]) -> None:
    """Delete the records that watch a subject of these new rows and are older than what the rows say."""
    earliest: dict[Subject, int] = {}
    reaching: set[Subject] = set()
    for row in rows:
        touched = [row[_SUBJECT]]
        if row[_EVENT] == "identify" and row[_ANONYMOUS_ID] is not None:
            touched.append(anonymous_subject(row[_ANONYMOUS_ID]))
        for subject in touched:
            earliest[subject] = min(row[_TIMESTAMP], earliest.get(subject, row[_TIMESTAMP]))
            if row[_EVENT] in REACHING_BACK:
                reaching.add(subject)
    for subjects in chunks(earliest):
        outdated = [
            (watch.kind, watch.id)
            for watch in connection.execute(_WATCHING, {"subjects": subjects})
            if watch.subject in reaching or (watch.at is not None and earliest[watch.subject] <= watch.at)
        ]
        _drop(connection, outdated)


def _drop(connection: sa.Connection, named: Iterable[tuple[str, str]]) -> Counter[str]:
    unique = list(dict.fromkeys(named))
    for chunk in chunks({"of_kind": kind, "of_id": record_id} for kind, record_id in unique):
        connection.execute(_UNWATCH, chunk)
        connection.execute(_DROP, chunk)
    return Counter(kind for kind, _ in unique)


def erase(connection: sa.Connection, subject: Subject) -> Erased:
    """Delete the events in a subject's history, the records that watch it, and those under its id.

    An identify event names two; it goes with either, and the records that watch the other were folded over it.
    """
    own: sa.ColumnElement[bool] = events.c.subject == subject
    if is_anonymous(subject):
        claimed = sa.and_(events.c.anonymous_id == subject[1:], events.c.event == sa.literal_column("'identify'"))
        own = sa.or_(own, claimed)
    identifies = sa.select(events.c.subject, events.c.anonymous_id).where(own, events.c.event == "identify")
    touched = {subject}
    for other, anonymous_id in connection.execute(identifies):
        touched |= {other} if anonymous_id is None else {other, anonymous_subject(anonymous_id)}
    n_events = connection.execute(sa.delete(events).where(own)).rowcount
    named: list[tuple[str, str]] = []
    for subjects in chunks(touched):
        named += [(watch.kind, watch.id) for watch in connection.execute(_WATCHING, {"subjects": subjects})]
    under = sa.select(records.c.kind, records.c.id).where(
        records.c.id == subject, records.c.kind.not_in(sorted(IMPERSONAL_KINDS))
    )
    named += [(kind, record_id) for kind, record_id in connection.execute(under)]
    kinds = _drop(connection, named)
    return Erased(n_events, kinds.total(), dict(kinds))


def expire(connection: sa.Connection, until: int, keep: frozenset[str], of_kinds: frozenset[str]) -> Erased:
    """Delete events before `until`, microseconds since 1970, the records that watch the people they were of, and
    records of some kinds that are older."""
    old = sa.and_(events.c.timestamp < until, events.c.event.not_in(sorted(keep)))
    touched = {subject for (subject,) in connection.execute(sa.select(events.c.subject).where(old).distinct())}
    n_events = connection.execute(sa.delete(events).where(old)).rowcount
    named: list[tuple[str, str]] = []
    for subjects in chunks(touched):
        named += [(watch.kind, watch.id) for watch in connection.execute(_WATCHING, {"subjects": subjects})]
    outdated = sa.select(records.c.kind, records.c.id).where(records.c.kind.in_(sorted(of_kinds)), records.c.at < until)
    named += [(kind, record_id) for kind, record_id in connection.execute(outdated)]
    kinds = _drop(connection, named)
    return Erased(n_events, kinds.total(), dict(kinds))

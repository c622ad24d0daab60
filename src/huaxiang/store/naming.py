"""Other ids for people, everywhere in the database at once; in a caller's transaction."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import orjson
import sqlalchemy as sa

from huaxiang.errors import DataError
from huaxiang.store.base import IMPERSONAL_KINDS
from huaxiang.store.records import chunks
from huaxiang.store.schema import events, records, watches
from huaxiang.types import Subject, anonymous_subject, is_anonymous

_PAGE: Final = 50_000
_EVENTS: Final = (
    sa.select(events.c.seq, events.c.subject, events.c.anonymous_id)
    .where(events.c.seq > sa.bindparam("after"))
    .order_by(events.c.seq)
    .limit(_PAGE)
)
_RENAME_EVENT: Final = (
    sa.update(events)
    .where(events.c.seq == sa.bindparam("of_seq"))
    .values(subject=sa.bindparam("new_subject"), anonymous_id=sa.bindparam("new_anonymous_id"))
)
_of_kind: Final = sa.bindparam("of_kind", type_=sa.Text())
_of_id: Final = sa.bindparam("of_id", type_=sa.Text())
_RENAME_RECORD: Final = (
    sa.update(records)
    .where(records.c.kind == _of_kind, records.c.id == _of_id)
    .values(id=sa.bindparam("new_id"), watches=sa.bindparam("new_watches"))
)


def check(names: Mapping[Subject, Subject]) -> None:
    """DataError where two subjects would become one, or a device a user."""
    if len(set(names.values())) != len(names):
        raise DataError("two people would get one id; give each a new id of its own")
    for old, new in names.items():
        if not old or not new or is_anonymous(old) != is_anonymous(new):
            raise DataError(f"{old[:60]!r} cannot become {new[:60]!r}; a user stays a user, a device a device")


def rename(connection: sa.Connection, names: Mapping[Subject, Subject], drop: frozenset[str]) -> int:
    """Rewrite subjects and device ids of the log, ids of records and who is watched; the number of events."""
    _refuse_used(connection, names)
    for table in (watches, records):
        connection.execute(sa.delete(table).where(table.c.kind.in_(sorted(drop))))
    n = 0
    for page in _pages(connection):
        changed = [new for row in page if (new := _renamed(row, names)) is not None]
        if changed:
            connection.execute(_RENAME_EVENT, changed)
        n += len(changed)
    _rename_records(connection, names)
    return n


def _pages(connection: sa.Connection) -> Iterator[Sequence[Any]]:
    after = -(2**62)
    while page := connection.execute(_EVENTS, {"after": after}).all():
        yield page
        after = page[-1].seq


def _renamed(row: Any, names: Mapping[Subject, Subject]) -> dict[str, Any] | None:
    subject = names.get(row.subject, row.subject)
    anonymous_id = row.anonymous_id
    if anonymous_id is not None:
        device = anonymous_subject(anonymous_id)
        anonymous_id = names.get(device, device)[1:]
    if subject == row.subject and anonymous_id == row.anonymous_id:
        return None
    return {"of_seq": row.seq, "new_subject": subject, "new_anonymous_id": anonymous_id}


def _refuse_used(connection: sa.Connection, names: Mapping[Subject, Subject]) -> None:
    for chunk in chunks(new for new in names.values() if new not in names):
        used = connection.execute(sa.select(events.c.subject).where(events.c.subject.in_(chunk)).limit(1)).scalar()
        if used is not None:
            raise DataError(f"the new id {used[:60]!r} is somebody's already; choose others")


def _rename_records(connection: sa.Connection, names: Mapping[Subject, Subject]) -> None:
    """Ids of records and what they watch; the watches are written anew, since their key holds both."""
    personal = sa.select(records.c.kind, records.c.id, records.c.watches, records.c.at).where(
        records.c.kind.not_in(sorted(IMPERSONAL_KINDS))
    )
    changed: list[dict[str, Any]] = []
    watching: list[dict[str, Any]] = []
    for row in connection.execute(personal).all():
        watched = [] if row.watches is None else orjson.loads(row.watches)
        said = [names.get(subject, subject) for subject in watched]
        new_id = names.get(row.id, row.id)
        if new_id != row.id or said != watched:
            text = orjson.dumps(said).decode() if said else None
            changed.append({"of_kind": row.kind, "of_id": row.id, "new_id": new_id, "new_watches": text})
            watching += [{"subject": each, "kind": row.kind, "id": new_id, "at": row.at} for each in said]
    for each in changed:
        gone = sa.delete(watches).where(watches.c.kind == each["of_kind"], watches.c.id == each["of_id"])
        connection.execute(gone)
    if changed:
        connection.execute(_RENAME_RECORD, changed)
    if watching:
        connection.execute(sa.insert(watches), watching)

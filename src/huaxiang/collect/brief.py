"""What the gate reads of an event, from single events and from tables alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from huaxiang.collect.consent import said_in, said_scopes
from huaxiang.store.rows import microseconds
from huaxiang.types import Event, Subject, anonymous_subject


@dataclass(frozen=True, slots=True)
class Brief:
    """One event; `at` in microseconds since 1970, `consents` by scope where it is one."""

    event: str
    user_id: str | None
    anonymous_id: str | None
    at: int
    consents: Mapping[str, str] = field(default_factory=dict)

    @property
    def subject(self) -> Subject:
        """Whose history it is in; empty for the catalogue's."""
        if self.user_id is not None:
            return self.user_id
        return "" if self.anonymous_id is None else anonymous_subject(self.anonymous_id)

    @property
    def everybody(self) -> tuple[Subject, ...]:
        """Every id of a person or device in it."""
        device = () if self.anonymous_id is None else (anonymous_subject(self.anonymous_id),)
        return device if self.user_id is None else (self.user_id, *device)

    @property
    def names(self) -> tuple[Subject, ...]:
        """Everybody it speaks of: its subject, and the device that it links to a user."""
        if self.event == "identify" and self.anonymous_id is not None and self.user_id is not None:
            return (self.user_id, anonymous_subject(self.anonymous_id))
        return (self.subject,) if self.subject else ()


def of_event(event: Event) -> Brief:
    """Of one event."""
    return Brief(event.event, event.user_id, event.anonymous_id, microseconds(event.timestamp), said_scopes(event))


def of_table(table: pa.Table) -> list[Brief]:
    """Of each row of a table of `EVENT_SCHEMA`."""
    names = [_column(table, name) for name in ("event", "user_id", "anonymous_id", "properties")]
    moments = table["timestamp"].cast(pa.int64()).to_pylist()
    return [
        Brief(event, user_id, anonymous_id, at, said_in(orjson.loads(said or "{}")) if event == "consent" else {})
        for event, user_id, anonymous_id, said, at in zip(*names, moments, strict=True)
    ]


def speaks_of_consent(table: pa.Table) -> bool:
    """Whether a row of it is a consent."""
    found = pc.any(pc.equal(table["event"], "consent")).as_py()
    return bool(found)


def without(table: pa.Table, refused: Sequence[int]) -> pa.Table:
    """The table without these rows."""
    kept = np.ones(table.num_rows, dtype=np.bool_)
    kept[list(refused)] = False
    return table.filter(pa.array(kept))


def _column(table: pa.Table, name: str) -> list[Any]:
    if name not in table.column_names:
        return [None] * table.num_rows
    values: list[Any] = table[name].to_pylist()
    return values

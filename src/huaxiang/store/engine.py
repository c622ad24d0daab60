"""What one SQL engine does its own way; all else is in `sql`."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import sqlalchemy as sa

from huaxiang.errors import DataError, HuaxiangError
from huaxiang.store.rows import Row
from huaxiang.store.schema import records


class Engine(Protocol):
    """One tenant's database."""

    sql: sa.Engine

    def prepare(self, connection: sa.Connection) -> None:
        """Make what the tables stand in, inside the transaction that makes them."""
        ...

    def reading(self) -> AbstractContextManager[sa.Connection]:
        """A connection whose every statement is its own snapshot."""
        ...

    def fetch(self, statement: sa.Select[Any], given: Mapping[str, Any]) -> Sequence[Row]:
        """All rows of a statement that is kept by its caller; a snapshot of its own, as with `reading`.

        Args:
            given: its parameters by name.
        """
        ...

    def writing(self) -> AbstractContextManager[sa.Connection]:
        """One transaction, the only writing one of the tenant, committed at the end or rolled back whole."""
        ...

    def keep(self, connection: sa.Connection, rows: Sequence[Row]) -> list[int] | None:
        """Insert rows of `(seq, received_at, *ROW_COLUMNS)` but those whose `event_id` is there.

        Returns:
            The sequence numbers that were kept, ascending, or None where all were.
        """
        ...

    def upsert(self) -> sa.Insert:
        """Insert a record at version 1, or take its place and add one to its version."""
        ...

    def text_at(self, column: sa.ColumnElement[str], key: str) -> sa.ColumnElement[str]:
        """The text under a top-level key (letters, digits, `_`) of a JSON column."""
        ...

    def as_json(self, columns: Sequence[sa.ColumnElement[Any]]) -> sa.ColumnElement[str]:
        """Whole numbers and texts of a row as one JSON array."""
        ...

    def explain(self, error: Exception) -> HuaxiangError:
        """The error of the house for one of the driver."""
        ...

    def close(self) -> None:
        """Close every connection."""
        ...

    def forget(self) -> None:
        """After an erasure: leave no trace of deleted rows in the files, as far as the engine allows."""
        ...


def explain_value(error: Exception) -> DataError:
    """The error for a value that a driver refused to send."""
    if isinstance(error, UnicodeError):
        return DataError("a text holds half of a surrogate pair; send it as valid UTF-8")
    return DataError(f"a value cannot be stored ({error}); numbers have at most 64 bits, texts are valid UTF-8")


def raised_version(new: Any) -> dict[str, Any]:
    """What the upsert `new`, an `insert` of either dialect, sets where the record is there already."""
    replaced = {name: new.excluded[name] for name in ("at", "watches", "body")}
    return {"version": records.c.version + 1, **replaced}

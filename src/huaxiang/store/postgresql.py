"""PostgreSQL: one schema a tenant, one writer at a time, readers beside it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, insert

from huaxiang.errors import ConfigError, HuaxiangError, MissingExtraError, StoreError, StoreFullError
from huaxiang.store.engine import explain_value, raised_version
from huaxiang.store.rows import Row
from huaxiang.store.schema import events, records
from huaxiang.store.sql import Clock, SQLStore

_NAMES: Final = ("seq", "received_at", *(c.name for c in events.c if c.name not in ("seq", "received_at")))
_ARRAYS: Final = {sa.BigInteger: "bigint[]", sa.Double: "float8[]", sa.Text: "text[]"}


def _keep_statement() -> str:
    columns = ", ".join(f'"{name}"' for name in _NAMES)
    arrays = ", ".join(f"%s::{_ARRAYS[type(events.c[name].type)]}" for name in _NAMES)
    return (
        f"INSERT INTO events ({columns}) SELECT * FROM unnest({arrays}) ON CONFLICT (event_id) DO NOTHING RETURNING seq"
    )


_KEEP: Final = _keep_statement()


def open_postgresql(url: sa.URL, tenant: str, *, clock: Clock | None = None, lock_timeout: float = 30.0) -> SQLStore:
    """A store in the database that `url` names, in its schema `huaxiang_<tenant>`, which is made where missing.

    Args:
        lock_timeout: seconds to wait for another writer before StoreError.
    """
    if find_spec("psycopg") is None:
        raise MissingExtraError("PostgreSQL", "postgresql")
    if url.drivername not in ("postgresql", "postgresql+psycopg"):
        raise ConfigError(f"unknown driver in {url.drivername!r}; write postgresql+psycopg://user@host/database")
    return SQLStore(PostgreSQLEngine(url, f"huaxiang_{tenant}", lock_timeout), clock=clock)


class PostgreSQLEngine:
    """What PostgreSQL does its own way; see `huaxiang.store.engine.Engine`."""

    def __init__(self, url: sa.URL, schema: str, lock_timeout: float) -> None:
        self._schema, self._lock_timeout = schema, lock_timeout
        self._name = url.render_as_string(hide_password=True)
        settings = f"-c search_path={schema} -c lock_timeout={int(lock_timeout * 1000)}"
        self.sql = sa.create_engine(
            url.set(drivername="postgresql+psycopg"),
            connect_args={"options": settings},
            pool_size=8,
            max_overflow=-1,
            # A server that was restarted costs one round trip here, and no failed request.
            pool_pre_ping=True,
        )
        self._reader = self.sql.execution_options(isolation_level="AUTOCOMMIT")

    def prepare(self, connection: sa.Connection) -> None:
        """Make the tenant's schema."""
        connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {self._schema}")

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A connection whose every statement is its own snapshot."""
        with self._reader.connect() as connection:
            yield connection

    def fetch(self, statement: sa.Select[Any], given: Mapping[str, Any]) -> list[Row]:
        """All rows of a statement."""
        with self.reading() as connection:
            return [tuple(row) for row in connection.execute(statement, given)]

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """One transaction, alone among the writers of the tenant.

        A sequence of the engine is drawn before the commit: two appends may commit in the other order, and a reader
        that stood at the higher number would never see the lower one. So writers take turns at a lock that is let go
        after the commit is visible; it also keeps a record from being put while an event outdates it.
        """
        with self.sql.begin() as connection:
            connection.exec_driver_sql(
                "SELECT pg_advisory_xact_lock(hashtext('huaxiang'), hashtext(%s))", (self._schema,)
            )
            yield connection

    def keep(self, connection: sa.Connection, rows: Sequence[Row]) -> list[int] | None:
        """Insert rows but those whose `event_id` is there: one statement, one array a column."""
        columns = tuple(list(column) for column in zip(*rows, strict=True))
        kept = sorted(seq for (seq,) in connection.exec_driver_sql(_KEEP, columns))
        return None if len(kept) == len(rows) else kept

    def upsert(self) -> sa.Insert:
        """Insert a record at version 1, or take its place and add one to its version."""
        new = insert(records).values(version=1)
        return new.on_conflict_do_update(index_elements=["kind", "id"], set_=raised_version(new))

    def text_at(self, column: sa.ColumnElement[str], key: str) -> sa.ColumnElement[str]:
        """The text under a top-level key of a JSON column."""
        return sa.func.jsonb_extract_path_text(sa.cast(column, JSONB), key)

    def as_json(self, columns: Sequence[sa.ColumnElement[Any]]) -> sa.ColumnElement[str]:
        """Whole numbers and texts of a row as one JSON array."""
        return sa.cast(sa.func.json_build_array(*columns), sa.Text)

    def close(self) -> None:
        """Close every connection."""
        self.sql.dispose()

    def forget(self) -> None:
        """Free the space of deleted rows; the server's own write-ahead log and backups are its administrator's."""
        with self._reader.connect() as connection:
            connection.exec_driver_sql("VACUUM events, records, watches")

    def explain(self, error: Exception) -> HuaxiangError:
        """The error of the house for one of the driver."""
        if not isinstance(error, sa.exc.DBAPIError):
            return explain_value(error)
        cause: Any = error.orig
        state = getattr(cause, "sqlstate", None) or ""
        if isinstance(error, sa.exc.DataError | sa.exc.InterfaceError | sa.exc.ProgrammingError) and not state:
            return explain_value(cause)
        if state in ("53100", "53400"):
            return StoreFullError(
                f"no room left on the server of {self._name} ({cause}); nothing of this call was kept: make room, "
                "then send it again"
            )
        if state in ("55P03", "40P01", "57014"):
            return StoreError(
                f"{self._name} was locked by another writer for {self._lock_timeout:g} s; nothing was kept: find it "
                "in pg_stat_activity, or retry with a larger lock_timeout"
            )
        return StoreError(f"{self._name}: {cause}; see that the server runs and takes this user, then retry")

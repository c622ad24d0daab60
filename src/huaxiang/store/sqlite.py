"""SQLite: one file a tenant, write-ahead log, one writer with readers beside it."""

import contextlib
import errno
import os
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal

import sqlalchemy as sa
from pydantic import BaseModel, Field, ValidationError
from sqlalchemy.dialects.sqlite import dialect, insert

from huaxiang.errors import ConfigError, HuaxiangError, StoreError, StoreFullError
from huaxiang.store.engine import explain_value, raised_version
from huaxiang.store.rows import Row
from huaxiang.store.schema import events, records
from huaxiang.store.sql import Clock, SQLStore

_PAGE: Final = 4096
_FULL_ERRNOS: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_KEEP: Final = str(insert(events).on_conflict_do_nothing(index_elements=["event_id"]).compile(dialect=dialect()))


@lru_cache(maxsize=200)
def _compiled(statement: sa.Select[Any]) -> tuple[str, tuple[tuple[str, Any], ...]]:
    """A statement as SQLite reads it, with its parameters in their order and what they are where they are not given."""
    compiled = statement.compile(dialect=dialect())
    return str(compiled), tuple((name, compiled.params[name]) for name in compiled.positiontup or ())


class SQLiteOptions(BaseModel, frozen=True, extra="forbid"):
    """Options of a store in SQLite, from `open_store` or from the URL's query.

    Attributes:
        synchronous: `"normal"`: what was acknowledged survives the death of the process (kill -9), and the last
            moments may be lost with the power; `"full"`: survives power loss too, at one disk flush an append.
        busy_timeout: seconds to wait for another writer before StoreError.
        max_bytes: quota of the database file, in pages of 4,096; beyond it StoreFullError.
    """

    synchronous: Literal["normal", "full"] = "normal"
    busy_timeout: float = Field(default=30.0, ge=0.0)
    max_bytes: int | None = Field(default=None, gt=0)


def open_sqlite(url: sa.URL, tenant: str, *, clock: Clock | None = None, **options: Any) -> SQLStore:
    """A store in the file that `url` names, `shop.db`; of tenant `acme` in `shop.acme.db` beside it.

    `options` are those of `SQLiteOptions`; the URL's query may give them too.
    """
    if not url.database or url.database == ":memory:":
        raise ConfigError("sqlite:// names no file; give sqlite:///shop.db (relative) or sqlite:////data/shop.db")
    try:
        chosen = SQLiteOptions.model_validate({**url.query, **options})
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise ConfigError(
            f"options of a SQLite store: {wrong}; known: {', '.join(SQLiteOptions.model_fields)}"
        ) from None
    path = Path(url.database)
    if tenant != "default":
        path = path.with_name(f"{path.stem}.{tenant}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"cannot make the folder {path.parent} of the store: {error}") from error
    return SQLStore(SQLiteEngine(path, connection_pragmas(chosen), chosen.busy_timeout), clock=clock)


def connection_pragmas(options: SQLiteOptions) -> tuple[str, ...]:
    """What every connection is told when it is opened, in this order."""
    pragmas = (
        f"busy_timeout = {int(options.busy_timeout * 1000)}",
        "journal_mode = WAL",
        f"synchronous = {options.synchronous.upper()}",
        "foreign_keys = ON",
        # Erased text is overwritten, not only unlinked.
        "secure_delete = ON",
        "cache_size = -32768",
        "temp_store = MEMORY",
        # A longer log means fewer, larger checkpoints while importing; it is cut back to this size afterwards.
        "wal_autocheckpoint = 4000",
        f"journal_size_limit = {4000 * _PAGE}",
    )
    if options.max_bytes is None:
        return pragmas
    return (*pragmas, f"max_page_count = {max(options.max_bytes // _PAGE, 1)}")


class SQLiteEngine:
    """What SQLite does its own way; see `huaxiang.store.engine.Engine`."""

    def __init__(self, path: Path, pragmas: Sequence[str], busy_timeout: float) -> None:
        self._path, self._pragmas, self._busy_timeout = path, pragmas, busy_timeout
        self._writer = threading.Lock()
        self._readers: list[sqlite3.Connection] = []
        self._is_closed = False
        self.sql = sa.create_engine(
            sa.URL.create("sqlite", database=str(path)),
            creator=self._connect,
            poolclass=sa.QueuePool,
            pool_size=8,
            max_overflow=-1,
        )

    def _connect(self) -> sqlite3.Connection:
        # isolation_level None: the driver begins nothing by itself, so a reading statement is a snapshot of its own.
        connection = sqlite3.connect(
            self._path, timeout=self._busy_timeout, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        try:
            for pragma in self._pragmas:
                connection.execute(f"PRAGMA {pragma}").fetchall()
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def prepare(self, connection: sa.Connection) -> None:
        """Nothing: the file is there as soon as it is opened."""

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A connection whose every statement is its own snapshot."""
        with self.sql.connect() as connection:
            yield connection

    def fetch(self, statement: sa.Select[Any], given: Mapping[str, Any]) -> list[Row]:
        """All rows of a statement, past SQLAlchemy, which takes longer than SQLite to find one row."""
        text, defaults = _compiled(statement)
        connection = self._reader()
        try:
            return connection.execute(text, [given.get(name, default) for name, default in defaults]).fetchall()
        except sqlite3.Error as error:
            raise self.explain(sa.exc.DBAPIError(text, None, error)) from error
        finally:
            self._readers.append(connection)
            if self._is_closed:
                self.close()

    def _reader(self) -> sqlite3.Connection:
        try:
            return self._readers.pop()
        except IndexError:
            return self._connect()

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """One transaction. Threads queue at a lock, which is fair and cheap; other processes wait in SQLite."""
        if not self._writer.acquire(timeout=self._busy_timeout):
            raise self._locked()
        try:
            with self.sql.begin() as connection:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                yield connection
        finally:
            self._writer.release()

    def keep(self, connection: sa.Connection, rows: Sequence[Row]) -> list[int] | None:
        """Insert rows but those whose `event_id` is there; which were kept is asked only where some were not."""
        if connection.exec_driver_sql(_KEEP, list(rows)).rowcount == len(rows):
            return None
        kept = sa.select(events.c.seq).where(events.c.seq.between(rows[0][0], rows[-1][0])).order_by(events.c.seq)
        return list(connection.scalars(kept))

    def upsert(self) -> sa.Insert:
        """Insert a record at version 1, or take its place and add one to its version."""
        new = insert(records).values(version=1)
        return new.on_conflict_do_update(index_elements=["kind", "id"], set_=raised_version(new))

    def text_at(self, column: sa.ColumnElement[str], key: str) -> sa.ColumnElement[str]:
        """The text under a top-level key of a JSON column."""
        return sa.func.json_extract(column, f'$."{key}"')

    def as_json(self, columns: Sequence[sa.ColumnElement[Any]]) -> sa.ColumnElement[str]:
        """Whole numbers and texts of a row as one JSON array."""
        return sa.func.json_array(*columns)

    def close(self) -> None:
        """Close every connection; those that are reading are closed when they are done."""
        self._is_closed = True
        self.sql.dispose()
        while self._readers:
            with contextlib.suppress(IndexError):  # another thread took the last one
                self._readers.pop().close()

    def forget(self) -> None:
        """Empty the write-ahead log, which still holds pages from before an erasure."""
        until = time.monotonic() + self._busy_timeout
        while True:
            with self._writer, self.sql.connect() as connection:
                busy = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0]
            if not busy:
                return
            if time.monotonic() > until:
                raise StoreError(
                    f"erased from the log, but {self._path}-wal still holds the old pages because a reader or another "
                    "process keeps them open; close it and erase again"
                )
            time.sleep(0.01)

    def _locked(self) -> StoreError:
        return StoreError(
            f"{self._path} was locked by another writer for {self._busy_timeout:g} s; nothing was kept: find the "
            "process that holds it, or retry with a larger busy_timeout"
        )

    def explain(self, error: Exception) -> HuaxiangError:
        """The error of the house for one of the driver."""
        if not isinstance(error, sa.exc.DBAPIError):
            return explain_value(error)
        cause: Any = error.orig
        if isinstance(cause, sqlite3.InterfaceError | sqlite3.ProgrammingError | sqlite3.DataError):
            return explain_value(cause)
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return self._locked()
        if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and self._no_room()):
            return StoreFullError(
                f"no room left for {self._path}: the disk, its quota, the file size limit or max_bytes is reached; "
                "nothing of this call was kept: make room or raise the limit, then send it again"
            )
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            return StoreError(
                f"{self._path} is damaged or no SQLite database ({cause}); restore it from a backup, or recover what "
                f"is left with: sqlite3 {self._path.name} .recover"
            )
        return StoreError(f"{self._path}: {cause}; see that the folder exists and is writable, then retry")

    def _no_room(self) -> bool:
        """Whether a file of the store's size cannot grow here: SQLite calls a quota or a size limit an I/O error."""
        files = (self._path, Path(f"{self._path}-wal"), Path(f"{self._path}-shm"))
        try:
            size = max(file.stat().st_size for file in files if file.exists())
            with tempfile.TemporaryFile(dir=self._path.parent) as probe:
                os.pwrite(probe.fileno(), bytes(16 * _PAGE), size)
                os.fsync(probe.fileno())
        except OSError as error:
            return error.errno in _FULL_ERRNOS
        return False

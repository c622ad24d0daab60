"""What a backup does with files: copies of open databases, hard links, hashes, and that all of it is on the disk."""

import errno
import hashlib
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from huaxiang.errors import StoreError, StoreFullError, is_full

Progress = Callable[[str, int, int, float], None]
"""Told of the stage, the megabytes done, those planned, and the seconds left."""

_CHUNK: Final = 1 << 22
_PAGES_AT_ONCE: Final = 1_024
_MB: Final = 1_000_000
_BUSY: Final = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_BROKEN: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class Meter:
    """Counts bytes of one stage and tells of them."""

    def __init__(self, stage: str, total: int, tell: Progress) -> None:
        self._stage, self._total, self._tell = f"{stage}, MB", total, tell
        self._done, self._began = 0, time.monotonic()

    def add(self, n: int) -> None:
        """So many bytes more are done."""
        self.reach(self._done + n, self._total)

    def reach(self, done: int, total: int) -> None:
        """So many bytes are done of so many."""
        self._done = done
        took = time.monotonic() - self._began
        left = took * (total - done) / done if done else 0.0
        planned = max(-(-total // _MB), 1)
        self._tell(self._stage, planned if done >= total else done // _MB, planned, left)


def snapshot(source: Path, target: Path, meter: Meter) -> int:
    """Copy a database as it is at this moment into a new file, while others go on reading and writing it.

    Returns:
        The copy's `last_seq`. The copy stands in one file, without a write-ahead log, and is not synced yet.

    Raises:
        StoreFullError: no room for the copy.
        StoreError: the source cannot be read, or is no store.
    """
    target.touch()
    shutil.copymode(source, target)  # before a byte is in it: what only the shop may read stays so
    try:
        with closing(_connect(source, timeout=30.0)) as live, closing(_connect(target, timeout=0.0)) as copy:
            copy.execute("PRAGMA journal_mode = OFF")
            copy.execute("PRAGMA synchronous = OFF")
            # A snapshot that is held by a transaction: without one each commit of a writer would start the copy anew,
            # and a busy shop would never see its end.
            live.execute("BEGIN")
            page = int(live.execute("PRAGMA page_size").fetchone()[0])
            last_seq = int(live.execute("SELECT last_seq FROM log").fetchone()[0])
            live.backup(
                copy,
                pages=_PAGES_AT_ONCE,
                progress=lambda _, left, total: meter.reach((total - left) * page, total * page),
            )
        fold_log(target)
    except sqlite3.Error as error:
        raise _explained(error, source, target) from error
    return last_seq


def size_of(source: Path) -> int:
    """Bytes that a copy of a database will take, at most: the file and its write-ahead log."""
    files = (source, Path(f"{source}-wal"))
    return sum(file.stat().st_size for file in files if file.exists())


def fold_log(path: Path) -> None:
    """Take a database's write-ahead log into the file and remove it; StoreError where another has the file open."""
    try:
        with closing(_connect(path, timeout=0.0)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE").fetchall()
    except sqlite3.Error as error:
        raise _explained(error, path, path) from error


@contextmanager
def shut(path: Path) -> Iterator[bool]:
    """Keep a database to oneself, its write-ahead log folded in.

    Yields:
        Whether that could be done; False where the file is too damaged to be locked.

    Raises:
        StoreError: another connection has it open.
    """
    with closing(_connect(path, timeout=0.0)) as connection:
        try:
            # Leaving the write-ahead log needs to be alone: an idle connection of another process is noticed too.
            connection.execute("PRAGMA journal_mode = DELETE").fetchall()
            connection.execute("BEGIN EXCLUSIVE")
            alone = True
        except sqlite3.Error as error:
            if _code(error) not in _BROKEN:
                raise _explained(error, path, path) from error
            alone = False
        yield alone


def _connect(path: Path, *, timeout: float) -> sqlite3.Connection:
    """Open a file that is there; SQLite would make a missing one."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=timeout, isolation_level=None)


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _explained(error: sqlite3.Error, read: Path, written: Path) -> StoreError:
    """The error of the house for one of the driver."""
    code = _code(error)
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and not _can_grow(written)):
        return full(written.parent, error)
    if code in _BUSY:
        return StoreError(f"{read} is open in another process; stop it (`huaxiang serve`, an import), then retry")
    if code in _BROKEN:
        return StoreError(
            f"{read} is damaged or no SQLite database ({error}); restore it from a backup, or recover what is left "
            f"with: sqlite3 {read.name} .recover"
        )
    if "no such table" in str(error):
        return StoreError(f"{read} is no store of huaxiang ({error}); move it out of the folder, then retry")
    return StoreError(f"{read}: {error}; see that it and its folder can be read and written, then retry")


def full(folder: Path, error: object) -> StoreFullError:
    """The error for a disk, a quota or a limit on files that left no room in a folder."""
    return StoreFullError(f"no room in {folder} ({error}); nothing of it was kept: make room, then retry")


@contextmanager
def translated(folder: Path) -> Iterator[None]:
    """Turn errors of the system, met while working in a folder, into those of the house."""
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise full(folder, error) from error
        raise StoreError(f"{folder}: {error}; see that it can be read and written, then retry") from error


def _can_grow(path: Path) -> bool:
    """Whether a file can be made longer: SQLite calls a quota or a limit on a file's size an I/O error."""
    try:
        with path.open("ab") as file:
            file.write(bytes(1 << 16))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return not is_full(error)
    return True


def files_under(folder: Path) -> list[Path]:
    """All files below a folder, in the order of their names."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def link_tree(source: Path, target: Path) -> None:
    """A folder again under another name: hard links, or copies where the file system has none across the two."""
    target.mkdir(parents=True)
    for path in files_under(source):
        twin = target / path.relative_to(source)
        twin.parent.mkdir(parents=True, exist_ok=True)
        link_or_copy(path, twin)


def link_or_copy(source: Path, target: Path) -> None:
    """Another name for the same bytes, or a copy where the file system has no hard links across the two."""
    try:
        target.hardlink_to(source)
    except FileNotFoundError:
        raise
    except OSError:  # another disk, a file system without links, a limit on links
        shutil.copyfile(source, target)


def sha256_of(path: Path, meter: Meter) -> str:
    """The hash of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
            meter.add(len(chunk))
    return digest.hexdigest()


def copy_synced(source: Path, target: Path, meter: Meter) -> None:
    """Copy a file with its mode, onto the disk."""
    with source.open("rb") as read, target.open("wb") as write:
        shutil.copymode(source, target)
        while chunk := read.read(_CHUNK):
            write.write(chunk)
            meter.add(len(chunk))
        write.flush()
        os.fsync(write.fileno())


def put_in_place(staged: Path, target: Path) -> None:
    """Rename a file onto another, on the disk; by way of a copy beside it where the two are on different disks."""
    try:
        staged.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        beside = target.with_name(f".{target.name}.restoring")
        try:
            copy_synced(staged, beside, Meter("", 0, lambda *_: None))
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)
    sync(target.parent)


def write_synced(path: Path, text: str) -> None:
    """Write a file onto the disk."""
    with path.open("w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())


def sync(path: Path) -> None:
    """See that a file's content, or a folder's list of names, is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_tree(folder: Path) -> None:
    """See that all below a folder is on the disk."""
    for path in (*folder.rglob("*"), folder):
        sync(path)

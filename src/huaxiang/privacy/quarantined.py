"""Rows in quarantine that name a person: taken out of their files, which are written anew."""

import fcntl
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

import orjson

from huaxiang.collect.quarantine import values_of
from huaxiang.errors import BusyError

_PATIENCE: Final = 5.0


def remove_rows(folder: Path, ids: frozenset[str]) -> int:
    """Take out of every file of a quarantine the rows in which a value is one of these ids; how many.

    Raises:
        BusyError: an import is writing to a file; nothing of that file was changed.
    """
    files = sorted(folder.glob("*.jsonl")) if folder.is_dir() else []
    return sum(_clean(path, ids) for path in files)


def _clean(path: Path, ids: frozenset[str]) -> int:
    with _alone(path) as stream:
        lines = stream.readlines()
        kept = [line for line in lines if not _names(line, ids)]
        if len(kept) == len(lines):
            return 0
        fresh = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
        with fresh.open("wb") as out:
            out.writelines(kept)
            out.flush()
            os.fsync(out.fileno())
        stream.seek(0)
        stream.write(b"\x00" * sum(map(len, lines)))  # the old bytes, before their place is given back
        stream.flush()
        os.fsync(stream.fileno())
        if kept:
            fresh.replace(path)
        else:
            fresh.unlink()
            path.unlink()
    return len(lines) - len(kept)


@contextmanager
def _alone(path: Path) -> Iterator[IO[bytes]]:
    until = time.monotonic() + _PATIENCE
    with path.open("r+b") as stream:
        while True:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise BusyError(f"an import is writing to {path.name}; erase again when it is done") from None
                time.sleep(0.05)
        yield stream


def _names(line: bytes, ids: frozenset[str]) -> bool:
    """Whether a row holds an id as a value; of a row that was cut, anywhere in its text."""
    said = orjson.loads(line)
    if "raw_is_cut_from_bytes" in said:
        return any(each in said["raw"] for each in ids)
    return any(value in ids for value in values_of(said["raw"]))

"""Rows that were not kept, in a file of their own: one JSON object per row with its line, the reason and the row."""

import fcntl
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final

import orjson

from huaxiang.collect.importers.base import BadRow

MAX_RAW: Final = 1_000_000
"""Longest raw row that is written whole, in bytes; of a longer one the beginning."""
LEFT_OUT: Final = "left out: it names somebody who was erased"
"""In the place of a raw row."""
_SEPARATORS: Final = ",\t |;"


class Quarantine:
    """Writes `<folder>/<file>-<time>.jsonl`; the file is made with the first bad row. Use as a context manager."""

    def __init__(self, folder: Path, source: str, *, now: datetime) -> None:
        self.path = folder / f"{source}-{now.astimezone(UTC):%Y%m%dT%H%M%S%fZ}.jsonl"
        self._file: IO[bytes] | None = None

    def __enter__(self) -> "Quarantine":
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    @property
    def used(self) -> bool:
        """Whether there is a file."""
        return self._file is not None

    def keep(self, row: BadRow) -> None:
        """Write one row."""
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("xb")
            fcntl.flock(self._file, fcntl.LOCK_EX)  # who takes out an erased person's rows waits, or comes again
        self._file.write(_written(row) + b"\n")


def _written(row: BadRow) -> bytes:
    said = {"line": row.line, "reason": row.reason, "raw": _clean(row.raw)}
    text = orjson.dumps(said, default=str, option=orjson.OPT_NON_STR_KEYS)
    if len(text) <= MAX_RAW:
        return text
    cut = str(said["raw"])[: MAX_RAW // 4]
    return orjson.dumps({**said, "raw": cut, "raw_is_cut_from_bytes": len(text)})


def _clean(value: Any) -> Any:
    """The value with what JSON cannot hold made visible: lone surrogates, numbers beyond 64 bits."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_clean(str(key)): _clean(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(inner) for inner in value]
    if isinstance(value, int) and not -(1 << 63) <= value < 1 << 64:
        return "a whole number beyond 64 bits"
    if isinstance(value, float) and value - value != 0.0:
        return str(value)
    return value


def values_of(raw: Any) -> Iterator[str]:
    """Every value of a row as text; of a text that may be a whole line its cells too."""
    if isinstance(raw, Mapping):
        for inner in raw.values():
            yield from values_of(inner)
    elif isinstance(raw, list | tuple):
        for inner in raw:
            yield from values_of(inner)
    elif raw is not None and not isinstance(raw, bool):
        text = str(raw)
        yield text
        for separator in _SEPARATORS:
            if separator in text:
                yield from (cell.strip().strip('"') for cell in text.split(separator))

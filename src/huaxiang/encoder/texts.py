"""Texts out of the files people have: plain lines, CSV, TSV or JSON lines, plain or gzip. Read as a stream."""

import csv
import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from huaxiang.errors import DataError

MAX_FIELD: Final = 1 << 24
"""Characters of one field of a table, at most: a book has a tenth of that."""
_COLUMNS: Final = ("text", "name", "title", "content", "sentence", "review", "query")
"""Columns that are read when none is named and the file has exactly one of them."""


def read_texts(path: Path, column: str | None, *, keep_blank: bool = False) -> Iterator[str]:
    """The texts of a file, in order; by its ending (before `.gz`) a table, JSON lines or plain lines."""
    if not path.is_file():
        raise DataError(f"no file {path}")
    kind = Path(path.name.removesuffix(".gz")).suffix.lower()
    with _opened(path) as lines:
        try:
            if kind in {".csv", ".tsv"}:
                found = _table(path, lines, column, "\t" if kind == ".tsv" else ",")
            elif kind in {".jsonl", ".ndjson"}:
                found = _json_lines(path, lines, column)
            elif column is not None:
                raise DataError(
                    f"{path} is read as plain lines, which have no column {column!r}; end it in .csv or .jsonl"
                )
            else:
                found = (line.rstrip("\r\n") for line in lines)
            yield from (text for text in found if keep_blank or text.strip())
        except UnicodeDecodeError as error:
            raise DataError(f"{path} is not UTF-8 ({error.reason}); convert it first") from error
        except (EOFError, gzip.BadGzipFile) as error:
            raise DataError(f"{path} is no complete gzip file: {error}") from error
        except csv.Error as error:
            raise DataError(f"{path} is no table that can be read: {error}") from error


def _opened(path: Path) -> IO[str]:
    with path.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
    if packed:
        return io.TextIOWrapper(gzip.open(path, "rb"), encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _table(path: Path, lines: IO[str], column: str | None, delimiter: str) -> Iterator[str]:
    csv.field_size_limit(MAX_FIELD)
    reader = csv.DictReader(lines, delimiter=delimiter)
    chosen = _choose(path, column, list(reader.fieldnames or ()))
    for row in reader:
        yield row[chosen] or ""


def _json_lines(path: Path, lines: IO[str], column: str | None) -> Iterator[str]:
    chosen = column
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise DataError(f"{path} line {number} is no JSON: {error.msg}") from error
        if not isinstance(row, dict):
            raise DataError(f"{path} line {number} is no JSON object; each line is one, with a column of text")
        chosen = chosen or _choose(path, None, list(row))
        if chosen not in row and number == 1:
            _choose(path, chosen, list(row))
        value = row.get(chosen)
        yield "" if value is None else str(value)


def _choose(path: Path, column: str | None, known: list[str]) -> str:
    if column is not None:
        if column not in known:
            raise DataError(f"{path} has no column {column!r}; it has: {', '.join(known)}")
        return column
    likely = [name for name in known if name.lower() in _COLUMNS]
    if len(likely) == 1 or len(known) == 1:
        return (likely or known)[0]
    raise DataError(f"{path}: which column holds the text? name it by --column; there are: {', '.join(known)}")

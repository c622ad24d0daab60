"""Files as blocks of whole lines: gzip or plain, any line ends, a byte order mark or none; and their beginnings."""

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from huaxiang.collect.body import parse_json
from huaxiang.collect.importers.base import Sample
from huaxiang.errors import DataError

BLOCK: Final = 8 * 1024 * 1024
MAX_BLOCK: Final = 64 * 1024 * 1024
"""A block grows up to this size while it looks for the end of a line or of a quoted field."""
_STEP: Final = 256 * 1024
_BOM: Final = b"\xef\xbb\xbf"
_SAMPLE: Final = 200
_DELIMITERS: Final = (",", "\t", ";", "|")


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines of a file; `cut` says why the file ends here before its end, None where it does not."""

    first_line: int
    data: bytes
    cut: str | None = None


def is_parquet(path: Path) -> bool:
    """Whether a file is Parquet, by its first bytes."""
    with path.open("rb") as file:
        return file.read(4) == b"PAR1"


def line_blocks(path: Path, *, quoted: bool = False) -> Iterator[Block]:
    """The file in blocks that end at a line's end; with `quoted`, at one outside of double quotes.

    A damaged gzip gives what can be unpacked, and a last block with `cut`.
    """
    line, rest, begun = 1, b"", False
    for data, cut in _chunks(path):
        held = rest + (data if begun else data.removeprefix(_BOM))
        begun = begun or bool(data)
        if cut is not None:
            yield Block(line, held, cut)
            return
        at = _end(held, quoted) if data else len(held)
        if at == 0 and len(held) > MAX_BLOCK:
            at = held.rfind(b"\n") + 1 or len(held)
        if at:
            block, rest = held[:at], held[at:]
            yield Block(line, block)
            line += count_lines(block)
        else:
            rest = held


def count_lines(block: bytes) -> int:
    """Line ends of any kind: `\\n`, `\\r\\n` and `\\r` alone."""
    n = block.count(b"\n")
    return n if b"\r" not in block else n + block.count(b"\r") - block.count(b"\r\n")


def _chunks(path: Path) -> Iterator[tuple[bytes, str | None]]:
    """Pieces of the unpacked file, then an empty one; `(rest, reason)` where it is damaged."""
    with path.open("rb") as plain:
        packed = plain.read(2) == b"\x1f\x8b"
        plain.seek(0)
        if not packed:
            while data := plain.read(BLOCK):
                yield data, None
            yield b"", None
            return
        parts, size = [], 0
        file = gzip.GzipFile(fileobj=plain)
        try:
            while data := file.read1(_STEP):  # one step at a time: what comes before the damage is kept
                parts.append(data)
                size += len(data)
                if size >= BLOCK:
                    yield b"".join(parts), None
                    parts, size = [], 0
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            yield b"".join(parts), f"the gzip file is damaged or ends early ({error}); fetch it again"
            return
        if parts:
            yield b"".join(parts), None
        yield b"", None


def _end(data: bytes, quoted: bool) -> int:
    """Length of the part that ends with a whole line, 0 where there is none. A last `\\r` may be half of a pair."""
    mark = b"\n" if b"\n" in data else b"\r"
    at = data.rfind(mark, 0, len(data) - 1 if mark == b"\r" else len(data))
    if not quoted:
        return at + 1
    odd = data.count(b'"', 0, at + 1) % 2
    while at >= 0 and odd:
        before = data.rfind(mark, 0, at)
        odd ^= data.count(b'"', before + 1, at + 1) % 2
        at = before
    return at + 1


def sample_of(path: Path) -> Sample:
    """The first rows of a file and what kind of file it is, told from its content alone.

    Raises:
        DataError: no such file, or one in UTF-16.
    """
    if not path.is_file():
        raise DataError(f"no file {str(path)!r}; give the path of a file to read")
    if is_parquet(path):
        try:
            head = pl.scan_parquet(path).head(_SAMPLE).collect()
        except (pl.exceptions.PolarsError, OSError) as error:
            raise DataError(f"{path.name} is a damaged Parquet file ({error}); fetch it again") from error
        return Sample("parquet", tuple(head.columns), tuple(head.rows(named=True)))
    data = b""
    for chunk, _ in _chunks(path):
        data = chunk.removeprefix(_BOM)
        break
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        raise DataError(f"{path.name} is in UTF-16; save it as UTF-8")
    return _sample_text(data)


def _sample_text(data: bytes) -> Sample:
    lines = [line for line in data[: 1 << 20].splitlines()[: 5 * _SAMPLE] if line.strip()]
    if not lines:
        return Sample("empty")
    if lines[0].lstrip()[:1] == b"[":
        raise DataError("the file is a JSON array; write one object per line instead, as `jq -c '.[]'` does")
    if any(line.lstrip()[:1] == b"{" for line in lines[:3]):
        rows = tuple(row for line in lines[:_SAMPLE] if isinstance(row := parse_json(line), dict))
        return Sample("json", tuple(dict.fromkeys(key for row in rows for key in row)), rows)
    text = data[: 1 << 20].decode("utf-8", "replace")
    delimiter = _delimiter(text)
    if delimiter is None:
        return Sample("words")
    return _sample_table(text, delimiter)


def _sample_table(text: str, delimiter: str) -> Sample:
    csv.field_size_limit(MAX_BLOCK)
    records = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    header = header_names(next(filter(None, records)))
    rows: list[dict[str, Any]] = []
    for record in records:
        if len(record) == len(header):
            rows.append({name: value or None for name, value in zip(header, record, strict=True)})
        if len(rows) == _SAMPLE:
            break
    return Sample("table", header, tuple(rows), delimiter)


def _delimiter(text: str) -> str | None:
    """The sign that cuts the header into the most parts; None where none does.

    Of tabs most rows must agree with the header, because sequences of words may be cut by tabs too.
    """
    best: tuple[int, str] | None = None
    for delimiter in _DELIMITERS:
        records = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        widths = [len(record) for record, _ in zip(filter(None, records), range(20), strict=False)]
        agreeing = sum(width == widths[0] for width in widths)
        enough = agreeing * 2 > len(widths) or delimiter != "\t"
        if widths[0] > 1 and enough and (best is None or widths[0] > best[0]):
            best = (widths[0], delimiter)
    return best[1] if best else None


def header_names(record: list[str]) -> tuple[str, ...]:
    """Column names of a header, made distinct: empty ones become `column_3`, repeated ones `name_2`."""
    names: list[str] = []
    for at, raw in enumerate(record, 1):
        name = raw.strip() or f"column_{at}"
        while name in names:
            name = f"{name}_{at}"
        names.append(name)
    return tuple(names)

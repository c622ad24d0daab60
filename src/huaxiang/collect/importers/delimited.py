"""CSV and its kin, with a header: fast where a block has no quotes, by Python's own reader everywhere else."""

import codecs
import csv
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import polars as pl
import pyarrow as pa
import pyarrow.csv as pa_csv

from huaxiang.collect.importers.base import BadRow, Batch, Options, Sample
from huaxiang.collect.importers.files import MAX_BLOCK, Block, count_lines, header_names, line_blocks
from huaxiang.collect.importers.headers import untyped

BROKEN: Final = "\ufdd0"
"""Stands for a broken byte of UTF-8 until the row is refused; Unicode keeps it free of any meaning."""
_LINE: Final = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")
_LINE_BYTES: Final = re.compile(rb"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")

codecs.register_error("huaxiang-mark", lambda error: (BROKEN, error.end))  # type: ignore[attr-defined]


class Delimited:
    """Rows of text under a header, cut by comma, semicolon, tab or bar; columns are guessed or mapped."""

    name = "csv"
    guesses = True
    clock = "zone"

    def matches(self, sample: Sample) -> bool:
        """Whether the header and most rows have the same number of parts."""
        return sample.kind == "table"

    def batches(self, path: Path, sample: Sample, options: Options) -> Iterator[Batch]:
        """The rows in the canonical names."""
        for batch in table_batches(path, sample):
            yield Batch(rename(batch.frame, options), bad=batch.bad)

    def notes(self, _: Options) -> tuple[str, ...]:
        """Nothing beyond the columns, which are shown."""
        return ()


def rename(frame: pl.DataFrame | None, options: Options) -> pl.DataFrame | None:
    """The frame under the canonical names; a column that loses its name to another keeps it with `file_` before."""
    if frame is None:
        return None
    names = {column: field for field, column in options.columns.items() if column in frame.columns}
    taken = set(names.values())
    others = {c: untyped(c) if untyped(c) not in frame.columns else c for c in frame.columns if c not in names}
    return frame.rename({**names, **{c: f"file_{plain}" if plain in taken else plain for c, plain in others.items()}})


def table_batches(path: Path, sample: Sample) -> Iterator[Batch]:
    """The file's own columns as text, empty values as null; rows of another width than the header's are bad."""
    csv.field_size_limit(MAX_BLOCK)
    names: tuple[str, ...] = ()
    for block in line_blocks(path, quoted=True):
        data, first_line = block.data, block.first_line
        if not names:
            names, skipped = _header(data, sample.delimiter)
            if not names:
                continue
            first_line, data = first_line + count_lines(data[:skipped]), data[skipped:]
        if not data and block.cut is None:
            continue
        fast = _read_fast(data, names, sample.delimiter, first_line) if block.cut is None else None
        yield fast or _read_slow(Block(first_line, data, block.cut), names, sample.delimiter)


def _header(data: bytes, delimiter: str) -> tuple[tuple[str, ...], int]:
    """The names and how many bytes they take; of a block of blank lines none."""
    ends = [0]

    def lines() -> Iterator[str]:
        for match in _LINE_BYTES.finditer(data):
            ends.append(match.end())
            yield match[0].decode("utf-8", "replace")

    for record in csv.reader(lines(), delimiter=delimiter):
        if record:
            return header_names(record), ends[-1]
    return (), len(data)


def _read_fast(data: bytes, names: tuple[str, ...], delimiter: str, first_line: int) -> Batch | None:
    """A block without quotes, odd line ends or broken text; None where it has any, or a row of another width."""
    if b'"' in data or b"\x00" in data or (b"\r" in data and data.count(b"\r") != data.count(b"\r\n")):
        return None
    try:
        table = pa_csv.read_csv(
            pa.BufferReader(data),
            pa_csv.ReadOptions(use_threads=False, block_size=len(data) + 1, column_names=list(names)),
            pa_csv.ParseOptions(delimiter=delimiter, quote_char=False, ignore_empty_lines=True),
            pa_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=[""]
            ),
        )
    except pa.ArrowInvalid:
        return None
    if table.num_rows != count_lines(data) + (not data.endswith(b"\n")):
        return None
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    lines = pl.int_range(first_line, first_line + frame.height, dtype=pl.Int64, eager=True)
    return Batch(frame.with_columns(lines.alias("line")))


def _read_slow(block: Block, names: tuple[str, ...], delimiter: str) -> Batch:
    """Any block, row by row. A bad row over several lines costs its first line only: the quote may be the mistake."""
    lines = _LINE.findall(block.data.decode("utf-8", "huaxiang-mark"))
    rows: list[list[str]] = []
    numbers: list[int] = []
    bad: list[BadRow] = []
    cut_row = lines.pop() if block.cut is not None and lines and lines[-1][-1] not in "\r\n" else ""
    at = 0
    while at < len(lines):
        at, reason = _read_run(lines, at, names, delimiter, rows, numbers)
        if reason is not None:
            bad.append(BadRow(block.first_line + at, reason, lines[at].rstrip("\r\n").replace(BROKEN, "\ufffd")))
            at += 1
    if block.cut is not None:
        bad.append(BadRow(block.first_line + len(lines), block.cut, cut_row.replace(BROKEN, "\ufffd")))
    return Batch(_frame(rows, [block.first_line + number for number in numbers], names), bad=tuple(bad))


def _read_run(
    lines: list[str], at: int, names: tuple[str, ...], delimiter: str, rows: list[list[str]], numbers: list[int]
) -> tuple[int, str | None]:
    """Read good rows from line `at` on; the line after the last of them, and what is wrong there, if anything."""
    reader = csv.reader((lines[i] for i in range(at, len(lines))), delimiter=delimiter, strict=True)
    done = at
    while True:
        try:
            record = next(reader, None)
        except csv.Error as error:
            return done, f"not CSV: {error}; check the quotes"
        if record is None:
            return len(lines), None
        if record:
            reason = _fault(record, names)
            if reason is not None:
                return done, reason
            rows.append(record)
            numbers.append(done)
        done = at + reader.line_num


def _fault(record: list[str], names: tuple[str, ...]) -> str | None:
    if len(record) != len(names):
        return f"{len(record)} fields where the header has {len(names)}; check quotes and separators"
    if any(BROKEN in value for value in record):
        return "broken UTF-8; save the file as UTF-8"
    return None


def _frame(rows: list[list[str]], numbers: list[int], names: tuple[str, ...]) -> pl.DataFrame | None:
    if not rows:
        return None
    columns: Mapping[str, list[str | None]] = {name: [row[at] or None for row in rows] for at, name in enumerate(names)}
    schema = dict.fromkeys(names, pl.String)
    return pl.DataFrame(columns, schema=schema).with_columns(pl.Series("line", numbers, dtype=pl.Int64))

"""One JSON object per line, in the canonical names or in names that are mapped."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Final

import orjson
import polars as pl
import pyarrow as pa
import pyarrow.json as pa_json

from huaxiang.collect.body import parse_json
from huaxiang.collect.check import GIVEN_BY_STORE
from huaxiang.collect.columns import FIELDS, IDS, NESTED, NUMBERS
from huaxiang.collect.importers.base import BadRow, Batch, Options, Sample
from huaxiang.collect.importers.files import Block, line_blocks
from huaxiang.errors import DataError

_NONE: Final = type(None)
_SCALARS: Final = frozenset({str, int, float, bool, _NONE})
_TEXT: Final = frozenset({str, _NONE})
_ALLOWED: Final = {
    **dict.fromkeys(IDS, frozenset({str, int, _NONE})),
    **dict.fromkeys(NUMBERS, frozenset({int, float, _NONE})),
    "timestamp": frozenset({str, int, float, _NONE}),
}


class JSONLines:
    """Objects line by line; nested values and odd types are checked one by one, all others together."""

    name = "jsonl"
    guesses = True
    clock = "zone"

    def matches(self, sample: Sample) -> bool:
        """Whether lines begin with a brace."""
        return sample.kind == "json"

    def batches(self, path: Path, sample: Sample, options: Options) -> Iterator[Batch]:
        """The rows in the canonical names."""
        names = {column: field for field, column in options.columns.items() if column != field}
        schema = _schema(sample, names)
        for block in line_blocks(path):
            fast = _read_fast(block, schema) if schema is not None and block.cut is None else None
            if fast is not None:
                yield Batch(fast.rename(names, strict=False))
                continue
            lines, rows, bad = _rows(block)
            named = [{names.get(key, key): row[key] for key in row} for row in rows] if names else rows
            yield _batch(lines, named, bad)

    def notes(self, _: Options) -> tuple[str, ...]:
        """Nothing beyond the columns, which are shown."""
        return ()


def _schema(sample: Sample, names: Mapping[str, str]) -> pa.Schema | None:
    """The types of a file's columns, where they are canonical fields without nesting; None where any is not."""
    fields = []
    for column in sample.columns:
        field = names.get(column, column)
        if field not in FIELDS or field in NESTED:
            return None
        kinds = {type(row.get(column)) for row in sample.rows} - {_NONE}
        number = field in NUMBERS or (field == "timestamp" and str not in kinds)
        fields.append((column, pa.float64() if number else pa.string()))
    return pa.schema(fields)


def _read_fast(block: Block, schema: pa.Schema) -> pl.DataFrame | None:
    """A block whose every line is an object with values of these types; None where anything is otherwise."""
    data = block.data
    n_lines = data.count(b"\n") + (not data.endswith(b"\n"))
    if b"\r" in data or data.count(b"\n{") + data.startswith(b"{") != n_lines:
        return None
    try:
        data.decode()
        table = pa_json.read_json(
            pa.BufferReader(data),
            pa_json.ReadOptions(use_threads=False, block_size=len(data) + 1),
            pa_json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error"),
        )
    except (pa.ArrowInvalid, UnicodeDecodeError):
        return None
    if table.num_rows != n_lines:
        return None
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    lines = pl.int_range(block.first_line, block.first_line + n_lines, dtype=pl.Int64, eager=True)
    return frame.with_columns(lines.alias("line"))


def json_rows(path: Path) -> Iterator[tuple[list[int], list[dict[str, Any]], list[BadRow]]]:
    """Line numbers, the objects on them, and the lines that hold none; blank lines are passed over."""
    for block in line_blocks(path):
        yield _rows(block)


def _rows(block: Block) -> tuple[list[int], list[dict[str, Any]], list[BadRow]]:
    texts = block.data.splitlines()
    bad: list[BadRow] = []
    if block.cut is not None:
        whole = not texts or block.data[-1:] in (b"\n", b"\r")
        broken = b"" if whole else texts.pop()
        bad.append(BadRow(block.first_line + len(texts), block.cut, broken[:100_000].decode("utf-8", "replace")))
    numbered = [(block.first_line + at, text) for at, text in enumerate(texts) if text and not text.isspace()]
    try:
        rows = orjson.loads(b"[" + b",".join([text for _, text in numbered]) + b"]")
        if len(rows) == len(numbered) and set(map(type, rows)) <= {dict}:
            return [line for line, _ in numbered], rows, bad
    except orjson.JSONDecodeError:
        pass
    return _one_by_one(numbered, bad)


def _one_by_one(
    numbered: Sequence[tuple[int, bytes]], bad: list[BadRow]
) -> tuple[list[int], list[dict[str, Any]], list[BadRow]]:
    lines, rows = [], []
    for line, text in numbered:
        value = parse_json(text)
        if isinstance(value, dict):
            lines.append(line)
            rows.append(value)
        else:
            reason = str(value) if isinstance(value, DataError) else "a line must hold one JSON object"
            bad.append(BadRow(line, reason, text.decode("utf-8", "replace")))
    return lines, rows, bad


def _batch(lines: Sequence[int], rows: list[dict[str, Any]], bad: Sequence[BadRow]) -> Batch:
    """Rows of plain values as columns, the others as payloads; which one a row is depends on that row alone."""
    keys = list(dict.fromkeys(chain.from_iterable(rows)))
    values = {key: [row.get(key) for row in rows] for key in keys}
    odd = {at for key in keys for at in _odd(key, values[key])}
    if odd:
        plain = [at for at in range(len(rows)) if at not in odd]
        values = {key: [column[at] for at in plain] for key, column in values.items()}
        kept, kept_lines = [rows[at] for at in plain], [lines[at] for at in plain]
    else:
        kept, kept_lines = rows, list(lines)
    extra = sorted(key for key in keys if key not in FIELDS and key not in GIVEN_BY_STORE)
    columns = [_column(key, values[key]) for key in keys if key in FIELDS and key not in NESTED]
    if extra:
        columns.append(pl.Series("properties_json", [_properties(row, extra) for row in kept], dtype=pl.String))
    columns.append(pl.Series("line", kept_lines, dtype=pl.Int64))
    payloads = tuple((lines[at], rows[at]) for at in sorted(odd))
    return Batch(pl.DataFrame(columns) if kept else None, payloads, tuple(bad))


def _odd(key: str, values: Sequence[Any]) -> list[int]:
    """Where a key's values are of a type, or a number, that columns do not hold."""
    if key in NESTED:
        return [at for at, value in enumerate(values) if value is not None]
    allowed = _ALLOWED.get(key, _TEXT if key in FIELDS else _SCALARS)
    if key == "price":
        return [at for at, value in enumerate(values) if not (value is None or _is_price(value))]
    kinds = set(map(type, values))
    odd = [] if kinds <= allowed else [at for at, value in enumerate(values) if type(value) not in allowed]
    if float in kinds:
        odd += [at for at, value in enumerate(values) if type(value) is float and value - value != 0.0]
    if int in kinds:
        odd += [at for at, value in enumerate(values) if type(value) is int and abs(value) >= 1 << 63]
    return odd


def _is_price(value: Any) -> bool:
    return type(value) in {int, float} and 0.0 <= value < 1e300


def _column(key: str, values: list[Any]) -> pl.Series:
    kinds = set(map(type, values)) - {_NONE}
    if key in NUMBERS or (key == "timestamp" and str not in kinds):
        return pl.Series(key, values, dtype=pl.Float64, strict=False)
    if kinds - {str}:
        values = [None if value is None else str(value) for value in values]
    return pl.Series(key, values, dtype=pl.String)


def _properties(row: Mapping[str, Any], extra: Sequence[str]) -> str | None:
    said = {key: value for key in extra if (value := row.get(key)) is not None}
    return orjson.dumps(said).decode() if said else None

"""Tables of an answer as files: `.csv`, `.parquet` or `.jsonl`, there whole or not at all."""

import csv
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

from huaxiang.encoder.writing import writing
from huaxiang.errors import ConfigError, DataError
from huaxiang.types import UserId

Columns: TypeAlias = Mapping[str, str]
"""Names of the columns, in order, to their Arrow types."""
Rows: TypeAlias = Sequence[Sequence[Any]]
Write: TypeAlias = Callable[[Rows], None]
Written = TypeVar("Written")

ENDINGS: Final = (".jsonl", ".csv", ".parquet")


def check_ending(out: Path | None) -> Path | None:
    """The same file, once its name says of what kind it is to be.

    Raises:
        ConfigError: its ending is unknown.
    """
    if out is not None and out.suffix not in ENDINGS:
        raise ConfigError(f"{out} ends in {out.suffix or 'nothing'}; give a name that ends in {', '.join(ENDINGS)}")
    return out


def users_of(path: Path) -> list[UserId]:
    """The user ids of a file, one on each line; blank lines are passed over.

    Raises:
        DataError: no UTF-8, or nobody in it.
    """
    try:
        found = [line.strip() for line in path.read_text("utf-8-sig").splitlines()]
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is no UTF-8 text; give a file with one user id on each line") from error
    users = [user for user in found if user]
    if not users:
        raise DataError(f"{path} names nobody; give a file with one user id on each line")
    return users


@contextmanager
def whole(out: Path, opened: Callable[[Path], AbstractContextManager[Written]]) -> Iterator[Written]:
    """What `opened` gives for a file beside `out`, which is put in place when the block ends well."""
    with writing(out), tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as folder:
        part = Path(folder) / out.name
        with opened(part) as write:
            yield write
        part.replace(out)


def rows_in(suffix: str, columns: Columns) -> Callable[[Path], AbstractContextManager[Write]]:
    """How to open a file of rows, by its ending; of `.jsonl` each line is an object, without what is None."""
    kinds = {".jsonl": _jsonl, ".csv": _csv, ".parquet": _parquet}
    return lambda path: kinds[suffix](path, columns)


@contextmanager
def _jsonl(path: Path, columns: Columns) -> Iterator[Write]:
    with path.open("w", encoding="utf-8") as file:

        def write(rows: Rows) -> None:
            for row in rows:
                said = {name: value for name, value in zip(columns, row, strict=True) if value is not None}
                file.write(json.dumps(said, ensure_ascii=False) + "\n")

        yield write


@contextmanager
def _csv(path: Path, columns: Columns) -> Iterator[Write]:
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(columns)
        yield rows.writerows


@contextmanager
def _parquet(path: Path, columns: Columns) -> Iterator[Write]:
    import pyarrow as pa
    from pyarrow import parquet

    schema = pa.schema([(name, pa.type_for_alias(kind)) for name, kind in columns.items()])
    with parquet.ParquetWriter(path, schema) as file:

        def write(rows: Rows) -> None:
            values = zip(*rows, strict=True) if rows else [()] * len(columns)
            arrays = [pa.array(column, field.type) for column, field in zip(values, schema, strict=True)]
            file.write_table(pa.table(arrays, schema=schema))

        yield write

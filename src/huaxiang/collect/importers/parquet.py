"""Parquet in row groups; columns are guessed or mapped."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from huaxiang.collect.importers.base import BadRow, Batch, Options, Sample
from huaxiang.collect.importers.delimited import rename

_ROWS: Final = 65_536


class Parquet:
    """Typed columns; the line of a row is its number, from 1."""

    name = "parquet"
    guesses = True
    clock = "zone"

    def matches(self, sample: Sample) -> bool:
        """Whether the file begins as Parquet does."""
        return sample.kind == "parquet"

    def batches(self, path: Path, _: Sample, options: Options) -> Iterator[Batch]:
        """The rows in the canonical names."""
        for batch in parquet_batches(path):
            yield Batch(rename(batch.frame, options), bad=batch.bad)

    def notes(self, _: Options) -> tuple[str, ...]:
        """Nothing beyond the columns, which are shown."""
        return ()


def parquet_batches(path: Path) -> Iterator[Batch]:
    """The file's own columns; where it is damaged half way, one bad row says from which row on."""
    row = 1
    file = pq.ParquetFile(path, memory_map=True)
    try:
        for part in file.iter_batches(batch_size=_ROWS, use_threads=False):
            frame = pl.from_arrow(part)
            assert isinstance(frame, pl.DataFrame)
            lines = pl.int_range(row, row + frame.height, dtype=pl.Int64, eager=True)
            yield Batch(frame.with_columns(lines.alias("line")))
            row += frame.height
    except (pa.ArrowException, OSError) as error:
        yield Batch(bad=(BadRow(row, f"damaged from this row on ({error}); fetch the file again", ""),))
    finally:
        file.close()

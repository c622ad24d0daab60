"""What every importer gives: rows of a file in the canonical names, and the rows that could not be read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any, Protocol

import polars as pl


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that was not kept: where it stands (lines and rows count from 1), why, and the row as it was read."""

    line: int
    reason: str
    raw: Any


@dataclass(frozen=True, slots=True)
class Batch:
    """A part of a file, in file order.

    Attributes:
        frame: rows in columns: `line` (int64), canonical fields as the file has them (typed or as text), `properties`
            as JSON text, `occurrence` to tell identical rows apart; every other column is a property of its row.
        payloads: rows as payloads, for those that do not fit into columns.
        bad: rows that could not be read at all.
        derived: events that the rows imply, such as the items that they describe; not rows themselves.
    """

    frame: pl.DataFrame | None = None
    payloads: tuple[tuple[int, Mapping[str, Any]], ...] = ()
    bad: tuple[BadRow, ...] = ()
    derived: tuple[Mapping[str, Any], ...] = ()

    @property
    def n_rows(self) -> int:
        """Rows of the file that this part stands for."""
        return (0 if self.frame is None else self.frame.height) + len(self.payloads) + len(self.bad)


@dataclass(frozen=True, slots=True)
class Options:
    """How to read a file.

    Attributes:
        columns: canonical field to the file's column.
        event: of rows that name none.
        timezone: of times without a zone.
        ending: moment at which sequences without times end.
        day_first: order of `3/4/2019`; None where the file does not tell.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    event: str | None = None
    timezone: tzinfo = UTC
    ending: datetime = datetime(2020, 1, 1, tzinfo=UTC)
    day_first: bool | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """The beginning of a file, to tell its format and guess its columns.

    Attributes:
        kind: `parquet`, `json` (an object per line), `table` (delimited, with a header), `words` (blank-separated), or
            `empty`.
        columns: names, for parquet, json and table.
        rows: the first rows, by column, for the same; values as read.
    """

    kind: str
    columns: tuple[str, ...] = ()
    rows: tuple[Mapping[str, Any], ...] = ()
    delimiter: str = ","


@dataclass(frozen=True, slots=True)
class Guess:
    """Field to column, with why; and what becomes of every other column: `(property)`, `(attribute)`, `(left out)`."""

    columns: Mapping[str, str]
    why: Mapping[str, str]
    others: Mapping[str, str]


class Format(Protocol):
    """One format of files: recognised by content, read in batches."""

    @property
    def name(self) -> str:
        """What `--format` calls it."""
        ...

    @property
    def guesses(self) -> bool:
        """Whether its columns are guessed, shown and confirmed."""
        ...

    @property
    def clock(self) -> str:
        """`zone`: times that may lack a zone, which `--timezone` gives; `epoch`: times that need none; `none`."""
        ...

    def matches(self, sample: Sample) -> bool:
        """Whether a file that begins so is of this format."""
        ...

    def batches(self, path: Path, sample: Sample, options: Options) -> Iterator[Batch]:
        """The rows of a file, in order; memory is bounded by the batch."""
        ...

    def notes(self, options: Options, /) -> tuple[str, ...]:
        """What the report must say of how rows were taken."""
        ...

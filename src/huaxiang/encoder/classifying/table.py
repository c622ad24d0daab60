"""Labelled texts from a file that nobody prepared: CSV, TSV or JSON lines, plain or gzip."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.encoder.texts import MAX_FIELD
from huaxiang.errors import DataError, listed

SEPARATOR: Final = "|"
"""Between the labels of a text that has several."""
_DELIMITERS: Final = {".csv": ",", ".tsv": "\t", ".tab": "\t"}
_JSON_LINES: Final = frozenset({".jsonl", ".ndjson"})


@dataclass(frozen=True, slots=True)
class Labelled:
    """Texts with their labels, in the order of the file.

    Attributes:
        labels: of each text; one each, unless the file was read with `many`.
        groups: the group of each text, such as its shop category; empty where texts belong to none.
        notes: what was left out or read otherwise than expected, one sentence each.
    """

    texts: tuple[str, ...]
    labels: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = field(default=())
    groups: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.texts)

    def at(self, rows: Sequence[int]) -> Labelled:
        """These rows alone."""
        groups = tuple(self.groups[i] for i in rows) if self.groups else ()
        return Labelled(tuple(self.texts[i] for i in rows), tuple(self.labels[i] for i in rows), groups=groups)

    def counts(self) -> Counter[str]:
        """In how many texts each label is."""
        return Counter(label for each in self.labels for label in each)

    def targets(self, classes: Sequence[str]) -> NDArray[np.float32]:
        """1 where a text has the class, of shape `(n texts, n classes)`."""
        place = {name: at for at, name in enumerate(classes)}
        targets_NC = np.zeros((len(self), len(classes)), dtype=np.float32)
        for row, labels in enumerate(self.labels):
            targets_NC[row, [place[label] for label in labels]] = 1.0
        return targets_NC


def read_labelled(path: Path, text: str, label: str, *, many: bool = False, group: str | None = None) -> Labelled:
    """Read a file; numbers become text as they are written, and blank texts stay, for an answer is owed to them too.

    Args:
        text, label: names of the columns.
        many: whether a label cell may hold several labels with `|` between them, or none.
        group: name of the column that says which texts belong together.

    Raises:
        DataError: no file, no such column, no row, or not readable; each with the line where there is one.
    """
    notes: list[str] = []
    texts: list[str] = []
    labels: list[tuple[str, ...]] = []
    groups: list[str] = []
    unlabelled = 0
    for row in read_rows(path, (text, label, *([group] if group is not None else [])), notes):
        found = tuple(part.strip() for part in row[1].split(SEPARATOR)) if many else (row[1].strip(),)
        found = tuple(dict.fromkeys(part for part in found if part))
        if found or many:
            texts.append(row[0])
            labels.append(found)
            groups += [cell.strip() for cell in row[2:]]
        else:
            unlabelled += 1
    if unlabelled:
        notes.append(f"{path.name}: {unlabelled} rows without a label were left out")
    if not texts:
        raise DataError(f"{path} has no row with a label in column {label!r}; give a file with labelled texts")
    return Labelled(tuple(texts), tuple(labels), tuple(notes), tuple(groups))


def check_pair(train: Labelled, test: Labelled | None) -> tuple[str, ...]:
    """The classes, in order of their names.

    Raises:
        DataError: fewer than two classes, or one that only the test file has.
    """
    classes = tuple(sorted(train.counts()))
    if len(classes) < 2:
        raise DataError(
            f"the training file has one class only, {listed(classes)}: nothing to tell apart; give texts of two"
        )
    if test is not None and (unknown := sorted(set(test.counts()) - set(classes))):
        raise DataError(
            f"the test file has {len(unknown)} labels that the training file lacks: {listed(unknown)}; "
            "nothing can learn them: add training texts for them, or take their rows out of the test file"
        )
    return classes


def read_rows(path: Path, columns: Sequence[str], notes: list[str]) -> Iterator[tuple[str, ...]]:
    """The cells of these columns, row by row, as text; "" where one is missing.

    Raises:
        DataError: no file, no such column, or not readable; each with the line where there is one.
    """
    if not path.is_file():
        raise DataError(f"no file {path}")
    kind = Path(path.name.removesuffix(".gz")).suffix.lower()
    if kind not in _DELIMITERS and kind not in _JSON_LINES:
        raise DataError(
            f"{path} ends in {kind or 'nothing'}; labelled texts are read from .csv, .tsv or .jsonl (or .gz)"
        )
    lines = io.StringIO(_decoded(path, notes), newline="")
    try:
        if kind in _JSON_LINES:
            yield from _json_lines(path, lines, columns)
        else:
            yield from _table(path, lines, columns, _DELIMITERS[kind])
    except csv.Error as error:
        raise DataError(f"{path} is no table that can be read: {error}; save it again as CSV in UTF-8") from error


def _decoded(path: Path, notes: list[str]) -> str:
    try:
        raw = path.read_bytes()
        raw = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    except (EOFError, OSError, gzip.BadGzipFile) as error:
        raise DataError(f"{path} cannot be read: {error}; fetch or pack it again") from error
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        decoded = raw.decode("gb18030")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is neither UTF-8 nor GB18030 text ({error.reason}); convert it to UTF-8") from error
    notes.append(f"{path.name} is not UTF-8; it was read as GB18030")
    return decoded


def _table(path: Path, lines: io.StringIO, columns: Sequence[str], delimiter: str) -> Iterator[tuple[str, ...]]:
    csv.field_size_limit(MAX_FIELD)
    reader = csv.reader(lines, delimiter=delimiter)
    header = [name.strip() for name in next(reader, [])]
    places = [_place(path, name, header) for name in columns]
    for cells in reader:
        if cells:
            yield tuple(cells[at] if at < len(cells) else "" for at in places)


def _json_lines(path: Path, lines: io.StringIO, columns: Sequence[str]) -> Iterator[tuple[str, ...]]:
    met = False
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise DataError(f"{path} line {number} is no JSON: {error}") from error
        if not isinstance(row, dict):
            raise DataError(f"{path} line {number} is no JSON object; each line is one, with the named columns")
        for name in columns:
            if name not in row and not met:
                _place(path, name, list(row))
        met = True
        yield tuple(_text(row.get(name)) for name in columns)


def _text(value: Any) -> str:
    """A JSON value as text; a list of labels as one cell of several."""
    if value is None:
        return ""
    if isinstance(value, list):
        return SEPARATOR.join(_text(each) for each in value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _place(path: Path, name: str, known: Sequence[str]) -> int:
    if name not in known:
        raise DataError(f"{path} has no column {name!r}; it has: {listed(list(known)) or 'none'}")
    return list(known).index(name)

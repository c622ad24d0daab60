"""Texts with tagged spans out of files: a unit and its label on each line, or JSON lines; plain or gzip."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from huaxiang.encoder.tagging.spans import OUTSIDE, Bounds, Tagged, bounds_of, repaired, spelled
from huaxiang.encoder.tagging.units import CHARACTERS, WORDS, cut, joined
from huaxiang.errors import DataError, listed

_PREFIX: Final[Mapping[str, str]] = {"B": "B", "S": "B", "I": "I", "M": "I", "E": "I"}
"""BIO, and what BIOES and BMES say beyond it."""
_BLANK: Final = re.compile(r"[ \t]")
_JSON: Final = frozenset({".jsonl", ".ndjson", ".json"})


@dataclass(frozen=True, slots=True)
class TaggedFile:
    """What a file holds.

    Attributes:
        unit: what a label stands for, `characters` or `words`.
        n_repaired: `I-` labels that continued nothing; each was read as the beginning of a span.
        notes: what was read otherwise than written, one sentence each.
    """

    texts: tuple[Tagged, ...]
    unit: str
    n_repaired: int = 0

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def types(self) -> tuple[str, ...]:
        """The types of its spans, by name."""
        return tuple(sorted({name for text in self.texts for _, _, name in bounds_of(text.labels)}))

    @property
    def notes(self) -> tuple[str, ...]:
        """For people."""
        if not self.n_repaired:
            return ()
        return (f"{self.n_repaired} labels I- followed no label of their type; each was read as B-",)


def read_tagged(path: Path, unit: str | None = None) -> TaggedFile:
    """Read `path`.

    Lines: a character or word, a blank or tab, and its label at the end; an empty line after each text. JSON lines:
    `{"text": ..., "spans": [{"start", "end", "label"}]}` or `{"tokens": [...], "labels": [...]}`.

    Args:
        unit: what texts with spans are cut into, `characters` or `words`; None: what texts and spans allow. Units
            that a file gives itself are what they are.

    Raises:
        DataError: names file, line and rule.
    """
    if not path.is_file():
        raise DataError(f"no file {path}")
    text = _decoded(path)
    if Path(path.name.removesuffix(".gz")).suffix.lower() in _JSON or text.lstrip()[:1] == "{":
        rows = list(_of_json(path, text))
    else:
        rows = list(_of_lines(path, text))
    if not rows:
        raise DataError(f"{path} holds no text; give a unit and its label on each line, or JSON lines")
    return _gathered(path, rows, unit)


def check_pair(train: TaggedFile, test: TaggedFile) -> None:
    """Refuse what cannot be learned or judged.

    Raises:
        DataError: nothing is tagged, a type that only the test file has, or files of different units.
    """
    if not train.types:
        raise DataError("the training file has no span, every label is O; tag some texts first")
    if unknown := sorted(set(test.types) - set(train.types)):
        raise DataError(
            f"the test file has types that the training file lacks: {listed(unknown)}; nothing can learn them: tag "
            "some training texts with them, or take them out of the test file"
        )
    if train.unit != test.unit:
        raise DataError(f"the training file labels {train.unit}, the test file {test.unit}; label both alike")


@dataclass(frozen=True, slots=True)
class _Row:
    """One text as its file gives it: units with labels, or a text with spans."""

    line: int
    units: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    text: str = ""
    spans: tuple[tuple[int, int, str], ...] = ()
    has_spans: bool = False


def _decoded(path: Path) -> str:
    try:
        raw = path.read_bytes()
        raw = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    except (EOFError, OSError) as error:
        raise DataError(f"{path} cannot be read: {error}; fetch or pack it again") from error
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise DataError(f"{path} line {line} is not UTF-8 ({error.reason}); convert the file first") from error


def _of_lines(path: Path, text: str) -> Iterator[_Row]:
    units: list[str] = []
    labels: list[str] = []
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.removesuffix("\r")
        if not line.strip():
            if units:
                yield _Row(number - len(units), tuple(units), tuple(labels))
            units, labels = [], []
            continue
        at = max((found.start() for found in _BLANK.finditer(line.rstrip())), default=-1)
        if at < 0:
            raise DataError(f"{path} line {number}: {line.strip()[:40]!r} has no label; write a unit, a blank, a label")
        # With more columns than two the unit is the first; a unit that was itself a blank leaves nothing.
        units.append(_BLANK.split(line[:at])[0] or " ")
        labels.append(_label(path, number, line[at + 1 :].strip()))
    if units:
        yield _Row(number - len(units) + 1, tuple(units), tuple(labels))


def _label(path: Path, line: int, label: object) -> str:
    """A label in BIO."""
    if label == OUTSIDE:
        return OUTSIDE
    place, dash, name = label.partition("-") if isinstance(label, str) else ("", "", "")
    if not dash or place not in _PREFIX or not name:
        raise DataError(f"{path} line {line}: label {label!r} is neither O nor B-TYPE or I-TYPE")
    return f"{_PREFIX[place]}-{name}"


def _of_json(path: Path, text: str) -> Iterator[_Row]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise DataError(f"{path} line {number} is no JSON: {error.msg}") from error
        if isinstance(row, dict) and {"tokens", "labels"} <= row.keys():
            yield _of_tokens(path, number, row)
        elif isinstance(row, dict) and {"text", "spans"} <= row.keys():
            yield _of_spans(path, number, row)
        else:
            raise DataError(f"{path} line {number} has neither text and spans nor tokens and labels")


def _of_tokens(path: Path, line: int, row: Mapping[str, Any]) -> _Row:
    units, labels = row["tokens"], row["labels"]
    if not isinstance(units, list) or not isinstance(labels, list) or not all(isinstance(u, str) and u for u in units):
        raise DataError(f"{path} line {line}: tokens and labels must be lists, of texts that are not empty")
    if len(units) != len(labels):
        raise DataError(f"{path} line {line} has {len(units)} tokens but {len(labels)} labels; give one label each")
    return _Row(line, tuple(units), tuple(_label(path, line, label) for label in labels))


def _of_spans(path: Path, line: int, row: Mapping[str, Any]) -> _Row:
    text, given = row["text"], row["spans"]
    if not isinstance(text, str) or not isinstance(given, list):
        raise DataError(f"{path} line {line}: text must be text, and spans a list of start, end and label")
    spans = []
    for span in given:
        said = [span.get(name) for name in ("start", "end", "label")] if isinstance(span, dict) else [None] * 3
        start, end, label = said
        if type(start) is not int or type(end) is not int or not isinstance(label, str) or not label:
            raise DataError(f"{path} line {line}: a span needs start and end as whole numbers and a label")
        if not 0 <= start < end <= len(text) or not text[start:end].strip():
            raise DataError(f"{path} line {line}: span {start} to {end} is none of a text of {len(text)} characters")
        spans.append((start, end, label))
    spans.sort()
    if any(first[1] > second[0] for first, second in pairwise(spans)):
        raise DataError(f"{path} line {line} has spans that overlap; a character has one tag, leave one of them out")
    return _Row(line, text=text, spans=tuple(spans), has_spans=True)


def _gathered(path: Path, rows: Sequence[_Row], unit: str | None) -> TaggedFile:
    with_units = [row for row in rows if not row.has_spans]
    if with_units and len(with_units) < len(rows):
        raise DataError(f"{path} mixes lines with spans and lines with tokens; write all of them alike")
    if not with_units:
        unit = unit or _fitting(rows)
        return TaggedFile(tuple(_tagged(row, unit) for row in rows), unit)
    unit, texts, n_repaired = _written_in(with_units), [], 0
    for row in with_units:
        labels, n = repaired(row.labels)
        n_repaired += n
        texts.append(Tagged(*joined(row.units, unit), labels))
    return TaggedFile(tuple(texts), unit, n_repaired)


def _written_in(rows: Sequence[_Row]) -> str:
    """Characters where nearly every unit is a single one; English has one-letter words, but fewer than that."""
    units = [unit for row in rows for unit in row.units]
    return CHARACTERS if sum(len(unit) == 1 for unit in units) > 0.9 * len(units) else WORDS


def _fitting(rows: Sequence[_Row]) -> str:
    """Words where every span begins and ends with one, in texts that are written in words; else characters."""
    for row in rows:
        units = cut(row.text, WORDS)
        starts, ends = {start for start, _ in units}, {end for _, end in units}
        trimmed = [_trimmed(row.text, start, end) for start, end, _ in row.spans]
        if any(start not in starts or end not in ends for start, end in trimmed):
            return CHARACTERS
    n_units = sum(len(cut(row.text, WORDS)) for row in rows)
    n_characters = sum(len(cut(row.text, CHARACTERS)) for row in rows)
    return WORDS if n_characters > 2 * n_units else CHARACTERS


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    inside = text[start:end]
    return start + len(inside) - len(inside.lstrip()), end - len(inside) + len(inside.rstrip())


def _tagged(row: _Row, unit: str) -> Tagged:
    """Labels of the units that a span touches."""
    units = tuple(cut(row.text, unit))
    bounds: list[Bounds] = []
    for start, end, label in row.spans:
        touched = [at for at, (first, last) in enumerate(units) if first < end and last > start]
        if touched and (not bounds or bounds[-1][1] <= touched[0]):
            bounds.append((touched[0], touched[-1] + 1, label))
    return Tagged(row.text, units, spelled(bounds, len(units)))

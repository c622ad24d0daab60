"""Files of sequences and of items, gzip or plain, as others hand them over.

A line of a sequences file is a user id and item ids in time order, parted by blanks or tabs.
"""

import gzip
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.errors import DataError
from huaxiang.evaluation.text_file import GZIP, reading
from huaxiang.text.segment import content_words

_WHOLE_NUMBERS: Final = re.compile(r"\d+( +\d+)*")


@dataclass(frozen=True, slots=True)
class Sequences:
    """What a file holds.

    Attributes:
        item_ids: the catalogue, in order of first appearance.
        rows: one int32 array of catalogue indices per user, oldest first.
        without_items: line numbers (from 1) that named a user and nothing else; they are left out.
        repeats: events of an item that the same user had met before.
    """

    item_ids: tuple[str, ...]
    user_ids: tuple[str, ...]
    rows: tuple[NDArray[np.int32], ...]
    without_items: tuple[int, ...]
    repeats: int


@dataclass(frozen=True, slots=True)
class ItemTerms:
    """Text and attributes of the catalogue's items, one list per item.

    Attributes:
        missing: items of the catalogue that the file lacks. strangers: items of the file that nobody met.
    """

    words: tuple[list[str], ...]
    attributes: tuple[list[str], ...]
    missing: int
    strangers: int


def read_sequences(path: Path) -> Sequences:
    """Read a sequences file.

    Raises:
        DataError: the file is empty, is not text, or names a user on two lines.
    """
    known: dict[str, int] = {}
    users: dict[str, int] = {}
    rows, without, repeats = [], [], 0
    for number, line in _lines(path):
        user, *items = line.split() or [""]
        if not user:
            continue
        if user in users:
            raise DataError(f"{path.name}: user {user!r} is on lines {users[user]} and {number}; join them into one")
        users[user] = number
        if not items:
            without.append(number)
            continue
        row = np.array([known.setdefault(item, len(known)) for item in items], dtype=np.int32)
        repeats += len(row) - len(np.unique(row))
        rows.append(row)
    if not rows:
        raise DataError(f"{path.name} holds no sequences; give a user id and item ids in time order on each line")
    skipped = set(without)
    user_ids = tuple(user for user, number in users.items() if number not in skipped)
    return Sequences(tuple(known), user_ids, tuple(rows), tuple(without), repeats)


def read_items(path: Path, item_ids: Sequence[str]) -> ItemTerms:
    """Read a TSV of items: first column the id, the others text.

    A value with `|`, or of whole numbers parted by blanks, is a set of attributes of its column; the rest is text.

    Raises:
        DataError: no header with two columns, a row longer than the header, or an item on two lines.
    """
    place = {item: index for index, item in enumerate(item_ids)}
    words: tuple[list[str], ...] = tuple([] for _ in item_ids)
    attributes: tuple[list[str], ...] = tuple([] for _ in item_ids)
    header: list[str] = []
    seen: set[str] = set()
    for number, line in _lines(path):
        item, *values = line.rstrip("\r\n").split("\t")
        if not header:
            header = values
            if not header:
                raise DataError(f"{path.name} has one column; give a TSV with a header, an item id and text columns")
            continue
        if len(values) > len(header) or item in seen:
            fault = (
                "is a second time" if item in seen else f"has {len(values) + 1} columns, the header {len(header) + 1}"
            )
            raise DataError(f"{path.name}, line {number}: item {item!r} {fault}; keep one row of each item")
        seen.add(item)
        if (index := place.get(item)) is None:
            continue
        for column, value in zip(header, values, strict=False):
            _take(column, value.strip(), words[index], attributes[index])
    if not seen:
        raise DataError(f"{path.name} holds no items; give a TSV with a header and a row per item")
    return ItemTerms(words, attributes, len(place.keys() - seen), len(seen - place.keys()))


def _take(column: str, value: str, words: list[str], attributes: list[str]) -> None:
    if "|" in value:
        attributes.extend(f"{column}={part.strip()}" for part in value.split("|") if part.strip())
    elif _WHOLE_NUMBERS.fullmatch(value):
        attributes.extend(f"{column}={part}" for part in value.split())
    elif value:
        words.extend(content_words(value))


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Numbered lines of a text file, gzip or plain by its first bytes."""
    with reading(path, "a text file"):
        with path.open("rb") as raw:
            zipped = raw.read(2) == GZIP
        with gzip.open(path, "rb") if zipped else path.open("rb") as stream:
            for number, line in enumerate(stream, start=1):
                if b"\x00" in line:
                    raise DataError(f"{path.name}, line {number} holds a NUL byte; give a text file, gzip or plain")
                yield number, line.decode("utf-8-sig" if number == 1 else "utf-8")

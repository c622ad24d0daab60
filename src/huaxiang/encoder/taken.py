"""What people took after which history or query: what contrastive fine-tuning learns from."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from huaxiang.encoder.classifying.table import read_rows
from huaxiang.errors import DataError

MAX_BEFORE: Final = 10
"""Newest items of a history that say where a person's vector should lie; older ones count less than a tenth each."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A history or a query, and the item taken after it.

    Attributes:
        person: whose it is; "" is nobody.
        before: texts of the items in the history, newest first; none where the query says everything.
    """

    query: str
    item: str
    person: Hashable = ""
    before: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken after which history or query.

    Attributes:
        queries: a history or a query as text.
        items: each different item text.
        positive: index in `items` of what was taken.
        people: whose each pair is; the query itself where nobody is named, so that a query is on one side alone.
        before: indices in `items` of the newest items of each history, newest first.
    """

    queries: tuple[str, ...]
    items: tuple[str, ...]
    positive: tuple[int, ...]
    people: tuple[Hashable, ...]
    before: tuple[tuple[int, ...], ...]
    notes: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.queries)

    @classmethod
    def of(cls, rows: Iterable[Pair], items: Iterable[str] = (), notes: Sequence[str] = ()) -> Taken:
        """From pairs; what lacks a text is left out and counted.

        Args:
            items: more items that can be found, such as those that nobody took.
        """
        place: dict[str, int] = {}
        kept: list[tuple[str, int, Hashable, tuple[int, ...]]] = []
        blank = 0
        for row in rows:
            if row.query.strip() and row.item.strip():
                positive = place.setdefault(row.item, len(place))
                earlier = [text for text in dict.fromkeys(row.before) if text.strip()][:MAX_BEFORE]
                before = tuple(place.setdefault(text, len(place)) for text in earlier)
                person = ("of", row.person) if row.person != "" else row.query
                kept.append((row.query, positive, person, before))
            else:
                blank += 1
        for item in items:
            if item.strip():
                place.setdefault(item, len(place))
        said = [f"{blank} pairs were left out: query or item has no text"] if blank else []
        columns = tuple(zip(*kept, strict=True)) or ((), (), (), ())
        return cls(columns[0], tuple(place), columns[1], columns[2], columns[3], (*notes, *said))

    def pairs(self, rows: Sequence[int]) -> list[tuple[str, int]]:
        """Query and item of these rows."""
        return [(self.queries[i], self.positive[i]) for i in rows]


def read_taken(path: Path, query: str, item: str, user: str | None) -> Taken:
    """Read a CSV, TSV or JSONL with a pair in each row; the rows of a user are in the order in which they happened.

    Raises:
        DataError: as `read_rows`, or no row with both texts.
    """
    notes: list[str] = []
    columns = (query, item) if user is None else (query, item, user)
    found = Taken.of(_pairs(read_rows(path, columns, notes), user is not None), notes=notes)
    if not len(found):
        raise DataError(f"{path} has no row with a text in both {query!r} and {item!r}; give a file of pairs")
    return found


def _pairs(rows: Iterable[Sequence[str]], named: bool) -> Iterable[Pair]:
    """With what a named person took in the rows before."""
    seen: dict[str, tuple[str, ...]] = {}
    for row in rows:
        person = row[2].strip() if named else ""
        before = seen.get(person, ()) if person else ()
        yield Pair(row[0], row[1], person, before)
        if person and row[0].strip() and row[1].strip():
            seen[person] = (row[1], *(text for text in before if text != row[1]))[:MAX_BEFORE]

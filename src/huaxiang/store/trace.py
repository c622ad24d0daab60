"""Events as a fold reads them: no columns but those that say something of a person, unchecked and parsed when asked."""

import bisect
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from operator import attrgetter
from typing import Any, Final, NamedTuple, TypeAlias

import orjson

from huaxiang.types import Event, EventId, ItemId, LineItem, Reading, named_items


class Trace(NamedTuple):
    """An event of the log as a fold reads it; the attributes are those of `Event`, where its kind has any use for them.

    Attributes:
        micros: microseconds from 1970 to its moment.
        number: the rating of a review, the value of any other event.
        word: the query of a search, the currency of a purchase or a refund, and the properties of what says something
            by them (`PROPERTIES`), as JSON text where they come from a row.
    """

    seq: int
    micros: int
    event_id: EventId
    event: str
    session_id: str | None
    number: float | None
    word: str | Mapping[str, Any] | None
    item_ids: tuple[ItemId, ...] = ()
    items: tuple[LineItem, ...] = ()
    reading: Reading | None = None

    @property
    def value(self) -> float | None:
        """What a purchase or a refund came to."""
        return None if self.event == "review" else self.number

    @property
    def rating(self) -> float | None:
        """Stars of a review."""
        return self.number if self.event == "review" else None

    @property
    def currency(self) -> str | None:
        """Of the value of a purchase or a refund."""
        return self.word if self.event in ORDERS and isinstance(self.word, str) else None

    @property
    def query(self) -> str | None:
        """What was typed."""
        return self.word if self.event == "search" and isinstance(self.word, str) else None

    @property
    def properties(self) -> Mapping[str, Any]:
        """What a consent, an edit, a link or a trait says."""
        if self.event not in PROPERTIES or self.word is None:
            return {}
        found: Mapping[str, Any] = orjson.loads(self.word) if isinstance(self.word, str) else self.word
        return found


Deed: TypeAlias = Event | Trace
"""One event for a fold."""

ORDERS: Final = frozenset({"purchase", "refund"})
PROPERTIES: Final = frozenset({"consent", "identify", "profile_edit", "set_user"})
"""Kinds of events that say something by their properties."""
_plain = attrgetter("seq", "event_id", "event", "session_id", "value", "item_id", "items", "reading")
_WORD: Final[Mapping[str, Callable[[Event], Any]]] = {
    "search": attrgetter("query"),
    **dict.fromkeys(ORDERS, attrgetter("currency")),
    **dict.fromkeys(PROPERTIES, attrgetter("properties")),
}
_NUMBER, _PLAIN = Trace._fields.index("number"), Trace._fields.index("item_ids")
"""Fields before these last three are in a row as they are; after them come item, items and reading."""


@dataclass(frozen=True, slots=True, eq=False)
class Traces:
    """Events of a history in order, as columns: 200 of them are read in a third of the time that events take.

    Attributes:
        columns: of one length: the first seven fields of `Trace`, then item, items and reading, which are JSON text
            where they come from a row, and None where there are none.
    """

    columns: tuple[Sequence[Any], ...]

    @classmethod
    def of_rows(cls, rows: Sequence[Sequence[Any]]) -> "Traces":
        """Rows with these columns, oldest first."""
        return cls(tuple(zip(*rows, strict=True)) if rows else ((),) * (_PLAIN + 3))

    @classmethod
    def of_json(cls, said: Sequence[Sequence[Any]]) -> "Traces":
        """Rows of two, newest first: these columns as a JSON array, without the number, and the number.

        A value that a driver makes of a column costs twice as much as one that is read from JSON.
        """
        if not said:
            return cls.of_rows(())
        texts, numbers = zip(*reversed(said), strict=True)
        columns = list(zip(*orjson.loads(f"[{','.join(texts)}]"), strict=True))
        columns[_NUMBER] = numbers
        return cls(tuple(columns))

    @classmethod
    def of_events(cls, events: Iterable[Event]) -> "Traces":
        """Events in order."""
        events = list(events)
        if not events:
            return cls.of_rows(())
        seqs, ids, kinds, sessions, values, items, lines, readings = zip(*map(_plain, events), strict=True)
        numbers, words = list(values), [None] * len(events)
        for at, kind in enumerate(kinds):
            if kind in _WORD:
                words[at] = _WORD[kind](events[at])
            elif kind == "review":
                numbers[at] = events[at].rating
        moments, named = [event.micros for event in events], [said or None for said in lines]
        return cls((seqs, moments, ids, kinds, sessions, numbers, words, items, named, readings))

    @classmethod
    def merged(cls, histories: Sequence["Traces"]) -> "Traces":
        """Several histories in one order; an event that stands in two of them is in it once."""
        if len(histories) == 1:
            return histories[0]
        rows = {row[0]: row for history in histories for row in history.rows()}
        return cls.of_rows(sorted(rows.values(), key=lambda row: (row[1], row[0])))

    @property
    def seqs(self) -> Sequence[int]:
        """Numbers in the log."""
        return self.columns[0]

    @property
    def moments(self) -> Sequence[int]:
        """Microseconds since 1970."""
        return self.columns[1]

    @property
    def ids(self) -> Sequence[EventId]:
        """Ids of the events."""
        return self.columns[2]

    @property
    def kinds(self) -> Sequence[str]:
        """Names of the events."""
        return self.columns[3]

    @property
    def sessions(self) -> Sequence[str | None]:
        """Visits that they belong to."""
        return self.columns[4]

    def __len__(self) -> int:
        return len(self.columns[0])

    def __getitem__(self, place: int) -> Trace:
        return trace_of([column[place] for column in self.columns])

    def __iter__(self) -> Iterator[Trace]:
        return map(trace_of, self.rows())

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """One after the other, with these columns."""
        return zip(*self.columns, strict=True)

    def part(self, start: int, stop: int | None = None) -> "Traces":
        """Those from one place to before another."""
        return Traces(tuple(column[start:stop] for column in self.columns))

    def before(self, micros: int) -> "Traces":
        """Those that lie before a moment."""
        place = bisect.bisect_left(self.moments, micros)
        return self if place == len(self) else self.part(0, place)

    def until(self, micros: int, seq: int) -> int:
        """How many stand at a place of the order or before it."""
        place = bisect.bisect_left(self.moments, micros)
        while place < len(self) and (self.moments[place], self.seqs[place]) <= (micros, seq):
            place += 1
        return place

    def where(self, is_kept: Sequence[bool]) -> "Traces":
        """Those for which it is true."""
        return Traces(tuple(list(compress(column, is_kept)) for column in self.columns))

    def without(self, gone: Collection[EventId]) -> "Traces":
        """Those whose ids are not among some."""
        return self.where([event_id not in gone for event_id in self.ids])


def trace_of(row: Sequence[Any]) -> Trace:
    """The event of a row of `Traces`."""
    item_id, said, read = row[_PLAIN:]
    items = () if said is None else lines_from(said) if isinstance(said, str) else said
    reading = reading_from(read) if isinstance(read, str) else read
    named = named_items(item_id, items) if items else () if item_id is None else (item_id,)
    return Trace._make((*row[:_PLAIN], named, items, reading))


def lines_from(said: str) -> tuple[LineItem, ...]:
    """The lines that a row holds as JSON."""
    return tuple(LineItem(**line) for line in orjson.loads(said))


def reading_from(said: str) -> Reading:
    """The reading that a row holds as JSON."""
    found: dict[str, Any] = orjson.loads(said)
    found["keywords"] = tuple(found.get("keywords", ()))
    return Reading(**found)

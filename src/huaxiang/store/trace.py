"""Events as a fold reads them: no columns but those that say something of a person, unchecked and parsed when asked."""

import bisect
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any, Final, NamedTuple, TypeAlias

import orjson

from huaxiang.types import Event, EventId, ItemId, LineItem, Reading, named_items


class Trace(NamedTuple):
    """An event of the log as a fold reads it; the attributes are those of `Event`.

    Attributes:
        micros: microseconds from 1970 to its moment.
        said: its properties, as JSON text where they come from a row.
    """

    seq: int
    micros: int
    event_id: EventId
    event: str
    anonymous_id: str | None
    session_id: str | None
    value: float | None
    rating: float | None
    currency: str | None
    query: str | None
    said: str | Mapping[str, Any] | None
    item_ids: tuple[ItemId, ...] = ()
    items: tuple[LineItem, ...] = ()
    reading: Reading | None = None

    @property
    def properties(self) -> Mapping[str, Any]:
        """What a consent, an edit, a link or a trait says."""
        if not isinstance(self.said, str):
            return self.said or {}
        found: dict[str, Any] = orjson.loads(self.said)
        return found


Deed: TypeAlias = Event | Trace
"""One event for a fold."""

TRACE_COLUMNS: Final = (
    *("seq", "timestamp", "event_id", "event", "anonymous_id", "session_id"),
    *("value", "rating", "currency", "query", "properties"),
    *("item_id", "items", "reading"),
)
"""Columns of the log that make a trace."""
_PLAIN: Final = TRACE_COLUMNS.index("item_id")


@dataclass(frozen=True, slots=True, eq=False)
class Traces:
    """Events of a history in order, as columns: 200 of them are read in a third of the time that events take.

    Attributes:
        columns: one for each of `TRACE_COLUMNS`, of one length. Items and readings are JSON text where they come from a
            row, and None where there are none.
    """

    columns: tuple[Sequence[Any], ...]

    @classmethod
    def of_rows(cls, rows: Sequence[Sequence[Any]]) -> "Traces":
        """Rows of `TRACE_COLUMNS`, oldest first."""
        return cls(tuple(zip(*rows, strict=True)) if rows else ((),) * len(TRACE_COLUMNS))

    @classmethod
    def of_events(cls, events: Iterable[Event]) -> "Traces":
        """Events in order."""
        return cls.of_rows([_row(event) for event in events])

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
        return self.columns[5]

    def __len__(self) -> int:
        return len(self.columns[0])

    def __getitem__(self, place: int) -> Trace:
        return trace_of([column[place] for column in self.columns])

    def __iter__(self) -> Iterator[Trace]:
        return map(trace_of, self.rows())

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """One after the other, as rows of `TRACE_COLUMNS`."""
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
    """The event of a row of `TRACE_COLUMNS`."""
    item_id, said, read = row[_PLAIN:]
    items = () if said is None else lines_from(said) if isinstance(said, str) else said
    reading = reading_from(read) if isinstance(read, str) else read
    named = named_items(item_id, items) if items else () if item_id is None else (item_id,)
    return Trace._make((*row[:_PLAIN], named, items, reading))


def _row(event: Event) -> tuple[Any, ...]:
    """An event as a row of `TRACE_COLUMNS` that needs no parsing."""
    return (
        *(event.seq, event.micros, event.event_id, event.event, event.anonymous_id, event.session_id),
        *(event.value, event.rating, event.currency, event.query, event.properties),
        *(event.item_id, event.items or None, event.reading),
    )


def lines_from(said: str) -> tuple[LineItem, ...]:
    """The lines that a row holds as JSON."""
    return tuple(LineItem(**line) for line in orjson.loads(said))


def reading_from(said: str) -> Reading:
    """The reading that a row holds as JSON."""
    found: dict[str, Any] = orjson.loads(said)
    found["keywords"] = tuple(found.get("keywords", ()))
    return Reading(**found)

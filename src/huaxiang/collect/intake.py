"""Events in: check, read the text, append, tell the catalogue and whoever listens."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from huaxiang.collect.body import Payload, parse_body
from huaxiang.collect.catalogue import Catalogue
from huaxiang.collect.check import check_event
from huaxiang.collect.gate import Gate, Let
from huaxiang.collect.masking import Mask
from huaxiang.errors import DataError
from huaxiang.store import Store
from huaxiang.text.language import detect
from huaxiang.text.reader import MAX_KEYWORDS, READER, read
from huaxiang.text.segment import content_words
from huaxiang.types import Event, Reading

__all__ = ["Intake", "Payload", "Rejected", "Taken", "parse_body", "read_event"]

logger: Final = logging.getLogger(__name__)
MAX_QUERY: Final = 2_000
"""Characters of a query that are read."""
READ_AT_INTAKE: Final = frozenset({"review", "support_message", "post"})

Listener = Callable[[Sequence[Event]], None]


@dataclass(frozen=True, slots=True)
class Rejected:
    """One payload that was not kept: its place in the batch, from 0, and why."""

    index: int
    reason: str


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a batch; `events` are those that are new in the log, with their `seq`.

    `refused` of the rejected were in order and are not kept for their person's sake: erased, or without analytics.
    """

    accepted: int
    duplicates: int
    rejected: tuple[Rejected, ...]
    events: tuple[Event, ...]
    refused: int = 0


class Intake:
    """The one way by which single events and batches come in. Safe to call from many threads.

    Args:
        store: its tenant must be `tenant`.
        catalogue: told of item changes; None where nobody needs it.
        listeners: called after the append with the new events, in the calling thread; one that fails is logged and
            changes nothing for the sender, whose events are kept by then.
        gate: whose events may come in; None: everybody's.
        mask: hides personal data in texts before they are read; None: texts are kept as they come.
    """

    def __init__(
        self,
        store: Store,
        catalogue: Catalogue | None,
        *,
        tenant: str = "default",
        listeners: Sequence[Listener] = (),
        gate: Gate | None = None,
        mask: Mask | None = None,
    ) -> None:
        self._store, self._gate, self._mask = store, gate, mask
        self._catalogue = catalogue
        self._tenant = tenant
        self._listeners = tuple(listeners)

    def take(self, payloads: Sequence[Payload]) -> Taken:
        """Keep the valid payloads of a batch; they are durable when this returns, and one bad one costs only itself.

        Raises:
            StoreError: nothing of the batch was kept.
        """
        return self._take(list(enumerate(payloads)))

    def take_body(self, body: bytes, content_type: str = "") -> Taken:
        """The same of a request body: an object, an array or NDJSON; broken parts are rejected by their index."""
        return self._take(parse_body(body, content_type))

    def _take(self, numbered: Sequence[tuple[int, Any]]) -> Taken:
        events: list[Event] = []
        places: list[int] = []
        rejected: list[Rejected] = []
        for index, payload in numbered:
            try:
                if isinstance(payload, DataError):
                    raise payload
                checked = check_event(payload, tenant=self._tenant)
                events.append(read_event(checked if self._mask is None else self._mask.event(checked)))
                places.append(index)
            except DataError as error:
                rejected.append(Rejected(index, str(error)))
        if not events:
            return Taken(0, 0, tuple(rejected), ())
        let = Let(self._store.append(events), events, {}) if self._gate is None else self._gate.append(events)
        rejected += [Rejected(places[at], why) for at, why in let.refused.items()]
        rejected.sort(key=lambda bad: bad.index)
        numbers = let.appended.seqs
        new = tuple(_numbered(event, seq) for event, seq in zip(let.events, numbers, strict=True) if seq is not None)
        if new:
            self._tell(new)
        return Taken(len(new), len(let.events) - len(new), tuple(rejected), new, len(let.refused))

    def _tell(self, events: Sequence[Event]) -> None:
        if self._catalogue is not None:
            self._catalogue.absorb(events)
        for listener in self._listeners:
            try:
                listener(events)
            except Exception:
                logger.exception("a listener of the intake failed; the events are kept")


def read_event(event: Event) -> Event:
    """Give an event the reading of its text, once, at intake; events without a text to read are returned as they are.

    Reviews, support messages and posts are read whole; of a search the language and the words of its query. Where the
    text of an event with a rating from 1 to 5 carries no sentiment, the rating gives it: 1 is -1, 3 is 0, 5 is +1.
    """
    if event.event in READ_AT_INTAKE:
        return _with_reading(event, read_text(event.text, event.rating))
    if event.event == "search" and event.query:
        return _with_reading(event, read_query(event.query))
    return event


def read_query(query: str) -> Reading:
    """The language of a search query, and its first eight words that carry content."""
    words = dict.fromkeys(content_words(query[:MAX_QUERY]))
    return Reading(READER, detect(query[:MAX_QUERY]), keywords=tuple(words)[:MAX_KEYWORDS])


def read_text(text: str | None, rating: float | None) -> Reading | None:
    """The reading of a text with its rating; None where there is neither."""
    if not text and rating is None:
        return None
    reading = read(text) if text else Reading(READER)
    if reading.polarity is not None or rating is None or not 1.0 <= rating <= 5.0:
        return reading
    polarity = (rating - 3.0) / 2.0
    return Reading(reading.reader, reading.language, polarity, abs(polarity), reading.aspects, reading.keywords)


def _with_reading(event: Event, reading: Reading | None) -> Event:
    # The event was made here and nobody has seen it yet; a second construction would check it a second time.
    object.__setattr__(event, "reading", reading)
    return event


def _numbered(event: Event, seq: int) -> Event:
    object.__setattr__(event, "seq", seq)  # as above: the store's number, before anyone else sees the event
    return event

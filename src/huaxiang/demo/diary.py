"""Where a simulation writes what happens, before it is put in order and given ids."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

Payload = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """One event and what only the simulator knows of it.

    Attributes:
        at: seconds since the start.
        noise: its kind, None for an honest event.
        person: row of who did it, -1 for nobody.
        tone: polarity that its text was written in, None without a text.
    """

    at: float
    said: Payload
    noise: str | None
    person: int
    tone: float | None = None


@dataclass(slots=True)
class Diary:
    """Entries of one simulated span; those beyond its end have not happened yet and are left out."""

    seconds: float
    entries: list[Entry] = field(default_factory=list)

    def write(self, at: float, said: Payload, *, noise: str | None, person: int, tone: float | None = None) -> None:
        """Note an event, unless it lies beyond the end."""
        if 0.0 <= at < self.seconds:
            self.entries.append(Entry(at, said, noise, person, tone))


@dataclass(frozen=True, slots=True)
class Written:
    """A diary in order, with ids and times."""

    events: tuple[Payload, ...]
    noise: Mapping[str, str]
    person: Mapping[str, int]
    tone: Mapping[str, float]


def in_order(diary: Diary, *, start: datetime, prefix: str) -> Written:
    """Sort by time (ties keep the order of writing), give `event_id` and `timestamp`."""
    events: list[Payload] = []
    noise: dict[str, str] = {}
    person: dict[str, int] = {}
    tone: dict[str, float] = {}
    for number, entry in enumerate(sorted(diary.entries, key=lambda entry: entry.at)):
        event_id = f"{prefix}{number:07d}"
        moment = start + timedelta(milliseconds=int(entry.at * 1000))
        events.append({"event_id": event_id, "timestamp": moment.isoformat(timespec="milliseconds"), **entry.said})
        person[event_id] = entry.person
        if entry.noise is not None:
            noise[event_id] = entry.noise
        if entry.tone is not None:
            tone[event_id] = entry.tone
    return Written(tuple(events), noise, person, tone)

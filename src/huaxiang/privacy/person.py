"""Everything under which one person is known: ids of theirs, devices that they claimed, sessions, events."""

from dataclasses import dataclass
from typing import Final

from huaxiang.collect.gate import Gate
from huaxiang.store import Store
from huaxiang.store.rows import microseconds
from huaxiang.types import FOREVER, Event, Subject, anonymous_subject, check_id

_ALL: Final = 5_000_000


@dataclass(frozen=True, slots=True)
class Known:
    """One person.

    Attributes:
        raw: the id that the shop knows; of a device with its mark in front.
        stored: the id that the log has.
        devices: stored subjects of every device that the person claimed, also those that others claimed too.
        raw_devices: the same as the shop knows them.
        events: everything in the histories of all of them, in the order of `seq`.
    """

    raw: Subject
    stored: Subject
    devices: tuple[Subject, ...]
    raw_devices: tuple[Subject, ...]
    events: tuple[Event, ...]

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """Stored subjects of the person and the devices."""
        return (self.stored, *self.devices)

    @property
    def ids(self) -> frozenset[str]:
        """Every text that tells of the person: ids of theirs, of devices, sessions and events."""
        named = {each.lstrip("\x1f") for each in (self.raw, *self.subjects, *self.raw_devices)}
        own = set(self.subjects)
        for event in self.events:
            if event.subject in own:
                named |= {event.event_id} | ({event.session_id} if event.session_id else set())
        return frozenset(named)

    @property
    def latest(self) -> int:
        """The time of the latest event, in microseconds since 1970; far in the past where there is none."""
        return max((microseconds(event.timestamp) for event in self.events), default=-(2**62))


def known(gate: Gate, user_id: str) -> Known:
    """Read everything that is known of a person.

    Raises:
        DataError: the id breaks a rule, or is a pseudonym of nobody.
    """
    check_id("user_id", user_id)
    stored = gate.stored_id(user_id)
    own = _history(gate.store, stored)
    claimed = {event.anonymous_id for event in own if event.event == "identify" and event.anonymous_id is not None}
    devices = tuple(sorted(anonymous_subject(each) for each in claimed))
    events = {event.seq: event for subject in (stored, *devices) for event in _history(gate.store, subject)}
    return Known(
        gate.raw(user_id),
        stored,
        devices,
        tuple(gate.raw(device) for device in devices),
        tuple(events[seq] for seq in sorted(events)),
    )


def _history(store: Store, subject: Subject) -> list[Event]:
    return store.history(subject, before=FOREVER, limit=_ALL)

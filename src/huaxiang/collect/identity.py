"""Whose events a user's profile reads: their own, and those of the anonymous ids that they identified.

History is never rewritten: a link is an `identify` event, read at every fold, and undone by an `identify` event of
the same device whose properties name it (`{"undo": event_id}`), whoever sends it. Two users never merge. A device
that two users claimed is shared: what it did before the first claim stays with the first claimant, everything else
anonymous on it belongs to nobody.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from huaxiang.store import Store, Traces
from huaxiang.types import Event, EventId, Subject, UserId, anonymous_subject, is_anonymous

_IDENTIFY: Final = frozenset({"identify"})
_MAX_LINKS: Final = 1_000
"""Links read for one id: a kiosk claimed by more users than this is shared all the same."""


@dataclass(frozen=True, slots=True)
class Source:
    """A history that a user's fold reads.

    Attributes:
        until: last event of the history that counts, as (microseconds since 1970, seq); None for all of them.
    """

    subject: Subject
    until: tuple[int, int] | None = None

    def holds(self, event: Event) -> bool:
        """Whether an event of the subject counts."""
        return self.until is None or (event.micros, event.seq) <= self.until

    def of(self, traces: Traces) -> Traces:
        """Those of the subject that count."""
        return traces if self.until is None else traces.part(0, traces.until(*self.until))


def sources(store: Store, user_id: Subject, *, before: datetime, own: Traces | None = None) -> tuple[Source, ...]:
    """The histories to read for a user, as known from events strictly before a moment; their own first.

    Args:
        own: all events of the user, where the caller has read them anyway; without a link among them spares a read.
    """
    first = Source(user_id)
    if is_anonymous(user_id):
        return (first,)
    if own is not None and "identify" not in own.kinds:
        return (first,)
    links = store.history(user_id, before=before, limit=_MAX_LINKS, events=_IDENTIFY)
    claimed = dict.fromkeys(link.anonymous_id for link in links if link.anonymous_id is not None)
    found = [first]
    for anonymous_id in claimed:
        subject = anonymous_subject(anonymous_id)
        claims = _standing(store.history(subject, before=before, limit=_MAX_LINKS, events=_IDENTIFY))
        source = _claimed_by(user_id, subject, claims)
        if source is not None:
            found.append(source)
    return tuple(found)


def _standing(links: Iterable[Event]) -> list[Event]:
    """Links in time order without the undone ones and without the undoings."""
    links = list(links)
    undone: set[EventId] = {str(link.properties["undo"]) for link in links if link.properties.get("undo")}
    return [link for link in links if not link.properties.get("undo") and link.event_id not in undone]


def _claimed_by(user_id: UserId, subject: Subject, claims: list[Event]) -> Source | None:
    users = {claim.user_id for claim in claims}
    if user_id not in users:  # undone
        return None
    if len(users) == 1:
        return Source(subject)
    first = claims[0]
    return Source(subject, (first.micros, first.seq)) if first.user_id == user_id else None

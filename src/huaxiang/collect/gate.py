"""The gate before the log: whose events may come in, and under which ids they are kept.

Three rules stand here, where nobody goes round them. Events of an erased person from before the erasure are refused,
whoever delivers them again; those of a person who denied `analytics` are refused but for kinds that the shop must keep;
and with pseudonyms on, nobody's own id passes. The version of one record counts the changes of the first two: an append
by older rules fails inside its transaction and is tried again by the new ones, so no process lets in what another has
just forbidden.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, TypeVar

import pyarrow as pa

from huaxiang.collect.analytics import ALWAYS_KEPT, Analytics
from huaxiang.collect.brief import Brief, of_event, of_table, speaks_of_consent, without
from huaxiang.collect.keys import KeyFile, Keys
from huaxiang.collect.pseudonyms import Pseudonyms
from huaxiang.errors import ConflictError, StoreError
from huaxiang.store import Appended, Record, Store
from huaxiang.store.base import GATE
from huaxiang.store.rows import microseconds
from huaxiang.types import Event, Subject, anonymous_subject

ERASURE: Final = "erasure"
"""Kind of the records of who was erased: under a fingerprint, the moment until which their events are refused."""
_TRIES: Final = 20
_LONGEST_ID: Final = 512
_IS_ERASED: Final = "its person was erased after it; events from before an erasure are not taken again"

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Let:
    """What became of events: those let in with what the store says of them, and why others were not, by their place."""

    appended: Appended
    events: Sequence[Event]
    refused: Mapping[int, str]


class Gate:
    """The way into one tenant's log. Safe to use from many threads.

    Args:
        consent_default: what holds for `analytics` where nobody said anything.
        kept_without_analytics: kinds of events that are kept all the same.
        pseudonyms: keep people under pseudonyms.
    """

    def __init__(
        self,
        store: Store,
        keys: KeyFile,
        *,
        consent_default: str = "granted",
        kept_without_analytics: frozenset[str] = frozenset(),
        pseudonyms: bool = False,
    ) -> None:
        self.store, self.keys = store, keys
        self._kept = kept_without_analytics | ALWAYS_KEPT
        self._default = consent_default
        self._analytics = Analytics(store, consent_default)
        self._is_plain = not pseudonyms and consent_default == "granted"
        self._version = self.read_version()  # before the keys, which may be changed in between
        self.pseudonyms = Pseudonyms(store, keys) if pseudonyms else None

    @property
    def version(self) -> int:
        """How often the rules had changed when they were last read."""
        return self._version

    def read_version(self) -> int:
        """How often the rules have changed, by the store."""
        record = self.store.get(GATE[0], [GATE[1]]).get(GATE[1])
        return 0 if record is None else record.version

    def renew(self) -> None:
        """Read the rules again where they have changed."""
        version = self.read_version()
        if version == self._version:
            return
        if self.pseudonyms is not None:
            self.pseudonyms.renew()
        self._version = version  # last: whoever names people by older keys must not append by the newer rules

    def change(self) -> None:
        """Make every process read the rules again before it lets in another event."""
        for _ in range(_TRIES):
            record = self.store.get(GATE[0], [GATE[1]]).get(GATE[1], Record(GATE[1], {}))
            try:
                self.store.put(GATE[0], [Record(GATE[1], record.body)], expect=record.version)
            except ConflictError:
                continue
            self.renew()
            return
        raise StoreError("the rules on whose events may come in are being changed by others; try again")

    def stored_id(self, user_id: str) -> str:
        """The id that a person is kept under: their own, or their pseudonym."""
        return user_id if self.pseudonyms is None else self.pseudonyms.of(user_id)

    def stored(self, subject: Subject) -> Subject:
        """The same of a subject; of nobody, nobody."""
        return subject if self.pseudonyms is None or not subject else self.pseudonyms.subject(subject)

    def raw(self, subject: Subject) -> Subject:
        """A person or device as the shop knows them, from either id.

        Raises:
            DataError: it is the pseudonym of nobody who is known.
        """
        return subject if self.pseudonyms is None else self.pseudonyms.raw(subject)

    def erased_until(self, subjects: Sequence[Subject]) -> dict[Subject, int]:
        """Of these people and devices, by the ids that the shop knows, those that were erased: until which moment."""
        if not self.keys.path.exists() and not self.store.find(ERASURE, limit=1):
            return {}
        keys = self.keys.read(create=False)
        prints = {fingerprint(keys, subject): subject for subject in subjects}
        found = self.store.get(ERASURE, list(prints))
        return {prints[name]: int(record.body["until"]) for name, record in found.items()}

    def names_erased(self, values: Iterable[str]) -> bool:
        """Whether one of these texts is the id of a person or a device that was erased, whenever."""
        if not self._version:
            return False
        named = {value for value in values if value and len(value) <= _LONGEST_ID}
        return bool(self.erased_until([*named, *map(anonymous_subject, named)]))

    def refuse(self, until: Mapping[Subject, int]) -> None:
        """From now on refuse what these people and devices did up to a moment, in microseconds since 1970."""
        keys = self.keys.read(create=True)
        records = [Record(fingerprint(keys, subject), {"until": moment}) for subject, moment in until.items()]
        self.store.put(ERASURE, records)
        self.change()

    def append(self, events: Sequence[Event]) -> Let:
        """Append the events that may come in.

        Raises:
            StoreError: nothing was kept.
        """
        is_plain = self._is_plain and not any(event.event == "consent" for event in events)
        briefs: list[Brief] = []

        def tried(version: int) -> Let:
            if is_plain and not version:  # nobody was erased and nobody denied anything
                return Let(self.store.append(events, gate=version), events, {})
            briefs.extend(map(of_event, events) if not briefs else ())
            refused = self._sift(briefs)
            let_in = [self._named(event) for at, event in enumerate(events) if at not in refused]
            return Let(self.store.append(let_in, gate=version), let_in, refused)

        return self._by_the_rules(tried)

    def append_table(self, table: pa.Table) -> tuple[Appended, Counter[str]]:
        """Append the rows of a table of `EVENT_SCHEMA` that may come in; how many were refused, by reason.

        Raises:
            StoreError: nothing was kept.
        """
        is_plain = self._is_plain and not speaks_of_consent(table)

        def tried(version: int) -> tuple[Appended, Counter[str]]:
            refused = self._sift(of_table(table)) if version or not is_plain else {}
            rest = without(table, list(refused)) if refused else table
            if self.pseudonyms is not None:
                rest = self.pseudonyms.table(rest)
            return self.store.append(rest, gate=version), Counter(refused.values())

        return self._by_the_rules(tried)

    def _by_the_rules(self, tried: Callable[[int], _T]) -> _T:
        for _ in range(_TRIES):
            try:
                return tried(self._version)
            except ConflictError:
                self.renew()
        raise StoreError("the rules on whose events may come in keep changing; nothing was kept: send it again")

    def _named(self, event: Event) -> Event:
        if self.pseudonyms is None:
            return event
        user_id, anonymous_id, session_id = self.pseudonyms.fields(event.user_id, event.anonymous_id, event.session_id)
        return replace(event, user_id=user_id, anonymous_id=anonymous_id, session_id=session_id)

    def _sift(self, briefs: Sequence[Brief]) -> dict[int, str]:
        """Which events are refused, by their place, and why; what the others say of analytics is taken in."""
        names = sorted({name for brief in briefs for name in brief.names})
        erased = self.erased_until(names) if self._version else {}
        refused = {
            at: _IS_ERASED
            for at, brief in enumerate(briefs)
            if any(name in erased and brief.at <= erased[name] for name in brief.names)
        }
        rest = {at: brief for at, brief in enumerate(briefs) if at not in refused}
        if self._analytics.learn(list(rest.values()), self.stored):
            self.change()
        if self._version or self._default == "denied":
            denied = self._analytics.denied(list(rest.values()), self.stored)
            for at, is_denied in zip(rest, denied, strict=True):
                if is_denied and rest[at].event not in self._kept:
                    refused[at] = _why_denied(rest[at].event)
        if self.pseudonyms is not None and self.read_version() == self._version:  # else the append will fail
            self.pseudonyms.keep([name for at in rest if at not in refused for name in rest[at].everybody])
        return refused


def erased_since(store: Store, moment: datetime) -> int:
    """How many people and devices were erased at or after a moment."""
    n, after = 0, None
    while page := store.find(ERASURE, after=after, limit=1_000):
        n += sum(int(record.body["until"]) >= microseconds(moment) for record in page)
        after = page[-1].id
    return n


def fingerprint(keys: Keys, subject: Subject) -> str:
    """The name that an erased person or device stands under in the list."""
    return keys.fingerprint(ERASURE, subject)


def _why_denied(event: str) -> str:
    return f"{event} is not kept: its person denied analytics, and consent.kept_without_analytics does not name it"

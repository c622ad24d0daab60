"""Portraits: a user's folded state and profile as of any moment, from the log, with snapshots for long histories."""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, NamedTuple

from huaxiang.collect.identity import Source, sources
from huaxiang.errors import StoreError
from huaxiang.profiles import facets as view
from huaxiang.profiles.errand import intent
from huaxiang.profiles.fold import FoldConfig, Resolved, fold, resolve
from huaxiang.profiles.following import FOLDED
from huaxiang.profiles.item_facets import ItemFacets
from huaxiang.profiles.resident import Essence, essence_of, moments_of
from huaxiang.profiles.residents import Mark, Residents
from huaxiang.profiles.state import FoldState, from_micros, to_micros
from huaxiang.profiles.state_cache import StateCache
from huaxiang.profiles.summary import summary
from huaxiang.store import Record, Store, Traces, every_user
from huaxiang.types import (
    CONSENT_SCOPES,
    FOREVER,
    REACHING_BACK,
    Event,
    EventId,
    Facet,
    Profile,
    Subject,
    UserId,
    anonymous_subject,
    check_aware,
)

logger: Final = logging.getLogger(__name__)

_WINDOW: Final = 256
"""A user with fewer events is folded whole, a user with more goes through a snapshot."""
_AT_ONCE: Final = 512
"""Events that a first reading asks for: most histories are whole then, and are not read a second time."""
_TAIL: Final = 32
"""Newest events read beside a snapshot; once as many came after it, the next one is written."""
_ALL: Final = 2_000_000
_MOST_LINKS: Final = 1_000
"""Links of one person that a resident can watch."""
_SNAPSHOT: Final = "snapshot"


@dataclass(frozen=True, slots=True)
class Memory:
    """How much of people is kept in memory, in MB of 2^20 bytes.

    Attributes:
        states_mb: folded states of the newest visitors, whole. residents_mb: the essence of people, for audiences.
    """

    states_mb: float = 256.0
    residents_mb: float = 256.0


class Reading(NamedTuple):
    """A state as it was read.

    Attributes:
        is_latest: whether it is of everything that the log has of the user, so that it stays until their next event.
        origins: the histories that were read.
        traces: those of their events that were read for it, oldest first; of a long history the newest.
    """

    state: FoldState
    is_latest: bool
    origins: Sequence[Source]
    traces: Traces


class Portraits:
    """Reads users from a store. Safe to use from many threads; states it hands out must not be changed.

    Memory: as `memory` says; what was used least recently goes first. A state takes from 3 KB to some 700 KB.
    """

    def __init__(
        self, store: Store, item_facets: ItemFacets, config: FoldConfig | None = None, *, memory: Memory | None = None
    ) -> None:
        self.store = store
        self.item_facets = item_facets
        self.config = config or FoldConfig()
        self.memory = memory or Memory()
        self._states = StateCache(store, megabytes=self.memory.states_mb)
        settings = self.config.model_dump_json().encode()
        self._fold_version = "fold-4-" + hashlib.blake2b(settings, digest_size=4).hexdigest()
        self.residents = Residents(store, item_facets, self._fold_version, megabytes=self.memory.residents_mb)

    def state(self, user_id: Subject, *, before: datetime) -> FoldState:
        """The fold of everything known of a user strictly before a moment."""
        before = check_aware("before", before)
        kept, mark = self._states.get(user_id, before=before)
        if kept is not None:
            return kept
        read = self._read(user_id, before, mark.seq)
        if read.is_latest and (devices := self._claimed(user_id, read.state, before)) is not None:
            self._states.keep(user_id, read.state, devices, before=before, mark=mark)
        return read.state

    @property
    def n_state_bytes(self) -> int:
        """What the states in memory take."""
        return self._states.n_bytes

    def read(self, user_id: Subject, *, before: datetime) -> Reading:
        """The fold of everything known strictly before a moment, which is neither kept in memory nor taken from it."""
        return self._read(user_id, check_aware("before", before), self.store.last_seq)

    def resident(self, user_id: UserId, *, now: datetime) -> Essence:
        """The essence of a user as known strictly before a moment: of their resident, else folded and kept as one."""
        found = self.residents.essence(user_id, now=now)
        if found is not None:
            return found
        mark = self.residents.mark()
        return self.settle(user_id, self.read(user_id, before=now), now=now, mark=mark)

    def settle(self, user_id: UserId, read: Reading, *, now: datetime, mark: Mark) -> Essence:
        """The essence of what was read, kept as a resident where it stays until the next event.

        Args:
            mark: from `residents.mark()`, before the reading.
        """
        essence = essence_of(
            read.state, self.item_facets, now=now, config=self.config, seq_of=lambda ids: self._seqs(read, ids)
        )
        if read.is_latest and read.state.n and (devices := self._claimed(user_id, read.state, now)) is not None:
            self.residents.keep(user_id, essence, devices, mark)
        return essence

    def _claimed(self, user_id: Subject, state: FoldState, now: datetime) -> list[Subject] | None:
        """Every device that a user claimed, whether or not it is theirs; None where they are too many to watch, or
        where the log already has a later word on one."""
        if "identify" not in state.counts:
            return []
        links = self._links(user_id)
        named = (link.anonymous_id for link in links if link.anonymous_id is not None)
        devices = list(dict.fromkeys(map(anonymous_subject, named)))
        claims = [links, *map(self._links, devices)]
        is_open = any(len(said) >= _MOST_LINKS or said[-1].timestamp >= now for said in claims)
        return None if is_open else devices

    def _links(self, subject: Subject) -> list[Event]:
        return self.store.history(subject, before=FOREVER, limit=_MOST_LINKS, events=frozenset({"identify"}))

    def _seqs(self, read: Reading, ids: Sequence[EventId]) -> dict[EventId, int]:
        """Sequence numbers of events behind a state; of those that were not read they are looked up."""
        found = dict(zip(read.traces.ids, read.traces.seqs, strict=True))
        if not found.keys() >= set(ids):
            at = moments_of(read.state)
            for event_id in ids:
                if event_id not in found and event_id in at:
                    found |= self._around(read.origins, at[event_id], event_id)
        return {event_id: found[event_id] for event_id in ids if event_id in found}

    def _around(self, origins: Sequence[Source], micros: int, event_id: EventId) -> dict[EventId, int]:
        """Events of a moment, and some before it, by their ids."""
        for source in origins:
            near = self._traces(source, from_micros(micros + 1), _TAIL)
            if event_id in near.ids:
                return dict(zip(near.ids, near.seqs, strict=True))
        return {}

    def forget(self) -> None:
        """Let go of every state and resident in memory; the next reading is of the store."""
        self._states.forget()
        self.residents.forget()

    def prepare(self, *, now: datetime) -> int:
        """Write snapshots of all users with long histories, so that no request is the first to fold one; how many."""
        n = 0
        for user in every_user(self.store):
            if user.n_events >= _WINDOW:
                self.state(user.user_id, before=now)
                n += 1
        return n

    def _is_relinked(self, user_id: Subject, before: datetime) -> bool:
        """Whether the log already holds a later link of another person, or its undoing, that changes what is read."""
        return sources(self.store, user_id, before=before) != sources(self.store, user_id, before=FOREVER)

    def state_of(self, events: Sequence[Event]) -> FoldState:
        """The fold of events that are in no log, such as a session's; in time order."""
        return self._fold_whole(events)

    def events(self, user_id: Subject, *, before: datetime) -> list[Event]:
        """Everything a user's fold reads, of all linked ids, in order; what was excluded is still in it."""
        before = check_aware("before", before)
        found = []
        for source in sources(self.store, user_id, before=before):
            own = self.store.history(source.subject, before=before, limit=_ALL, events=FOLDED)
            found.append(list(filter(source.holds, own)))
        return _in_order(found)

    def _read(self, user_id: Subject, before: datetime, last_seq: int) -> Reading:
        record = self.store.get(_SNAPSHOT, [user_id]).get(user_id)
        own = self._traces(Source(user_id), FOREVER, _AT_ONCE) if record is None else None
        is_all = own is not None and len(own) < _AT_ONCE
        origins = sources(self.store, user_id, before=before, own=own if is_all else None)
        if record is not None and (resumed := self._resume(record, user_id, origins, before, last_seq)) is not None:
            return resumed
        own = self._traces(origins[0], FOREVER, _AT_ONCE) if own is None else own
        newest = [own, *(self._traces(source, FOREVER, _AT_ONCE) for source in origins[1:])]
        until = to_micros(before)
        if any(len(read) >= _AT_ONCE for read in newest):
            traces = Traces.merged([self._traces(source, before, _ALL) for source in origins])
        else:
            traces = Traces.merged(newest).before(until)
        state = self._fold_whole(traces)
        if any(len(read) >= _WINDOW for read in newest):
            self._save(user_id, origins, state, last_seq)
        return self._reading(user_id, before, state, _has_later(newest, until), origins, traces)

    def _reading(
        self,
        user_id: Subject,
        before: datetime,
        state: FoldState,
        has_later: bool,
        origins: Sequence[Source],
        traces: Traces,
    ) -> Reading:
        is_latest = not has_later and not ("identify" in state.counts and self._is_relinked(user_id, before))
        return Reading(state, is_latest, origins, traces)

    def _resume(
        self, record: Record, user_id: Subject, origins: Sequence[Source], before: datetime, last_seq: int
    ) -> Reading | None:
        """The state from a snapshot and what came after it; None where it cannot serve."""
        snapshot, until = self._load(record, origins), to_micros(before)
        if snapshot is None or snapshot.last[0] >= until:
            return None
        newest = [self._traces(source, FOREVER, _TAIL) for source in origins]
        if any(_is_cut(read, _TAIL, snapshot.last) for read in newest):
            newest = [self._traces(source, FOREVER, _WINDOW) for source in origins]
            if any(_is_cut(read, _WINDOW, snapshot.last) for read in newest):
                return None
        read = Traces.merged(newest).before(until)
        tail = read.part(read.until(*snapshot.last))
        if not REACHING_BACK.isdisjoint(tail.kinds):
            return None
        state = fold(snapshot, tail, resolved=Resolved(), config=self.config)
        if len(tail) >= _TAIL:
            self._save(user_id, origins, state, last_seq)
        return self._reading(user_id, before, state, _has_later(newest, until), origins, read)

    def _traces(self, source: Source, before: datetime, limit: int) -> Traces:
        return source.of(self.store.traces(source.subject, before=before, limit=limit, events=FOLDED))

    def _fold_whole(self, events: Traces | Sequence[Event]) -> FoldState:
        return fold(FoldState(), events, resolved=resolve(events), config=self.config)

    def _load(self, record: Record, origins: Sequence[Source]) -> FoldState | None:
        if record.body["fold"] != self._fold_version or record.body["sources"] != _named(origins):
            return None
        return FoldState.from_json(dict(record.body["state"]))

    def _save(self, user_id: Subject, origins: Sequence[Source], state: FoldState, last_seq: int) -> None:
        """Keep a snapshot; the store drops it where an event that it should have read came in meanwhile."""
        body = {"fold": self._fold_version, "sources": _named(origins), "state": state.to_json()}
        watches = tuple(source.subject for source in origins)
        record = Record(user_id, body, at=from_micros(state.last[0]), watches=watches, seen=last_seq)
        try:
            self.store.put(_SNAPSHOT, [record])
        except StoreError as error:  # a full disk or a busy writer must not keep anyone from reading
            logger.warning("no snapshot of a long history was kept, so its next reading is slow too: %s", error)

    def profile(self, user_id: UserId, *, now: datetime) -> Profile:
        """The readable profile as known strictly before `now`."""
        state = self.state(user_id, before=now)
        consents = {scope: state.consents.get(scope, self.config.consent_default) for scope in CONSENT_SCOPES}
        shown: dict[str, Any] = {"consents": consents, "version": self._version(state)}
        goods = self.item_facets.known(state.items)
        if consents["analytics"] == "granted":
            shown["behaviour"] = view.behaviour(state, self.item_facets, now=now, goods=goods)
        if consents["personalisation"] == "granted":
            known = view.interests(state, self.item_facets, now=now, config=self.config, goods=goods)
            facets = tuple(map(self._with_related, known.facets(state, config=self.config)))
            needs = view.needs(state, self.item_facets, now=now, config=self.config)
            if (about := intent(state, self.item_facets, now=now)) is not None:
                needs = (*needs, about)
            said = summary(facets, needs, shown.get("behaviour", {}))
            mood = view.mood(state, now=now, config=self.config)
            shown |= {"interests": facets, "needs": needs, "mood": mood, "summary": said}
        return Profile(user_id=user_id, as_of=check_aware("now", now), **shown)

    def shares(self, user_id: UserId, *, now: datetime) -> Mapping[tuple[str, str], float]:
        """`(facet, value)` of all that interests a user, those too that a profile is too short for, to its score."""
        state = self.state(user_id, before=now)
        return view.interests(state, self.item_facets, now=now, config=self.config).shares

    def _with_related(self, facet: Facet) -> Facet:
        related = self.item_facets.related(facet.value) if facet.facet == "keyword" else ()
        return replace(facet, related=related) if related else facet

    def _version(self, state: FoldState) -> str:
        return f"{self._fold_version}.{state.n}.{state.last[0]}.{state.last[1]}"


def _is_cut(traces: Traces, limit: int, last: Sequence[int]) -> bool:
    """Whether something between a snapshot and what was read of a history may have been left out."""
    return len(traces) >= limit and (traces.moments[0], traces.seqs[0]) > tuple(last)


def _in_order(histories: Sequence[list[Event]]) -> list[Event]:
    return histories[0] if len(histories) == 1 else sorted(_distinct(histories), key=lambda one: (one.micros, one.seq))


def _distinct(histories: Sequence[list[Event]]) -> list[Event]:
    """A link stands in the history of both of its ids and is read once."""
    return list({event.seq: event for events in histories for event in events}.values())


def _has_later(histories: Sequence[Traces], until: int) -> bool:
    """Whether anything of some histories lies at a moment or after it."""
    return any(traces.moments[-1] >= until for traces in histories if len(traces))


def _named(origins: Sequence[Source]) -> list[list[Any]]:
    return [[source.subject, None if source.until is None else list(source.until)] for source in origins]

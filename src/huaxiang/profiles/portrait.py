"""Portraits: a user's folded state and profile as of any moment, from the log, with snapshots for long histories."""

import hashlib
import logging
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from huaxiang.collect.identity import Source, sources
from huaxiang.errors import StoreError
from huaxiang.profiles import facets as view
from huaxiang.profiles.errand import intent
from huaxiang.profiles.fold import FoldConfig, Resolved, fold, resolve
from huaxiang.profiles.item_facets import ItemFacets
from huaxiang.profiles.state import FoldState, from_micros, to_micros
from huaxiang.profiles.summary import summary
from huaxiang.store import Record, Store, every_user
from huaxiang.types import (
    CONSENT_SCOPES,
    EVENT_NAMES,
    REACHING_BACK,
    Event,
    Facet,
    Profile,
    Subject,
    UserId,
    check_aware,
)

logger: Final = logging.getLogger(__name__)

_WINDOW: Final = 128
"""A user with fewer events is folded whole, a user with more goes through a snapshot."""
_TAIL: Final = 32
"""Newest events read beside a snapshot; once as many came after it, the next one is written."""
_ALL: Final = 2_000_000
_KEPT_USERS: Final = 4_096
_SNAPSHOT: Final = "snapshot"
_FOLDED: Final = EVENT_NAMES - {"view_item_list", "set_item", "delete_item"}
"""What was merely shown says nothing of a person, and is the bulk of many logs."""
FOREVER: Final = datetime(9999, 1, 1, tzinfo=UTC)
"""Later than any event: a reading of everything."""


@dataclass(frozen=True, slots=True)
class _Kept:
    last_seq: int
    before: datetime
    state: FoldState


class Portraits:
    """Reads users from a store. Safe to use from many threads; states it hands out must not be changed.

    Memory: the states of the last 4,096 users, about 200 bytes for each item a user touched (at most 600).
    """

    def __init__(self, store: Store, item_facets: ItemFacets, config: FoldConfig | None = None) -> None:
        self.store = store
        self.item_facets = item_facets
        self.config = config or FoldConfig()
        self._cache: OrderedDict[UserId, _Kept] = OrderedDict()
        self._lock = threading.Lock()
        settings = self.config.model_dump_json().encode()
        self._fold_version = "fold-4-" + hashlib.blake2b(settings, digest_size=4).hexdigest()

    def state(self, user_id: Subject, *, before: datetime) -> FoldState:
        """The fold of everything known of a user strictly before a moment."""
        before = check_aware("before", before)
        last_seq = self.store.last_seq
        kept = self._cache.get(user_id)
        if kept is not None and kept.last_seq == last_seq and before >= kept.before:
            return kept.state
        state, has_later = self._read(user_id, before, last_seq)
        if not has_later and not ("identify" in state.counts and self._is_relinked(user_id, before)):
            with self._lock:
                self._cache[user_id] = _Kept(last_seq, before, state)
                self._cache.move_to_end(user_id)
                while len(self._cache) > _KEPT_USERS:
                    self._cache.popitem(last=False)
        return state

    def forget(self) -> None:
        """Let go of every state in memory; the next reading is of the store."""
        with self._lock:
            self._cache.clear()

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
        return self._fold_whole(list(events))

    def events(self, user_id: Subject, *, before: datetime) -> list[Event]:
        """Everything a user's fold reads, of all linked ids, in order; what was excluded is still in it."""
        before = check_aware("before", before)
        origins = sources(self.store, user_id, before=before)
        return _in_order([self._history(source, before, _ALL) for source in origins])

    def _read(self, user_id: Subject, before: datetime, last_seq: int) -> tuple[FoldState, bool]:
        """The state, and whether the log already holds events of the user at or after the moment."""
        record = self.store.get(_SNAPSHOT, [user_id]).get(user_id)
        own = self._history(Source(user_id), FOREVER, _WINDOW) if record is None else None
        is_short = own is not None and len(own) < _WINDOW
        origins = sources(self.store, user_id, before=before, own_events=own if is_short else None)
        if record is not None and (resumed := self._resume(record, user_id, origins, before, last_seq)) is not None:
            return resumed
        own = self._history(origins[0], FOREVER, _WINDOW) if own is None else own
        newest = [own, *(self._history(source, FOREVER, _WINDOW) for source in origins[1:])]
        has_later = any(event.timestamp >= before for events in newest for event in events)
        if all(len(events) < _WINDOW for events in newest):
            return self._fold_whole([event for event in _in_order(newest) if event.timestamp < before]), has_later
        state = self._fold_whole(_in_order([self._history(source, before, _ALL) for source in origins]))
        self._save(user_id, origins, state, last_seq)
        return state, has_later

    def _resume(
        self, record: Record, user_id: Subject, origins: Sequence[Source], before: datetime, last_seq: int
    ) -> tuple[FoldState, bool] | None:
        """The state from a snapshot and what came after it; None where it cannot serve."""
        snapshot = self._load(record, origins)
        if snapshot is None or from_micros(snapshot.last[0]) >= before:
            return None
        last = tuple(snapshot.last)
        newest = [self._history(source, FOREVER, _TAIL) for source in origins]
        if any(len(events) >= _TAIL and _place(events[0]) > last for events in newest):
            newest = [self._history(source, FOREVER, _WINDOW) for source in origins]
            if any(len(events) >= _WINDOW and _place(events[0]) > last for events in newest):
                return None
        tail = [event for event in _in_order(newest) if _place(event) > last and event.timestamp < before]
        if any(event.event in REACHING_BACK for event in tail):
            return None
        state = fold(snapshot, tail, resolved=Resolved(), config=self.config)
        if len(tail) >= _TAIL:
            self._save(user_id, origins, state, last_seq)
        return state, any(event.timestamp >= before for events in newest for event in events)

    def _history(self, source: Source, before: datetime, limit: int) -> list[Event]:
        found = self.store.history(source.subject, before=before, limit=limit, events=_FOLDED)
        return [event for event in found if source.holds(event)] if source.until else found

    def _fold_whole(self, events: list[Event]) -> FoldState:
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
        if consents["analytics"] == "granted":
            shown["behaviour"] = view.behaviour(state, self.item_facets, now=now)
        if consents["personalisation"] == "granted":
            known = view.interests(state, self.item_facets, now=now, config=self.config)
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
        return replace(facet, related=self.item_facets.related(facet.value)) if facet.facet == "keyword" else facet

    def _version(self, state: FoldState) -> str:
        return f"{self._fold_version}.{state.n}.{state.last[0]}.{state.last[1]}"


def _place(event: Event) -> tuple[int, int]:
    return (to_micros(event.timestamp), event.seq)


def _in_order(histories: Sequence[list[Event]]) -> list[Event]:
    return histories[0] if len(histories) == 1 else sorted(_distinct(histories), key=_place)


def _distinct(histories: Sequence[list[Event]]) -> list[Event]:
    """A link stands in the history of both of its ids and is read once."""
    return list({event.seq: event for events in histories for event in events}.values())


def _named(origins: Sequence[Source]) -> list[list[Any]]:
    return [
        [source.subject, None if source.until is None else [to_micros(source.until[0]), source.until[1]]]
        for source in origins
    ]

"""The fold of a user's events: first what reaches back is resolved, then one left fold in (timestamp, seq) order.

No model is called here: texts were read at intake. The same events give the same state to the last bit, however they
are cut into a snapshot and a tail (a property test).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import ne
from typing import Any, Final, NamedTuple

from pydantic import BaseModel, Field

from huaxiang.collect.consent import said_scopes
from huaxiang.profiles.errand import goes_on, newest_visit, step_errand
from huaxiang.profiles.state import DAY, Edit, Errand, FoldState, Search, Tally
from huaxiang.store import Deed, Traces
from huaxiang.store.trace import trace_of
from huaxiang.types import REACHING_BACK, Event, EventId, ItemId

WEIGHTS: Final[Mapping[str, float]] = {
    "view_item": 1.0,
    "select_item": 0.5,
    "add_to_cart": 3.0,
    "remove_from_cart": -2.0,
    "add_to_wishlist": 3.0,
    "begin_checkout": 0.5,
    "purchase": 6.0,
    "like": 3.0,
    "dislike": -5.0,
    "share": 2.0,
}
"""How much one event says about interest in the item it names; `review` depends on its rating or sentiment."""

SEARCH_WORDS: Final = 6
"""Words of one search that are read as interests."""
_REVIEW_WEIGHT: Final = 4.0
MAX_ITEMS: Final = 500
MAX_QUERIES: Final = 100
MAX_SEARCHES: Final = 20
_MAX_BOOST: Final = 10.0
_HOUR: Final = DAY // 24
_PLAIN: Final = frozenset(WEIGHTS) - {"purchase"}
"""Kinds of events that say nothing beside interest, where they have no text."""


class FoldConfig(BaseModel, frozen=True, extra="forbid"):
    """How fast what was seen is forgotten."""

    interest_half_life_days: float = Field(default=60.0, gt=0)
    need_half_life_days: float = Field(default=4.0, gt=0)
    mood_half_life_days: float = Field(default=10.0, gt=0)
    consent_default: str = Field(default="granted", pattern="^(granted|denied)$")


@dataclass(frozen=True, slots=True)
class Resolved:
    """What later events say about earlier ones."""

    excluded: frozenset[EventId] = frozenset()
    void_edits: frozenset[EventId] = frozenset()
    refunded: Mapping[EventId, frozenset[ItemId]] = field(default_factory=dict)


def resolve(events: Traces | Sequence[Event]) -> Resolved:
    """Which events are excluded, which edits undone, which lines of which purchases refunded.

    What reaches back reaches back only: an exclusion of an event that comes later has no effect, so a fold of a
    snapshot and a tail without such events needs no look at what was folded before.

    Args:
        events: all events of the user in (timestamp, seq) order.
    """
    kinds = set(events.kinds) if isinstance(events, Traces) else {event.event for event in events}
    if kinds.isdisjoint(("profile_edit", "refund")):
        return Resolved()
    deeds: list[Deed] = list(events)
    at = {event.event_id: position for position, event in enumerate(deeds)}
    edits = [event for event in deeds if event.event == "profile_edit"]
    void = _undone(edits, at)
    excluded: set[EventId] = set()
    for edit in edits:
        target = at.get(str(edit.properties.get("event_id")))
        if edit.properties.get("op") != "exclude_event" or edit.event_id in void or target is None:
            continue
        # a consent or a link is taken back by its own kind
        if target < at[edit.event_id] and deeds[target].event not in REACHING_BACK:
            excluded.add(deeds[target].event_id)
    kept = [event for event in deeds if event.event_id not in excluded]
    return Resolved(frozenset(excluded), frozenset(void), _refunded(kept))


def _undone(edits: Sequence[Deed], at: Mapping[EventId, int]) -> set[EventId]:
    """Newest first, so that an undo which was itself undone has no effect."""
    void: set[EventId] = set()
    names = {str(edit.properties["edit_id"]): edit.event_id for edit in edits if _names_itself(edit)}
    for edit in reversed(edits):
        if _is_undo(edit) and edit.event_id not in void:
            target = str(edit.properties.get("edit_id"))
            target = names.get(target, target)
            if at.get(target, len(at)) < at[edit.event_id]:
                void.add(target)
    return void


def _names_itself(edit: Deed) -> bool:
    return not _is_undo(edit) and bool(edit.properties.get("edit_id"))


def _is_undo(edit: Deed) -> bool:
    return edit.properties.get("op") == "undo"


def _refunded(events: Sequence[Deed]) -> dict[EventId, frozenset[ItemId]]:
    """A refund takes back the newest purchase before it that still holds the item."""
    if not any(event.event == "refund" for event in events):
        return {}
    open_lines: dict[ItemId, list[EventId]] = {}
    taken: dict[EventId, set[ItemId]] = {}
    for event in events:
        for item_id in event.item_ids:
            if event.event == "purchase":
                open_lines.setdefault(item_id, []).append(event.event_id)
            elif event.event == "refund" and open_lines.get(item_id):
                taken.setdefault(open_lines[item_id].pop(), set()).add(item_id)
    return {event_id: frozenset(items) for event_id, items in taken.items()}


class _Pace(NamedTuple):
    """Microseconds in which masses halve."""

    long: float
    short: float
    mood: float


def fold(state: FoldState, events: Traces | Iterable[Event], *, resolved: Resolved, config: FoldConfig) -> FoldState:
    """Read `events`, in order and all newer than what `state` has read, into `state`, which is returned.

    The state is changed in place: hand a fresh one, or one you own.
    """
    traces = events if isinstance(events, Traces) else Traces.of_events(events)
    if resolved.excluded:
        traces = traces.without(resolved.excluded)
    days = (config.interest_half_life_days, config.need_half_life_days, config.mood_half_life_days)
    pace = _Pace(*(DAY * half_life for half_life in days))
    _count(state, traces)
    traces = _allowed(state, traces, config)
    noted = newest_visit(traces)
    if noted:
        state.errand = Errand()
    items, visit = state.items, state.visit
    for at, row in enumerate(traces.rows()):
        _, micros, event_id, kind, session, _, _, item_id, lines, read = row
        if at >= noted or lines is not None or (read is not None and kind != "search"):
            _step(state, trace_of(row), at >= noted, resolved, pace)
        elif kind in _PLAIN:
            weight = WEIGHTS[kind]
            weight *= _damping(visit, session, micros, abs(weight))
            if item_id is not None:
                _meet(items, item_id, weight, micros, event_id, pace)
        elif kind == "search":
            _words(state, trace_of(row), micros, pace)
        else:
            _step(state, trace_of(row), False, resolved, pace)
        if len(items) > MAX_ITEMS + 100:
            _forget_weakest(items, MAX_ITEMS, pace)
    return state


def _count(state: FoldState, traces: Traces) -> None:
    """What is counted of everybody, whatever they allow."""
    if not len(traces):
        return
    for name, n in Counter(traces.kinds).items():
        state.counts[name] = state.counts.get(name, 0) + n
    times = traces.moments
    hours = [micros // _HOUR for micros in times]
    days = [hour // 24 for hour in hours]
    state.active_days += sum(map(ne, days[1:], days)) + (state.n == 0 or days[0] != state.last[0] // DAY)
    of_day = [hour % 24 for hour, micros in zip(hours, times, strict=True) if hour % 24 or micros % DAY]
    for hour, n in Counter(of_day).items():
        state.hours[hour] += n
    if state.n == 0:
        state.first = traces.moments[0]
    state.n += len(traces)
    state.last = [traces.moments[-1], traces.seqs[-1]]


def _allowed(state: FoldState, traces: Traces, config: FoldConfig) -> Traces:
    """Note consents; those of the events at which personalisation was allowed."""
    status = state.consents.get("personalisation", config.consent_default)
    if "consent" not in traces.kinds:
        return traces if status != "denied" else traces.part(0, 0)
    is_read = []
    for at, kind in enumerate(traces.kinds):
        if kind == "consent":
            state.consents.update(said_scopes(traces[at]))
            status = state.consents.get("personalisation", config.consent_default)
        is_read.append(status != "denied")
    return traces if all(is_read) else traces.where(is_read)


def _step(state: FoldState, event: Deed, is_noted: bool, resolved: Resolved, pace: _Pace) -> None:
    """Read one event.

    Args:
        is_noted: whether it may be of the newest visit.
    """
    micros = event.micros
    if is_noted:
        step_errand(state, event, micros)
    if weight := weight_of(event):
        _interest(state, event, micros, weight, resolved, pace)
    if event.reading is not None or event.event == "search":
        _words(state, event, micros, pace)
    if event.event == "set_user":
        state.traits.update(event.properties)
    elif event.event in {"purchase", "refund"}:
        _trade(state, event, micros, resolved)
    elif event.event == "profile_edit" and event.event_id not in resolved.void_edits:
        _edit(state, event, micros, pace)


def _interest(state: FoldState, event: Deed, micros: int, weight: float, resolved: Resolved, pace: _Pace) -> None:
    named, event_id = event.item_ids, event.event_id
    weight *= _damping(state.visit, event.session_id, micros, abs(weight))
    returned = resolved.refunded.get(event_id, frozenset())
    # An order of many lines says less about each of them; a returned line says no more than a look did.
    spread = 1.0 if len(named) < 2 else len(named) ** -0.5
    for item_id in named:
        whole = WEIGHTS["view_item"] if item_id in returned else weight
        _meet(state.items, item_id, whole * spread, micros, event_id, pace)


def _damping(visit: list[Any], own: str | None, micros: int, weight: float) -> float:
    """How much an event counts after what its visit has said: a visit of weight W counts as the root of W.

    A long visit is one errand, perhaps for somebody else; it is not as many interests as it has looks.
    """
    session, last, said = visit
    before: float = said if goes_on(session, last, own, micros) else 0.0
    visit[0], visit[1], visit[2] = own, micros, before + weight
    damped: float = ((before + weight) ** 0.5 - before**0.5) / weight
    return damped


def _meet(tallies: dict[str, Tally], name: str, weight: float, micros: int, event_id: EventId, pace: _Pace) -> None:
    """Add the weight of an event to what it names."""
    tally = tallies.get(name)
    if tally is None:
        tallies[name] = Tally(weight, weight, micros, 1, ((micros, event_id),))
        return
    add(tally, weight, micros, pace.long, pace.short)
    tally.note(micros, event_id)


def weight_of(event: Deed) -> float:
    """How much an event says about interest in what it names, before its visit damps it; 0: nothing."""
    if event.event != "review":
        return WEIGHTS.get(event.event, 0.0)
    if event.rating is not None:
        return _REVIEW_WEIGHT * max(-1.0, min(1.0, (event.rating - 3.0) / 2.0 + 0.25))
    polarity = event.reading.polarity if event.reading else None
    return _REVIEW_WEIGHT * (polarity if polarity is not None else 0.25)


def _words(state: FoldState, event: Deed, micros: int, pace: _Pace) -> None:
    reading = event.reading
    if reading is not None and reading.language != "und":
        state.languages[reading.language] = state.languages.get(reading.language, 0) + 1
    if reading is not None and reading.polarity is not None and event.event in {"review", "support_message", "post"}:
        add(state.mood, reading.polarity * reading.strength, micros, pace.mood, pace.short)
        add(state.mood_weight, reading.strength, micros, pace.mood, pace.short)
        state.mood.note(micros, event.event_id)
    if event.event != "search" or not event.query:
        return
    query = " ".join(event.query.split())[:200]
    state.searches.append(Search(query, micros, event.event_id, event.session_id))
    del state.searches[:-MAX_SEARCHES]
    for word in reading.keywords[:SEARCH_WORDS] if reading is not None else ():
        _meet(state.queries, word, 1.0, micros, event.event_id, pace)
    if len(state.queries) > MAX_QUERIES + 50:
        _forget_weakest(state.queries, MAX_QUERIES, pace)


def _trade(state: FoldState, event: Deed, micros: int, resolved: Resolved) -> None:
    sign = 1.0 if event.event == "purchase" else -1.0
    lines = sum((line.price or 0.0) * (1.0 if line.quantity is None else line.quantity) for line in event.items)
    currency = event.currency or ""
    state.spend[currency] = state.spend.get(currency, 0.0) + sign * abs(lines if event.value is None else event.value)
    if event.event != "purchase":
        return
    # A shop that logs a line at a time sends one order as many purchases of one session and moment.
    order = [event.session_id, micros]
    state.n_orders += event.session_id is None or order != state.order
    state.order = order
    returned = resolved.refunded.get(event.event_id, frozenset())
    if not event.item_ids or not returned.issuperset(event.item_ids):
        n_days, first, newest = state.buying
        is_new_day = n_days == 0 or newest // DAY != micros // DAY
        state.buying = [n_days + is_new_day, first if n_days else micros, micros]
    for item_id in event.item_ids:
        if item_id not in returned:
            state.bought[item_id] = [state.bought.get(item_id, [0])[0] + 1, micros]
    for search in state.searches:
        if event.session_id is not None and search.session == event.session_id:
            search.is_open = False


def _edit(state: FoldState, event: Deed, micros: int, pace: _Pace) -> None:
    op, facet, value = (str(event.properties.get(name, "")) for name in ("op", "facet", "value"))
    if op not in {"add", "remove", "mute", "boost"}:
        return
    weight = event.properties.get("weight", 1.0)
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0.0 <= weight <= _MAX_BOOST:
        weight = 1.0  # checked at intake; an odd weight of an older log changes nothing
    edit = Edit(op, facet, value, float(weight), micros, event.event_id)
    if op == "remove":
        edit.base = {item: _left(tally.long, micros - tally.at, pace.long) for item, tally in state.items.items()}
    state.edits.append(edit)


def decayed(mass: float, elapsed_micros: int, half_life_days: float) -> float:
    """What is left of a mass after a time."""
    return _left(mass, elapsed_micros, DAY * half_life_days)


def _left(mass: float, elapsed: int, half_life: float) -> float:
    """The same, with both times in microseconds."""
    return float(mass * 2.0 ** (-elapsed / half_life))


def add(tally: Tally, weight: float, micros: int, long: float, short: float) -> None:
    """Decay a tally to `micros` and add a weight to both of its masses.

    Args:
        long, short: microseconds in which each of them halves.
    """
    if tally.long or tally.short:
        elapsed = micros - tally.at
        tally.long = _left(tally.long, elapsed, long) + weight
        tally.short = _left(tally.short, elapsed, short) + weight
    else:
        tally.long = tally.short = weight
    tally.at = micros


def _forget_weakest(tallies: dict[str, Tally], keep: int, pace: _Pace) -> None:
    """Keep the strongest; what is dropped depends on the state alone, so a snapshot forgets the same."""
    newest = max(tally.at for tally in tallies.values())
    strength = {key: abs(_left(tally.long, newest - tally.at, pace.long)) for key, tally in tallies.items()}
    for key in sorted(tallies, key=lambda key: (-strength[key], key))[keep:]:
        del tallies[key]

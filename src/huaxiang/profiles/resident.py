"""A resident: the readable essence of one person, small enough to keep in memory for everybody.

At most 24 facets with 3 sequence numbers each, figures, needs, mood and consents; further interests by score alone.
The full evidence is in the log. While no event comes in and no item changes, shares of interest are constant and the
rest is computed from its moment as a profile computes it, so a resident answers for any later moment as a fold would.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from huaxiang.profiles import facets as view
from huaxiang.profiles.behaviour import habit
from huaxiang.profiles.errand import intent
from huaxiang.profiles.fold import FoldConfig, decayed
from huaxiang.profiles.item_facets import ItemFacets
from huaxiang.profiles.state import DAY, Errand, FoldState, Search, Tally, to_micros
from huaxiang.types import EventId, Facet

FACETS: Final = 24
"""Interests and needs together."""
NEEDS: Final = 8
"""Searches, unbought items and the intent of them; interests take the places that these leave free."""
SEQS: Final = 3
SLACK: Final = 1e-6
"""A share can differ by less than this from what another moment computes: floating point alone moves it."""
FAINT: Final = view.LEAST_SHOWN - SLACK
"""Interests weaker than this, of either sign, are not in a resident."""

_CONSIDERED: Final = 40
"""Strongest interests, of which a profile shows some: to find the evidence of more is what costs."""
_MOST_UNBOUGHT: Final = 8
_MOST_NEEDS: Final = 16
"""What `facets.needs` shows at most: with as many, others may stand behind them (a test counts them)."""
_MOST_BOOSTS: Final = 6
_HALVINGS: Final = 900
"""Halvings of a mass after which a share is no more computed from it: doubles end at 1,074."""
FOR_EVER: Final = 2**62

Seqs = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """A facet of a resident.

    Attributes:
        at: microseconds of the newest event behind it.
        seqs: sequence numbers of the newest events behind it, newest first, at most three.
    """

    facet: str
    value: str
    score: float
    confidence: float
    at: int
    seqs: Seqs


@dataclass(frozen=True, slots=True)
class Wanted:
    """An open search, or an item looked at and not bought.

    Attributes:
        short: mass under the half-life of needs, as of `at` (microseconds); of a search 1.
        n: events behind it.
    """

    value: str
    short: float
    at: int
    n: int
    seqs: Seqs


@dataclass(frozen=True, slots=True)
class Essence:
    """What a resident says, unpacked.

    Attributes:
        as_of, until: microseconds of the first and the last moment that it holds for.
        figures: a state with the figures of behaviour, traits, mood and consents, and nothing else.
        facets: interests with their evidence, strongest first.
        others: further `(facet, value, score)`.
        is_whole: whether every interest of at least `FAINT`, of either sign, is among the two.
        searches, unbought: open needs, strongest first; whole where none was left out.
        intent: of the newest visit; its score is of `as_of`.
        price_sensitivity, loyalty: as a profile shows them.
    """

    as_of: int
    until: int
    figures: FoldState
    language: str | None
    facets: tuple[Held, ...]
    others: tuple[tuple[str, str, float], ...]
    is_whole: bool
    searches: tuple[Wanted, ...]
    searches_are_whole: bool
    unbought: tuple[Wanted, ...]
    unbought_is_whole: bool
    intent: Held | None
    price_sensitivity: float | None = None
    loyalty: float | None = None


SeqOf = Callable[[Sequence[EventId]], Mapping[EventId, int]]
"""Sequence numbers of events by their ids; those that the log has no more are missing."""


def essence_of(
    state: FoldState, item_facets: ItemFacets, *, now: datetime, config: FoldConfig, seq_of: SeqOf
) -> Essence:
    """The essence of a state that holds all events of the person, as of a moment."""
    micros = to_micros(now)
    known = view.interests(state, item_facets, now=now, config=config)
    shares = {key: score for key, score in known.shares.items() if abs(score) >= FAINT}
    order = sorted(shares, key=lambda key: (-abs(shares[key]), key))
    likeliest = known.facets(state, config=config, among=frozenset(order[:_CONSIDERED]))
    needs = view.needs(state, item_facets, now=now, config=config)
    about = intent(state, item_facets, now=now)
    room = NEEDS - (about is not None)
    shown = sorted(likeliest, key=lambda facet: -abs(facet.score))[: FACETS - NEEDS + max(0, room - len(needs))]
    cited = (facet.evidence[:SEQS] for facet in (*shown, *needs, *(() if about is None else (about,))))
    seqs = seq_of(list(dict.fromkeys(event_id for ids in cited for event_id in ids)))
    facets = tuple(_held(facet, seqs) for facet in shown)
    told = {(facet.facet, facet.value) for facet in facets}
    searches = [need for need in needs if need.facet == "search"]
    unbought = [need for need in needs if need.facet == "unbought"]
    kept = unbought[: max(0, room - len(searches))]
    return Essence(
        as_of=micros,
        until=_until(state, micros, config),
        figures=_figures(state),
        language=view.language(state, item_facets) if state.n else None,
        facets=facets,
        others=tuple((*key, shares[key]) for key in order if key not in told),
        is_whole=True,
        searches=tuple(_search(need, seqs) for need in searches[:room]),
        # Unbought items take at most half of what is shown, so with no more searches than the other half none is cut.
        searches_are_whole=len(searches) <= min(room, _MOST_NEEDS - _MOST_UNBOUGHT),
        unbought=tuple(_item(state, need, seqs) for need in kept),
        unbought_is_whole=len(kept) == len(unbought) < _MOST_UNBOUGHT and len(needs) < _MOST_NEEDS,
        intent=None if about is None else _held(about, seqs),
        price_sensitivity=habit("price_sensitivity", state, item_facets, now=now),
        loyalty=habit("loyalty", state, item_facets, now=now),
    )


def _held(facet: Facet, seqs: Mapping[EventId, int]) -> Held:
    return Held(
        facet.facet, facet.value, facet.score, facet.confidence, to_micros(facet.last_seen), _cited(facet, seqs)
    )


def _cited(facet: Facet, seqs: Mapping[EventId, int]) -> Seqs:
    return tuple(seqs[event_id] for event_id in facet.evidence[:SEQS] if event_id in seqs)


def _search(need: Facet, seqs: Mapping[EventId, int]) -> Wanted:
    return Wanted(need.value, 1.0, to_micros(need.last_seen), 1, _cited(need, seqs))


def _item(state: FoldState, need: Facet, seqs: Mapping[EventId, int]) -> Wanted:
    tally = state.items[need.value]
    return Wanted(need.value, tally.short, tally.at, tally.n, _cited(need, seqs))


def _figures(state: FoldState) -> FoldState:
    return FoldState(
        counts=state.counts,
        spend=state.spend,
        consents=state.consents,
        mood=_bare(state.mood),
        mood_weight=_bare(state.mood_weight),
        traits=state.traits,
        n_orders=state.n_orders,
        buying=list(state.buying),
        active_days=state.active_days,
        first=state.first,
        last=list(state.last),
        n=state.n,
    )


def _bare(tally: Tally) -> Tally:
    return replace(tally, short=0.0, n=0, evidence=())


def _until(state: FoldState, micros: int, config: FoldConfig) -> int:
    """Until when shares can be computed from the masses, which halve until nothing is left of them."""
    boosts: dict[tuple[str, str], int] = {}
    for edit in state.edits:
        if edit.op == "boost":
            boosts[edit.facet, edit.value] = boosts.get((edit.facet, edit.value), 0) + 1
    if max(boosts.values(), default=0) > _MOST_BOOSTS:
        return micros  # multiplied so often, what rounding makes of a share is no more small
    half_life = config.interest_half_life_days
    whole = sum(
        abs(decayed(tally.long, micros - tally.at, half_life))
        for tally in (*state.items.values(), *state.queries.values())
    )
    if whole <= 0.0:
        return FOR_EVER
    return min(FOR_EVER, micros + int(max(0.0, _HALVINGS + math.log2(whole)) * half_life * DAY))


def wanting(searches: Iterable[Wanted], unbought: Iterable[Wanted]) -> FoldState:
    """A state with these needs alone, from which `facets.needs` reads them as of any later moment."""
    # the newest search is the last of a state
    asked = [Search(search.value, search.at, "", None) for search in reversed(list(searches))]
    items = {item.value: Tally(short=item.short, at=item.at, n=item.n, evidence=((item.at, ""),)) for item in unbought}
    return FoldState(searches=asked, items=items)


def moments_of(state: FoldState) -> dict[EventId, int]:
    """Microseconds of every event that a state names as evidence."""
    tallies: list[Tally | Errand] = [*state.items.values(), *state.queries.values(), state.mood, state.errand]
    found = {str(event_id): int(at) for tally in tallies for at, event_id in tally.evidence}
    found |= {search.event_id: search.at for search in state.searches}
    return found | {edit.event_id: edit.at for edit in state.edits}

"""A profile is read from a fold's state through today's catalogue: shares of interest, each with its evidence."""

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from huaxiang.profiles.behaviour import habits
from huaxiang.profiles.confidence import Confidence, Evidence
from huaxiang.profiles.fold import FoldConfig, decayed
from huaxiang.profiles.heaps import LOOKED_AT, Heap, Weighed, cut_heaps, heaps_of
from huaxiang.profiles.item_facets import Goods, ItemFacets
from huaxiang.profiles.recurrence import family, group
from huaxiang.profiles.state import DAY, EVIDENCE_KEPT, Cited, Edit, FoldState, from_micros, to_micros
from huaxiang.text.tags import PATH
from huaxiang.types import EventId, Facet, ItemId

_SHOWN: Final[Mapping[str, int]] = {"category": 6, "brand": 8, "price_band": 3, "keyword": 12}
"""How many facets of a kind a profile shows; of categories at each depth of the path."""
_SHOWN_OTHERWISE: Final = 4
_NEEDS: Final = 8
_HALF_SURE: Final = 3.0
"""Events that make a need or a dislike half certain: confidence = n / (n + 3)."""
_FORGOTTEN: Final = 0.02
LEAST_SHOWN: Final = _FORGOTTEN / 4
"""Weaker facets are not in a profile, and in no audience unless a score is asked for."""
_WRITTEN: Final = 5.0
"""Touched titles that one written text outweighs, for the language."""


@dataclass(frozen=True, slots=True)
class Interests:
    """Shares of a state's interest at a moment, for ranking; `facets` adds the evidence, for people.

    Attributes:
        shares: `(facet, value)` to score: signed share of all interest, edits applied; muted ones are absent.
        chances: `(facet, value)` to the share that it is expected to have in what is met on the next day.
        heaps: the items and words behind each share.
        removed: the newest removal of each facet that was removed.
        lately: signed share of each facet in what was met, the later days weighing more.
        n_days: days on which anything was last met. n_met: events behind all items.
        confidence: how sure each facet is by what it rests on.
    """

    shares: Mapping[tuple[str, str], float]
    chances: Mapping[tuple[str, str], float]
    heaps: Mapping[tuple[str, str], Heap]
    removed: Mapping[tuple[str, str], Edit]
    lately: Mapping[tuple[str, str], float]
    n_days: int
    n_met: int
    confidence: Confidence

    def shown(self) -> list[tuple[str, str]]:
        """What a profile shows, likeliest first within each kind."""
        return _strongest(self.shares, self.chances)

    def evidence(self, key: tuple[str, str]) -> Evidence:
        """What a facet that was met rests on."""
        return Evidence(self.chances.get(key, 0.0), self.heaps[key].n or 1, self.n_days or 1, self.n_met or 1)

    def facets(
        self, state: FoldState, *, config: FoldConfig, among: Collection[tuple[str, str]] | None = None
    ) -> tuple[Facet, ...]:
        """Brand, category, attribute, price band and keyword facets, likeliest first within each kind.

        Args:
            among: only those of the profile's facets that are named here; finding the evidence is what costs.
        """
        kept = [key for key in self.shown() if among is None or key in among]
        return tuple(self._facet(state, key, config) for key in kept)

    def _facet(self, state: FoldState, key: tuple[str, str], config: FoldConfig) -> Facet:
        heap, score = self.heaps.get(key), self.shares[key]
        seen = [] if heap is None else heap.newest()
        stated = [(e.at, e.event_id) for e in state.edits if e.op == "add" and (e.facet, e.value) == key]
        if (removed := self.removed.get(key)) is not None:
            seen = [entry for entry in seen if entry[0] > removed.at]
        newest = sorted(seen + stated, reverse=True)[:LOOKED_AT]
        if stated:
            sure = 1.0
        elif score > 0.0:
            named = family(key) if self.confidence else ""
            sure = 0.0 if heap is None else self.confidence.of(named, self.evidence(key))
        else:
            n = 0 if heap is None else heap.n
            sure = n / (n + _HALF_SURE)
        cited: list[EventId] = []
        for _, event_id in newest:
            if event_id not in cited:  # an order of several lines is evidence once
                cited.append(event_id)
        evidence = tuple(cited[:EVIDENCE_KEPT])
        last_seen = from_micros(newest[0][0] if newest else state.last[0])
        return Facet(*key, score, sure, config.interest_half_life_days, evidence, last_seen)


def interests(
    state: FoldState, item_facets: ItemFacets, *, now: datetime, config: FoldConfig, goods: Goods | None = None
) -> Interests:
    """What a state is interested in, through today's catalogue.

    Args:
        goods: the state's items, where they have been read anyway.
    """
    removed = {(edit.facet, edit.value): edit for edit in state.edits if edit.op == "remove"}
    micros, goods = to_micros(now), goods or item_facets.known(state.items)
    weighed = Weighed.of(state, micros, config)
    heaps = cut_heaps(state, goods, weighed, micros, config, removed) if removed else heaps_of(state, goods, weighed)
    shares, lately, whole, recent = {}, {}, weighed.whole, weighed.recent
    for key, heap in heaps.items():
        if whole > 0.0:
            share = heap.mass / whole
            shares[key] = share if -1.0 <= share <= 1.0 else math.copysign(1.0, share)
        if recent > 0.0:
            lately[key] = heap.recent / recent
    chances = item_facets.recurrence.chances(lately)
    if state.edits:
        _apply_edits(state.edits, shares)
        _apply_edits(state.edits, chances)
    n_met = sum([tally.n for tally in state.items.values()])
    return Interests(shares, chances, heaps, removed, lately, weighed.n_days, n_met, item_facets.recurrence.confidence)


def muted_by(edits: Iterable[Edit]) -> frozenset[tuple[str, str]]:
    """`(facet, value)` that the user asked never to be shown; the newest word on a facet wins."""
    newest = {(edit.facet, edit.value): edit.op for edit in edits if edit.op in ("mute", "add")}
    return frozenset(key for key, op in newest.items() if op == "mute")


def _apply_edits(edits: Sequence[Edit], shares: dict[tuple[str, str], float]) -> None:
    """Added facets stand, boosted ones grow, muted ones go."""
    for edit in edits:
        key = (edit.facet, edit.value)
        if edit.op == "add":
            shares[key] = max(shares.get(key, 0.0), min(1.0, edit.weight))
        elif edit.op == "boost" and key in shares:
            shares[key] = max(-1.0, min(1.0, shares[key] * edit.weight))
    muted = muted_by(edits)
    for key in list(shares) if muted else ():
        if key in muted or (
            key[0] == "category" and any(_within(key[1], value) for kind, value in muted if kind == key[0])
        ):
            del shares[key]


def _within(path: str, parent: str) -> bool:
    return path.startswith(parent + PATH)


def _strongest(
    shares: Mapping[tuple[str, str], float], chances: Mapping[tuple[str, str], float]
) -> list[tuple[str, str]]:
    """What is likeliest to be met again, and what is most disliked; equals by their share."""
    by_kind: dict[str, list[tuple[str, str]]] = defaultdict(list)
    shown: Counter[str] = Counter()
    for _, _, key in sorted(_strengths(shares, chances)):
        alike = group(key)
        if shown[alike] < _SHOWN.get(key[0], _SHOWN_OTHERWISE):
            shown[alike] += 1
            by_kind[key[0]].append(key)
    order = [*(_SHOWN), *sorted(kind for kind in by_kind if kind not in _SHOWN)]
    return [key for kind in order for key in by_kind[kind]]


def _strengths(
    shares: Mapping[tuple[str, str], float], chances: Mapping[tuple[str, str], float]
) -> Iterator[tuple[float, float, tuple[str, str]]]:
    """Facets that are strong enough to be shown, to be sorted with the strongest first."""
    for key, share in shares.items():
        strength = chances.get(key, share) if share > 0.0 else -share
        if strength >= LEAST_SHOWN:
            yield -strength, -abs(share), key


def needs(state: FoldState, item_facets: ItemFacets, *, now: datetime, config: FoldConfig) -> tuple[Facet, ...]:
    """What the user looks for now: open searches, and items looked at and not bought, strongest first."""
    micros, half_life = to_micros(now), config.need_half_life_days
    found: list[Facet] = []
    said: set[str] = set()
    for search in reversed(state.searches):
        score = decayed(1.0, micros - search.at, half_life)
        if search.is_open and (asked := search.query.casefold()) not in said and score >= _FORGOTTEN:
            said.add(asked)
            found.append(_need("search", search.query, score, 1, [(search.at, search.event_id)], half_life))
    for strength, item_id in _unbought(state, item_facets, micros, DAY * half_life):
        tally = state.items[item_id]
        found.append(_need("unbought", item_id, strength, tally.n, tally.evidence, half_life))
    return tuple(sorted(found, key=lambda need: -need.score)[: 2 * _NEEDS])


def _unbought(
    state: FoldState, item_facets: ItemFacets, micros: int, half_life: float
) -> Iterator[tuple[float, ItemId]]:
    """The items that are wanted most, of those that the shop still has."""
    masses = [tally.short * 2.0 ** ((tally.at - micros) / half_life) for tally in state.items.values()]
    ids, wanted = list(state.items), list[tuple[float, ItemId]]()
    for place in sorted(range(len(masses)), key=masses.__getitem__, reverse=True):
        strength = 1.0 - math.exp(-max(0.0, masses[place]) / 3.0)
        # equals are told apart by their ids, so all that are as strong as the last one have to be seen
        if strength < _FORGOTTEN or (len(wanted) >= _NEEDS and strength < -wanted[_NEEDS - 1][0]):
            break
        if ids[place] not in state.bought and ids[place] in item_facets.catalogue:
            wanted.append((-strength, ids[place]))
    return ((-least, item_id) for least, item_id in sorted(wanted)[:_NEEDS])


def _need(kind: str, value: str, score: float, n: int, evidence: Sequence[Cited], half_life: float) -> Facet:
    ids = tuple([event_id for _, event_id in evidence])
    confidence = n / (n + _HALF_SURE)
    return Facet(kind, value, min(1.0, score), confidence, half_life, ids, from_micros(evidence[0][0]))


def behaviour(
    state: FoldState, item_facets: ItemFacets, *, now: datetime, goods: Goods | None = None
) -> dict[str, Any]:
    """`figures`, and the habits that are read from the items; `goods` as in `interests`."""
    said = figures(state, item_facets, now=now, goods=goods)
    return said | habits(state, item_facets, now=now, goods=goods) if state.n else said


def figures(state: FoldState, item_facets: ItemFacets, *, now: datetime, goods: Goods | None = None) -> dict[str, Any]:
    """Recency (days), frequency (active days a week), spend by currency, language, and counts."""
    if state.n == 0:
        return {"n_events": 0}
    micros = to_micros(now)
    weeks = max(1.0, (micros - state.first) / (7 * DAY))
    return {
        "n_events": state.n,
        "first_seen": from_micros(state.first),
        "last_seen": from_micros(state.last[0]),
        "recency_days": round((micros - state.last[0]) / DAY, 2),
        "frequency_per_week": round(state.active_days / weeks, 2),
        "n_orders": state.n_orders,
        "spend": {currency: round(amount, 2) for currency, amount in state.spend.items()},
        "counts": dict(sorted(state.counts.items())),
        "language": language(state, item_facets, goods),
        "traits": state.traits,
    }


def language(state: FoldState, item_facets: ItemFacets, goods: Goods | None = None) -> str | None:
    """What the person writes and reads: their own words count most, then the titles they touched.

    Short queries are easily misread, so of their own words only languages that the shop's items are in count.
    """
    votes: dict[str, float] = defaultdict(float)
    _, known = goods or item_facets.known(state.items)
    for one, tally in zip(known, state.items.values(), strict=True):
        if one is not None:
            votes[one.language or item_facets.spoken(one)] += tally.n
    for name, n in state.languages.items():
        if name in item_facets.languages:
            votes[name] += _WRITTEN * n
    votes.pop("und", None)
    return max(votes, key=lambda name: (votes[name], name), default=None)


def mood(state: FoldState, *, now: datetime, config: FoldConfig) -> dict[str, Any]:
    """The decayed mean polarity of what the user wrote; empty where nothing was written lately."""
    if state.mood_weight.long == 0.0:
        return {}
    elapsed = to_micros(now) - state.mood_weight.at
    weight = decayed(state.mood_weight.long, elapsed, config.mood_half_life_days)
    if weight < _FORGOTTEN:
        return {}
    polarity = state.mood.long / state.mood_weight.long
    return {
        "polarity": round(max(-1.0, min(1.0, polarity)), 4),
        "label": "positive" if polarity > 0.15 else "negative" if polarity < -0.15 else "neutral",
        "confidence": round(weight / (weight + 1.0), 4),
        "half_life_days": config.mood_half_life_days,
        "evidence": [event_id for _, event_id in state.mood.evidence],
    }

"""What interests a person, heaped under the values of facets that the items and words have.

Loops in Python throughout: a profile has a hundred items of ten facets each, and so few are summed faster so than by
arrays, whose code has to be brought into the processor's memory first.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from huaxiang.profiles.fold import FoldConfig, decayed
from huaxiang.profiles.item_facets import Goods
from huaxiang.profiles.recurrence import Key
from huaxiang.profiles.state import DAY, EVIDENCE_KEPT, Cited, Edit, FoldState, Tally

_FADE: Final = 0.9
"""Factor on what was met, for each later day with anything on it: how much it says of the next day."""
LOOKED_AT: Final = 2 * EVIDENCE_KEPT
"""Newest entries behind a facet, of which one event may be several."""


@dataclass(slots=True)
class Heap:
    """Mass gathered under one facet value.

    Attributes:
        recent: what of it speaks of the next day. n: events behind it.
        items, words: what it is of; words that were searched for are the person's own.
    """

    mass: float
    recent: float
    n: int
    items: list[Tally]
    words: tuple[Tally, ...] = ()

    def newest(self) -> list[Cited]:
        """Evidence: at least as much of the newest as is looked at."""
        tallies = [*self.items, *self.words] if self.words else self.items
        if len(tallies) > LOOKED_AT:
            # what was last met before so many others has nothing among the newest
            least = sorted([tally.at for tally in tallies])[-LOOKED_AT]
            tallies = [tally for tally in tallies if tally.at >= least]
        return [entry for tally in tallies for entry in tally.evidence]


@dataclass(frozen=True, slots=True)
class Weighed:
    """A state's items and then its words, in the order of the state.

    Attributes:
        masses: what is left of them at a moment.
        fades: how much the day on which they were last met says of the next one. n_days: days that these are.
        whole: all masses together, whatever their sign. recent: what of them speaks of the next day.
    """

    masses: Sequence[float]
    fades: Sequence[float]
    n_days: int
    whole: float
    recent: float

    @classmethod
    def of(cls, state: FoldState, micros: int, config: FoldConfig) -> "Weighed":
        """As of a moment in microseconds. Days without a visit do not count: who comes twice a year is no other by
        then."""
        tallies, half_life = [*state.items.values(), *state.queries.values()], DAY * config.interest_half_life_days
        masses = [tally.long * 2.0 ** ((tally.at - micros) / half_life) for tally in tallies]
        days = [tally.at // DAY for tally in tallies]
        fade = {day: _FADE**later for later, day in enumerate(sorted(set(days), reverse=True))}
        fades = [fade[day] for day in days]
        recent = sum([abs(tally.long) * fades_by for tally, fades_by in zip(tallies, fades, strict=True)])
        return cls(masses, fades, len(fade), sum(map(abs, masses)), recent)


def heaps_of(state: FoldState, goods: Goods, weighed: Weighed) -> dict[Key, Heap]:
    """Heaps of everything that a state remembers, in the order in which it met them."""
    reader, known = goods
    heaps: dict[int, Heap] = {}
    for one, tally, mass, fades in zip(known, state.items.values(), weighed.masses, weighed.fades, strict=False):
        if one is None:
            continue
        long, n = tally.long, tally.n
        recent = long * fades
        for number in one.plain:
            heap = heaps.get(number)
            if heap is None:
                heaps[number] = Heap(mass, recent, n, [tally])
            else:
                heap.mass += mass
                heap.recent += recent
                heap.n += n
                heap.items.append(tally)
        for number, weight in one.weighted:
            heap = heaps.get(number)
            if heap is None:
                heaps[number] = Heap(weight * mass, weight * long * fades, n, [tally])
            else:
                heap.mass += weight * mass
                heap.recent += weight * long * fades
                heap.n += n
                heap.items.append(tally)
    keys = reader.keys
    found = {keys[number]: heap for number, heap in heaps.items()}
    _add_words(found, state, weighed, {})
    return found


def cut_heaps(
    state: FoldState,
    goods: Goods,
    weighed: Weighed,
    micros: int,
    config: FoldConfig,
    removed: Mapping[Key, Edit],
) -> dict[Key, Heap]:
    """The same of a person who removed facets, without what that forgets."""
    heaps: dict[Key, Heap] = defaultdict(_nothing)
    half_life = config.interest_half_life_days
    pairs = zip(goods[1], state.items.items(), weighed.masses, weighed.fades, strict=False)
    for one, (item_id, tally), mass, fades in pairs:
        for kind, value, weight in one.facets if one is not None else ():
            key = (kind, value)
            kept, n = mass, tally.n
            if (edit := removed.get(key)) is not None:
                kept -= decayed(edit.base.get(item_id, 0.0), micros - edit.at, half_life)
                n = sum(at > edit.at for at, _ in tally.evidence)
                if n == 0:
                    continue
            heap = heaps[key]
            heap.mass += weight * kept
            heap.recent += weight * tally.long * fades * (kept / mass if mass else 1.0)
            heap.n += n
            heap.items.append(tally)
    _add_words(heaps, state, weighed, removed)
    return dict(heaps)


def _nothing() -> Heap:
    return Heap(0.0, 0.0, 0, [])


def _add_words(heaps: dict[Key, Heap], state: FoldState, weighed: Weighed, removed: Mapping[Key, Edit]) -> None:
    n = len(state.items)
    pairs = zip(state.queries.items(), weighed.masses[n:], weighed.fades[n:], strict=True)
    for (word, tally), mass, fades in pairs:
        key = ("keyword", word)
        if key in removed and tally.evidence[0][0] <= removed[key].at:
            continue
        heap = heaps.get(key)
        if heap is None:
            heap = heaps[key] = _nothing()
        heap.mass += mass
        heap.recent += tally.long * fades
        heap.n += tally.n
        heap.words = (*heap.words, tally)

"""What interests a person, heaped under the values of facets that the items and words have.

Legend: I items and words of a state, J items that the shop knows, E their facets one after the other, V values.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.profiles.fold import FoldConfig, decayed
from huaxiang.profiles.item_facets import Goods, ItemFacets, Reader
from huaxiang.profiles.recurrence import Key
from huaxiang.profiles.state import DAY, Edit, FoldState, Tally

_FADE: Final = 0.9
"""Factor on what was met, for each later day with anything on it: how much it says of the next day."""


@dataclass(slots=True)
class Heap:
    """Mass gathered under one facet value, with the items and words that it is of, those that were last met first;
    `recent` is what of it speaks of the next day, `n` the events behind it."""

    mass: float = 0.0
    recent: float = 0.0
    n: int = 0
    items: list[Tally] = field(default_factory=list)
    words: list[Tally] = field(default_factory=list)


@dataclass(frozen=True, slots=True, eq=False)
class Weighed:
    """A state's items and then its words, in the order of the state.

    Attributes:
        masses_I: what is left of them at a moment. longs_I: what it was when they were last met.
        fades_I: how much the day on which they were last met says of the next one. n_days: days that these are.
    """

    masses_I: NDArray[np.float64]
    longs_I: NDArray[np.float64]
    fades_I: NDArray[np.float64]
    n_days: int

    @classmethod
    def of(cls, state: FoldState, micros: int, config: FoldConfig) -> "Weighed":
        """As of a moment in microseconds. Days without a visit do not count: who comes twice a year is no other by
        then."""
        tallies, half_life = [*state.items.values(), *state.queries.values()], DAY * config.interest_half_life_days
        masses = [tally.long * 2.0 ** ((tally.at - micros) / half_life) for tally in tallies]
        longs_I = np.array([tally.long for tally in tallies], np.float64)
        days = [tally.at // DAY for tally in tallies]
        fades = {day: _FADE**later for later, day in enumerate(sorted(set(days), reverse=True))}
        return cls(
            np.array(masses, np.float64), longs_I, np.array([fades[day] for day in days], np.float64), len(fades)
        )

    @property
    def whole(self) -> float:
        """All masses together, whatever their sign."""
        return _one_after_the_other(np.abs(self.masses_I))

    @property
    def recent(self) -> float:
        """What of all masses speaks of the next day."""
        return _one_after_the_other(np.abs(self.longs_I) * self.fades_I)


def _one_after_the_other(values_I: NDArray[np.float64]) -> float:
    """Their sum, to the last bit what a loop gives."""
    return float(np.cumsum(values_I)[-1]) if len(values_I) else 0.0


def cut_heaps(
    state: FoldState,
    item_facets: ItemFacets,
    weighed: Weighed,
    micros: int,
    config: FoldConfig,
    removed: Mapping[Key, Edit],
) -> dict[Key, Heap]:
    """Heaps of a person who removed facets, without what that forgets: one item after the other."""
    heaps: dict[Key, Heap] = defaultdict(Heap)
    half_life = config.interest_half_life_days
    masses, fades_of = weighed.masses_I.tolist(), weighed.fades_I.tolist()
    for (item_id, tally), mass, fades in zip(state.items.items(), masses, fades_of, strict=False):
        for kind, value, weight in item_facets.of(item_id):
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
    n = len(state.items)
    for (word, tally), mass, fades in zip(state.queries.items(), masses[n:], fades_of[n:], strict=True):
        key = ("keyword", word)
        if key not in removed or tally.evidence[0][0] > removed[key].at:
            heap = heaps[key]
            heap.mass += mass
            heap.recent += tally.long * fades
            heap.n += tally.n
            heap.words.append(tally)
    for heap in heaps.values():
        heap.items.sort(key=lambda tally: -tally.at)
    return dict(heaps)


class WholeHeaps(Mapping[Key, Heap]):
    """Heaps of everything that a state remembers, in the order in which it met them: the sums of `cut_heaps` to the
    last bit, of all items at once. A heap is made when it is asked for.

    Attributes:
        masses, recents: of each heap.
    """

    def __init__(self, state: FoldState, goods: Goods, weighed: Weighed) -> None:
        reader, known = goods
        self._items = list(state.items.values())
        self._keys: list[Key] = []
        self._rows_E = np.zeros(0, np.int64)
        self._spans: list[tuple[int, int]] = []
        self.masses: list[float] = []
        self.recents: list[float] = []
        found = [one.said_2F for one in known if one is not None]
        said = [said_I[: len(known)] for said_I in (weighed.masses_I, weighed.longs_I, weighed.fades_I)]
        if len(found) < len(known):
            is_known = [one is not None for one in known]
            self._items, said = list(compress(self._items, is_known)), [said_J[is_known] for said_J in said]
        if found:
            self._gather(found, reader, *said)
        self._places = dict(zip(self._keys, range(len(self._keys)), strict=True))
        self._words: dict[Key, Tally] = {}
        self._add_words(state, weighed)

    def _gather(
        self,
        found: Sequence[NDArray[np.float64]],
        reader: Reader,
        mass_J: NDArray[np.float64],
        long_J: NDArray[np.float64],
        fades_J: NDArray[np.float64],
    ) -> None:
        """Sums over the facets of all items, one item after the other."""
        n = len(found)
        numbers_E, weights_E = np.concatenate(found, axis=1)
        rows_E = np.repeat(np.arange(n), [said_2F.shape[1] for said_2F in found])
        rank_J = np.empty(n)
        rank_J[np.argsort([-tally.at for tally in self._items], kind="stable")] = np.arange(n)
        order_E = np.argsort(numbers_E * n + rank_J[rows_E])
        sorted_E = numbers_E[order_E]
        bounds = [0, *(np.flatnonzero(sorted_E[1:] != sorted_E[:-1]) + 1).tolist(), len(sorted_E)]
        starts_V, sizes_V = np.array(bounds[:-1]), np.diff(bounds)
        met_V = np.argsort(np.minimum.reduceat(order_E, starts_V))
        place_V, place_E = np.empty_like(met_V), np.empty_like(order_E)
        place_V[met_V] = np.arange(len(met_V))
        place_E[order_E] = np.repeat(place_V, sizes_V)
        # bincount adds one after the other, as a loop does
        self.masses = np.bincount(place_E, weights_E * mass_J[rows_E]).tolist()
        self.recents = np.bincount(place_E, weights_E * long_J[rows_E] * fades_J[rows_E]).tolist()
        starts, self._rows_E = starts_V[met_V].tolist(), rows_E[order_E]
        self._keys = [reader.keys[number] for number in sorted_E[starts].tolist()]
        self._spans = list(zip(starts, (starts_V + sizes_V)[met_V].tolist(), strict=True))

    def _add_words(self, state: FoldState, weighed: Weighed) -> None:
        n = len(state.items)
        said = zip(weighed.masses_I[n:].tolist(), weighed.fades_I[n:].tolist(), strict=True)
        for (word, tally), (mass, fades) in zip(state.queries.items(), said, strict=True):
            key = ("keyword", word)
            self._words[key] = tally
            place = self._places.setdefault(key, len(self._places))
            if place == len(self.masses):
                self.masses.append(0.0)
                self.recents.append(0.0)
            self.masses[place] += mass
            self.recents[place] += tally.long * fades

    def __contains__(self, key: object) -> bool:
        return key in self._places

    def __iter__(self) -> Iterator[Key]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, key: Key) -> Heap:
        place = self._places[key]
        start, end = self._spans[place] if place < len(self._spans) else (0, 0)
        items = [self._items[row] for row in self._rows_E[start:end].tolist()]
        words = [self._words[key]] if key in self._words else []
        n = sum([tally.n for tally in items]) + sum([tally.n for tally in words])
        return Heap(self.masses[place], self.recents[place], n, items, words)

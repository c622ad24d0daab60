"""What interests a person, heaped under the values of facets that the items and words have.

Legend: J items of a state that the shop knows, E their facets one after the other, V values.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from huaxiang.profiles.fold import FoldConfig, decayed
from huaxiang.profiles.item_facets import ItemFacets, Reader
from huaxiang.profiles.recurrence import Key
from huaxiang.profiles.state import DAY, Edit, FoldState, Tally


@dataclass(slots=True)
class Heap:
    """Mass gathered under one facet value, with the items and words that it is of; `recent` is what of it speaks of the
    next day, `n` the events behind it."""

    mass: float = 0.0
    recent: float = 0.0
    n: int = 0
    items: list[Tally] = field(default_factory=list)
    words: list[Tally] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Weighed:
    """A state's items and words at a moment, each in the order of the state.

    Attributes:
        items, words: what is left of their masses.
        fresh: of each day on which anything was last met, how much it says of the next.
    """

    items: Sequence[float]
    words: Sequence[float]
    fresh: Mapping[int, float]

    @classmethod
    def of(cls, state: FoldState, micros: int, config: FoldConfig, fresh: Mapping[int, float]) -> "Weighed":
        """As of a moment in microseconds."""
        half_life = DAY * config.interest_half_life_days
        items, words = (
            [tally.long * 2.0 ** ((tally.at - micros) / half_life) for tally in tallies.values()]
            for tallies in (state.items, state.queries)
        )
        return cls(items, words, fresh)


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
    for (item_id, tally), mass in zip(state.items.items(), weighed.items, strict=True):
        fades = weighed.fresh[tally.at // DAY]
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
    for (word, tally), mass in zip(state.queries.items(), weighed.words, strict=True):
        key = ("keyword", word)
        if key not in removed or tally.evidence[0][0] > removed[key].at:
            heap = heaps[key]
            heap.mass += mass
            heap.recent += tally.long * weighed.fresh[tally.at // DAY]
            heap.n += tally.n
            heap.words.append(tally)
    return dict(heaps)


class WholeHeaps(Mapping[Key, Heap]):
    """Heaps of everything that a state remembers, in the order in which it met them: the sums of `cut_heaps` to the
    last bit, of all items at once. A heap is made when it is asked for.

    Attributes:
        masses, recents: of each heap.
    """

    def __init__(self, state: FoldState, item_facets: ItemFacets, weighed: Weighed) -> None:
        reader, known = item_facets.known(state.items)
        self._keys: list[Key] = []
        self._n: list[float] = []
        self._rows: list[int] = []
        self._spans: list[tuple[int, int]] = []
        self.masses: list[float] = []
        self.recents: list[float] = []
        found = [one.said_2F for one in known if one is not None]
        self._items, masses = list(state.items.values()), weighed.items
        if len(found) < len(known):
            has = [one is not None for one in known]
            self._items, masses = list(compress(self._items, has)), list(compress(masses, has))
        if found:
            self._gather(found, reader, np.array(masses), weighed.fresh)
        self._places = dict(zip(self._keys, range(len(self._keys)), strict=True))
        self._words: dict[Key, Tally] = {}
        self._add_words(state, weighed)

    def _gather(
        self,
        found: Sequence[NDArray[np.float64]],
        reader: Reader,
        mass_J: NDArray[np.float64],
        fresh: Mapping[int, float],
    ) -> None:
        """Sums over the facets of all items, one item after the other."""
        items = self._items
        long_J = np.array([tally.long for tally in items])
        fresh_J = np.array([fresh[tally.at // DAY] for tally in items])
        n_J = np.array([tally.n for tally in items], np.float64)
        numbers_E, weights_E = np.concatenate(found, axis=1)
        rows_E = np.repeat(np.arange(len(found)), [said_2F.shape[1] for said_2F in found])
        order_E = np.argsort(numbers_E, kind="stable")
        sorted_E = numbers_E[order_E]
        starts_V = np.flatnonzero(np.diff(sorted_E, prepend=-1.0))
        ends_V = np.append(starts_V[1:], len(sorted_E))
        met_V = np.argsort(order_E[starts_V])
        place_V, place_E = np.empty_like(met_V), np.empty_like(order_E)
        place_V[met_V] = np.arange(len(met_V))
        place_E[order_E] = np.repeat(place_V, ends_V - starts_V)
        # bincount adds one after the other, as a loop does
        self.masses = np.bincount(place_E, weights_E * mass_J[rows_E]).tolist()
        self.recents = np.bincount(place_E, weights_E * long_J[rows_E] * fresh_J[rows_E]).tolist()
        self._n = np.bincount(place_E, n_J[rows_E]).tolist()
        self._keys = [reader.keys[number] for number in sorted_E[starts_V][met_V].tolist()]
        self._rows = rows_E[order_E].tolist()
        self._spans = list(zip(starts_V[met_V].tolist(), ends_V[met_V].tolist(), strict=True))

    def _add_words(self, state: FoldState, weighed: Weighed) -> None:
        for (word, tally), mass in zip(state.queries.items(), weighed.words, strict=True):
            key = ("keyword", word)
            self._words[key] = tally
            place = self._places.setdefault(key, len(self._places))
            if place == len(self._n):
                for sums in (self.masses, self.recents, self._n):
                    sums.append(0.0)
            self.masses[place] += mass
            self.recents[place] += tally.long * weighed.fresh[tally.at // DAY]
            self._n[place] += tally.n

    def __contains__(self, key: object) -> bool:
        return key in self._places

    def __iter__(self) -> Iterator[Key]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, key: Key) -> Heap:
        place = self._places[key]
        start, end = self._spans[place] if place < len(self._spans) else (0, 0)
        items = [self._items[row] for row in self._rows[start:end]]
        words = [self._words[key]] if key in self._words else []
        return Heap(self.masses[place], self.recents[place], int(self._n[place]), items, words)

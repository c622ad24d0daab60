"""Entries that a search box can offer, found by letters, by sound and by initials; new ones at once.

Legend: E entries, in the order in which they came.
"""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from huaxiang.apps.search.prefixes import WIDTH, Prefixes, cut_keys
from huaxiang.apps.search.typed import MOST_SHOWN, plain, spoken, starts
from huaxiang.text.pinyin import has_han
from huaxiang.types import ItemId

Kind = Literal["query", "category", "brand", "item"]

WHOLE: Final = 0.4
"""What it adds to a score that the text begins with what was typed, and not only one of its words."""
_LATER: Final = 0.02
"""What each word before the one that was found takes from it."""
_PACKED: Final = 20_000
_MOST_FRESH: Final = 2_000
"""Entries that are kept apart before they are sorted in among the others."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Something to offer.

    Attributes:
        tags: numbers of the brand, and of the category at each level, that it belongs to.
        scope: a filter of a search that finds what the entry names, such as `{"category": "Shop > Tea"}`.
    """

    kind: Kind
    text: str
    tags: tuple[int, ...] = ()
    scope: Mapping[str, str] | None = None
    item_id: ItemId | None = None


class _Keys:
    """Keys of one way of finding, packed as they come: a list of as many texts would take several times the memory."""

    def __init__(self) -> None:
        self._packed: list[NDArray[np.bytes_]] = []
        self._keys: list[str] = []
        self._entries = array("i")
        self._scores = array("f")

    def add(self, key: str, entry: int, score: float) -> None:
        self._keys.append(key)
        self._entries.append(entry)
        self._scores.append(score)
        if len(self._keys) == _PACKED:
            self._pack()

    def clear(self) -> None:
        """Let go of all keys."""
        self._packed, self._keys, self._entries, self._scores = [], [], array("i"), array("f")

    def _pack(self) -> None:
        if self._keys:
            self._packed.append(cut_keys(self._keys))
            self._keys = []

    def prefixes(self) -> Prefixes:
        self._pack()
        keys = np.concatenate([cut_keys([]), *self._packed])
        return Prefixes(keys, np.array(self._entries, np.int32), np.array(self._scores, np.float32))


@dataclass(frozen=True, slots=True)
class Ways:
    """One state of what is found by letters, by sound, by initials; never changed."""

    letters: Prefixes
    sounds: Prefixes
    initials: Prefixes


class Completions:
    """Entries and where they are found. One thread changes it at a time; any may read `ways` and `entries` meanwhile.

    Memory: about 300 bytes for an entry of four words, twice that for a Chinese one.
    """

    def __init__(self) -> None:
        self.entries: list[Entry | None] = []
        self._scores = array("d")
        self._settled_scores = array("d")
        self._fresh = (_Keys(), _Keys(), _Keys())
        self._n_fresh = 0
        self._settled = Ways(*(keys.prefixes() for keys in self._fresh))
        self.ways: tuple[Ways, ...] = (self._settled,)

    @property
    def n_bytes(self) -> int:
        """Memory of the arrays that are searched."""
        return sum(part.n_bytes for way in self.ways for part in (way.letters, way.sounds, way.initials))

    def __len__(self) -> int:
        return sum(entry is not None for entry in self.entries)

    def add(self, entries: Sequence[Entry], scores: Sequence[float]) -> list[int]:
        """Add entries, found from now on; their numbers."""
        first = len(self.entries)
        for number, (entry, score) in enumerate(zip(entries, scores, strict=True), first):
            self.entries.append(entry)
            self._scores.append(score)
            self._settled_scores.append(score)
            self._add_keys(number, entry.text, score)
        self._n_fresh += len(entries)
        if self._n_fresh <= _MOST_FRESH:
            self.ways = (self._settled, Ways(*(keys.prefixes() for keys in self._fresh)))
        else:
            self.settle()
        return list(range(first, len(self.entries)))

    def drop(self, number: int) -> None:
        """Offer an entry no more."""
        self.entries[number] = None

    def rescore(self, number: int, score: float) -> None:
        """Change the score of an entry; it counts in full when the fresh entries are sorted in."""
        self._scores[number] = score

    def changed_score(self, number: int) -> float:
        """How much an entry's score has changed since its keys were sorted in."""
        return self._scores[number] - self._settled_scores[number]

    def settle(self) -> None:
        """Sort the fresh entries in among the others, without those that are gone."""
        kept = np.fromiter((entry is not None for entry in self.entries), np.bool_, len(self.entries))
        changes = (np.array(self._scores) - np.array(self._settled_scores)).astype(np.float32)
        is_first = not len(self._settled.letters) and bool(kept.all()) and not changes.any()
        before = (self._settled.letters, self._settled.sounds, self._settled.initials)
        merged = []
        for old, keys in zip(before, self._fresh, strict=True):
            new = keys.prefixes()
            keys.clear()
            merged.append(new if is_first else old.with_more(new, kept, changes))
        tags = [() if entry is None else entry.tags for entry in self.entries]
        n_tags = max((tag for own in tags for tag in own), default=-1) + 1
        for part in merged[:2]:
            part.tag(tags, n_tags)
        self._settled_scores = array("d", self._scores)
        self._n_fresh = 0
        self._settled = Ways(*merged)
        self.ways = (self._settled,)

    @property
    def is_unsettled(self) -> bool:
        """Whether there are so many fresh entries that sorting them in is worth while."""
        return self._n_fresh > _MOST_FRESH // 4

    def _add_keys(self, number: int, text: str, score: float) -> None:
        letters, sounds, initials = self._fresh
        said = plain(text[:MOST_SHOWN])
        places = starts(said)
        bonuses = [score + (WHOLE if at == 0 else -_LATER * place) for place, at in enumerate(places)]
        for at, own in zip(places, bonuses, strict=True):
            letters.add(said[at : at + WIDTH], number, own)
        if has_han(said):
            for (sound, first), own in zip(spoken(said[: places[-1] + WIDTH], places), bonuses, strict=True):
                sounds.add(sound[:WIDTH], number, own)
                initials.add(first[:WIDTH], number, own)

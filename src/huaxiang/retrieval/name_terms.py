"""The terms of names, kept as numbers, so that a search need not cut the names of its candidates again.

Legend: P items asked about, T terms of their names, one after the other.
"""

from array import array
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray


class NameTerms:
    """Terms of names by slot, in the order in which they were added. Readers may ask while one thread adds more.

    Memory: 4 bytes for each term of a name, 8 for each name, half as much again while it grows, and the different
    terms.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._new_terms, self._new_ends = array("i"), array("q")
        self._settled = np.empty(0, np.int32), np.zeros(1, np.int64)

    def add(self, terms: Sequence[str]) -> None:
        """The next slot's; known to readers from `settle` on."""
        numbers = self._numbers
        self._new_terms.extend([numbers.setdefault(term, len(numbers)) for term in terms])
        self._new_ends.append(len(self._new_terms))

    def settle(self) -> None:
        """Let readers know what was added."""
        terms, ends = self._settled
        self._settled = (
            np.concatenate([terms, np.asarray(self._new_terms, np.int32)]),
            np.concatenate([ends, len(terms) + np.asarray(self._new_ends, np.int64)]),
        )
        self._new_terms, self._new_ends = array("i"), array("q")

    def standing(self, slot: int, terms: Iterable[str]) -> set[str]:
        """Those of some terms that stand in the name of a slot that is known."""
        known, ends = self._settled
        own = set(known[ends[slot] : ends[slot + 1]].tolist())
        return {term for term in terms if self._numbers.get(term, -1) in own}

    def matches(
        self, slots: Sequence[int], rarities: Mapping[str, float], last: str
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """The share of some terms, by rarity, that stands in each name, and whether it ends with the term `last`.

        Args:
            slots: shape (P,); -1 for a name that is not known here, which has and ends with nothing.
        """
        terms, ends = self._settled
        slots_P, share_P, ends_P = np.asarray(slots, np.int64), np.zeros(len(slots)), np.zeros(len(slots), np.bool_)
        whole = sum(rarities.values())
        known_P = np.flatnonzero((slots_P >= 0) & (slots_P < len(ends) - 1))
        if whole <= 0.0 or not len(known_P):
            return share_P, ends_P
        firsts, lengths = ends[slots_P[known_P]], ends[slots_P[known_P] + 1] - ends[slots_P[known_P]]
        owner_T = np.repeat(known_P, lengths)
        own_T = terms[np.arange(len(owner_T)) + np.repeat(firsts - (np.cumsum(lengths) - lengths), lengths)]
        for term, rarity in rarities.items():
            has_P = np.zeros(len(slots), np.bool_)
            has_P[owner_T[own_T == self._numbers.get(term, -1)]] = True
            share_P += rarity * has_P
        share_P /= whole
        named = lengths > 0
        ends_P[known_P[named]] = terms[(firsts + lengths - 1)[named]] == self._numbers.get(last, -1)
        return share_P, ends_P

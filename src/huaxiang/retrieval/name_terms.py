"""The terms of names, kept as numbers, so that a search need not cut the names of its candidates again.

Legend: P items asked about.
"""

from array import array
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray


class NameTerms:
    """Terms of names by slot, in the order in which they were added. Readers may ask while more are added.

    Memory: 4 bytes for each term of a name, 8 for each name, and the different terms.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._terms = array("i")
        self._ends = array("q", [0])

    def add(self, terms: Sequence[str]) -> None:
        """The next slot's."""
        self._terms.extend([self._numbers.setdefault(term, len(self._numbers)) for term in terms])
        self._ends.append(len(self._terms))

    def matches(
        self, slots: Sequence[int], rarities: Mapping[str, float], last: str
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """The share of some terms, by rarity, that stands in each name, and whether it ends with the term `last`.

        Args:
            slots: shape (P,); -1 for a name that is not known here, which has and ends with nothing.
        """
        share_P, ends_P = np.zeros(len(slots)), np.zeros(len(slots), np.bool_)
        whole = sum(rarities.values())
        known = [(self._numbers[term], rarity) for term, rarity in rarities.items() if term in self._numbers]
        last_number = self._numbers.get(last, -1)
        for at, slot in enumerate(slots):
            if slot >= 0 and whole > 0.0:
                own = self._terms[self._ends[slot] : self._ends[slot + 1]]
                share_P[at] = sum(rarity for number, rarity in known if number in own) / whole
                ends_P[at] = len(own) > 0 and own[-1] == last_number
        return share_P, ends_P

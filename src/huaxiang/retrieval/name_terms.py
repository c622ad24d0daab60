"""The terms of names, kept as numbers, so that a search need not cut the names of its candidates again.

Legend: P items asked about, T terms of their names, one after the other.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from huaxiang.retrieval.slot_rows import SlotRows


class NameTerms:
    """Terms of names by slot, in the order in which they were added. Readers may ask while one thread adds more.

    Memory: that of `SlotRows`, and the different terms.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._rows = SlotRows()

    def add(self, terms: Sequence[str]) -> None:
        """The next slot's; known to readers from `settle` on."""
        numbers = self._numbers
        self._rows.add([numbers.setdefault(term, len(numbers)) for term in terms])

    def settle(self) -> None:
        """Let readers know what was added."""
        self._rows.settle()

    def standing(self, slot: int, terms: Iterable[str]) -> set[str]:
        """Those of some terms that stand in the name of a slot that is known."""
        own = set(self._rows.row(slot).tolist())
        return {term for term in terms if self._numbers.get(term, -1) in own}

    def matches(
        self, slots: Sequence[int], rarities: Mapping[str, float], last: str
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """The share of some terms, by rarity, that stands in each name, and whether it ends with the term `last`.

        Args:
            slots: shape (P,); -1 for a name that is not known here, which has and ends with nothing.
        """
        share_P, ends_P = np.zeros(len(slots)), np.zeros(len(slots), np.bool_)
        whole = sum(rarities.values())
        if whole <= 0.0:
            return share_P, ends_P
        own_T, lengths_P = self._rows.rows(slots)
        owner_T = np.repeat(np.arange(len(slots)), lengths_P)
        for term, rarity in rarities.items():
            has_P = np.zeros(len(slots), np.bool_)
            has_P[owner_T[own_T == self._numbers.get(term, -1)]] = True
            share_P += rarity * has_P
        share_P /= whole
        named_P = np.flatnonzero(lengths_P)
        ends_P[named_P] = own_T[np.cumsum(lengths_P)[named_P] - 1] == self._numbers.get(last, -1)
        return share_P, ends_P

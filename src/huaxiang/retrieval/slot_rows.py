"""Whole numbers of each item of the keyword index, one row after the other.

Legend: P rows asked for, T numbers of these rows, one row after the other.
"""

from array import array
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray


class SlotRows:
    """Rows by slot, in the order in which they were added. Readers may ask while one thread adds more.

    Memory: 4 bytes for each number, 8 for each row, half as much again while it grows.
    """

    def __init__(self) -> None:
        self._new_numbers, self._new_ends = array("i"), array("q")
        self._settled = np.empty(0, np.int32), np.zeros(1, np.int64)

    def add(self, numbers: Iterable[int]) -> None:
        """The next slot's; known to readers from `settle` on."""
        self._new_numbers.extend(numbers)
        self._new_ends.append(len(self._new_numbers))

    def settle(self) -> None:
        """Let readers know what was added."""
        numbers, ends = self._settled
        self._settled = (
            np.concatenate([numbers, np.asarray(self._new_numbers, np.int32)]),
            np.concatenate([ends, len(numbers) + np.asarray(self._new_ends, np.int64)]),
        )
        self._new_numbers, self._new_ends = array("i"), array("q")

    def row(self, slot: int) -> NDArray[np.int32]:
        """The numbers of a slot that is known."""
        numbers, ends = self._settled
        return numbers[ends[slot] : ends[slot + 1]]

    def rows(self, slots: Sequence[int]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """The numbers of some slots, shape (T,), and how many each has, shape (P,); none of an unknown slot."""
        numbers, ends = self._settled
        slots_P = np.asarray(slots, np.int64)
        slots_P = np.where((slots_P >= 0) & (slots_P < len(ends) - 1), slots_P, -1)
        firsts_P = np.where(slots_P >= 0, ends[slots_P], 0)
        lengths_P = np.where(slots_P >= 0, ends[slots_P + 1], 0) - firsts_P
        before_P = np.cumsum(lengths_P) - lengths_P
        at_T = np.arange(int(lengths_P.sum())) + np.repeat(firsts_P - before_P, lengths_P)
        return numbers[at_T], lengths_P

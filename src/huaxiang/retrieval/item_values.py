"""The values that items are filtered by and counted under, each as a number."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from huaxiang.retrieval.slot_rows import SlotRows


class ItemValues:
    """Values by slot, in the shop's spelling: that which was met first stays. Readers may ask while one thread adds
    more.

    Memory: that of `SlotRows`, and the different values.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._said: list[tuple[str, str]] = []
        self._rows = SlotRows()

    def numbered(self, values: Mapping[str, tuple[str, str]]) -> list[int]:
        """What `keyword_document.values_of` names, each as its number; a new one gets the next."""
        numbers = self._numbers
        for key, said in values.items():
            if key not in numbers:
                self._said.append(said)
                numbers[key] = len(numbers)
        return [numbers[key] for key in values]

    def add(self, numbers: Iterable[int]) -> None:
        """The next slot's; known to readers from `settle` on."""
        self._rows.add(numbers)

    def settle(self) -> None:
        """Let readers know what was added."""
        self._rows.settle()

    def numbers(self, keys: Iterable[str]) -> list[int]:
        """Of those values that are known."""
        return [number for key in keys if (number := self._numbers.get(key)) is not None]

    def of_slots(self, slots: Sequence[int]) -> dict[str, dict[str, int]]:
        """How many of some items have each value, by field, the commonest first."""
        counts = np.bincount(self._rows.rows(slots)[0])
        met = np.flatnonzero(counts)
        met = met[np.argsort(-counts[met], kind="stable")]
        return self.by_field(zip(met.tolist(), counts[met].tolist(), strict=True))

    def by_field(self, counts: Iterable[tuple[int, int]]) -> dict[str, dict[str, int]]:
        """Numbers and how often each was met, as the fields and values that they stand for."""
        said, found = self._said, dict[str, dict[str, int]]()
        for number, n in counts:
            field, value = said[number]
            if field not in found:
                found[field] = {}
            found[field][value] = n
        return found

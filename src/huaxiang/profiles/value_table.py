"""Values of facets under small numbers, each text kept once however many people have it."""

import sys
from array import array
from collections.abc import Collection, Iterable, Sequence
from typing import Final, Protocol

from huaxiang.profiles.readable import answers_to, fold_text

_PER_VALUE: Final = 300
_PER_NAME: Final = 150
"""Bytes of Python's own beside the texts, measured (tests/profiles/test_residents.py): places in lists and
dictionaries, tuples, numbers."""
_PER_SHARING: Final = 72
"""Bytes for each further value that answers to a name."""
_FEW: Final = 4


class Values(Protocol):
    """What a resident's numbers stand for."""

    def value(self, number: int) -> tuple[str, str]:
        """Kind and value of a number in use."""
        ...

    def answering(self, kind: str, name: str) -> Collection[int]:
        """Numbers of the values of a kind, without case, that answer to a name, as a filter has it."""
        ...


class OwnValues:
    """The values of a single resident, under their places; for one that is read once and not kept."""

    def __init__(self, values: Sequence[Sequence[str]]) -> None:
        self._values = values

    def value(self, number: int) -> tuple[str, str]:
        """Kind and value of a number."""
        kind, value = self._values[number]
        return kind, value

    def answering(self, kind: str, name: str) -> tuple[int, ...]:
        """Numbers of the values of a kind, without case, that answer to a name, as a filter has it."""
        of_kind = [(number, value) for number, (each, value) in enumerate(self._values) if each.casefold() == kind]
        if kind == "category":
            return tuple(number for number, value in of_kind if name in answers_to(kind, value))
        return tuple(number for number, value in of_kind if fold_text(value) == name)


class ValueTable:
    """Numbers for `(kind, value)`, counted: a value goes when nobody has it any more.

    Not safe to use from many threads.

    Attributes:
        n_bytes: what it takes in memory, reckoned from above.
    """

    def __init__(self) -> None:
        self._values: list[tuple[str, str] | None] = []
        self._uses = array("L")
        self._free: list[int] = []
        self._named: dict[tuple[str, str], tuple[int, ...] | set[int]] = {}
        self.n_bytes = 0

    def __len__(self) -> int:
        return len(self._values) - len(self._free)

    def take(self, kind: str, value: str) -> int:
        """The number of a value, which has one more user from now on."""
        for number in self._named.get((kind.casefold(), fold_text(value)), ()):
            if self._values[number] == (kind, value):
                self._uses[number] += 1
                return number
        if self._free:
            number = self._free.pop()
            self._values[number], self._uses[number] = (kind, value), 1
        else:
            number = len(self._values)
            self._values.append((kind, value))
            self._uses.append(1)
        self.n_bytes += _PER_VALUE + sys.getsizeof(value)
        for name in answers_to(kind.casefold(), value):
            self._name(kind, name, number)
        return number

    def _name(self, kind: str, name: str, number: int) -> None:
        key = (sys.intern(kind.casefold()), name)
        named = self._named.get(key)
        if named is None:
            self._named[key] = (number,)
            self.n_bytes += _PER_NAME + sys.getsizeof(name)
            return
        self.n_bytes += _PER_SHARING
        if isinstance(named, set):
            named.add(number)
        else:
            self._named[key] = (*named, number) if len(named) < _FEW else {*named, number}

    def release(self, numbers: Iterable[int]) -> None:
        """Take back one use of each number."""
        for number in numbers:
            self._uses[number] -= 1
            if self._uses[number] == 0:
                self._drop(number)

    def _drop(self, number: int) -> None:
        kind, value = self.value(number)
        self._values[number] = None
        self._free.append(number)
        self.n_bytes -= _PER_VALUE + sys.getsizeof(value)
        for name in answers_to(kind.casefold(), value):
            key = (kind.casefold(), name)
            named = self._named[key]
            if len(named) == 1:
                del self._named[key]
                self.n_bytes -= _PER_NAME + sys.getsizeof(name)
                continue
            self.n_bytes -= _PER_SHARING
            if isinstance(named, set):
                named.discard(number)
            else:
                self._named[key] = tuple(other for other in named if other != number)

    def value(self, number: int) -> tuple[str, str]:
        """Kind and value of a number in use."""
        found = self._values[number]
        assert found is not None, f"number {number} is nobody's"
        return found

    def answering(self, kind: str, name: str) -> tuple[int, ...] | set[int]:
        """Numbers of the values of a kind, without case, that answer to a name, as a filter has it."""
        return self._named.get((kind, name), ())

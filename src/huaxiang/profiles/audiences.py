"""What may be told of an audience: nobody who said no, no small group, and no two exports that single one out."""

import hashlib
import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.types import UserId

ASKED_CONSENTS: Final = ("personalisation", "advertising")
"""Who denied one of these is in no audience, neither as a member nor as an example."""

_KEPT: Final = 5_000_000
"""Handed-out ids that are remembered at once, eight bytes each."""
_REMEMBERED: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Size:
    """How many: a count, or `fewer_than` the floor and no count. Exactly one of the two is there."""

    count: int | None = None
    fewer_than: int | None = None


@dataclass(frozen=True, slots=True)
class Floor:
    """The smallest group that is told of.

    Counts come in steps of a fifth of the floor, rounded down but never below it, so that two counts do not tell how
    many people the one question has and the other has not.
    """

    least: int = 50

    @property
    def step(self) -> int:
        """What counts are rounded down to a multiple of."""
        return max(1, self.least // 5)

    def size(self, n: int) -> Size:
        """What may be said of a group of `n` people; nobody at all is fewer than the floor, too."""
        if n < self.least:
            return Size(fewer_than=self.least)
        return Size(count=max(self.least, n - n % self.step))


@dataclass(frozen=True, slots=True, eq=False)
class _Handed:
    question: str
    at: datetime
    ids_N: NDArray[np.uint64]


class Exports:
    """Remembers who was handed out within a day, as salted hashes. Safe to use from many threads.

    Of two exports somebody can take the one from the other. So an export is refused where fewer people than the floor,
    but somebody, are in it and not in an earlier one, or the other way round. The same question may be asked again: who
    came and went since is what a refreshed audience is. The memory ends with the process.
    """

    def __init__(self) -> None:
        self._salt = secrets.token_bytes(16)
        self._handed: list[_Handed] = []
        self._lock = threading.Lock()

    def admit(self, question: str, user_ids: Sequence[UserId], floor: Floor, *, now: datetime) -> bool:
        """Whether these people may be handed out; if so they are remembered."""
        ids_N = np.unique(np.fromiter(map(self._hash, user_ids), np.uint64, len(user_ids)))
        with self._lock:
            fresh = [handed for handed in self._handed if now - handed.at < _REMEMBERED]
            others = [handed for handed in fresh if handed.question != question]
            if any(_is_close(ids_N, handed.ids_N, floor) for handed in others):
                return False
            # earlier answers to the same question stay: another question could be taken from each of them
            self._handed = [*fresh, _Handed(question, now, ids_N)]
            while len(self._handed) > 1 and sum(len(handed.ids_N) for handed in self._handed) > _KEPT:
                del self._handed[0]
        return True

    def _hash(self, user_id: UserId) -> int:
        said = user_id.encode("utf-8", "surrogatepass")
        return int.from_bytes(hashlib.blake2b(said, digest_size=8, key=self._salt).digest(), "little")


def _is_close(one_N: NDArray[np.uint64], other_N: NDArray[np.uint64], floor: Floor) -> bool:
    shared = len(np.intersect1d(one_N, other_N, assume_unique=True))
    return any(0 < len(ids_N) - shared < floor.least for ids_N in (one_N, other_N))

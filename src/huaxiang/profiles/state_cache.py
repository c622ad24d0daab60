"""Folded states in memory under a budget of bytes, each for as long as nothing comes in of its person.

The cache follows the log: what came in since it last looked is scanned once, and whoever it is about is dropped. So a
shop in which somebody does something every moment still keeps everybody else.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from huaxiang.profiles.following import met_since
from huaxiang.profiles.state import FoldState
from huaxiang.profiles.state_size import bytes_of
from huaxiang.store import Store
from huaxiang.types import Subject

_MOST_SCANNED: Final = 20_000
"""Events that are looked through in a request, about 10 ms; after a larger import nobody is kept."""


@dataclass(frozen=True, slots=True)
class _Kept:
    before: datetime
    state: FoldState
    devices: tuple[Subject, ...]
    n_bytes: int


class Mark(NamedTuple):
    """What a reading that begins will have read at least: the log so far; and how often everything was forgotten."""

    seq: int
    n_forgotten: int


class StateCache:
    """States by user. Safe to use from many threads.

    Args:
        megabytes: of 2^20 bytes, that the states may take.
    """

    def __init__(self, store: Store, *, megabytes: float) -> None:
        self._store, self._most_bytes = store, megabytes * (1 << 20)
        self._lock = threading.Lock()
        self._kept: OrderedDict[Subject, _Kept] = OrderedDict()
        self._claimants: dict[Subject, set[Subject]] = {}
        self._n_forgotten = 0
        self._seq = 0
        self.n_bytes = 0

    def get(self, user_id: Subject, *, before: datetime) -> tuple[FoldState | None, Mark]:
        """The state of everything known strictly before a moment, None where it must be read; and what `keep` asks for
        of the reading that begins now."""
        with self._lock:
            self._catch_up()
            mark, kept = Mark(self._seq, self._n_forgotten), self._kept.get(user_id)
            if kept is None or before < kept.before:
                return None, mark
            self._kept.move_to_end(user_id)
            return kept.state, mark

    def keep(
        self, user_id: Subject, state: FoldState, devices: Sequence[Subject], *, before: datetime, mark: Mark
    ) -> None:
        """Keep a state of everything that the log has of a user, unless it went on since `mark`.

        What came in after others caught up with the log for the last time is found when the state is next asked for.

        Args:
            devices: subjects of every device that the user ever claimed: what happens there may be theirs.
        """
        kept = _Kept(before, state, tuple(devices), bytes_of(state))
        with self._lock:
            if mark.n_forgotten != self._n_forgotten:
                return
            if mark.seq < self._seq and any(who in (user_id, *devices) for who in met_since(self._store, mark.seq)):
                return
            self._let_go(user_id)
            self._kept[user_id] = kept
            for device in kept.devices:
                self._claimants.setdefault(device, set()).add(user_id)
            self.n_bytes += kept.n_bytes
            while self.n_bytes > self._most_bytes:
                self._let_go(next(iter(self._kept)))

    def forget(self) -> None:
        """Let go of every state."""
        with self._lock:
            self._clear()

    def _clear(self) -> None:
        self._kept.clear()
        self._claimants.clear()
        self.n_bytes = 0
        self._n_forgotten += 1

    def _catch_up(self) -> None:
        last = self._store.last_seq
        if last < self._seq or (self._kept and last - self._seq > _MOST_SCANNED):
            self._clear()
        elif self._kept and last > self._seq:
            for subject in met_since(self._store, self._seq):
                for user in (subject, *self._claimants.get(subject, ())):
                    self._let_go(user)
        self._seq = last

    def _let_go(self, user_id: Subject) -> None:
        kept = self._kept.pop(user_id, None)
        if kept is None:
            return
        self.n_bytes -= kept.n_bytes
        for device in kept.devices:
            others = self._claimants[device]
            others.discard(user_id)
            if not others:
                del self._claimants[device]

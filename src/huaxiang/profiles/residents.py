"""Residents in memory under a budget of bytes; the least recently used go to the store and are read back from there."""

import base64
import logging
import sys
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final

from huaxiang.errors import StoreError
from huaxiang.profiles.following import met_since
from huaxiang.profiles.item_facets import ItemFacets
from huaxiang.profiles.item_marks import ItemMarks
from huaxiang.profiles.packing import LAYOUT, head_of, holds_at, numbers_of, pack, renumbered
from huaxiang.profiles.resident import Essence
from huaxiang.profiles.state import to_micros
from huaxiang.profiles.unpacking import unpack
from huaxiang.profiles.value_table import OwnValues, Values, ValueTable
from huaxiang.store import Record, Store
from huaxiang.types import FOREVER, Subject, UserId

logger: Final = logging.getLogger(__name__)

RESIDENT: Final = "resident"
_PER_ENTRY: Final = 240
"""Bytes of Python's own for each resident beside its bytes and its person's id, measured
(tests/profiles/test_residents.py)."""
_PER_DEVICE: Final = 600
_PER_BESIDE: Final = 200
_AT_ONCE: Final = 500
"""Residents that leave for the store in one transaction."""


@dataclass(slots=True)
class Traffic:
    """What became of residents since the start.

    Attributes:
        built: kept after a fold. outdated: dropped because of an event. cleared: because items changed, or all at once.
        stored: written to the store. read_back: read from there.
    """

    built: int = 0
    outdated: int = 0
    cleared: int = 0
    stored: int = 0
    read_back: int = 0


@dataclass(frozen=True, slots=True)
class Mark:
    """What a fold that is about to begin will have read at least: the log so far, and the items as they are.

    Attributes:
        n_forgotten: how often everything was forgotten before it.
    """

    seq: int
    items: str
    n_forgotten: int


class Residents:
    """The residents of one shop. Safe to use from many threads.

    An event of a person, or of a device that they claimed, drops their resident: in memory when residents are next
    read, in the store in the transaction that appends it. A change of what profiles read of the items drops all.

    Memory: at most `megabytes` (of 2^20 bytes) and one batch of people that are being read; each is charged its bytes,
    its person's id and 240 bytes of Python's own, and texts are shared. What stands beside residents goes first.
    """

    def __init__(self, store: Store, item_facets: ItemFacets, version: str, *, megabytes: float) -> None:
        self._store, self._version = store, f"{LAYOUT}.{version}"
        self._marks = ItemMarks(item_facets)
        self._budget = int(megabytes * (1 << 20))
        self._lock = threading.RLock()
        self._items, self._seq, self._n_forgotten = "", 0, 0
        self._empty()
        self.traffic = Traffic()

    def _empty(self) -> None:
        self._kept: OrderedDict[UserId, bytes] = OrderedDict()
        self._devices: dict[UserId, tuple[Subject, ...]] = {}
        self._claimants: dict[Subject, set[UserId]] = {}
        self._is_stored: set[UserId] = set()
        self._beside: dict[UserId, tuple[str, bytes]] = {}
        self._table = ValueTable()
        self._n_bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def n_bytes(self) -> int:
        """What all residents in memory take, Python's own and the shared texts included."""
        return self._n_bytes + self._table.n_bytes

    def forget(self) -> None:
        """Let go of every resident in memory, and of the texts that they shared."""
        with self._lock:
            self.traffic.cleared += len(self._kept)
            self._n_forgotten += 1
            self._empty()

    def mark(self) -> Mark:
        """To be taken before the fold whose resident will be kept."""
        with self._lock:
            self._catch_up()
            return Mark(self._seq, self._items, self._n_forgotten)

    def keep(self, user_id: UserId, essence: Essence, devices: Sequence[Subject], mark: Mark) -> None:
        """Keep a person's resident, as the one that was used last.

        Args:
            devices: subjects of all devices that the person ever claimed.
            mark: from before the fold; where the person or the items went on meanwhile, or somebody was erased,
                nothing is kept.
        """
        with self._lock:
            if not self._stands((user_id, *devices), mark):
                return
            self._take_in(user_id, pack(essence, self._table), tuple(devices), is_stored=False)
            self.traffic.built += 1
            self._make_room()

    def _stands(self, subjects: Sequence[Subject], mark: Mark) -> bool:
        """Whether what was read of somebody since a mark is still all there is, and the items are what they were."""
        if mark.n_forgotten != self._n_forgotten or not mark.items == self._items == self._marks.digest():
            return False
        return mark.seq >= self._seq or not self._went_on(subjects, mark.seq)

    def attach(self, user_id: UserId, by: str, computed: bytes, mark: Mark) -> None:
        """Keep something else that was computed of a person in memory, beside their resident and as long as that stays
        there, where there is room. It may rest on the person's events, and of items on what `ItemMarks` reads.

        Args:
            by: name of what computed it, which may be shared by everybody; another one takes its place.
        """
        with self._lock:
            if user_id in self._kept and self._stands((user_id, *self._devices.get(user_id, ())), mark):
                self._detach(user_id)
                if self.n_bytes + _PER_BESIDE + sys.getsizeof(computed) <= self._budget:
                    self._beside[user_id] = (by, computed)
                    self._n_bytes += _PER_BESIDE + sys.getsizeof(computed)

    def beside(self, user_id: UserId, by: str) -> bytes | None:
        """What `attach` kept of a person whose resident is in memory; to be asked for inside `reading`."""
        named, computed = self._beside.get(user_id, ("", b""))
        return computed if named == by else None

    def _detach(self, user_id: UserId) -> None:
        if (kept := self._beside.pop(user_id, None)) is not None:
            self._n_bytes -= _PER_BESIDE + sys.getsizeof(kept[1])

    @contextmanager
    def reading(self, user_ids: Sequence[UserId], *, now: datetime) -> Iterator[Mapping[UserId, tuple[bytes, Values]]]:
        """The residents of some people that hold for a moment, each with what its numbers stand for.

        Nothing is dropped until the block ends: others wait. Who is in the store is brought into memory only where
        there is room, so that counting everybody drives nobody out.
        """
        with self._lock:
            self._catch_up()
            kept = {user: packed for user in user_ids if (packed := self._kept.get(user)) is not None}
            found: dict[UserId, tuple[bytes, Values]] = {user: (packed, self._table) for user, packed in kept.items()}
            found |= self._read_back([user for user in user_ids if user not in kept])
            micros = to_micros(now)
            for user in [user for user, (packed, _) in found.items() if not holds_at(packed, micros)]:
                del found[user]
            yield found

    def essence(self, user_id: UserId, *, now: datetime) -> Essence | None:
        """One person's, which is then the one used last; None where it has to be folded."""
        with self.reading([user_id], now=now) as found:
            if user_id not in found:
                return None
            if user_id in self._kept:
                self._kept.move_to_end(user_id)
            return unpack(*found[user_id])

    def _catch_up(self) -> None:
        """Drop what the log or the items outdated since."""
        items, last = self._marks.digest(), self._store.last_seq
        if items != self._items or last < self._seq:  # items differ, or an older log was restored
            self.forget()
            self._items = items
        elif self._kept and last > self._seq:
            for subject in met_since(self._store, self._seq):
                self._outdate(subject)
        self._seq = last

    def _went_on(self, subjects: Sequence[Subject], after_seq: int) -> bool:
        """Whether one of some histories did, since another reader caught up with the log."""
        return any(subject in subjects for subject in met_since(self._store, after_seq))

    def _outdate(self, subject: Subject) -> None:
        for user in (subject, *self._claimants.get(subject, ())):
            if user in self._kept:
                self._let_go(user)
                self.traffic.outdated += 1

    def _take_in(self, user_id: UserId, packed: bytes, devices: tuple[Subject, ...], *, is_stored: bool) -> None:
        if user_id in self._kept:
            self._let_go(user_id)
        self._kept[user_id] = packed
        if devices:
            self._devices[user_id] = devices
            for device in devices:
                self._claimants.setdefault(device, set()).add(user_id)
        if is_stored:
            self._is_stored.add(user_id)
        self._n_bytes += self._charge(user_id, packed, devices)

    def _let_go(self, user_id: UserId) -> None:
        self._detach(user_id)
        packed, devices = self._kept.pop(user_id), self._devices.pop(user_id, ())
        for device in devices:
            claimants = self._claimants[device]
            claimants.discard(user_id)
            if not claimants:
                del self._claimants[device]
        self._is_stored.discard(user_id)
        self._table.release(numbers_of(packed, head_of(packed)))
        self._n_bytes -= self._charge(user_id, packed, devices)

    def _charge(self, user_id: UserId, packed: bytes, devices: Sequence[Subject]) -> int:
        claimed = sum(sys.getsizeof(device) + _PER_DEVICE for device in devices)
        return sys.getsizeof(packed) + sys.getsizeof(user_id) + _PER_ENTRY + claimed

    def _make_room(self) -> None:
        """Let go of what stands beside residents; then send the least recently used to the store, a batch at a time."""
        while self.n_bytes > self._budget and self._beside:
            self._detach(next(iter(self._beside)))
        while self.n_bytes > self._budget and self._kept:
            leaving = list(islice(self._kept, min(_AT_ONCE, max(1, len(self._kept) // 4))))
            records = [self._record(user) for user in leaving if user not in self._is_stored]
            for user in leaving:
                self._let_go(user)
            if records:
                self._write(records)

    def _write(self, records: Sequence[Record]) -> None:
        try:
            self._store.put(RESIDENT, records)
            for record in records:  # whom another process erased before the put is nobody's to keep
                if not self._store.history(record.id, before=FOREVER, limit=1):
                    self._store.erase(record.id)
        except StoreError as error:  # a full disk must not keep anyone from reading
            logger.warning("%d residents were not stored, so they will be folded again: %s", len(records), error)
        else:
            self.traffic.stored += len(records)

    def _record(self, user_id: UserId) -> Record:
        """With its texts, which go when the person is erased; the numbers are of this process."""
        packed = self._kept[user_id]
        head = head_of(packed)
        values = [list(self._table.value(number)) for number in numbers_of(packed, head)]
        bare = renumbered(packed, head, range(len(values)))
        body = {
            "version": self._version,
            "items": self._items,
            "values": values,
            "packed": base64.b64encode(bare).decode("ascii"),
        }
        return Record(user_id, body, at=FOREVER, watches=(user_id, *self._devices.get(user_id, ())), seen=self._seq)

    def _read_back(self, user_ids: Sequence[UserId]) -> dict[UserId, tuple[bytes, Values]]:
        """Those that the store has, brought into memory where there is room."""
        found: dict[UserId, tuple[bytes, Values]] = {}
        for user, record in (self._store.get(RESIDENT, user_ids) if user_ids else {}).items():
            if record.body["version"] != self._version or record.body["items"] != self._items:
                continue
            packed, values = base64.b64decode(record.body["packed"]), record.body["values"]
            found[user] = (packed, OwnValues(values))
            self.traffic.read_back += 1
            devices = tuple(subject for subject in record.watches if subject != user)
            if self.n_bytes + self._charge(user, packed, devices) <= self._budget:
                numbers = [self._table.take(kind, value) for kind, value in values]
                packed = renumbered(packed, head_of(packed), numbers)
                self._take_in(user, packed, devices, is_stored=True)
                found[user] = (packed, self._table)
        return found

"""Vectors that were computed once are not computed again: in memory, or in a folder that outlives the process.

A folder holds one subfolder for each encoder, by fingerprint. In it, vectors are appended to one file and then their
keys, digests of the texts, to another: a process that is killed leaves at most vectors without keys or half a key,
which the next one cuts off. A row that is not of length 1, as a power failure may leave one, counts as missing.

Space is kept in two generations: when the younger one is half of what is allowed, it becomes the elder, and the elder
is deleted; what is found in the elder is copied to the younger. So what was used lately stays.

Legend: N texts, D width.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import shutil
import threading
import weakref
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self

import numpy as np

from huaxiang.encoder.base import Encoder
from huaxiang.errors import ConfigError
from huaxiang.types import Vectors

MAX_MB: Final = 1_024
_KEY: Final = 16
"""Bytes of a key: among a billion texts two share one with a chance of 1e-21."""
_AT_ONCE: Final = 1_024
_LENGTH_OFF: Final = 1e-3

_log = logging.getLogger(__name__)


class Generation(Protocol):
    """Rows that are only ever appended, and where each key's row is."""

    index: dict[bytes, int]

    def get(self, rows: Sequence[int]) -> Vectors:
        """Copies of these rows."""
        ...

    def append(self, keys: Sequence[bytes], vectors_ND: Vectors) -> None:
        """Keep a row for each key; raises OSError where that fails, and is then as before."""
        ...

    def delete(self) -> None:
        """Give the space back."""
        ...


class InMemory:
    """A generation that ends with the process."""

    def __init__(self, d: int) -> None:
        self.index: dict[bytes, int] = {}
        self._rows_ND: Vectors = np.zeros((0, d), dtype=np.float32)
        self._n = 0

    def get(self, rows: Sequence[int]) -> Vectors:
        """Copies of these rows."""
        return self._rows_ND[rows]

    def append(self, keys: Sequence[bytes], vectors_ND: Vectors) -> None:
        """Keep a row for each key."""
        needed = self._n + len(keys)
        if needed > len(self._rows_ND):
            grown_ND = np.zeros((max(needed, 2 * len(self._rows_ND)), self._rows_ND.shape[1]), dtype=np.float32)
            grown_ND[: self._n] = self._rows_ND[: self._n]
            self._rows_ND = grown_ND
        self._rows_ND[self._n : needed] = vectors_ND
        self.index.update(zip(keys, range(self._n, needed), strict=True))
        self._n = needed

    def delete(self) -> None:
        """Give the space back."""
        self.index.clear()
        self._rows_ND = self._rows_ND[:0].copy()
        self._n = 0


class OnDisk:
    """A generation in two files, of which only the owner of the folder's lock appends."""

    def __init__(self, folder: Path, number: int, d: int, *, is_owner: bool) -> None:
        self._keys, self._vectors = folder / f"{number:06}.keys", folder / f"{number:06}.vectors"
        self._d = d
        if is_owner:
            for path in (self._keys, self._vectors):
                path.touch()
        keys = self._keys.read_bytes() if self._keys.is_file() else b""
        size = self._vectors.stat().st_size if self._vectors.is_file() else 0
        self._n = min(len(keys) // _KEY, size // (4 * d))
        if is_owner:
            self._cut()
        self.index = {keys[i * _KEY : (i + 1) * _KEY]: i for i in range(self._n)}
        self._mapped_ND: Vectors = np.zeros((0, d), dtype=np.float32)

    def get(self, rows: Sequence[int]) -> Vectors:
        """Copies of these rows."""
        if len(self._mapped_ND) < self._n:
            self._mapped_ND = np.memmap(self._vectors, dtype=np.float32, mode="r", shape=(self._n, self._d))
        return np.array(self._mapped_ND[rows], dtype=np.float32)

    def append(self, keys: Sequence[bytes], vectors_ND: Vectors) -> None:
        """Vectors first: a key that is there has its row."""
        try:
            with self._vectors.open("ab") as file:
                file.write(np.ascontiguousarray(vectors_ND, dtype=np.float32).tobytes())
            with self._keys.open("ab") as file:
                file.write(b"".join(keys))
        except OSError:
            self._cut()
            raise
        self.index.update(zip(keys, range(self._n, self._n + len(keys)), strict=True))
        self._n += len(keys)

    def delete(self) -> None:
        """Give the space back; who has the file open still reads it."""
        self.index = {}
        self._n = 0
        for path in (self._keys, self._vectors):
            path.unlink(missing_ok=True)

    def _cut(self) -> None:
        """Drop what was not written to its end."""
        for path, size in ((self._keys, _KEY), (self._vectors, 4 * self._d)):
            with path.open("r+b") as file:
                file.truncate(self._n * size)


class CachedEncoder:
    """Any encoder, with its vectors kept. Safe to call from many threads.

    Several processes may share a folder: the first one that opens it for an encoder keeps what it computes, the others
    read what was there when they opened it. Where keeping fails, as on a full disk, a warning says so once and encoding
    goes on without it.

    Args:
        folder: where to keep them; None for in memory.
        max_mb: space of the whole folder, or in memory, in units of 1e6 bytes: a text takes 4 bytes x width + 16, in
            memory about 150 more.

    Attributes:
        hits, misses: texts that were found, and that had to be computed.
        notes: why something is not kept, one sentence each.
    """

    def __init__(self, encoder: Encoder, folder: Path | str | None = None, *, max_mb: float = MAX_MB) -> None:
        self._encoder = encoder
        self._row_bytes = 4 * encoder.d + _KEY
        self._max_bytes = int(max_mb * 1e6)
        if self._max_bytes < 4 * self._row_bytes:
            raise ConfigError(f"a cache of {max_mb} MB holds no vectors of {encoder.d}; give at least 1 MB")
        self._lock = threading.Lock()
        self.hits = self.misses = 0
        self.notes: list[str] = []
        self._root = None if folder is None else Path(folder)
        self._others = 0
        self._owned: _Lock | None = None
        self._keeps, self._number = True, 0
        self._young: Generation = InMemory(encoder.d)
        self._elder: Generation = InMemory(encoder.d)
        if self._root is not None:
            self._open(self._root)

    @property
    def d(self) -> int:
        """Width of the vectors."""
        return self._encoder.d

    @property
    def name(self) -> str:
        """Of the encoder."""
        return self._encoder.name

    @property
    def fingerprint(self) -> str:
        """Of the encoder: a vector is the same, kept or computed."""
        return self._encoder.fingerprint

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Vectors of shape `(len(texts), d)`, see `Encoder.encode`; equal texts are computed once."""
        keys = [hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_KEY).digest() for text in texts]
        vectors_ND = np.zeros((len(texts), self.d), dtype=np.float32)
        with self._lock:
            missing = self._look_up(keys, vectors_ND)
        if missing:
            first: dict[bytes, int] = {}
            for i in missing:
                first.setdefault(keys[i], i)
            at = {key: row for row, key in enumerate(first)}
            computed_MD = self._encoder.encode([texts[i] for i in first.values()])
            vectors_ND[missing] = computed_MD[[at[keys[i]] for i in missing]]
            with self._lock:
                self._keep(list(first), computed_MD)
        with self._lock:
            self.hits, self.misses = self.hits + len(texts) - len(missing), self.misses + len(missing)
        return vectors_ND

    def close(self) -> None:
        """Let another process keep vectors in this folder."""
        if self._owned is not None:
            self._owned.release()
            self._owned, self._keeps = None, False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _look_up(self, keys: Sequence[bytes], vectors_ND: Vectors) -> list[int]:
        """Fill in what is known; the rest's places."""
        places: dict[bool, tuple[list[int], list[int]]] = {True: ([], []), False: ([], [])}
        missing: list[int] = []
        for i, key in enumerate(keys):
            for is_young, generation in ((True, self._young), (False, self._elder)):
                if (row := generation.index.get(key)) is not None:
                    places[is_young][0].append(i)
                    places[is_young][1].append(row)
                    break
            else:
                missing.append(i)
        for is_young, generation in ((True, self._young), (False, self._elder)):
            at, rows = places[is_young]
            if not at:
                continue
            found_ND = generation.get(rows)
            sound_N = np.abs(np.einsum("nd,nd->n", found_ND, found_ND) - 1.0) < _LENGTH_OFF
            vectors_ND[at] = found_ND
            for i, sound in zip(at, sound_N.tolist(), strict=True):
                if not sound:
                    generation.index.pop(keys[i], None)
                    missing.append(i)
            if not is_young:
                self._keep([keys[i] for i in at], found_ND)
        return missing

    def _keep(self, keys: Sequence[bytes], vectors_ND: Vectors) -> None:
        """Append what has a vector; a blank text has none and costs nothing to compute."""
        sound = np.flatnonzero(np.abs(np.einsum("nd,nd->n", vectors_ND, vectors_ND) - 1.0) < _LENGTH_OFF).tolist()
        new = list({keys[i]: i for i in sound if keys[i] not in self._young.index}.values())
        start = 0
        while self._keeps and start < len(new):
            try:
                room = self._room()
                chunk = new[start : start + min(room, _AT_ONCE)]
                self._young.append([keys[i] for i in chunk], vectors_ND[chunk])
            except OSError as error:
                self._give_up(f"vectors are not kept any more: {error.strerror or error} in {self._root}")
            start += len(chunk)

    def _room(self) -> int:
        """Rows that may be appended now, at least one; turns the generations where the younger one is full."""
        if self._others and self._bytes() + self._others > self._max_bytes - _AT_ONCE * self._row_bytes:
            self._others = self._drop_others()
        capacity = max((self._max_bytes - self._others) // 2 // self._row_bytes, 1)
        if len(self._young.index) >= capacity:
            self._elder.delete()
            self._elder = self._young
            self._number += 1
            self._young = self._generation(self._number)
        return max(capacity - len(self._young.index), 1)

    def _bytes(self) -> int:
        return (len(self._young.index) + len(self._elder.index)) * self._row_bytes

    def _generation(self, number: int) -> Generation:
        if self._root is None:
            return InMemory(self.d)
        return OnDisk(self._root / self.fingerprint, number, self.d, is_owner=self._owned is not None)

    def _open(self, root: Path) -> None:
        """Take the folder, or read it where another process has it."""
        if root.is_file():
            raise ConfigError(f"{root} is a file; name a folder for the cache")
        own = root / self.fingerprint
        try:
            own.mkdir(parents=True, exist_ok=True)
            self._owned = _Lock.of(own)
            numbers = sorted(int(path.stem) for path in own.glob("*.vectors") if path.stem.isdecimal())
            self._number = numbers[-1] if numbers else 1
            self._young = self._generation(self._number)
            if len(numbers) > 1:
                self._elder = self._generation(numbers[-2])
            for number in numbers[:-2] if self._owned else ():
                self._generation(number).delete()
            self._others = sum(_size(each) for each in _siblings(own))
        except OSError as error:
            self._give_up(f"the cache {root} cannot be used: {error.strerror or error}")
            return
        if self._owned is None:
            self._give_up(f"another process keeps vectors in {own}; they are read here, and what is new is not kept")

    def _drop_others(self) -> int:
        """Delete what other encoders left, unless a process has it; the bytes that remain."""
        assert self._root is not None
        for folder in _siblings(self._root / self.fingerprint):
            lock = _Lock.of(folder)
            if lock is not None:
                shutil.rmtree(folder, ignore_errors=True)
                lock.release()
        return sum(_size(each) for each in _siblings(self._root / self.fingerprint))

    def _give_up(self, note: str) -> None:
        self._keeps = False
        self.notes.append(note)
        _log.warning(note)


class _Lock:
    """A folder that is one's own until it is released, forgotten, or the process ends, however it ends."""

    def __init__(self, file: int) -> None:
        self.release = weakref.finalize(self, os.close, file)

    @classmethod
    def of(cls, folder: Path) -> Self | None:
        """Take it; None where another has it."""
        file = os.open(folder / "lock", os.O_CREAT | os.O_WRONLY, 0o666)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(file)
            return None
        return cls(file)


def _siblings(own: Path) -> list[Path]:
    """Folders of other encoders: those with a lock, so that nothing else is ever deleted."""
    return [each for each in own.parent.iterdir() if each != own and (each / "lock").is_file()]


def _size(folder: Path) -> int:
    return sum(each.stat().st_size for each in folder.iterdir() if each.is_file())

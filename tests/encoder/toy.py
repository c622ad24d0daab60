"""An encoder for tests: a bag of words as random directions, so that a cosine is what two texts share."""

import re
import zlib
from collections.abc import Mapping, Sequence

import numpy as np

from huaxiang.types import Vectors

_WORD = re.compile(r"[\u4e00-\u9fff]|[^\W_\u4e00-\u9fff]+")
_WORDS = 500


class ToyEncoder:
    """Words (and single Chinese characters) as random directions drawn by their own hash.

    Args:
        meanings: words that stand for another one: `{"dear": "price"}` gives both the same direction.
    """

    name, fingerprint = "toy", "toy-1"

    def __init__(self, d: int = 64, meanings: Mapping[str, str] | None = None) -> None:
        self.d = d
        self.n_read = 0
        self._meanings = meanings or {}

    def encode(self, texts: Sequence[str]) -> Vectors:
        """As `Encoder.encode`; how many texts were read is counted in `n_read`."""
        self.n_read += len(texts)
        vectors_ND = np.zeros((len(texts), self.d), np.float32)
        for row, text in enumerate(texts):
            for word in _WORD.findall(text.lower())[:_WORDS]:
                vectors_ND[row] += self._direction(self._meanings.get(word, word))
            length = float(np.linalg.norm(vectors_ND[row]))
            vectors_ND[row] /= length or 1.0
        return vectors_ND

    def _direction(self, word: str) -> Vectors:
        drawn = np.random.default_rng(zlib.crc32(word.encode("utf-8", "replace"))).normal(size=self.d)
        return drawn.astype(np.float32)

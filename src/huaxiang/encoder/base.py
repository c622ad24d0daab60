"""The contract of an encoder: texts in, unit vectors out."""

from collections.abc import Sequence
from typing import Protocol

from huaxiang.types import Vectors


class Encoder(Protocol):
    """Turns text of any language into a vector. Safe to call from many threads."""

    @property
    def d(self) -> int:
        """Width of the vectors."""
        ...

    @property
    def name(self) -> str:
        """What it was made from, for people."""
        ...

    @property
    def fingerprint(self) -> str:
        """Changes whenever any vector could: vectors of different fingerprints must not be compared."""
        ...

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Vectors of shape `(len(texts), d)`, rows of length 1; an empty or blank text gives a row of zeros.

        A text longer than the encoder reads is cut at its end, so what matters most comes first. A text's vector does
        not depend on its neighbours in the call, to about 1e-6.
        """
        ...

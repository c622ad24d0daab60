"""Which words stand near each other in a shop's names: what tells one likely correction of a word from another.

Legend: P pairs in order of their keys, A pairs that are asked for.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

REACH: Final = 2
"""Words within this many places are a pair, in either order: queries are shorter than names and put words otherwise."""

_SPREAD: Final = np.uint64(0x9E3779B97F4A7C15)

Layer = tuple[NDArray[np.uint64], NDArray[np.float32]]


class WordPairs:
    """Counts of pairs, by hashes of both words. Safe to read while `add` runs.

    Memory: 12 bytes for each pair that was met. New pairs are kept in layers of growing size, so that adding a few
    costs little; a hash of 64 bits takes two pairs for one about once in 10^13 questions.
    """

    def __init__(self) -> None:
        self._layers: tuple[Layer, ...] = ()

    def __len__(self) -> int:
        return sum(len(keys_P) for keys_P, _ in self._layers)

    @property
    def n_bytes(self) -> int:
        """Memory of the arrays."""
        return sum(int(keys_P.nbytes + counts_P.nbytes) for keys_P, counts_P in self._layers)

    def add(self, texts: Iterable[Sequence[str]]) -> None:
        """Count the pairs of texts that were cut into words."""
        layers = [*self._layers, _counted(texts)]
        while len(layers) > 1 and len(layers[-2][0]) < 4 * len(layers[-1][0]):
            layers[-2:] = [_merged(layers[-2], layers[-1])]
        self._layers = tuple(layer for layer in layers if len(layer[0]))

    def counts(self, words: Sequence[str], others: Sequence[str]) -> NDArray[np.float32]:
        """How often each of `words` stood near its one of `others`, shape (A,)."""
        keys_A = _keys(_hashes(words), _hashes(others))
        counts_A = np.zeros(len(keys_A), np.float32)
        for keys_P, counts_P in self._layers:
            places_A = keys_P.searchsorted(keys_A)
            np.minimum(places_A, len(keys_P) - 1, out=places_A)
            counts_A += np.where(keys_P[places_A] == keys_A, counts_P[places_A], np.float32(0.0))
        return counts_A


def _hashes(words: Sequence[str]) -> NDArray[np.uint64]:
    return np.array(list(map(hash, words)), np.int64).view(np.uint64)


def _keys(one: NDArray[np.uint64], other: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Of pairs, whichever of both comes first."""
    keys: NDArray[np.uint64] = (one ^ other) + _SPREAD * (one + other)
    return keys


def _counted(texts: Iterable[Sequence[str]]) -> Layer:
    words: list[str] = []
    text_of: list[int] = []
    for number, text in enumerate(texts):
        words += text
        text_of += [number] * len(text)
    hashes, numbers = _hashes(words), np.array(text_of, np.int64)
    keys = [np.empty(0, np.uint64)]
    for apart in range(1, REACH + 1):
        is_one_text = numbers[apart:] == numbers[:-apart]
        keys.append(_keys(hashes[:-apart], hashes[apart:])[is_one_text])
    keys_P, counts_P = np.unique(np.concatenate(keys), return_counts=True)
    return keys_P, counts_P.astype(np.float32)


def _merged(one: Layer, other: Layer) -> Layer:
    keys = np.concatenate([one[0], other[0]])
    keys_P, places = np.unique(keys, return_inverse=True)
    counts_P = np.bincount(places, np.concatenate([one[1], other[1]]), len(keys_P))
    return keys_P, counts_P.astype(np.float32)

"""Words near a word, found by what remains of both when letters are left out (symmetric deletion, Garbe 2012).

Legend: N words, C ways to leave letters out, W letters that are looked at, P remainders.
"""

import itertools
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

_W: Final = 8
"""Letters of a word that remainders are made of: two words within two slips also have near beginnings."""
_LONG: Final = 7
"""From this length on words are found by two letters left out, shorter ones by one, of two letters by none."""
_AT_ONCE: Final = 2_048
_MULTIPLIERS: Final = np.array(
    [
        *(0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93),
        *(0xA0761D6478BD642F, 0xE7037ED1A0B428DB, 0x8EBC6AF09C88C6E3, 0x589965CC75374CC3),
    ],
    np.uint64,
)

Keys = NDArray[np.uint32]
Numbers = NDArray[np.int32]


class NearWords:
    """Words by their remainders, in sorted arrays; never changed.

    Memory: 8 bytes for each remainder: 5 to 7 of a short word, 29 to 37 of one with seven letters and more.
    """

    def __init__(self, keys_P: Keys, numbers_P: Numbers) -> None:
        order_P = np.argsort(keys_P, kind="stable")
        self._keys_P, self._numbers_P = keys_P[order_P], numbers_P[order_P]

    @classmethod
    def of(cls, words: Sequence[str], first: int = 0, most: int = 2) -> "NearWords":
        """Of words that are numbered from `first` on; at most `most` letters are left out."""
        keys: list[Keys] = [np.empty(0, np.uint32)]
        numbers: list[Numbers] = [np.empty(0, np.int32)]
        for length, left_out, chosen_N in _alike([min(most, slack(len(word))) for word in words], words):
            for start in range(0, len(chosen_N), _AT_ONCE):
                part_N = chosen_N[start : start + _AT_ONCE]
                keys_NC = _keys([words[at] for at in part_N], length, left_out)
                keys.append(keys_NC.ravel())
                numbers.append(np.repeat(part_N + np.int32(first), keys_NC.shape[1]).astype(np.int32))
        return cls(np.concatenate(keys), np.concatenate(numbers))

    def with_more(self, others: "NearWords") -> "NearWords":
        """Both together."""
        return NearWords(
            np.concatenate([self._keys_P, others._keys_P]), np.concatenate([self._numbers_P, others._numbers_P])
        )

    def __len__(self) -> int:
        return len(self._keys_P)

    @property
    def n_bytes(self) -> int:
        """Memory of the arrays."""
        return int(self._keys_P.nbytes + self._numbers_P.nbytes)

    def find(self, typed: Sequence[str], left_out: Sequence[int]) -> list[tuple[int, int]]:
        """Candidates: place in `typed` and number of a word that shares a remainder with it, each pair once.

        Args:
            left_out: of each how many letters may be left out, 0 to 2.
        Nothing is said of the true distance, which is for the caller to measure.
        """
        pairs: set[tuple[int, int]] = set()
        for out in set(left_out):
            chosen = [at for at, own in enumerate(left_out) if own == out and typed[at]]
            if not chosen:
                continue
            length = min(_W, max(len(typed[at]) for at in chosen))
            keys_NC = _keys([typed[at] for at in chosen], length, min(out, length - 1))
            low_NC = self._keys_P.searchsorted(keys_NC, "left")
            high_NC = self._keys_P.searchsorted(keys_NC, "right")
            rows, columns = np.nonzero(high_NC > low_NC)
            bounds = zip(low_NC[rows, columns].tolist(), high_NC[rows, columns].tolist(), strict=True)
            for row, (low, high) in zip(rows.tolist(), bounds, strict=True):
                pairs.update((chosen[row], number) for number in self._numbers_P[low:high].tolist())
        return sorted(pairs)


def slack(length: int) -> int:
    """How many letters of a known word of this length are left out."""
    return 2 if length >= _LONG else 1 if length > 2 else 0


def _alike(left_out: Sequence[int], words: Sequence[str]) -> Iterator[tuple[int, int, Numbers]]:
    """Words by the length that is looked at and how many letters are left out."""
    groups: dict[tuple[int, int], list[int]] = {}
    for at, (word, out) in enumerate(zip(words, left_out, strict=True)):
        groups.setdefault((min(len(word), _W), out), []).append(at)
    for (length, out), chosen in groups.items():
        if length:
            yield length, min(out, length - 1), np.array(chosen, np.int32)


def _keys(words: Sequence[str], length: int, left_out: int) -> Keys:
    """The keys of all remainders of words, shape (N, C); some twice of words that are shorter than `length`."""
    letters_NW = np.zeros((len(words), length + 1), np.uint64)
    letters_NW[:, :length] = np.array(words, f"U{length}").view(np.uint32).reshape(len(words), length)
    kept_CW = _ways(length, left_out)
    mixed_NC = (letters_NW[:, kept_CW] * _MULTIPLIERS[: kept_CW.shape[1]]).sum(axis=2, dtype=np.uint64)
    keys_NC: Keys = (mixed_NC >> np.uint64(32)).astype(np.uint32)
    return keys_NC


@cache
def _ways(length: int, left_out: int) -> NDArray[np.int64]:
    """Places of the letters kept, for each way to leave out up to `left_out`; a place behind the word is blank."""
    rows = []
    for out in range(left_out + 1):
        for gone in itertools.combinations(range(length), out):
            kept = [at for at in range(length) if at not in gone]
            rows.append(kept + [length] * out)
    return np.array(rows, np.int64)

"""The best entries behind a prefix: keys in the order of their bytes, with the best of every crowded prefix beforehand.

Legend: P keys in order, Q keys of a range, T pairs of a tag and a key, in the order of tags.
"""

import itertools
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

WIDTH: Final = 24
"""Bytes of a key that are kept; longer prefixes are found by these and are for the caller to check."""
MOST: Final = 64
"""Keys that a prefix answers with."""

_CROWDED: Final = 2_048
"""Keys behind a prefix from which on its best are kept beforehand: sorting so many takes about .1 ms."""


class Prefixes:
    """Keys, each of an entry and with a score. Never changed; safe to read from many threads.

    Memory: 32 bytes for a key, 8 for each of its tags.
    """

    def __init__(self, keys_P: NDArray[np.bytes_], entries_P: NDArray[np.int32], scores_P: NDArray[np.float32]) -> None:
        order_P = np.argsort(keys_P, kind="stable")
        self._keys_P, self._entries_P, self._scores_P = keys_P[order_P], entries_P[order_P], scores_P[order_P]
        self._best: dict[bytes, NDArray[np.int32]] = {}
        self._find_crowded()
        self._tag_starts = np.zeros(1, np.int64)
        self._tagged_T = np.empty(0, np.int32)

    @classmethod
    def of(cls, keys: Sequence[str], entries: Sequence[int], scores: Sequence[float]) -> "Prefixes":
        """From keys of any length."""
        return cls(cut_keys(keys), np.array(entries, np.int32), np.array(scores, np.float32))

    def __len__(self) -> int:
        return len(self._keys_P)

    @property
    def n_bytes(self) -> int:
        """Memory of the arrays."""
        parts = (self._keys_P, self._entries_P, self._scores_P, self._tagged_T, *self._best.values())
        return sum(int(part.nbytes) for part in parts)

    def with_more(self, other: "Prefixes", kept: NDArray[np.bool_], scores_E: NDArray[np.float32]) -> "Prefixes":
        """Both together, without the entries that are not kept; scores change by what their entry's score did.

        Args:
            kept: by entry. scores_E: what to add to the scores of an entry's keys.
        """
        keys = np.concatenate([self._keys_P, other._keys_P])
        entries = np.concatenate([self._entries_P, other._entries_P])
        scores = np.concatenate([self._scores_P, other._scores_P])
        stay = kept[entries]
        entries = entries[stay]
        return Prefixes(keys[stay], entries, scores[stay] + scores_E[entries])

    def tag(self, tags: Sequence[Sequence[int]], n_tags: int) -> None:
        """Note the tags of entries, by which `tagged` finds them."""
        counts_E = np.fromiter(map(len, tags), np.int64, len(tags))
        flat = np.fromiter((tag for own in tags for tag in own), np.int32, int(counts_E.sum()))
        first_E = np.concatenate([[0], np.cumsum(counts_E)])
        counts_P = counts_E[self._entries_P]
        keys_T = np.repeat(np.arange(len(self), dtype=np.int32), counts_P)
        inside_T = np.arange(len(keys_T)) - np.repeat(np.cumsum(counts_P) - counts_P, counts_P)
        tags_T = flat[np.repeat(first_E[self._entries_P], counts_P) + inside_T]
        self._tagged_T = keys_T[np.argsort(tags_T, kind="stable")]
        self._tag_starts = np.concatenate([[0], np.cumsum(np.bincount(tags_T, minlength=n_tags))])

    def best(self, prefix: str, n: int = MOST) -> dict[int, float]:
        """The entries of the `n` best keys that begin so, with the score of each, best first."""
        low, high, cut = self._range(prefix)
        if high - low >= _CROWDED and (kept := self._best.get(cut)) is not None:
            return self._entries(kept[:n])
        return self._entries(self._top(np.arange(low, high), n))

    def tagged(self, prefix: str, tags: Sequence[int], n: int) -> dict[int, float]:
        """Of each tag the best entries behind a prefix that have it, with their scores, from `n` keys."""
        low, high, _ = self._range(prefix)
        found: dict[int, float] = {}
        if low < high:
            for tag in tags:
                if tag + 1 >= len(self._tag_starts):
                    continue
                own_T = self._tagged_T[self._tag_starts[tag] : self._tag_starts[tag + 1]]
                inside_Q = own_T[slice(*np.searchsorted(own_T, np.array([low, high], np.int32)))]
                found |= self._entries(self._top(inside_Q, n))
        return found

    def begun(self, prefixes: Sequence[str]) -> list[int]:
        """The places of those among many prefixes that any key begins with."""
        cut = cut_keys(prefixes)
        places = np.flatnonzero(self._keys_P.searchsorted(_ends(cut), "right") > self._keys_P.searchsorted(cut))
        found: list[int] = places.tolist()
        return found

    def _range(self, prefix: str) -> tuple[int, int, bytes]:
        cut = cut_keys([prefix])
        low, high = self._keys_P.searchsorted(cut), self._keys_P.searchsorted(_ends(cut), "right")
        return int(low[0]), int(high[0]), bytes(cut[0])

    def _entries(self, places: NDArray[np.integer]) -> dict[int, float]:
        """Entries with their best score; places come best first."""
        found: dict[int, float] = {}
        for entry, score in zip(self._entries_P[places].tolist(), self._scores_P[places].tolist(), strict=True):
            found.setdefault(entry, score)
        return found

    def _top(self, places_Q: NDArray[np.integer], n: int = MOST) -> NDArray[np.integer]:
        """The places with the best scores, best first, in the order of keys where these are equal."""
        scores_Q = self._scores_P[places_Q]
        if len(places_Q) > n:
            chosen = np.argpartition(-scores_Q, n - 1)[:n]
            chosen.sort()
            places_Q, scores_Q = places_Q[chosen], scores_Q[chosen]
        return places_Q[np.argsort(-scores_Q, kind="stable")]

    def _find_crowded(self) -> None:
        """The best of every prefix with very many keys, the empty one first."""
        bytes_PW = self._keys_P.view(np.uint8).reshape(len(self), WIDTH)
        waiting = [(0, len(self), 0)]
        while waiting:
            low, high, depth = waiting.pop()
            if high - low < _CROWDED:
                continue
            prefix = bytes(bytes_PW[low, :depth])
            self._best[prefix] = self._top(np.arange(low, high)).astype(np.int32)
            if depth == WIDTH:
                continue
            starts = np.flatnonzero(np.diff(bytes_PW[low:high, depth])) + low + 1
            bounds = [low, *starts.tolist(), high]
            waiting += [
                (start, end, depth + 1)
                for start, end in itertools.pairwise(bounds)
                if bytes_PW[start, depth]  # 0: the key ends here
            ]


def cut_keys(keys: Sequence[str]) -> NDArray[np.bytes_]:
    """Keys of any length as they are kept."""
    return np.array([key.encode("utf-8", "ignore")[:WIDTH] for key in keys], f"S{WIDTH}")


def _ends(prefixes: NDArray[np.bytes_]) -> NDArray[np.bytes_]:
    """The last keys that begin so: no letter of UTF-8 has the byte 255."""
    letters = prefixes.view(np.uint8).reshape(len(prefixes), WIDTH).copy()
    letters[letters == 0] = 255
    return letters.view(f"S{WIDTH}")[:, 0]

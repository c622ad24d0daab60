"""What a corpus of titles knows about its terms: how rare, where in a title, and how a slip was meant.

A term has a number from 0 in order of first appearance, which stays.
"""

import math
from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import OSA
from rapidfuzz.process import extract

from huaxiang.text.terms import stem

UNKNOWN: Final = -1
"""Number of a term that the corpus lacks."""
_SHORTEST_SLIP: Final = 4
"""Letters of the shortest word that is taken for a slip of another: shorter ones are too near to everything."""
_TWO_SLIPS: Final = 8
"""Letters from which on two slips are looked for."""
_REMEMBERED: Final = 20_000
_SHORTEST_PREFIX: Final = 3
_SHORTEST_PART: Final = 3


class Vocabulary:
    """Terms of a corpus of titles. Reading is safe from many threads, adding from one."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._terms: list[str] = []
        self._spelled: list[str] = []
        self._in_texts, self._first, self._last = array("i"), array("i"), array("i")
        self._joined: dict[str, tuple[int, int]] = {}
        self._by_length: dict[int, list[int]] = defaultdict(list)
        self._sorted: list[str] | None = None
        self._rarities: NDArray[np.float32] | None = None
        self._slips: dict[str, tuple[tuple[int, int], ...]] = {}
        self.n_texts = 0
        self.n_words = 0

    def __len__(self) -> int:
        return len(self._terms)

    def count(self, terms: Sequence[str], spelled: Sequence[str], n_head: int) -> list[int]:
        """Take a title in; the number of each of its terms.

        Args:
            terms: its content, in order. spelled: each as it was written, for people and encoders.
            n_head: how many of the terms stand before the title begins to tell what it is with or for.
        """
        numbers = [self._take(term, written) for term, written in zip(terms, spelled, strict=True)]
        for one in set(numbers):
            self._in_texts[one] += 1
        if numbers:
            self._first[numbers[0]] += 1
            self._last[numbers[max(n_head, 1) - 1]] += 1
        self.n_texts += 1
        self.n_words += len(numbers)
        self._rarities = None
        return numbers

    def join(self, left: str, right: str) -> None:
        """Take in that two words stood in one, such as `strong-tie`."""
        self._joined.setdefault(left + right, (self._take(stem(left), left), self._take(stem(right), right)))

    def name(self, terms: Iterable[str]) -> list[int]:
        """Numbers of terms that stand in no title, such as a description's; they are not counted."""
        return [self._take(term, term) for term in terms]

    def _take(self, term: str, spelled: str) -> int:
        number = self._numbers.setdefault(term, len(self._terms))
        if number == len(self._terms):
            self._terms.append(term)
            self._spelled.append(spelled)
            for counts in (self._in_texts, self._first, self._last):
                counts.append(0)
            self._by_length[len(term)].append(number)
            self._sorted, self._rarities = None, None
            self._slips.clear()
        return number

    def number(self, term: str) -> int:
        """Of a term; `UNKNOWN` where no title ever held it."""
        return self._numbers.get(term, UNKNOWN)

    def spelled(self, number: int) -> str:
        """How a term was written where it was first met, with its ending."""
        return self._spelled[number]

    def texts_with(self, number: int) -> int:
        """How many titles hold a term; 0 for an unknown one."""
        return self._in_texts[number] if number >= 0 else 0

    def rarity(self, number: int) -> float:
        """Inverse document frequency as BM25 has it, in nats, above 0; most for an unknown term."""
        n = self.texts_with(number)
        return math.log1p((self.n_texts - n + 0.5) / (n + 0.5))

    def rarities(self) -> NDArray[np.float32]:
        """`rarity` of every term, by its number."""
        if self._rarities is None:
            n = np.array(self._in_texts, np.float64)
            self._rarities = np.log1p((self.n_texts - n + 0.5) / (n + 0.5)).astype(np.float32)
        return self._rarities

    def opens(self, number: int) -> float:
        """Share of a term's titles that begin with it, as with a brand; shrunk towards 0 where there are few."""
        return self._first[number] / (self._in_texts[number] + 2.0) if number >= 0 else 0.0

    def names(self, number: int) -> float:
        """Share of a term's titles whose head ends in it, as with a kind of product; shrunk as in `opens`."""
        return self._last[number] / (self._in_texts[number] + 2.0) if number >= 0 else 0.0

    @property
    def words_a_text(self) -> float:
        """Terms of a title, on average; 1 in an empty corpus."""
        return self.n_words / self.n_texts if self.n_words else 1.0

    def halves(self, word: str) -> tuple[int, int] | None:
        """Two terms that some title writes as this word with a hyphen, or whose joining it is; else None.

        Of several places to part it the one whose rarer half is the most frequent.

        Args:
            word: with its ending, as are the halves that it is parted into.
        """
        if (said := self._joined.get(word)) is not None:
            return said
        best, found = 0, None
        for at in range(_SHORTEST_PART, len(word) - _SHORTEST_PART + 1):
            left, right = self.number(stem(word[:at])), self.number(stem(word[at:]))
            n = min(self.texts_with(left), self.texts_with(right))
            if n > best:
                best, found = n, (left, right)
        return found

    def begun_by(self, prefix: str, most: int) -> list[int]:
        """Terms that begin with a prefix of three letters or more, the most frequent first."""
        if len(prefix) < _SHORTEST_PREFIX:
            return []
        if self._sorted is None:
            self._sorted = sorted(self._numbers)
        at, found = bisect_left(self._sorted, prefix), []
        while at < len(self._sorted) and self._sorted[at].startswith(prefix):
            found.append(self._numbers[self._sorted[at]])
            at += 1
        return sorted(found, key=lambda number: -self._in_texts[number])[:most]

    def meant(self, word: str, most: int = 3) -> tuple[tuple[int, int], ...]:
        """Terms that a word may be a slip of, with the number of slips; fewest slips first, then the most frequent.

        A slip is a letter too much, too few, another, or two that changed places; one is looked for, two in a word of
        eight letters or more. Takes about 1 ms among 30,000 terms, nothing when asked again.
        """
        if len(word) < _SHORTEST_SLIP or not word.isalpha():
            return ()
        if (known := self._slips.get(word)) is None:
            if len(self._slips) >= _REMEMBERED:
                self._slips.clear()
            known = self._slips[word] = self._near(word, most)
        return known

    def _near(self, word: str, most: int) -> tuple[tuple[int, int], ...]:
        slips = 2 if len(word) >= _TWO_SLIPS else 1
        lengths = range(max(len(word) - slips, _SHORTEST_SLIP), len(word) + slips + 1)
        near = {number: self._terms[number] for length in lengths for number in self._by_length[length]}
        said = extract(word, near, scorer=OSA.distance, score_cutoff=slips, limit=None)
        found = [(number, int(distance)) for _, distance, number in said if self._in_texts[number] and distance]
        found.sort(key=lambda each: (each[1], -self._in_texts[each[0]], each[0]))
        return tuple(each for each in found if each[1] == found[0][1])[:most]

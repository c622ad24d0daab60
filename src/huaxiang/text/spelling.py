"""Spelling: words and queries as they were meant, by the words that a shop knows and which of them go together.

A noisy channel: of all readings of a query the likeliest is taken, by how probable its words are, each after the one
before it, and how many slips it takes to type them so.

Legend: S steps from one reading to one that starts where it ends.
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from huaxiang.text.known_words import EVERYDAY, NUMBER, KnownWords, is_han, letters_of
from huaxiang.text.pinyin import has_han
from huaxiang.text.readings import SHORT, Kind, Reading, han_readings, joined, letter_readings, short_readings
from huaxiang.text.segment import segment

_SLIP: Final = 6.0
"""Nats that a slip costs."""
_STRANGE: Final = 12.0
"""Nats that an unknown word costs more than one that was met once."""
_NEW: Final = 2.0
"""Nats that an unknown Chinese word costs more than its characters: names are made of them every day."""
_NEWEST: Final = 7.0
"""Nats that it costs at most more than a word that was met once."""
_TOGETHER: Final = 0.7
"""How much of a word's chance is by the word before it, the rest by its own frequency."""
_SAME_STEM: Final = 0.2
"""How much of a word's frequency is that of the same with any ending."""
_MOST_WORDS: Final = 24
_MOST_LETTERS: Final = 200


@dataclass(frozen=True, slots=True)
class Correction:
    """What a word was meant to be.

    Attributes:
        distance: in slips, about 1 for each letter lost, added, replaced or swapped.
        kind: `edit`; `split` and `join`, a blank lost and added; `pinyin`, a word by its sound.
    """

    word: str
    distance: float
    kind: Kind


class Speller:
    """Corrects words and queries. Safe to use from many threads while words are added.

    Args:
        vocabulary: surface words as people type them, lower case, with how often each is met; a word met five times is
            known well, and never changed.
        texts: names of items and queries: their words are added, and which stand together.
        trusted: more words that are never changed; those that any shop's shoppers use are built in.
    """

    def __init__(
        self, vocabulary: Mapping[str, float], texts: Iterable[str] = (), *, trusted: Collection[str] = ()
    ) -> None:
        self.known = KnownWords(trusted)
        self.known.add(vocabulary)
        self.known.learn(texts)

    def add(self, words: Mapping[str, float]) -> None:
        """Add words, or to the frequency of words."""
        self.known.add(words)

    def learn(self, texts: Iterable[str]) -> None:
        """Add the words of texts, such as the names of new items, and which stand together."""
        self.known.learn(texts)

    def correct(self, word: str) -> tuple[Correction, ...]:
        """What one word may have been meant to be, best first; several words for `split`.

        Empty for a word that is known well, with a digit, of one to three letters unless it is pinyin, and for one that
        nothing is near. Two words with a blank between are asked whether they are one.
        """
        typed = word.lower().split()
        if len(typed) == 2:
            readings = [found] if (found := joined(self.known, typed[0], typed[1], 0)) else []
            whole = 2
        elif len(typed) == 1 and len(typed[0]) <= _MOST_LETTERS and not self.known.knows_well(typed[0]):
            readings = self._readings_alone(typed[0])
            whole = len(typed[0]) if has_han(typed[0]) else 1
        else:
            return ()
        changed = [one for one in readings if one.kind and one.start == 0 and one.end == whole]
        changed.sort(key=lambda one: (self._cost_alone(one), one.words))
        best = {" ".join(one.words): one for one in reversed(changed)}
        return tuple(
            Correction(said, one.distance, one.kind) for said, one in reversed(best.items()) if one.kind is not None
        )

    def _readings_alone(self, word: str) -> list[Reading]:
        if not has_han(word):
            return list(letter_readings(self.known, word, 0))
        return han_readings(self.known, [word], 0) if is_han(word) else []

    def _cost_alone(self, reading: Reading) -> float:
        return _SLIP * reading.distance + sum(-math.log(self._chance(word)) for word in reading.words)

    def correct_query(self, words: Sequence[str]) -> tuple[str, ...]:
        """The words of a query as they were meant, by what goes together in the shop; the same where nothing is wrong.

        A run of Chinese words is read as one text, and cut anew where it changes. Of very long queries the first 24
        words are read. Never raises.
        """
        query = _Query(self.known, words[:_MOST_WORDS])
        if not query.is_doubtful:
            return tuple(words)
        return (*query.said(self._likeliest(query)), *words[_MOST_WORDS:])

    def _likeliest(self, query: "_Query") -> list[Reading]:
        """The cheapest way through the readings of a query: the best way to each, by those that end where it starts."""
        readings = [reading for here in query.starting for reading in here]
        ending: list[list[int]] = [[] for _ in range(query.length + 1)]
        for number, reading in enumerate(readings):
            ending[reading.end].append(number)
        steps = [(before, after) for after, one in enumerate(readings) for before in ending[one.start]]
        costs = iter(self._costs(readings, steps))
        best: list[tuple[float, int]] = []
        for reading in readings:
            own = _SLIP * reading.distance + sum(-math.log(self._chance(word)) for word in reading.words[1:])
            ways = [(best[before][0] + next(costs), before) for before in ending[reading.start]]
            cost, before = min(ways, default=(0.0 if reading.start == 0 else math.inf, -1))
            if reading.start == 0:
                cost = -math.log(self._chance(reading.words[0]))
            best.append((cost + own, before))
        path: list[Reading] = []
        at = min(ending[query.length], key=lambda number: best[number][0])
        while at >= 0:
            path.append(readings[at])
            at = best[at][1]
        return path[::-1]

    def _costs(self, readings: Sequence[Reading], steps: Sequence[tuple[int, int]]) -> list[float]:
        """Nats of the first word of a reading after the last of another, for each step from one to the other."""
        befores = [readings[before].words[-1] for before, _ in steps]
        afters = [readings[after].words[0] for _, after in steps]
        chances = {word: self._chance(word) for word in set(afters)}
        counts = {word: max(1.0, self.known.frequency_of_stem(word)) for word in set(befores)}
        met_S = self.known.together(befores, afters)
        alone_S = np.array([chances[word] for word in afters])
        after_S = np.minimum(1.0, met_S / np.array([counts[word] for word in befores]))
        costs: list[float] = (-np.log(_TOGETHER * after_S + (1.0 - _TOGETHER) * alone_S)).tolist()
        return costs

    def _chance(self, word: str) -> float:
        total = max(2.0, self.known.total)
        frequency = self.known.frequency(word) + _SAME_STEM * self.known.frequency_of_stem(word)
        if word in EVERYDAY:
            frequency = max(1.0, frequency)
        if not frequency and has_han(word):
            return max(math.exp(-_NEW) * self.known.chance_of_characters(word), math.exp(-_NEWEST) / total)
        return (frequency or math.exp(-_STRANGE)) / total


class _Query:
    """The readings of a query by where they start. Its units are words of letters, parts of a compound, and Chinese
    characters; a source is a word, or a whole run of Chinese words."""

    def __init__(self, known: KnownWords, words: Sequence[str]) -> None:
        self._known = known
        self.starting: list[list[Reading]] = []
        self.is_doubtful = False
        self._sources: list[Sequence[str]] = []
        self._source_of: list[int] = []
        at = 0
        while at < len(words):
            end = at
            while end < len(words) and len(words[end]) <= _MOST_LETTERS and is_han(words[end]):
                end += 1
            if end > at:
                self._add(words[at:end], sum(map(len, words[at:end])), han_readings(known, words[at:end], self.length))
            else:
                end = at + 1
                self._add_letters(words[at])
            at = end
        self._add_short()
        self._add_joins()

    @property
    def length(self) -> int:
        """Units."""
        return len(self.starting)

    def _add(self, source: Sequence[str], n_units: int, readings: Sequence[Reading]) -> None:
        self._source_of += [len(self._sources)] * n_units
        self._sources.append(source)
        self.starting += [[] for _ in range(n_units)]
        for reading in readings:
            self.starting[reading.start].append(reading)
            self.is_doubtful |= reading.kind is not None

    def _add_letters(self, word: str) -> None:
        is_plain = len(word) > _MOST_LETTERS or any(letter.isdigit() for letter in word)
        readings, at = [], self.length
        for part in [NUMBER] if is_plain else letters_of(word) or [word]:
            readings += [Reading(at, at + 1, (part,)), *letter_readings(self._known, part, at)]
            at += 1
        self._add([word], at - self.length, readings)

    def _add_short(self) -> None:
        """Corrections of the shortest words, which the words around must call for."""
        typed = [readings[0].words[0] if readings else "" for readings in self.starting]
        for at, word in enumerate(typed):
            if len(word) not in SHORT:
                continue
            around = [
                other for place, other in enumerate(typed) if place != at and (other != NUMBER or place == at - 1)
            ]
            for reading in short_readings(self._known, word, at, around):
                self.starting[at].append(reading)
                self.is_doubtful = True

    def _add_joins(self) -> None:
        for at in range(self.length - 1):
            left, right = self.starting[at], self.starting[at + 1]
            is_apart = self._source_of[at] != self._source_of[at + 1]
            if left and right and is_apart:
                found = joined(self._known, left[0].words[0], right[0].words[0], at)
                if found is not None:
                    left.append(found)
                    self.is_doubtful = True

    def said(self, path: Sequence[Reading]) -> list[str]:
        """The words along a path; a source in which nothing was changed as it was typed, a changed run cut anew."""
        changed = {self._source_of[unit] for one in path if one.kind for unit in range(one.start, one.end)}
        said: list[str] = []
        run, last = "", -1
        for reading in path:
            source = self._source_of[reading.start]
            if source != last:
                said += segment(run)
                run = ""
            if source not in changed:
                said += self._sources[source] if source != last else ()
            elif is_han(self._sources[source][0]):
                run += "".join(reading.words)
            else:
                said += reading.words
            last = source
        return said + segment(run)

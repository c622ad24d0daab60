"""The words that a shop knows, as people type them: how common each is, which are near a word, which sound like one."""

import itertools
import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.text.lexicons import words_of
from huaxiang.text.near_words import NearWords
from huaxiang.text.pinyin import confused, has_han, sound
from huaxiang.text.segment import STOP_WORDS
from huaxiang.text.terms import UNITS, read_words, stem
from huaxiang.text.word_pairs import WordPairs

NUMBER: Final = "#"
"""Stands for every word with a digit."""
WELL: Final = (5.0, 50.0)
"""The least frequency at which a word is known well, and is never changed: in a small shop, and in a large one."""
_WELL_SHARE: Final = 1e-4
"""Of all words met, between these two."""
LONGEST: Final = 24
LONGEST_HAN: Final = 6
"""Characters of a word that is looked for inside a run of Chinese."""
LONGEST_RUN: Final = 12
"""Of a run that is known as a whole: a query, or a name without the rest."""


def is_spelled(word: str) -> bool:
    """Whether a word can be misspelt: of letters alone, at least three and not very many."""
    return 3 <= len(word) <= LONGEST and word.isalpha()


_SPELLINGS: Final[Mapping[str, list[str]]] = {
    unit: [word for word, name in UNITS.items() if name == unit and is_spelled(word) and word.isascii()]
    for unit in set(UNITS.values())
}
"""Units to how people write them at length."""
_COMMON: Final = STOP_WORDS | words_of("common_english")
_GOODS: Final = words_of("common_goods")
EVERYDAY: Final = _GOODS | {f"{word}s" for word in _GOODS}
"""Counted as met once at least: in a shop without tables, `table` is no misspelt `fable`."""


def typed_words(text: str) -> list[str]:
    """The words of a text as they are spelled: lower case, with endings, compounds apart; `#` for one with a digit, and
    `#in` for an amount in inches."""
    found: list[str] = []
    for word in read_words(text):
        if any(letter.isdigit() for letter in word.spelled):
            found.append(NUMBER + word.unit)
        else:
            found += word.parts
    return found


@lru_cache(maxsize=65_536)
def key_of(word: str) -> str:
    """What all forms of a word share: its stem, a unit's one name; queries and names differ in both."""
    if word[:1] == NUMBER:
        return NUMBER
    return UNITS.get(word) or stem(word)


def _runs(words: Sequence[str]) -> Iterator[str]:
    """Chinese words that stand together in a text, as one: what a query with a lost character is found by."""
    for is_run, group in itertools.groupby(words, is_han):
        cuts = list(group)
        run = "".join(cuts)
        if is_run and len(cuts) > 1 and len(run) <= LONGEST_RUN:
            yield run


def is_han(word: str) -> bool:
    """Whether a word is of Chinese characters alone."""
    return bool(word) and not word.isascii() and all(map(has_han, word))


def letters_of(word: str) -> list[str]:
    """The parts of a word that are letters: `strong-tie` is `strong tie`."""
    if word.isalpha():
        return [word]
    return "".join(letter if letter.isalpha() else " " for letter in word.removesuffix("'s")).split()


@dataclass(slots=True)
class _Index:
    """Forms that are searched, numbered in the order in which they came, in layers of growing size."""

    most: int
    forms: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    layers: tuple[NearWords, ...] = ()

    def add(self, forms: Sequence[str], words: Sequence[str]) -> None:
        first = len(self.forms)
        self.forms += forms
        self.words += words
        layers = [*self.layers, NearWords.of(forms, first, self.most)]
        while len(layers) > 1 and len(layers[-2]) < 4 * len(layers[-1]):
            layers[-2:] = [layers[-2].with_more(layers[-1])]
        self.layers = tuple(layer for layer in layers if len(layer))

    def find(self, typed: Sequence[str], left_out: Sequence[int]) -> list[tuple[int, str, str]]:
        """Place in `typed`, form and word of what may be near."""
        return [
            (place, self.forms[number], self.words[number])
            for layer in self.layers
            for place, number in layer.find(typed, left_out)
        ]


class KnownWords:
    """Words with their frequency. Safe to read while `add` runs.

    Memory at 100,000 words of a catalogue: about 85 MB, of which the remainders are 20.
    """

    def __init__(self, trusted: Collection[str] = ()) -> None:
        self._frequency: dict[str, float] = {}
        self._trusted = _COMMON | frozenset(trusted)
        self._letters, self._characters_of, self._sounds = _Index(2), _Index(1), _Index(1)
        self._of_stem: dict[str, float] = {}
        self._characters: dict[str, float] = {}
        self._n_characters = 0.0
        self._pairs = WordPairs()
        self.total = 0.0

    def __len__(self) -> int:
        return len(self._frequency)

    def __contains__(self, word: str) -> bool:
        return word in self._frequency

    @property
    def has_sounds(self) -> bool:
        """Whether any word is Chinese."""
        return bool(self._sounds.words)

    @property
    def n_bytes(self) -> int:
        """Memory of the arrays that are searched; strings and counts take about as much."""
        layers = (*self._letters.layers, *self._characters_of.layers, *self._sounds.layers)
        return sum(layer.n_bytes for layer in layers) + self._pairs.n_bytes

    def add(self, words: Mapping[str, float]) -> None:
        """Add to the frequency of words, known or new; frequencies of nothing and less are passed over."""
        fresh = []
        for word, frequency in words.items():
            if not (frequency > 0.0 and math.isfinite(frequency)):
                continue
            if word not in self._frequency:
                fresh.append(word)
            self._frequency[word] = self._frequency.get(word, 0.0) + frequency
            self.total += frequency
            if not word.isascii():
                for character in word:
                    self._characters[character] = self._characters.get(character, 0.0) + frequency
                self._n_characters += frequency * len(word)
            own = key_of(word)
            self._of_stem[own] = self._of_stem.get(own, 0.0) + frequency
        is_han = [has_han(word) for word in fresh]
        han = [word for word, own in zip(fresh, is_han, strict=True) if own and 2 <= len(word) <= LONGEST_RUN]
        others = [word for word, own in zip(fresh, is_han, strict=True) if not own and is_spelled(word)]
        if others:
            self._letters.add(others, others)
        if han:
            self._characters_of.add(han, han)
            self._sounds.add([confused(sound(word)) for word in han], han)

    def learn(self, texts: Iterable[str]) -> None:
        """Add the words of texts, such as the names of items, and note which stand together."""
        self.learn_words([typed_words(text) for text in texts])

    def learn_words(self, texts: Sequence[Sequence[str]]) -> None:
        """The same of texts that `typed_words` cut."""
        counts = Counter(word for words in texts for word in words)
        counts.update(run for words in texts for run in _runs(words))
        units = {word.removeprefix(NUMBER): n for word, n in counts.items() if len(word) > 1 and word[0] == NUMBER}
        for unit, n in units.items():
            counts.update(dict.fromkeys(_SPELLINGS.get(unit, ()), n))
        self.add(counts)
        self._pairs.add([[key_of(word) for word in words if word not in STOP_WORDS] for words in texts])
        self._pairs.add([NUMBER, unit] for unit, n in units.items() for _ in range(n))

    def frequency(self, word: str) -> float:
        """How often a word is met; 0 where it is unknown."""
        return self._frequency.get(word, 0.0)

    def chance_of_characters(self, word: str) -> float:
        """How likely the characters of a word are, one after the other: what an unknown Chinese word is worth."""
        total = max(2.0, self._n_characters)
        return math.prod((self._characters.get(character, 0.0) or 0.1) / total for character in word)

    def frequency_of_stem(self, word: str) -> float:
        """How often a word is met with any ending."""
        return self._of_stem.get(key_of(word), 0.0)

    def together(self, words: Sequence[str], others: Sequence[str]) -> NDArray[np.float32]:
        """How often each of `words` stood near its one of `others`, with any ending."""
        return self._pairs.counts(list(map(key_of, words)), list(map(key_of, others)))

    def knows_well(self, word: str) -> bool:
        """Whether a word is beyond doubt."""
        return word in self._trusted or self._frequency.get(word, 0.0) >= self.well

    @property
    def well(self) -> float:
        """The frequency from which on a word is known well."""
        return min(WELL[1], max(WELL[0], _WELL_SHARE * self.total))

    def near(self, typed: Sequence[str], left_out: Sequence[int]) -> list[tuple[int, str]]:
        """Place in `typed` and a known word of letters that may be within a slip or two."""
        return [(place, word) for place, _, word in self._letters.find(typed, left_out)]

    def near_han(self, typed: Sequence[str], left_out: Sequence[int]) -> list[tuple[int, str]]:
        """Place in `typed` and a known Chinese word, or run of words, that may be one character from it."""
        return [(place, word) for place, _, word in self._characters_of.find(typed, left_out)]

    def sounding(self, readings: Sequence[str], left_out: Sequence[int]) -> list[tuple[int, str]]:
        """Place in `readings` and a Chinese word that sounds about so; with nothing left out it does, to somebody."""
        heard = [confused(reading) for reading in readings]
        return [
            (place, word)
            for place, form, word in self._sounds.find(heard, left_out)
            if left_out[place] or form == heard[place]
        ]

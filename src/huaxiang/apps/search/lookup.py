"""Entries that begin as was typed: by letters, by sound, by initials, with a slip; those first that a person likes."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from huaxiang.apps.search.completions import Completions, Entry
from huaxiang.apps.search.offers import CatalogueOffers, Tags
from huaxiang.apps.search.prefixes import WIDTH, Prefixes
from huaxiang.apps.search.typed import MOST_SHOWN, elements, other_characters, plain, slipped
from huaxiang.text.pinyin import has_han, sound
from huaxiang.text.readings import HEARD
from huaxiang.text.slips import slips

ENOUGH: Final = 3
"""Entries from which on no slip is looked for."""

_PERSONAL: Final = 0.6
"""What a liking of 1 adds to a score; see `offers.GRADES` for what else makes it."""
_OWN_LANGUAGE: Final = 0.4
_BY_SOUND: Final = 0.1
_BY_INITIALS: Final = 0.2
_SLIP: Final = 0.6
"""What a slip takes from a score, and what finding by sound and by initials does."""
_MOST_LIKED: Final = 8
_MOST_WORDS: Final = 12
_OF_EACH: Final = 8
_MOST_SLIPS: Final = 24
_MOST_ALIKE: Final = 0.5
"""A category of more than half of all items tells nothing of a person."""


@dataclass(frozen=True, slots=True)
class Match:
    """A found entry, its score and what it was found by."""

    score: float
    entry: Entry
    typed: str


def in_order(match: Match) -> tuple[float, str]:
    """Sorts matches, the best first."""
    return -match.score, match.entry.text


class Taste:
    """What a person likes, by tag."""

    def __init__(self, likes: Mapping[tuple[str, str], float], tags: Tags, offers: CatalogueOffers) -> None:
        self._by_tag: dict[int, float] = {}
        self._by_category: dict[int, float] = {}
        words: dict[str, float] = {}
        self._is_chinese: bool | None = None
        for (facet, value), score in likes.items():
            if not math.isfinite(score):
                continue
            if facet == "keyword":
                words[value.casefold()] = score
            elif facet == "language" and score > 0.0:
                self._is_chinese = value.startswith("zh")
            elif (tag := tags.find(facet, value)) is not None and offers.share(tag) <= _MOST_ALIKE:
                (self._by_category if facet == "category" else self._by_tag)[tag] = score
        self._words = dict(sorted(words.items(), key=lambda pair: -abs(pair[1]))[:_MOST_WORDS])

    @property
    def is_known(self) -> bool:
        """Whether anything is known of the person."""
        return bool(self._by_tag or self._by_category or self._words) or self._is_chinese is not None

    @property
    def liked(self) -> list[int]:
        """The tags that are liked most."""
        both = self._by_tag | self._by_category
        best = sorted((-score, tag) for tag, score in both.items() if score > 0.0)
        return [tag for _, tag in best[:_MOST_LIKED]]

    def of(self, entry: Entry) -> float:
        """What an entry's score changes by: its brand, its narrowest known category, its words, its language."""
        liking = bonus = 0.0
        for tag in entry.tags if self._by_tag else ():
            liking += self._by_tag.get(tag, 0.0)
        narrow = 0.0
        for tag in entry.tags if self._by_category else ():
            narrow = self._by_category.get(tag, narrow)  # the narrowest comes last
        liking += narrow
        if self._words:
            text = entry.text.casefold()
            for word, score in self._words.items():
                if word in text:
                    liking += score
        if self._is_chinese is not None and has_han(entry.text) == self._is_chinese:
            bonus = _OWN_LANGUAGE
        return bonus + _PERSONAL * max(-1.0, min(1.0, liking))


class Lookup:
    """One search among the entries."""

    def __init__(self, completions: Completions, taste: Taste) -> None:
        self._completions, self._taste = completions, taste
        self._has_taste = taste.is_known
        self._found: dict[int, Match] = {}

    def run(self, asked: str, k: int) -> list[Match]:
        """Entries that begin so, by letters and by sound; with a slip where there are few."""
        long = len(asked.encode("utf-8", "ignore")) > WIDTH
        for ways in self._completions.ways:
            self._exactly(ways.letters, asked, long)
            if len(ways.sounds):
                self._by_sound(ways.sounds, ways.initials, asked)
        if len(self._found) < min(k, ENOUGH):
            for ways in self._completions.ways:
                self._slipped(ways.letters, asked)
                if not self._found:
                    self._slipped(ways.sounds, asked.replace(" ", ""))
        return list(self._found.values())

    def _exactly(self, letters: Prefixes, asked: str, long: bool) -> None:
        found = letters.best(asked) | letters.tagged(asked, self._taste.liked, _OF_EACH)
        for number, score in found.items():
            self._add(number, score, asked, must_hold=asked if long else "")

    def _by_sound(self, sounds: Prefixes, initials: Prefixes, asked: str) -> None:
        """Pinyin, whole or cut to initials, and Chinese characters of which one may be another of its sound."""
        if not asked or not (asked.isascii() or has_han(asked)):
            return
        typed = asked.replace(" ", "")
        n_han = sum(map(has_han, typed))
        if n_han and n_han == len(typed) and self._found:
            return
        said = sound(typed)
        for number, score in sounds.best(said).items():
            self._add_sounding(number, score - _BY_SOUND, asked, n_han)
        for way in elements(typed):
            if len(way) > 1:
                for number, score in initials.best("".join(begun[0] for begun, _ in way)).items():
                    entry = self._completions.entries[number]
                    if number not in self._found and entry is not None:
                        is_plain = all(len(begun) == 1 for begun, _ in way)
                        others = 0 if is_plain else other_characters(way, plain(entry.text[:MOST_SHOWN]))
                        if others is not None and others < max(1, n_han):
                            self._add(number, score - _BY_INITIALS - _SLIP * HEARD * others, asked)

    def _add_sounding(self, number: int, score: float, asked: str, n_han: int) -> None:
        entry = self._completions.entries[number]
        if not n_han or entry is None:
            self._add(number, score, asked)
            return
        text = plain(entry.text[:MOST_SHOWN])
        n_other = sum(has_han(letter) and letter not in text for letter in asked)
        if n_other <= 1 and n_other < n_han:
            self._add(number, score - _SLIP * HEARD * n_other, asked)

    def _slipped(self, prefixes: Prefixes, asked: str) -> None:
        others = slipped(asked) if len(prefixes) else []
        costs = sorted((slips(asked, others[place]), others[place]) for place in prefixes.begun(others))
        for cost, other in costs[:_MOST_SLIPS]:
            for number, score in prefixes.best(other, _OF_EACH).items():
                self._add(number, score - _SLIP * cost, other)

    def _add(self, number: int, score: float, typed: str, must_hold: str = "") -> None:
        entry = self._completions.entries[number]
        if entry is None or (must_hold and must_hold not in plain(entry.text[:MOST_SHOWN])):
            return
        score += self._completions.changed_score(number)
        if self._has_taste:
            score += self._taste.of(entry)
        known = self._found.get(number)
        if known is None or score > known.score:
            self._found[number] = Match(score, entry, typed)

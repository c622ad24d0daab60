"""How well titles answer a query, word by word: one definition for measuring, teaching and serving.

A title is read once and kept; a query is read once and compared with all its candidates together, so a pair costs a few
microseconds. Legend: T slots of a query, C candidates, S terms of all candidates below each other, G features.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from huaxiang.ranking.quantities import Quantities, agreement, quantities
from huaxiang.ranking.vocabulary import UNKNOWN, Vocabulary
from huaxiang.text.terms import UNITS, Word, read_words, stem

NAMES: Final = (
    "rarity_found",
    "terms_found",
    "all_found",
    "rarest_missing",
    "bm25",
    "adjacent",
    "in_order",
    "tightness",
    "last_found",
    "last_in_head",
    "last_near_end",
    "first_found",
    "kind_found",
    "brand_missing",
    "title_covered",
    "head_covered",
    "opening_asked",
    "grams",
    "grams_found",
    "numbers_found",
    "numbers_against",
    "numbers_near",
    "description_found",
    "title_words",
    "head_words",
    "query_terms",
    "query_unknown",
)
"""Features, in the order of their columns; all but `bm25` and the last four are in [0, 1]."""

K1: Final = 0.9
B: Final = 0.3
"""Of BM25 over titles."""
_MOST_SLOTS: Final = 16
_PAD: Final = -2
"""Term that stands before each title, so that none is empty and none touches another."""
_FAR: Final = 1 << 20
_GRAMS: Final = 1 << 15
_SPLIT: Final = 0.9
_SLIPPED: Final = (1.0, 0.8, 0.6)
"""Worth of a term by the slips it is away from what was typed."""
_BEGUN: Final = 0.6
_MOST_BEGUN: Final = 16
_UNIT_NAMES: Final = tuple(dict.fromkeys(UNITS.values()))
_ENOUGH: Final = 0.5
"""Worth from which a term counts as found where found or not is asked."""
_PLACES: Final = (
    "adjacent",
    "in_order",
    "tightness",
    "last_found",
    "last_in_head",
    "last_near_end",
    "first_found",
)
_BREAK: Final = re.compile(r"\s*[(\[|;]|,(?!\d)|\s[-–—]\s")
_TELLS: Final = frozenset({"with", "for", "in", "by", "from", "without", "to", "on", "at", "and", "&"})
"""Words after which a title no longer says what a thing is, but what it has or is for."""


@dataclass(frozen=True, slots=True, eq=False)
class Title:
    """What a title, and a description beside it, was read to. About 1 KB.

    Attributes:
        terms_s: numbers of its content terms, after one pad. n_head: how many stand before what it is with or for.
        grams_g: hashed character trigrams, each once. description_d: numbers of the description's terms, each once.
    """

    terms_s: NDArray[np.int32]
    n_head: int
    grams_g: NDArray[np.int32]
    quantities: Quantities
    description_d: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Slot:
    """A term of a query, and what else may stand for it.

    Attributes:
        worth: of each term that is a match. joined: neighbours that together are one, with `_SPLIT` as their worth.
        opens, names: how much it is like a brand, and like a kind of product.
    """

    worth: tuple[tuple[int, float], ...]
    joined: tuple[tuple[int, int], ...]
    rarity: float
    opens: float
    names: float
    is_known: bool


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """A query as it was read, for the vocabulary it was read with.

    Attributes:
        head: which slot says what kind of thing is looked for: the last word before what it is to be with or for.
        spelled: the query with its slips as they were probably meant.
    """

    slots: tuple[Slot, ...]
    head: int
    grams_g: NDArray[np.int32]
    quantities: Quantities
    spelled: str


def read_title(text: str, vocabulary: Vocabulary, description: str = "") -> Title:
    """Read a title and count it into the vocabulary; takes about 50 us."""
    words = read_words(_BREAK.sub(" with ", text))
    ends = _head_ends(words)
    content = [word for word in words if not word.is_stop]
    terms = [term for word in content for term in word.terms]
    spelled = [part for word in content for part in word.parts]
    n_head = sum(len(word.terms) for word in words[:ends] if not word.is_stop) or len(terms)
    numbers = vocabulary.count(terms, spelled, n_head)
    for word in content:
        for left, right in pairwise(word.parts):
            vocabulary.join(left, right)
    about = sorted({term for word in read_words(description) if not word.is_stop for term in word.terms})
    about_d = np.array(vocabulary.name(about), np.int32)
    return Title(np.array([_PAD, *numbers], np.int32), n_head, _grams(content), quantities(words), about_d)


def read_query(text: str, vocabulary: Vocabulary) -> Query:
    """Read a query with the counts as they are: unknown terms become what they may have been meant as."""
    words = read_words(text)
    kept = [at for at, word in enumerate(words) if not word.is_stop] or list(range(len(words)))
    content, ends = [words[at] for at in kept], _head_ends(words)
    typed = [
        (part, term, words[at], at) for at in kept for part, term in zip(words[at].parts, words[at].terms, strict=True)
    ]
    typed = typed[:_MOST_SLOTS]
    slots = [_slot(part, term, word, vocabulary) for part, term, word, _ in typed]
    for at, ((left, *_), (right, *_)) in enumerate(pairwise(typed)):
        if (number := vocabulary.number(stem(left + right))) >= 0:
            for side in (at, at + 1):
                slots[side] = replace(slots[side], worth=(*slots[side].worth, (number, _SPLIT)))
    nouns = [slot for slot, (_, _, word, at) in enumerate(typed) if at < ends and not word.is_number]
    head = nouns[-1] if nouns else len(slots) - 1
    return Query(tuple(slots), head, _grams(content), quantities(words), _meant(text, words, vocabulary))


def _head_ends(words: Sequence[Word]) -> int:
    """How many words stand before the one after which is told what a thing is with or for; all where none is."""
    found = (at for at, word in enumerate(words) if at and word.is_stop and word.spelled in _TELLS)
    return next(found, len(words))


def _slot(part: str, term: str, word: Word, vocabulary: Vocabulary) -> Slot:
    number = vocabulary.number(term)
    n = vocabulary.texts_with(number)
    worth = {number: 1.0} if number >= 0 else {}
    halves = None
    if word.is_number:
        worth |= _other_units(term, word, vocabulary)
    else:
        halves = vocabulary.halves(part)
        if not n:
            worth |= {near: _SLIPPED[slips] for near, slips in vocabulary.meant(term)}
            if not worth and halves is None:
                worth |= dict.fromkeys(vocabulary.begun_by(term, _MOST_BEGUN), _BEGUN)
    known = [each for each in worth if vocabulary.texts_with(each)]
    best = max(known, key=lambda each: (worth[each], vocabulary.texts_with(each)), default=UNKNOWN)
    rarity = vocabulary.rarity(best)
    if best == UNKNOWN and halves is not None:
        rarity = max(map(vocabulary.rarity, halves))
    joined = () if halves is None else (halves,)
    return Slot(tuple(worth.items()), joined, rarity, vocabulary.opens(best), vocabulary.names(best), n > 0)


def _other_units(term: str, word: Word, vocabulary: Vocabulary) -> dict[int, float]:
    """A bare number may have any unit; an amount may stand without its unit."""
    others = [term.removesuffix(word.unit)] if word.unit else [term + unit for unit in _UNIT_NAMES]
    return {number: _BEGUN for other in others if (number := vocabulary.number(other)) >= 0}


def _meant(text: str, words: Sequence[Word], vocabulary: Vocabulary) -> str:
    """The text with each slip as it was probably meant, for an encoder; nothing else of it changes but the case."""
    said = text.lower()
    for word in words:
        if len(word.terms) == 1 and not (word.is_stop or word.is_number):
            meant = _written(word, vocabulary)
            if meant != word.spelled:
                said = re.sub(rf"(?<!\w){re.escape(word.spelled)}(?!\w)", meant.replace("\\", ""), said)
    return said


def _written(word: Word, vocabulary: Vocabulary) -> str:
    """A word as it was probably meant."""
    if vocabulary.texts_with(vocabulary.number(word.terms[0])):
        return word.spelled
    if near := vocabulary.meant(word.terms[0]):
        return vocabulary.spelled(near[0][0])
    if halves := vocabulary.halves(word.parts[0]):
        return " ".join(map(vocabulary.spelled, halves))
    return word.spelled


def _grams(words: Sequence[Word]) -> NDArray[np.int32]:
    """Hashed trigrams of the words, each once, with a blank before and after each word."""
    letters = np.frombuffer(f" {' '.join(word.spelled for word in words)} ".encode("utf-32-le"), np.uint32)
    if len(letters) < 3:
        return np.empty(0, np.int32)
    mixed = (letters[:-2] * 40503 + letters[1:-1]) * 40503 + letters[2:]
    return np.unique((mixed * np.uint32(2654435761)) >> np.uint32(17)).astype(np.int32)


def features(query: Query, titles: Sequence[Title], vocabulary: Vocabulary) -> NDArray[np.float32]:
    """How well each title answers, shape (C, G) with the columns of `NAMES`; for 200 titles under a millisecond."""
    if not titles:
        return np.empty((0, len(NAMES)), np.float32)
    found = _Found(query, titles, vocabulary)
    columns = {**found.terms(), **found.places(), **found.covered(), **found.letters()}
    numbers_C3 = agreement(query.quantities, [title.quantities for title in titles])
    columns |= dict(zip(("numbers_found", "numbers_against", "numbers_near"), numbers_C3.T, strict=True))
    columns |= found.sizes()
    features_CG = np.empty((len(titles), len(NAMES)), np.float32)
    for at, name in enumerate(NAMES):
        features_CG[:, at] = columns[name]
    return features_CG


Column: TypeAlias = NDArray[np.generic] | float


class _Found:
    """Where the slots of a query are in the titles.

    Attributes:
        match_TS: worth of each term of the titles for each slot. place_S: from 0 in its title, -1 for the pad.
        worth_TC: the best of each title. first_TC: the first place where a slot is found; `_FAR` where it is not.
    """

    def __init__(self, query: Query, titles: Sequence[Title], vocabulary: Vocabulary) -> None:
        self.query, self.titles = query, titles
        self.terms_S = np.concatenate([title.terms_s for title in titles])
        sizes_C = np.array([len(title.terms_s) for title in titles])
        self.starts_C = np.cumsum(sizes_C) - sizes_C
        self.words_C = np.maximum(sizes_C - 1, 1).astype(np.float32)
        self.place_S = np.arange(len(self.terms_S)) - np.repeat(self.starts_C, sizes_C) - 1
        self.head_C = np.array([title.n_head for title in titles])
        self.in_head_S = self.place_S < np.repeat(self.head_C, sizes_C)
        rarities = np.concatenate([[0.0], vocabulary.rarities()]).astype(np.float32)
        self.rarity_S = rarities[np.maximum(self.terms_S + 1, 0)]
        self.length_C = self.words_C / vocabulary.words_a_text
        slots = query.slots
        self.rarity_T = np.array([slot.rarity for slot in slots], np.float32)
        self.total = float(self.rarity_T.sum()) or 1.0
        self.match_TS = self._match()
        self.is_TS = self.match_TS >= _ENOUGH
        self.worth_TC = np.maximum.reduceat(self.match_TS, self.starts_C, axis=1)
        self.has_TC = self.worth_TC >= _ENOUGH
        self.first_TC = np.minimum.reduceat(np.where(self.is_TS, self.place_S, _FAR), self.starts_C, axis=1)

    def _match(self) -> NDArray[np.float32]:
        match_TS = np.zeros((len(self.query.slots), len(self.terms_S)), np.float32)
        for row, slot in zip(match_TS, self.query.slots, strict=True):
            for number, worth in slot.worth:
                np.maximum(row, np.float32(worth) * (self.terms_S == number), out=row)
            for left, right in slot.joined:
                both = np.flatnonzero((self.terms_S[:-1] == left) & (self.terms_S[1:] == right))
                row[both] = np.maximum(row[both], _SPLIT)
                row[both + 1] = np.maximum(row[both + 1], _SPLIT)
        return match_TS

    def terms(self) -> dict[str, Column]:
        """Which of the query's terms are in the title."""
        missing_TC = self.rarity_T[:, None] * (1.0 - self.worth_TC)
        often_TC = np.add.reduceat(self.match_TS, self.starts_C, axis=1)
        damped_C = K1 * (1.0 - B + B * self.length_C)
        bm25_C = self.rarity_T @ (often_TC * (K1 + 1.0) / (often_TC + damped_C))
        opens_T = self.rarity_T * np.array([slot.opens for slot in self.query.slots], np.float32)
        kinds_T = self.rarity_T * np.array([slot.names for slot in self.query.slots], np.float32)
        share_C = self.rarity_T @ self.worth_TC / self.total
        none = not len(self.query.slots)
        return {
            "rarity_found": share_C,
            "terms_found": 0.0 if none else self.has_TC.mean(axis=0),
            "all_found": 0.0 if none else self.has_TC.all(axis=0),
            "rarest_missing": 0.0 if none else missing_TC.max(axis=0) / max(float(self.rarity_T.max()), 1e-6),
            "bm25": bm25_C / self.total,
            "kind_found": kinds_T @ self.worth_TC / float(kinds_T.sum()) if kinds_T.any() else share_C,
            "brand_missing": opens_T @ (1.0 - self.worth_TC) / self.total,
            "description_found": self.rarity_T @ np.maximum(self.worth_TC, self._described()) / self.total,
        }

    def _described(self) -> NDArray[np.float32]:
        """1 where a description holds a slot's term, shape (T, C)."""
        found_TC = np.zeros_like(self.worth_TC)
        if any(len(title.description_d) for title in self.titles):
            for row, slot in zip(found_TC, self.query.slots, strict=True):
                numbers = [number for number, _ in slot.worth]
                row[:] = [np.isin(title.description_d, numbers).any() for title in self.titles]
        return found_TC

    def places(self) -> dict[str, Column]:
        """Where they are: side by side, in order, near the end of the head."""
        if not self.query.slots:
            return dict.fromkeys(_PLACES, 0.0)
        is_TS, has_TC, first_TC = self.is_TS, self.has_TC, self.first_TC
        beside_TC = np.zeros((max(len(is_TS) - 1, 1), has_TC.shape[1]), np.bool_)
        ordered_TC = beside_TC.copy()
        if len(is_TS) > 1:
            next_TS = is_TS[:-1] & is_TS[1:]
            next_TS[:, :-1] |= is_TS[:-1, :-1] & is_TS[1:, 1:]
            beside_TC = np.logical_or.reduceat(next_TS, self.starts_C, axis=1)
            ordered_TC = has_TC[:-1] & has_TC[1:] & (first_TC[:-1] <= first_TC[1:])
        span_C = np.where(has_TC, first_TC, -1).max(axis=0) - first_TC.min(axis=0) + 1
        last_S = np.where(is_TS[self.query.head] & self.in_head_S, self.place_S, -_FAR)
        last_C = np.maximum.reduceat(last_S, self.starts_C)
        return {
            "adjacent": beside_TC.mean(axis=0),
            "in_order": ordered_TC.mean(axis=0),
            "tightness": np.where(has_TC.any(axis=0), has_TC.sum(axis=0) / np.maximum(span_C, 1), 0.0),
            "last_found": self.worth_TC[self.query.head],
            "last_in_head": last_C >= 0,
            "last_near_end": np.where(last_C >= 0, 1.0 / (self.head_C - np.minimum(last_C, self.head_C - 1)), 0.0),
            "first_found": self.worth_TC[0],
        }

    def covered(self) -> dict[str, Column]:
        """How much of the title is asked for."""
        asked_S = self.match_TS.max(axis=0, initial=0.0)
        weight_S, head_S = self.rarity_S, self.rarity_S * self.in_head_S
        asked_C, all_C = (np.add.reduceat(each, self.starts_C) for each in (weight_S * asked_S, weight_S))
        head_C, all_head_C = (np.add.reduceat(each, self.starts_C) for each in (head_S * asked_S, head_S))
        opening_S = np.where(self.place_S == 0, asked_S, 0.0)
        return {
            "title_covered": asked_C / np.maximum(all_C, 1e-6),
            "head_covered": head_C / np.maximum(all_head_C, 1e-6),
            "opening_asked": np.maximum.reduceat(opening_S, self.starts_C),
        }

    def letters(self) -> dict[str, Column]:
        """Trigrams that query and title share: as a cosine, and of the query's."""
        asked = np.zeros(_GRAMS, np.float32)
        asked[self.query.grams_g] = 1.0
        sizes_C = np.array([len(title.grams_g) for title in self.titles])
        grams_S = np.concatenate([title.grams_g for title in self.titles])
        sums = np.concatenate([[0.0], np.cumsum(asked[grams_S])])
        ends_C = np.cumsum(sizes_C)
        shared_C = sums[ends_C] - sums[ends_C - sizes_C]
        n = max(len(self.query.grams_g), 1)
        return {"grams": shared_C / np.sqrt(n * np.maximum(sizes_C, 1)), "grams_found": shared_C / n}

    def sizes(self) -> dict[str, Column]:
        """How long both are, and how many terms of the query no title has."""
        unknown = sum(not slot.is_known for slot in self.query.slots)
        return {
            "title_words": np.log(self.words_C),
            "head_words": np.log(np.maximum(self.head_C, 1)),
            "query_terms": float(len(self.query.slots)),
            "query_unknown": float(unknown),
        }

"""Names that stand for the same things, learned from what people clicked after typing them.

Two names are compared by what is liked after queries that differ in them and in nothing else: `sneaker` and `running
shoe` by themselves, `red sneaker` and `red running shoe`, and so on. Where people mean the same they like the same
items to the same degree; where they mean another colour, sex or size, or the next thing on the same shelf, they do not.

Who asks in another script likes other items of the same thing, those that are described in it. Names of two scripts are
therefore the same where each is by far the other's nearest, nearness being twice the overlap less what each overlaps
with its five nearest on average (Conneau et al. 2018): what stands in the middle of a shelf is near to everything.

Legend: Q queries, I items.
"""

import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from huaxiang.apps.search.asked import AskedQuery
from huaxiang.apps.search.opposites import are_apart, kinds_of
from huaxiang.text.terms import Word, read_words
from huaxiang.types import ItemId

FEWEST_PEOPLE: Final = 5
"""Who must have typed each side."""
LEAST_OVERLAP: Final = 0.8
"""Of names of one script; below it they are not the same (experiments/LOG.md)."""
LEAST_ACROSS: Final = 0.25
LEAST_LEAD: Final = 0.15
"""Of names of two scripts, and how much nearer they must be than each one's second nearest (experiments/LOG.md)."""
DOUBT_CLICKS: Final = 10.0
"""Clicks that the assumption of no overlap weighs as (experiments/LOG.md)."""
MOST_WORDS: Final = 3
"""Of a name."""
MOST_NAMES: Final = 8
"""That one name is given; of a shop's own all."""
_MOST_QUERIES: Final = 20_000
_BLOCK: Final = 1_000
_FAINT: Final = 0.1
"""An overlap below it counts as none."""
_NEAREST: Final = 5
_AS_GOOD: Final = 0.7
"""Of a pair's overlap, that a part of one of them must have to stand for it."""

Name = tuple[str, ...]
"""Words as search compares them, in order."""
_Context = tuple[Name, Name]
"""What stands before a name and after it."""


@dataclass(frozen=True, slots=True)
class Synonyms:
    """Names of the same things. What the shop says itself stands before what was learned.

    Attributes:
        by_name: the terms of a name, joined by blanks, to its other names with how surely, in (0, 1], the surest first.
    """

    by_name: Mapping[str, tuple[tuple[str, float], ...]] = field(default_factory=dict)

    def of(self, text: str) -> tuple[tuple[str, float], ...]:
        """Other names of a word, a phrase or a whole query; empty where there are none."""
        return self.by_name.get(key_of(text), ()) if self.by_name else ()

    def __len__(self) -> int:
        return len(self.by_name)


def key_of(text: str) -> str:
    """What a name is looked up by, whatever its spelling and endings."""
    return " ".join(term for word in read_words(text) for term in word.terms)


@dataclass(frozen=True, slots=True)
class Learned:
    """Two names for the same.

    Attributes:
        overlap: how alike is what is liked after both, in (0, 1], drawn towards 0 where little was clicked.
        queries: pairs of queries that it was seen in.
    """

    one: str
    other: str
    overlap: float
    queries: int


def learn_synonyms(
    known: Sequence[AskedQuery],
    *,
    apart: Iterable[Collection[str]] = (),
    own: Iterable[Sequence[str]] = (),
    never: Iterable[Sequence[str]] = (),
) -> Synonyms:
    """Learn from queries that enough people typed.

    Args:
        apart: groups of names of which no two are the same, such as the values of one attribute.
        own: groups of names that the shop says are the same. never: groups that it says are not.
    """
    names: dict[str, dict[str, float]] = {}
    for group in own:
        for one in group:
            names.setdefault(key_of(one), {}).update((other, 1.0) for other in group if key_of(other) != key_of(one))
    for pair in learned_pairs(known, apart=[*apart, *never]):  # the surest first
        for one, other in ((pair.one, pair.other), (pair.other, pair.one)):
            said = names.setdefault(key_of(one), {})
            if len(said) < MOST_NAMES and key_of(other) not in {key_of(name) for name in said}:
                said[other] = round(pair.overlap, 4)
    return Synonyms(
        {name: tuple(sorted(said.items(), key=lambda one: (-one[1], one[0]))) for name, said in names.items() if said}
    )


def learned_pairs(known: Sequence[AskedQuery], *, apart: Iterable[Collection[str]] = ()) -> list[Learned]:
    """The pairs of names, the surest first: see `learn_synonyms`."""
    asked = [one for one in known if one.people >= FEWEST_PEOPLE and one.items][:_MOST_QUERIES]
    if len(asked) < 2:
        return []
    read = [_Read.of(one) for one in asked]
    by_terms = {one.terms: row for row, one in reversed(list(enumerate(read)))}
    with_term: dict[str, list[int]] = {}
    for row, query in enumerate(read):
        for term in dict.fromkeys(query.terms):
            with_term.setdefault(term, []).append(row)
    liked = _Liked(asked)
    kinds = kinds_of([[key_of(name) for name in group] for group in apart])
    spelled: dict[Name, str] = {}
    tried: dict[tuple[Name, Name], list[tuple[float, float]]] = {}
    for pair in liked.alike([one.script for one in read]):
        a, b = _widened(pair, read, by_terms, liked)
        split = _differing(read[a], read[b])
        if split is None or are_apart(split[0].terms, split[1].terms, kinds):
            continue
        one, other = sorted(split, key=lambda side: side.terms)
        for side in (one, other):
            spelled.setdefault(side.terms, side.spelled)
        if (one.terms, other.terms) not in tried:
            rows = with_term[one.terms[0]]
            tried[one.terms, other.terms] = _everywhere((one.terms, other.terms), rows, read, by_terms, liked)
    pairs = [_weighed(spelled[first], spelled[second], seen) for (first, second), seen in tried.items()]
    return sorted((pair for pair in pairs if pair), key=lambda pair: (-pair.overlap, pair.one, pair.other))


def _weighed(one: str, other: str, seen: Sequence[tuple[float, float]]) -> Learned | None:
    """The mean overlap of pairs of queries, by their clicks; None where it is not enough."""
    clicks = sum(clicks for _, clicks in seen)
    overlap = sum(overlap * clicks for overlap, clicks in seen) / clicks if clicks > 0.0 else 0.0
    least = LEAST_OVERLAP if script_of(one) == script_of(other) else LEAST_ACROSS
    return Learned(one, other, overlap, len(seen)) if overlap >= least else None


def script_of(text: str) -> str:
    """The script of a text, `CJK` or `CYRILLIC`; `LATIN` where all its letters are, or it has none."""
    for letter in text:
        if letter.isalpha() and not letter.isascii():
            name = unicodedata.name(letter, "LATIN").split()[0]
            if name != "LATIN":
                return name
    return "LATIN"


@dataclass(frozen=True, slots=True)
class _Side:
    """A name in a query."""

    terms: Name
    spelled: str


@dataclass(frozen=True, slots=True)
class _Read:
    """A query's words."""

    text: str
    words: tuple[Word, ...]
    terms: Name
    script: str

    @classmethod
    def of(cls, asked: AskedQuery) -> "_Read":
        words = tuple(word for word in read_words(asked.text) if word.terms)
        return cls(asked.text, words, tuple(term for word in words for term in word.terms), script_of(asked.text))

    def side(self, start: int, end: int) -> _Side:
        """The name of some words, as it was typed where it can be found."""
        words = [word.spelled for word in self.words[start:end]]
        begin = self.text.find(words[0])
        stop = self.text.find(words[-1], begin) + len(words[-1])
        typed = self.text[begin:stop]
        terms = tuple(term for word in self.words[start:end] for term in word.terms)
        spelled = typed if begin >= 0 and key_of(typed) == " ".join(terms) else " ".join(words)
        return _Side(terms, spelled)


def _differing(one: _Read, other: _Read) -> tuple[_Side, _Side] | None:
    """The one name in which two queries differ; None where one only says more, or the names are long or numbers."""
    a, b = one.words, other.words
    shortest = min(len(a), len(b))
    start = next((at for at in range(shortest) if a[at].terms != b[at].terms), shortest)
    rest = shortest - start
    end = next((at for at in range(rest) if a[-1 - at].terms != b[-1 - at].terms), rest)
    first, second = a[start : len(a) - end], b[start : len(b) - end]
    if not (0 < len(first) <= MOST_WORDS and 0 < len(second) <= MOST_WORDS):
        return None
    if any(letter.isdigit() for word in (*first, *second) for letter in word.spelled):
        return None
    return one.side(start, len(a) - end), other.side(start, len(b) - end)


def _widened(
    pair: tuple[int, int], read: Sequence[_Read], by_terms: Mapping[Name, int], liked: "_Liked"
) -> tuple[int, int]:
    """A pair of queries without words that make nearly no difference: where `floor lamp` is like `retro 落地灯`, it is
    like `落地灯`, if that is typed too."""
    a, b = pair
    for _ in range(2):
        least = _AS_GOOD * liked.overlap(a, b)[0]
        wider = [row for row in _parts(read[a].terms, by_terms) if row != b and liked.overlap(row, b)[0] >= least]
        a, b = b, max(wider, key=lambda row: liked.overlap(row, b)[0], default=a)
    return a, b


def _parts(terms: Name, by_terms: Mapping[Name, int]) -> Iterator[int]:
    """Queries that are a part of a query."""
    for start, end in combinations(range(len(terms) + 1), 2):
        if end - start < len(terms) and (row := by_terms.get(terms[start:end])) is not None:
            yield row


def _everywhere(
    names: tuple[Name, Name],
    rows: Iterable[int],
    read: Sequence[_Read],
    by_terms: Mapping[Name, int],
    liked: "_Liked",
) -> list[tuple[float, float]]:
    """Overlaps with their clicks of all queries that differ in two names alone: also of those that speak against it.

    Args:
        rows: of the queries that may hold the first name.
    """
    one, other = names
    seen: dict[tuple[int, int], tuple[float, float]] = {}
    for row in rows:
        terms = read[row].terms
        for start in _places(terms, one):
            changed = by_terms.get((*terms[:start], *other, *terms[start + len(one) :]))
            if changed is not None and changed != row:
                seen[row, changed] = liked.overlap(row, changed)
    return list(seen.values())


def _places(terms: Name, name: Name) -> Iterator[int]:
    return (at for at in range(len(terms) - len(name) + 1) if terms[at : at + len(name)] == name)


class _Liked:
    """What is liked after queries, as rows of length 1; what is liked after many of them counts less."""

    def __init__(self, asked: Sequence[AskedQuery]) -> None:
        columns: dict[ItemId, int] = {}
        places, rows, values = [], [], []
        for row, one in enumerate(asked):
            for item, appeal in one.items.items():
                rows.append(row)
                places.append(columns.setdefault(item, len(columns)))
                values.append(appeal)
        table_QI = csr_array((values, (rows, places)), shape=(len(asked), len(columns)), dtype=np.float64)
        rarity_I = np.log1p(len(asked) / np.maximum(np.bincount(places, minlength=len(columns)), 1))
        table_QI = csr_array(table_QI.multiply(rarity_I[None, :]))
        lengths_Q = np.sqrt(table_QI.multiply(table_QI).sum(axis=1))
        self._table_QI = csr_array(table_QI.multiply((1.0 / np.maximum(lengths_Q, 1e-12))[:, None]))
        self._clicks_Q = np.array([one.clicks for one in asked], np.float64)

    def overlap(self, a: int, b: int) -> tuple[float, float]:
        """The cosine of two queries, drawn towards 0 where one of them was clicked after rarely, and those clicks."""
        clicks = float(min(self._clicks_Q[a], self._clicks_Q[b]))
        alike = float((self._table_QI[[a]] @ self._table_QI[[b]].T).sum())
        return alike * clicks / (clicks + DOUBT_CLICKS), clicks

    def alike(self, scripts: Sequence[str]) -> list[tuple[int, int]]:
        """Pairs of queries that may mean the same, each once: of one script by their overlap, of two as each other's
        nearest."""
        near_QQ = self._near_QQ()
        rows = np.repeat(np.arange(len(scripts)), np.diff(near_QQ.indptr))
        clear = near_QQ.data >= LEAST_OVERLAP
        found = {(a, b) for a, b in zip(rows[clear].tolist(), near_QQ.indices[clear].tolist(), strict=True) if a < b}
        of_script = {script: np.array([one == script for one in scripts]) for script in sorted(set(scripts))}
        for one, other in combinations(of_script, 2):
            found |= _mutual(near_QQ, of_script[one], of_script[other])
        return sorted(found)

    def _near_QQ(self) -> csr_array:
        """Overlaps of different queries that are not faint, row by row."""
        blocks = []
        for start in range(0, len(self._clicks_Q), _BLOCK):
            block = (self._table_QI[start : start + _BLOCK] @ self._table_QI.T).tocoo()
            a, b = block.coords[0] + start, block.coords[1]
            fewer = np.minimum(self._clicks_Q[a], self._clicks_Q[b])
            overlap = block.data * fewer / (fewer + DOUBT_CLICKS)
            kept = (a != b) & (overlap >= _FAINT)
            blocks.append((a[kept], b[kept], overlap[kept]))
        a, b, overlap = (np.concatenate([block[part] for block in blocks]) for part in range(3))
        n = len(self._clicks_Q)
        return csr_array((overlap, (a, b)), shape=(n, n))


def _mutual(near_QQ: csr_array, is_one_Q: NDArray[np.bool_], is_other_Q: NDArray[np.bool_]) -> set[tuple[int, int]]:
    """Pairs of two groups of queries of which each is the other's nearest, and whose overlap is enough."""
    ones, others = np.flatnonzero(is_one_Q), np.flatnonzero(is_other_Q)
    across = csr_array(near_QQ[ones][:, others])
    back = csr_array(across.T)
    usual_1, usual_2 = _usual(across), _usual(back)
    first, second = _nearest(across, usual_1, usual_2), _nearest(back, usual_2, usual_1)
    found = set()
    for row, place in first.items():
        if second.get(place) == row:
            a, b = int(ones[row]), int(others[place])
            found.add((min(a, b), max(a, b)))
    return found


def _usual(table: csr_array) -> NDArray[np.float64]:
    """Of each row the mean of its five greatest overlaps; those that are faint count as none."""
    rows = (table.data[table.indptr[row] : table.indptr[row + 1]] for row in range(table.shape[0]))
    return np.array([np.sort(row)[-_NEAREST:].sum() / _NEAREST for row in rows])


def _nearest(table: csr_array, own: NDArray[np.float64], of_other: NDArray[np.float64]) -> dict[int, int]:
    """Of each row the nearest place, where it overlaps enough and is nearer than the second by enough."""
    found: dict[int, int] = {}
    for row in range(table.shape[0]):
        span = slice(table.indptr[row], table.indptr[row + 1])
        places, overlaps = table.indices[span], table.data[span]
        nearness = 2.0 * overlaps - own[row] - of_other[places]
        order = np.argsort(-nearness, kind="stable")[:2]
        if not len(order) or overlaps[order[0]] < LEAST_ACROSS:
            continue
        second = float(nearness[order[1]]) if len(order) > 1 else -float(own[row])
        if nearness[order[0]] >= second + LEAST_LEAD:
            found[row] = int(places[order[0]])
    return found

"""The check of reasons: the log of a person is folded again without the events that a reason cites, and without as many
others drawn by chance; the first must take more from the item's score.

Legend: K items of one page, C clues of one person, T removals, B draws of a block.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from huaxiang.collect.consent import said_scopes
from huaxiang.profiles import FoldState
from huaxiang.profiles.fold import SEARCH_WORDS, WEIGHTS, resolve
from huaxiang.ranking.explain import Clue
from huaxiang.types import Event, EventId

Removal: TypeAlias = frozenset[int]
"""Places of clues that are left out together."""
Folds: TypeAlias = Callable[[Sequence[frozenset[EventId]]], Sequence[FoldState]]
"""The states of a person without some events, as many as asked for."""
Scorer: TypeAlias = Callable[[Sequence[FoldState]], NDArray[np.float64]]
"""Fused scores of the page's items for states of its person, shape (T, K)."""

DRAWS: Final = 100
"""Random removals that a reason is compared with, fewer where there are no more to draw."""
SHARE: Final = 0.95
"""Of those draws, how many must take less than the reason's events."""
EPSILON: Final = 1e-5
"""Scores are float32: less than this apart is equal, and equal is not more."""
_BLOCK: Final = 32
_LISTED: Final = 2_000
"""Up to so many different removals all are listed and shuffled; of more, distinct ones are drawn."""
_STATED: Final = frozenset({"add", "boost"})


def clues_of(events: Sequence[Event], *, consent_default: str = "granted") -> list[Clue]:
    """The events that say something of their person's interest, in their order.

    Consents, links, refunds and what was merely shown are no clues, nor what was excluded or undone or happened while
    personalisation was denied: a reason cites none of them, and none is drawn.
    """
    resolved, status, found = resolve(events), consent_default, []
    void = resolved.excluded | resolved.void_edits
    for event in events:
        status = said_scopes(event).get("personalisation", status)
        if status == "granted" and event.event_id not in void and (clue := _clue(event)) is not None:
            found.append(clue)
    return found


def _clue(event: Event) -> Clue | None:
    if event.event == "profile_edit" and event.properties.get("op") in _STATED:
        stated = (str(event.properties.get("facet", "")), str(event.properties.get("value", "")))
        return Clue(event.event_id, (), frozenset([stated]))
    if event.event == "search" and event.query:
        words = event.reading.keywords[:SEARCH_WORDS] if event.reading is not None else ()
        return Clue(event.event_id, (), frozenset(("keyword", word) for word in words))
    says = event.event in WEIGHTS or event.event == "review"
    return Clue(event.event_id, event.item_ids) if says and event.item_ids else None


class Refolded:
    """What items lose when events of their person are left out. Every removal is folded and scored once.

    Args:
        clues: of the person, as `clues_of` has them.
    """

    def __init__(self, clues: Sequence[Clue], folds: Folds, score: Scorer) -> None:
        self._folds, self._score = folds, score
        self._ids = [clue.event_id for clue in clues]
        self._scores: dict[Removal, NDArray[np.float64]] = {}
        self.prepare([frozenset()])
        self._whole_K = self._scores[frozenset()]

    def __len__(self) -> int:
        """Clues of the person."""
        return len(self._ids)

    @property
    def n_folds(self) -> int:
        """Removals that were folded, none counted in."""
        return len(self._scores)

    def prepare(self, removals: Iterable[Removal]) -> None:
        """Fold and score together what was not yet."""
        fresh = [removal for removal in dict.fromkeys(removals) if removal not in self._scores]
        if fresh:
            states = self._folds([frozenset(self._ids[at] for at in removal) for removal in fresh])
            self._scores.update(zip(fresh, self._score(states), strict=True))

    def falls(self, item: int, removals: Sequence[Removal]) -> NDArray[np.float64]:
        """By how much the score of one item falls without each of some removals that are folded, shape (T,)."""
        fallen_T: NDArray[np.float64] = self._whole_K[item] - np.array([self._scores[one][item] for one in removals])
        return fallen_T

    def drops_K(self, removal: Removal) -> NDArray[np.float64]:
        """By how much the score of each item falls, shape (K,)."""
        self.prepare([removal])
        fallen_K: NDArray[np.float64] = self._whole_K - self._scores[removal]
        return fallen_K


class Draws:
    """Random removals of a person's clues: for each count one order of chance, that all reasons of a page share.

    Args:
        n: clues of the person.
    """

    def __init__(self, n: int, *, seed: int = 0) -> None:
        self._n, self._seed = n, seed
        self._drawn: dict[int, list[Removal]] = {}
        self._more: dict[int, Iterator[Removal]] = {}

    def beside(self, cited: Removal) -> list[Removal]:
        """The first 100 draws of as many clues as are cited, all of them others; fewer where there are no more.

        The same for the same person, citation and seed, whatever else is asked.
        """
        count = len(cited)
        drawn = self._drawn.setdefault(count, [])
        more = self._more.setdefault(count, self._stream(count))
        wanted = min(DRAWS, math.comb(max(0, self._n - count), count))
        found = [removal for removal in drawn if not removal & cited][:wanted]
        while len(found) < wanted:
            drawn.append(next(more))
            if not drawn[-1] & cited:
                found.append(drawn[-1])
        return found

    def _stream(self, count: int) -> Iterator[Removal]:
        """Every removal of so many clues at most once, in an order of chance."""
        rng = np.random.default_rng([self._seed, count])
        if math.comb(self._n, count) <= _LISTED:
            listed = list(combinations(range(self._n), count))
            yield from (frozenset(listed[at]) for at in rng.permutation(len(listed)))
            return
        met: set[Removal] = set()
        while True:
            removal = frozenset(rng.choice(self._n, size=count, replace=False).tolist())
            if removal not in met:
                met.add(removal)
                yield removal


def needed(n_draws: int) -> int:
    """How many of so many draws must take less: 95 of 100, 10 of 10."""
    return math.ceil(SHARE * n_draws)


def verdicts(refolded: Refolded, draws: Draws, asked: Sequence[tuple[int, Removal]]) -> list[bool]:
    """Whether an item's score falls by more without what is cited than without as many others, in 95 of 100 draws.

    Where the person has no other clues, a fall is enough. Draws are scored in blocks, until what is asked is decided:
    no later draw could change it.

    Args:
        asked: place of an item on the page, and the places of the clues that its reason cites.
    """
    refolded.prepare(cited for _, cited in asked)
    falls = [float(refolded.drops_K(cited)[item]) for item, cited in asked]
    others = [draws.beside(cited) for _, cited in asked]
    answers: list[bool | None] = [
        False if fall <= EPSILON else True if not beside else None for fall, beside in zip(falls, others, strict=True)
    ]
    wins = [0] * len(asked)
    for start in range(0, DRAWS, _BLOCK):
        open_ = [at for at, answer in enumerate(answers) if answer is None]
        refolded.prepare(removal for at in open_ for removal in others[at][start : start + _BLOCK])
        for at in open_:
            block_B = others[at][start : start + _BLOCK]
            wins[at] += int((falls[at] > refolded.falls(asked[at][0], block_B) + EPSILON).sum())
            seen, least = min(start + _BLOCK, len(others[at])), needed(len(others[at]))
            if wins[at] >= least or seen - wins[at] > len(others[at]) - least:
                answers[at] = wins[at] >= least
    return [answer is True for answer in answers]

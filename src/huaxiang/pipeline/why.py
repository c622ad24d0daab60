"""The reasons of a page: what could be said of each item, and of that what the check of `counterfactual` leaves.

Legend: M items, K positions, C clues of one person, T states.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from huaxiang.pipeline.carrying import carried
from huaxiang.pipeline.counterfactual import Draws, Refolded, Scorer, clues_of, needed, verdicts
from huaxiang.pipeline.people import People
from huaxiang.pipeline.scoring import fuse, people_at_once
from huaxiang.profiles import FoldState, Portraits
from huaxiang.profiles.facets import interests, language
from huaxiang.profiles.thinned import ThinnedFolds
from huaxiang.ranking.explain import Choice, Told, choices, shares_of, uncited
from huaxiang.ranking.shelf import Shelf
from huaxiang.retrieval.base import Retriever
from huaxiang.retrieval.live import Snapshot
from huaxiang.retrieval.popular import Popular
from huaxiang.retrieval.reading import Person
from huaxiang.text.tags import PATH
from huaxiang.types import Event, Item, Reason

PartsOf: TypeAlias = Callable[[Sequence[Person], Snapshot], dict[str, NDArray[np.float32]]]
_ALONE: Final = 12
"""Clues of each item, those that seem to carry most, that are left out alone to see what they carry. Of 220 items of 22
shoppers 219 found a reason with 12 and all with every clue, at a quarter more folds (experiments/LOG.md)."""
_IN_FRONT: Final = 10
"""An item is popular in its category where it stands in the first tenth."""


@dataclass(frozen=True, slots=True)
class Tried:
    """A reason that was checked, with the share of the item's score that its events carry, and whether it passed."""

    reason: Reason
    passed: bool


@dataclass(frozen=True, slots=True)
class Why:
    """Of one item: the reasons that are shown, and those that were checked, first choice first."""

    shown: tuple[Reason, ...]
    tried: tuple[Tried, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Explainer:
    """Explains by the weighted sum of a release's parts; a learned ranker orders what they named, and adds no part.

    Attributes:
        readers: makes a reader of states for one page; what it keeps of states that never were goes with the page.
    """

    portraits: Portraits
    retrievers: Mapping[str, Retriever]
    weights: Mapping[str, float]
    readers: Callable[[], People]
    parts_of: PartsOf
    shelf: Callable[[Snapshot], Shelf]

    def why(
        self,
        order_K: NDArray[np.intp],
        person: Person,
        parts: Mapping[str, NDArray[np.float32]],
        items: Snapshot,
        now: datetime,
        events: Sequence[Event],
    ) -> tuple[Why, ...]:
        """Of items at positions of the index.

        Args:
            parts: standardised scores of shape (M,).
            events: what the person's state was folded from.
        """
        scores = [self._by_kind({name: float(row_M[at]) for name, row_M in parts.items()}) for at in order_K]
        shares, state, item_facets = [shares_of(one) for one in scores], person.state, self.portraits.item_facets
        spoken = language(state, item_facets) or "en"
        tried: list[tuple[Tried, ...]] = [()] * len(order_K)
        default = self.portraits.config.consent_default
        clues = clues_of(events, consent_default=default) if person.basis == "profile" else []
        if clues and len(order_K):
            keys = {(kind, value) for at in order_K for kind, value, _ in item_facets.of(items.item_ids[at])}
            config = self.portraits.config
            facets = interests(state, item_facets, now=now, config=config).facets(state, config=config, among=keys)
            told = Told(clues, facets, item_facets, spoken)
            folds = ThinnedFolds(events, self.portraits.state_of, config).states
            refolded = Refolded(clues, folds, self._scorer(order_K, person, items, now))
            wholes = [sum(part for part in one.values() if part > 0.0) or 1.0 for one in scores]
            named = [self._item(items.item_ids[at]) for at in order_K]
            carried_KC = carried(order_K, person, clues, self.retrievers, self.weights, items, self.shelf(items))
            tried = self._tried(named, shares, wholes, told, refolded, carried_KC)
        categories = self._popular_in(order_K, items, parts)
        found = []
        for checked, share, category in zip(tried, shares, categories, strict=True):
            passed = [one.reason for one in checked if one.passed]
            found.append(Why((*passed, *uncited(share, category=category, language=spoken)), checked))
        return tuple(found)

    def _tried(
        self,
        named: Sequence[Item | None],
        shares: Sequence[Mapping[str, float]],
        wholes: Sequence[float],
        told: Told,
        refolded: Refolded,
        carried_KC: NDArray[np.float64],
    ) -> list[tuple[Tried, ...]]:
        """For each item its choices up to the first that passes; the choices that stand first are checked together."""
        drops_KC = _alone(refolded, carried_KC)
        draws = Draws(len(told.clues))
        left = [
            [] if item is None else _likeliest(choices(item, share, drops_C, told), drops_C, draws)
            for item, share, drops_C in zip(named, shares, drops_KC, strict=True)
        ]
        tried: list[tuple[Tried, ...]] = [()] * len(named)
        while any(left):
            asked = [(at, mine.pop(0)) for at, mine in enumerate(left) if mine]
            answers = verdicts(refolded, draws, [(at, frozenset(choice.cited)) for at, choice in asked])
            for (at, choice), passed in zip(asked, answers, strict=True):
                effect = float(np.clip(refolded.drops_K(frozenset(choice.cited))[at] / wholes[at], -1.0, 1.0))
                tried[at] = (*tried[at], Tried(replace(choice.reason, effect=effect), passed))
                if passed:
                    left[at] = []
        return tried

    def _scorer(self, order_K: NDArray[np.intp], person: Person, items: Snapshot, now: datetime) -> Scorer:
        """Fused scores of a page's items for other states of its person; what is known elsewhere stays as it is."""
        at_once, people = people_at_once(len(items), len(self.retrievers) + 2), self.readers()

        def score(states: Sequence[FoldState]) -> NDArray[np.float64]:
            rows = []
            for start in range(0, len(states), at_once):
                block = states[start : start + at_once]
                read = people.read(block, items, now=now, user_ids=[None] * len(block))
                parts = self.parts_of([replace(one, elsewhere=person.elsewhere) for one in read], items)
                rows.append(fuse({name: rows_TM[:, order_K] for name, rows_TM in parts.items()}, self.weights))
            return np.concatenate(rows)

        return score

    def _item(self, item_id: str) -> Item | None:
        return self.portraits.item_facets.catalogue.get(item_id)

    def _by_kind(self, scores: Mapping[str, float]) -> dict[str, float]:
        """Weighted scores of an item, added up by what can be said of them: what follows from the history's items, what
        many take, and the parts that explain themselves."""
        found: dict[str, float] = {}
        for name, score in scores.items():
            part = self.retrievers.get(name)
            kind = name if part is None else "popular" if isinstance(part, Popular) else "followed"
            found[kind] = found.get(kind, 0.0) + self.weights.get(name, 0.0) * score
        return found

    def _popular_in(
        self, order_K: NDArray[np.intp], items: Snapshot, parts: Mapping[str, NDArray[np.float32]]
    ) -> list[str | None]:
        """For each item the narrowest category that it is among the most popular tenth of, None where it is of none."""
        rows = [self.weights.get(name, 0.0) * row_M for name, row_M in parts.items() if self._is_popular(name)]
        if not rows:
            return [None] * len(order_K)
        popular_M = np.sum(rows, axis=0)
        shelf, found = self.shelf(items), []
        floors: dict[str, float] = {}
        for at in order_K:
            item = self._item(items.item_ids[at])
            path = PATH.join(item.category) if item is not None else ""
            if path and path not in floors:
                inside = np.sort(popular_M[shelf.having([("category", path)])])
                floors[path] = float(inside[-max(1, len(inside) // _IN_FRONT)]) if len(inside) else np.inf
            found.append(path if path and popular_M[at] >= floors[path] else None)
        return found

    def _is_popular(self, name: str) -> bool:
        return isinstance(self.retrievers.get(name), Popular)


def _alone(refolded: Refolded, carried_KC: NDArray[np.float64]) -> NDArray[np.float64]:
    """By how much the score of each of K items falls without each clue alone, shape (K, C); 0 for clues that seem to
    carry little of any item, which are not left out alone.

    Args:
        carried_KC: about what each clue carries; of those that it knows nothing of the newest are taken.
    """
    drops_KC = np.zeros(carried_KC.shape)
    best_KA = np.argsort(-carried_KC, axis=1, kind="stable")[:, :_ALONE]
    silent = np.flatnonzero(~carried_KC.any(axis=0))[-_ALONE:]
    chosen = np.union1d(best_KA, silent).tolist()
    refolded.prepare(frozenset([at]) for at in chosen)
    for at in chosen:
        drops_KC[:, at] = refolded.drops_K(frozenset([at]))
    return drops_KC


def _likeliest(found: Sequence[Choice], drops_C: NDArray[np.float64], draws: Draws) -> list[Choice]:
    """In their order, but first those that would pass if what events carry could be added up; of those, two events are
    cited last, for draws of two are hardly shared with other items."""

    def would_pass(choice: Choice) -> bool:
        beside = draws.beside(frozenset(choice.cited))
        if not beside:
            return True
        others_B = drops_C[np.array([list(one) for one in beside])].sum(axis=1)
        return bool((drops_C[list(choice.cited)].sum() > others_B).sum() >= needed(len(beside)))

    return sorted(found, key=lambda choice: (not would_pass(choice), len(choice.cited) == 2))

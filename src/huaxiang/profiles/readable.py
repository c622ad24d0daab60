"""What a filter may read of one person: the parts of a readable profile, each when it is first asked for."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from huaxiang.profiles import facets as view
from huaxiang.profiles.behaviour import habit
from huaxiang.profiles.fold import FoldConfig
from huaxiang.profiles.item_facets import ItemFacets
from huaxiang.profiles.state import FoldState
from huaxiang.text.segment import segment
from huaxiang.text.tags import PATH

Scored = Sequence[tuple[str, float]]
"""Values of one kind of facet with their scores."""


class UnsureError(Exception):
    """A condition asks for what a resident does not hold for certain: the person has to be folded."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A condition on the facets of one kind: that one of some values has a score within bounds.

    Attributes:
        kind: of facet, without case.
        options: what the value has to answer to, as `answers_to` has it, or the words of a search; None: any value.
        low, high: bounds of the score, both included.
    """

    kind: str
    options: tuple[str, ...] | None
    low: float
    high: float

    def fits(self, score: float) -> bool:
        """Whether a score lies within the bounds."""
        return self.low <= score <= self.high

    def holds_of(self, scored: Scored) -> bool:
        """Whether it holds of all the values of the kind that a person has."""
        if self.options is None:
            return any(self.fits(score) for _, score in scored)
        if self.kind == "search":
            found = (_best_search(scored, option) for option in self.options)
            return any(self.fits(best) for best in found if best is not None)
        return any(
            self.fits(max(scores))
            for option in self.options
            if (scores := [score for value, score in scored if option in answers_to(self.kind, value)])
        )


class Readable:
    """What a filter may read of one person: the readable profile, each part of it when it is first asked for.

    Where `analytics` is denied there is no behaviour, where `personalisation` is there are no interests, needs or mood.
    """

    def __init__(self, state: FoldState, item_facets: ItemFacets, *, now: datetime, config: FoldConfig) -> None:
        self._state, self._item_facets, self._now, self._config = state, item_facets, now, config

    def consent(self, scope: str) -> str:
        """`granted` or `denied`."""
        return self._state.consents.get(scope, self._config.consent_default)

    @functools.cached_property
    def interests(self) -> Mapping[str, Scored]:
        """Kind to its values with their signed shares of all interest; also those that a page has no room for."""
        if self.consent("personalisation") == "denied":
            return {}
        found: dict[str, list[tuple[str, float]]] = {}
        known = view.interests(self._state, self._item_facets, now=self._now, config=self._config)
        for (kind, value), score in known.shares.items():
            found.setdefault(kind.casefold(), []).append((value, score))
        return found

    def has_interest(self, asked: Asked) -> bool:
        """Whether a condition on interests holds."""
        return asked.holds_of(self.interests.get(asked.kind, ()))

    def has_need(self, asked: Asked) -> bool:
        """Whether a condition on needs holds."""
        return asked.holds_of(self.needs.get(asked.kind, ()))

    @functools.cached_property
    def needs(self) -> Mapping[str, Scored]:
        """Kind to its values with their strength in [0, 1]."""
        if self.consent("personalisation") == "denied":
            return {}
        found: dict[str, list[tuple[str, float]]] = {}
        for need in view.needs(self._wanting(), self._item_facets, now=self._now, config=self._config):
            found.setdefault(need.facet, []).append((need.value, need.score))
        return found

    @functools.cached_property
    def behaviour(self) -> Mapping[str, Any]:
        """As `profiles.facets.figures` has it."""
        if self.consent("analytics") == "denied":
            return {}
        return view.figures(self._state, self._item_facets, now=self._now)

    def habit(self, name: str) -> float | None:
        """One of `profiles.behaviour.HABITS`."""
        if self.consent("analytics") == "denied":
            return None
        return habit(name, self._state, self._item_facets, now=self._now)

    @functools.cached_property
    def mood(self) -> Mapping[str, Any]:
        """As `profiles.facets.mood` has it."""
        if self.consent("personalisation") == "denied":
            return {}
        return view.mood(self._feeling(), now=self._now, config=self._config)

    def _wanting(self) -> FoldState:
        """What needs are read from, where personalisation is allowed."""
        return self._state

    def _feeling(self) -> FoldState:
        """What a mood is read from, where personalisation is allowed."""
        return self._state


def _best_search(scored: Scored, phrase: str) -> float | None:
    """The strongest search that has these words, one after the other; None where there is none."""
    return max((score for query, score in scored if phrase.strip() and phrase in _words(query)), default=None)


@functools.lru_cache(maxsize=20_000)
def _words(query: str) -> str:
    return " ".join(["", *segment(query), ""])


def answers_to(kind: str, value: str) -> frozenset[str]:
    """What a value is found by: a category by each level above it and itself, by name and by path."""
    return _category_names(value) if kind == "category" else frozenset((fold_text(value),))


@functools.lru_cache(maxsize=20_000)
def _category_names(path: str) -> frozenset[str]:
    levels = path.split(PATH)
    paths = (PATH.join(levels[:depth]) for depth in range(1, len(levels) + 1))
    return frozenset(fold_text(name) for name in (*levels, *paths))


def fold_text(text: str) -> str:
    """Text as it is compared: without case, blanks at its ends dropped."""
    return text.strip().casefold()

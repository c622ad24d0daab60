"""Many folds of one log, each without some of its events: what a hundred counterfactual answers of one request read.

They are what `fold` gives, to rounding (a property test), in a small part of its time: all folds take the step of an
event together. Of a state only what ranking reads is there: items and words with their masses, searches, consents.

Legend: T folds, J items or words, K folds that read an event.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from huaxiang.collect.consent import said_scopes
from huaxiang.profiles.errand import PAUSE
from huaxiang.profiles.fold import (
    MAX_ITEMS,
    MAX_QUERIES,
    MAX_SEARCHES,
    SEARCH_WORDS,
    WEIGHTS,
    FoldConfig,
    resolve,
    weight_of,
)
from huaxiang.profiles.state import DAY, FoldState, Search, Tally, to_micros
from huaxiang.types import REACHING_BACK, Event, EventId

Removal = Collection[EventId]
"""Events that a fold leaves out."""


class ThinnedFolds:
    """Folds of one log without some of its events.

    Args:
        events: all of a person, in (timestamp, seq) order.
        whole: folds events one by one, for what cannot be folded together: a log with edits, more items than a state
            keeps, and removals of what reaches back or of a purchase that a refund may have meant.
    """

    def __init__(
        self, events: Sequence[Event], whole: Callable[[Sequence[Event]], FoldState], config: FoldConfig
    ) -> None:
        self._events, self._whole, self._config = events, whole, config
        self._refunded = resolve(events).refunded
        meant = {item for event in events if event.event == "refund" for item in event.item_ids}
        self._alone = {
            event.event_id
            for event in events
            if event.event in REACHING_BACK or (event.event == "purchase" and meant.intersection(event.item_ids))
        }
        items = {name for event in events for name in event.item_ids}
        words = {word for event in events for word in _words(event)}
        is_plain = all(event.event != "profile_edit" for event in events)
        self._together = is_plain and len(items) <= MAX_ITEMS and len(words) <= MAX_QUERIES

    def states(self, removals: Sequence[Removal]) -> list[FoldState]:
        """The fold without each removal."""
        together = [at for at, gone in enumerate(removals) if self._together and self._alone.isdisjoint(gone)]
        found = dict(zip(together, self._thinned([removals[at] for at in together]), strict=True))
        return [found[at] if at in found else self._one(gone) for at, gone in enumerate(removals)]

    def _one(self, gone: Removal) -> FoldState:
        return self._whole([event for event in self._events if event.event_id not in gone])

    def _thinned(self, removals: Sequence[Removal]) -> list[FoldState]:
        if not removals:
            return []
        n = len(removals)
        half_life = DAY * self._config.interest_half_life_days
        items, words, visit = _Masses(n, half_life), _Masses(n, half_life), _Visits(n)
        searches: list[list[Search]] = [[] for _ in removals]
        consents: dict[str, str] = {}
        for event, kept_K in self._steps(removals):
            consents.update(said_scopes(event))
            if consents.get("personalisation", self._config.consent_default) == "denied":
                continue
            micros = to_micros(event.timestamp)
            if weight := weight_of(event):
                damped_K = weight * visit.damping(kept_K, event, micros, abs(weight))
                for item_id in event.item_ids:
                    is_returned = item_id in self._refunded.get(event.event_id, ())
                    said_K = np.full(len(kept_K), WEIGHTS["view_item"]) if is_returned else damped_K
                    items.add(item_id, kept_K, said_K / max(1.0, len(event.item_ids) ** 0.5), micros)
            for word in _words(event):
                words.add(word, kept_K, np.ones(len(kept_K)), micros)
            if event.event == "search" and event.query:
                query = " ".join(event.query.split())[:200]
                for at in kept_K.tolist():
                    searches[at].append(Search(query, micros, event.event_id, event.session_id))
        return [
            FoldState(items=own, queries=asked, searches=typed[-MAX_SEARCHES:], consents=dict(consents))
            for own, asked, typed in zip(items.tallies(), words.tallies(), searches, strict=True)
        ]

    def _steps(self, removals: Sequence[Removal]) -> Iterator[tuple[Event, NDArray[np.intp]]]:
        """Each event with the folds that read it."""
        without: dict[EventId, list[int]] = {}
        for at, gone in enumerate(removals):
            for event_id in gone:
                without.setdefault(event_id, []).append(at)
        all_T = np.arange(len(removals))
        for event in self._events:
            left_out = without.get(event.event_id)
            yield event, all_T if left_out is None else np.delete(all_T, left_out)


class _Masses:
    """Tallies of T folds: `long` and `at` of each name, as `fold.add` has them."""

    def __init__(self, n: int, half_life: float) -> None:
        self._n, self._half_life = n, half_life
        self._long: dict[str, NDArray[np.float64]] = {}
        self._at: dict[str, NDArray[np.int64]] = {}
        self._times: dict[str, NDArray[np.int64]] = {}

    def add(self, name: str, kept_K: NDArray[np.intp], said_K: NDArray[np.float64], micros: int) -> None:
        if name not in self._long:
            self._long[name] = np.zeros(self._n)
            self._at[name], self._times[name] = np.full(self._n, micros), np.zeros(self._n, np.int64)
        long_T, at_T = self._long[name], self._at[name]
        long_T[kept_K] = long_T[kept_K] * 2.0 ** ((at_T[kept_K] - micros) / self._half_life) + said_K
        at_T[kept_K] = micros
        self._times[name][kept_K] += 1

    def tallies(self) -> Iterator[dict[str, Tally]]:
        """Of one fold after the other; of names that it met."""
        names = list(self._long)
        if not names:
            yield from ({} for _ in range(self._n))
            return
        long_TJ, at_TJ, n_TJ = (np.stack(list(own.values()), axis=1) for own in (self._long, self._at, self._times))
        for long_J, at_J, n_J in zip(long_TJ.tolist(), at_TJ.tolist(), n_TJ.tolist(), strict=True):
            rows = zip(names, long_J, at_J, n_J, strict=True)
            yield {name: Tally(long, 0.0, at, n) for name, long, at, n in rows if n}


class _Visits:
    """The visit that goes on in each of T folds, as `FoldState.visit` has it."""

    def __init__(self, n: int) -> None:
        self._codes: dict[str, int] = {}
        self._session_T = np.full(n, -1)  # -1: no session id
        self._last_T, self._said_T = np.zeros(n, np.int64), np.zeros(n)

    def damping(self, kept_K: NDArray[np.intp], event: Event, micros: int, weight: float) -> NDArray[np.float64]:
        """As `fold` damps an event of a weight above 0, for the folds that read it."""
        name = event.session_id
        code = -1 if name is None else self._codes.setdefault(name, len(self._codes))
        goes_on_K = self._session_T[kept_K] == code
        if name is None:
            goes_on_K &= micros - self._last_T[kept_K] < PAUSE
        before_K = np.where(goes_on_K, self._said_T[kept_K], 0.0)
        self._session_T[kept_K], self._last_T[kept_K], self._said_T[kept_K] = code, micros, before_K + weight
        damped_K: NDArray[np.float64] = (np.sqrt(before_K + weight) - np.sqrt(before_K)) / weight
        return damped_K


def _words(event: Event) -> Iterable[str]:
    is_asked = event.event == "search" and event.query and event.reading is not None
    return event.reading.keywords[:SEARCH_WORDS] if is_asked and event.reading is not None else ()

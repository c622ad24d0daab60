"""Counting in a shop's log how surely people come back to what they met, and who buys again."""

import time
from array import array
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from huaxiang.evaluation.buying_again import learn_buying_again
from huaxiang.pipeline.logistic import fit_logistic
from huaxiang.profiles import ItemFacets, Portraits
from huaxiang.profiles.confidence import ANY, N_FEATURES, Confidence
from huaxiang.profiles.facets import Interests, interests
from huaxiang.profiles.fold import WEIGHTS
from huaxiang.profiles.recurrence import Counts, Day, Key, Recurrence, family
from huaxiang.profiles.state import DAY, to_micros
from huaxiang.text.keywords import Keywords
from huaxiang.types import FOREVER, Event, ItemId

MOST_PEOPLE: Final = 5_000
_MOST_DAYS: Final = 8
"""The last ones of each person: who comes daily would else speak for the others."""
_COUNTED: Final = 0.6
"""Of the people and of the time, for ratios; how sure facets are is then asked of the others."""
_BUYING: Final = 0.2
"""Of the time, for who buys again."""
_FEWEST_ROWS: Final = 300
_FEWEST_PEOPLE: Final = 20
"""For weights of confidence: of one group, and of all together."""
_RIDGE: Final = 1e-3


def learn_recurrence(
    folder: Path, portraits: Portraits, keywords: Keywords, rows: pl.DataFrame, *, seed: int, seconds: float
) -> dict[str, Any]:
    """Learn from the people of a training log, read with the keywords of the release in the making, and save into its
    folder; what became of it.

    Args:
        rows: interactions that may be learned from, with columns `person`, `at` and `event`.
        seconds: after which no more people are read.
    """
    readers = Portraits(portraits.store, ItemFacets(portraits.item_facets.catalogue, keywords), portraits.config)
    people = sorted(name for name in rows["person"].unique().to_list() if not name.startswith("\x1f"))
    rng = np.random.default_rng(seed)
    drawn = [people[at] for at in rng.permutation(len(people))]
    found = learned(readers, drawn, now=FOREVER, seconds=(1.0 - _BUYING) * seconds)
    buying_again, said = learn_buying_again(readers, rows, drawn, rng=rng, seconds=_BUYING * seconds)
    found = found.judged(found.confidence, buying_again)
    found.save(folder)
    return {
        "n_facets": len(found),
        "n_days": found.n_days,
        "n_confidence": len(found.confidence),
        "buying_again": said,
    }


def learned(portraits: Portraits, people: Sequence[str], *, now: datetime, seconds: float = 30.0) -> Recurrence:
    """What the last eight days of each of at most 5,000 people say of what each had met before them; as many as there
    is time for.

    Ratios are counted on the first 60 % of the people, how sure facets are by these is learned from the others, and
    then those are counted too.

    Args:
        people: whose log may be learned from, in an order of chance.
        now: of the log only what came before.
    """
    people, began = people[:MOST_PEOPLE], time.monotonic()
    cut = round(_COUNTED * len(people))
    counts, asked = Counts(), Asked()
    for person, known, came in _eves(portraits, people[:cut], now, began + _COUNTED * seconds):
        counts.add(_day(person, known, came))
    first = Recurrence(*counts.ratios())
    for person, known, came in _eves(portraits, people[cut:], now, began + seconds):
        asked.add(person, replace(known, chances=_chances(first, known)), came)
        counts.add(_day(person, known, came))
    return Recurrence(*counts.ratios(), confidence=asked.confidence())


def _eves(
    portraits: Portraits, people: Sequence[str], now: datetime, ends: float
) -> Iterator[tuple[str, Interests, dict[Key, float]]]:
    """Whose it is, what interested them before a day, and shares of facets in what they met on it."""
    for person in people:
        if time.monotonic() > ends:
            return
        for before, items in eves(portraits.events(person, before=now), _MOST_DAYS):
            state, until = portraits.state_of(before), before[-1].timestamp
            known = interests(state, portraits.item_facets, now=until, config=portraits.config)
            yield person, known, shares_of(portraits, items)


def _day(person: str, known: Interests, came: Mapping[Key, float]) -> Day:
    """Words of a search are the person's own; only what items have is learned of."""
    return person, {key: share for key, share in known.lately.items() if known.heaps[key].items}, came


def _chances(ratios: Recurrence, known: Interests) -> dict[Key, float]:
    return {key: ratios.chance(key, share) for key, share in known.lately.items() if share > 0.0}


class Asked:
    """What facets rested on, and whether they were met on the next day; no value of any facet is kept."""

    def __init__(self) -> None:
        self._features: dict[str, array[float]] = defaultdict(lambda: array("d"))
        self._hits: dict[str, bytearray] = defaultdict(bytearray)
        self._people: dict[str, set[str]] = defaultdict(set)

    def add(self, person: str, known: Interests, came: Mapping[Key, float]) -> None:
        """The facets that the person's profile showed before a day, and what came on it."""
        for key in known.shown():
            if known.shares[key] > 0.0 and key in known.heaps:
                name = family(key)
                self._features[name].extend(known.evidence(key).features())
                self._hits[name].append(came.get(key, 0.0) > 0.0)
                self._people[name].add(person)

    def confidence(self) -> Confidence:
        """Weights of each group with 300 rows of 20 people, and of all together; none where there are fewer."""
        rows = {name: np.frombuffer(own).reshape(-1, N_FEATURES) for name, own in self._features.items()}
        hits = {name: np.frombuffer(own, np.uint8) > 0 for name, own in self._hits.items()}
        if rows:
            rows[ANY], hits[ANY] = np.concatenate(list(rows.values())), np.concatenate(list(hits.values()))
            self._people[ANY] = set().union(*self._people.values())
        found: dict[str, tuple[float, ...]] = {}
        for name, features_NF in rows.items():
            is_taught = len(features_NF) >= _FEWEST_ROWS and len(self._people[name]) >= _FEWEST_PEOPLE
            if is_taught and hits[name].any() and not hits[name].all():
                fitted = fit_logistic(features_NF, hits[name], ridge=_RIDGE, is_balanced=False)
                found[name] = (*fitted.weights_F.tolist(), fitted.bias)
        return Confidence(found)


def shares_of(portraits: Portraits, items: Sequence[ItemId]) -> dict[Key, float]:
    """Of the facets of what was met on one day, every item counting the same."""
    shares: dict[Key, float] = defaultdict(float)
    for item in items:
        for kind, value, weight in portraits.item_facets.of(item):
            shares[kind, value] += weight / len(items)
    return shares


def eves(events: Sequence[Event], most: int) -> Iterator[tuple[list[Event], list[ItemId]]]:
    """For each of the last days (UTC) on which somebody met anything, but for the first: what came before it, and its
    items; newest first.

    Args:
        events: of one person, in order.
        most: days.
    """
    met = [event for event in events if WEIGHTS.get(event.event, 0.0) > 0.0 and event.item_ids]
    days = list(dict.fromkeys(to_micros(event.timestamp) // DAY for event in met[::-1]))
    for day in days[:-1][:most]:
        before = [event for event in events if to_micros(event.timestamp) // DAY < day]
        yield before, [item for event in met if to_micros(event.timestamp) // DAY == day for item in event.item_ids]

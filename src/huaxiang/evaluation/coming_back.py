"""Counting in a shop's log how surely people come back to what they met."""

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from huaxiang.profiles import ItemFacets, Portraits
from huaxiang.profiles.facets import interests
from huaxiang.profiles.fold import WEIGHTS
from huaxiang.profiles.portrait import FOREVER
from huaxiang.profiles.recurrence import Key, Recurrence
from huaxiang.profiles.state import DAY, to_micros
from huaxiang.text.keywords import Keywords
from huaxiang.types import Event, ItemId

MOST_PEOPLE: Final = 5_000
_MOST_DAYS: Final = 8
"""The last ones of each person: who comes daily would else speak for the others."""


def learn_recurrence(
    folder: Path, portraits: Portraits, keywords: Keywords, rows: pl.DataFrame, *, seed: int, seconds: float
) -> dict[str, Any]:
    """Learn from the people of a training log, read with the keywords of the release in the making, and save into its
    folder; what became of it.

    Args:
        rows: interactions that may be learned from, with a column `person`.
        seconds: after which no more people are read.
    """
    readers = Portraits(portraits.store, ItemFacets(portraits.item_facets.catalogue, keywords), portraits.config)
    people = sorted(name for name in rows["person"].unique().to_list() if not name.startswith("\x1f"))
    drawn = np.random.default_rng(seed).permutation(len(people))
    found = learned(readers, [people[at] for at in drawn], now=FOREVER, seconds=seconds)
    found.save(folder)
    return {"n_facets": len(found), "n_days": found.n_days}


def learned(portraits: Portraits, people: Sequence[str], *, now: datetime, seconds: float = 30.0) -> Recurrence:
    """Ratios from the last eight days of each of at most 5,000 people, and what each had met before them; as many as
    there is time for.

    Args:
        people: whose log may be learned from, in an order of chance.
        now: of the log only what came before.
    """
    return Recurrence.learn(_eves(portraits, people[:MOST_PEOPLE], now, time.monotonic() + seconds))


def _eves(
    portraits: Portraits, people: Sequence[str], now: datetime, ends: float
) -> Iterator[tuple[str, Mapping[Key, float], Mapping[Key, float]]]:
    for person in people:
        if time.monotonic() > ends:
            return
        for before, items in eves(portraits.events(person, before=now), _MOST_DAYS):
            state, until = portraits.state_of(before), before[-1].timestamp
            known = interests(state, portraits.item_facets, now=until, config=portraits.config)
            # words of a search are the person's own; only what items have is learned of
            shares = {key: share for key, share in known.lately.items() if share > 0.0 and known.heaps[key].items}
            if shares:
                yield person, shares, _shares(portraits, items)


def _shares(portraits: Portraits, items: Sequence[ItemId]) -> dict[Key, float]:
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

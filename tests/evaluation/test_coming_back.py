"""Which days of a person say how surely they come back, and what is learned of them."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from huaxiang.evaluation.coming_back import eves, learned
from huaxiang.profiles import Portraits
from huaxiang.profiles.confidence import ANY
from huaxiang.types import Event
from tests.profiles.shops import at, event, portraits, stocked_store

NEVER_BEFORE = at(24 * 400)


def items_of(found: Sequence[tuple[list[Event], list[str]]]) -> list[tuple[int, list[str]]]:
    return [(len(before), items) for before, items in found]


def test_each_day_but_the_first_is_asked_about_newest_first() -> None:
    hours = [(1, "sencha"), (2, "pot"), (30, "pot"), (60, "assam"), (61, "matcha")]
    events = [event("view_item", hour, item=item) for hour, item in hours]
    assert items_of(list(eves(events, 8))) == [(3, ["assam", "matcha"]), (2, ["pot"])]
    assert items_of(list(eves(events, 1))) == [(3, ["assam", "matcha"])]
    assert at(60) > events[2].timestamp
    assert list(eves(events[:2], 8)) == []
    assert list(eves([], 8)) == []


def shop_of_chance(folder: Path, n_people: int, *, seed: int) -> Portraits:
    """Everybody looks at one item a day for six days: on each day at a favourite with a chance of their own, else at
    any of the five."""
    rng = np.random.default_rng(seed)
    items = ["sencha", "matcha", "assam", "pot", "cup"]
    store = stocked_store(folder)
    for number in range(n_people):
        favourite, faith = items[rng.integers(5)], rng.random()
        looks = [favourite if rng.random() < faith else items[rng.integers(5)] for _ in range(6)]
        store.append([event("view_item", 24 * day + 5, user=f"p{number}", item=item) for day, item in enumerate(looks)])
    return portraits(store)


def sureness(people: Portraits, names: Sequence[str], now: datetime) -> list[tuple[float, bool]]:
    """Confidence of the interests shown before the sixth day, and whether they were met on it."""
    found = []
    for name in names:
        met = people.events(name, before=NEVER_BEFORE)[-1].item_ids[0]
        has = {(kind, value) for kind, value, _ in people.item_facets.of(met)}
        shown = people.profile(name, now=now).interests
        found += [(facet.confidence, (facet.facet, facet.value) in has) for facet in shown]
    return found


def test_of_those_who_taught_nothing_as_many_come_back_as_confidence_says(tmp_path: Path) -> None:
    people = shop_of_chance(tmp_path, 240, seed=1)
    names = [f"p{number}" for number in range(240)]
    people.item_facets.recurrence = learned(people, names[:120], now=NEVER_BEFORE)
    said = sureness(people, names[120:], at(24 * 5))
    sure_N, met_N = (np.array(column, dtype=float) for column in zip(*said, strict=True))
    halves = [sure_N < np.median(sure_N), sure_N >= np.median(sure_N)]
    for rows in halves:
        assert sure_N[rows].mean() == pytest.approx(met_N[rows].mean(), abs=0.05)
    assert met_N[halves[1]].mean() > met_N[halves[0]].mean() + 0.1
    people.store.close()


def test_a_few_people_teach_ratios_and_no_confidence(tmp_path: Path) -> None:
    people = shop_of_chance(tmp_path, 20, seed=2)
    found = learned(people, [f"p{number}" for number in range(20)], now=NEVER_BEFORE)
    assert (found.n_days, len(found.confidence)) == (100, 0)
    people.store.close()


def test_nobody_teaches_nothing(tmp_path: Path) -> None:
    people = shop_of_chance(tmp_path, 0, seed=3)
    found = learned(people, [], now=NEVER_BEFORE)
    assert (found.n_days, len(found), len(found.confidence)) == (0, 0, 0)
    people.store.close()


def test_what_is_kept_names_families_and_no_value(tmp_path: Path) -> None:
    people = shop_of_chance(tmp_path, 120, seed=4)
    found = learned(people, [f"p{number}" for number in range(120)], now=NEVER_BEFORE)
    assert set(found.confidence.to_json()) <= {ANY, "brand", "category 1", "category 2", "keyword", "price_band"}
    people.store.close()

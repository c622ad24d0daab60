"""Prices, brands and hours of shoppers, worked out by hand."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huaxiang.profiles.behaviour import hours, loyalty, price_sensitivity
from huaxiang.profiles.state import FoldState, Tally
from huaxiang.store import Store
from tests.profiles.shops import at, event, portraits, stocked_store

CUPS = [f"cup{n:02}" for n in range(18)]
"""Eighteen cups of 10 to 27, thirds of six; every third one of one of three makers."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = stocked_store(tmp_path)
    makers = ("Bodum", "Meissen", "Uji")
    opened.append(
        [
            event(
                "set_item",
                -0.5,
                user=None,
                item=cup,
                properties={"category": ["Ware", "Steins"], "price": 10.0 + n, "brand": makers[n % 3]},
            )
            for n, cup in enumerate(CUPS)
        ]
    )
    yield opened
    opened.close()


def behaviour(store: Store, looks: Sequence[str], bought: Sequence[str] = ()) -> dict[str, Any]:
    """Of ann, each look and purchase a day of its own, so that no visit damps another."""
    events = [event("view_item", 24 * n + 5, item=item) for n, item in enumerate(looks)]
    events += [event("purchase", 24 * (len(looks) + n) + 5, item=item) for n, item in enumerate(bought)]
    store.append(events)
    return dict(portraits(store).profile("ann", now=at(24 * 60)).behaviour)


def test_who_takes_the_cheap_ones_minds_prices(store: Store) -> None:
    # four looks at the cheapest third and a purchase there, which weighs 3; two in the middle are lent to everybody
    found = behaviour(store, CUPS[:4], CUPS[4:5])
    assert found["price_sensitivity"] == pytest.approx((7 + 1) / 9, abs=1e-3)


def test_what_is_bought_weighs_more_than_what_was_looked_at(store: Store) -> None:
    found = behaviour(store, [*CUPS[:3], CUPS[7]], CUPS[-2:-1])
    assert found["price_sensitivity"] == pytest.approx((3 + 0.5 + 0 + 1) / (3 + 1 + 3 + 2), abs=1e-3)


def test_four_priced_items_say_nothing_of_prices(store: Store) -> None:
    assert behaviour(store, CUPS[:4])["price_sensitivity"] is None


def test_who_keeps_to_one_maker_is_loyal(store: Store) -> None:
    assert behaviour(store, CUPS[::3])["loyalty"] == pytest.approx(1.0)


def test_who_takes_makers_as_they_come_is_not(store: Store) -> None:
    # two of each of three makers: 3 of 15 pairs are alike, fewer than the third that chance would give
    assert behaviour(store, CUPS[:6])["loyalty"] == 0.0


def test_half_of_the_way_to_one_maker_is_half_loyal(store: Store) -> None:
    # five of one maker and one of another: 10 of 15 pairs are alike, by chance a third
    assert behaviour(store, [*CUPS[::3][:5], CUPS[1]])["loyalty"] == pytest.approx(0.5, abs=0.02)


def test_a_category_with_one_maker_is_no_choice_and_five_choices_are_needed(store: Store) -> None:
    assert behaviour(store, ["sencha", "matcha", *CUPS[::3][:5]])["loyalty"] is None


def test_hours_are_in_utc_and_a_day_without_a_time_has_none(store: Store) -> None:
    store.append([event("view_item", hour, item="cup") for hour in (8.5, 20.1, 20.9, 24, 48)])
    said = portraits(store).profile("ann", now=at(72)).behaviour["hours"]
    assert (said["zone"], said["busiest"]) == ("UTC", [20, 8])
    assert (said["counts"][8], said["counts"][20], sum(said["counts"])) == (1, 2, 3)


def test_who_only_came_on_days_without_a_time_has_no_hours(store: Store) -> None:
    store.append([event("view_item", 24, item="cup")])
    assert portraits(store).profile("ann", now=at(72)).behaviour["hours"] is None


def test_who_denied_analytics_has_no_habits(store: Store) -> None:
    store.append([event("view_item", 24 * n + 5, item=cup) for n, cup in enumerate(CUPS[:6])])
    store.append([event("consent", 200, properties={"scope": "analytics", "status": "denied"})])
    assert portraits(store).profile("ann", now=at(201)).behaviour == {}


MASSES = st.dictionaries(st.sampled_from([*CUPS, "sencha", "gone"]), st.floats(-8.0, 8.0), max_size=20)


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    opened = stocked_store(tmp_path_factory.mktemp("shelf"))
    properties = [{"category": ["Steins"], "price": 10.0 + n, "brand": "ab"[n % 2]} for n in range(len(CUPS))]
    opened.append(
        [
            event("set_item", -0.5, user=None, item=cup, properties=own)
            for cup, own in zip(CUPS, properties, strict=True)
        ]
    )
    yield portraits(opened).item_facets
    opened.close()


@given(masses=MASSES, bought=st.sets(st.sampled_from(CUPS)))
def test_whatever_was_met_they_lie_between_0_and_1(shelf: Any, masses: dict[str, float], bought: set[str]) -> None:
    state = FoldState(
        items={item: Tally(long=mass, n=1) for item, mass in masses.items()}, bought={item: [1, 0] for item in bought}
    )
    for found in (price_sensitivity(state, shelf), loyalty(state, shelf)):
        assert found is None or 0.0 <= found <= 1.0


@given(moments=st.lists(st.integers(1, 86_399), min_size=1, max_size=30))
def test_every_event_with_a_time_of_day_is_in_one_hour(moments: list[int]) -> None:
    state = FoldState(hours=[sum(second // 3600 == hour for second in moments) for hour in range(24)])
    said = hours(state)
    assert said is not None
    assert sum(said["counts"]) == len(moments)
    assert said["counts"][said["busiest"][0]] == max(said["counts"])

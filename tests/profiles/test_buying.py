"""When somebody bought, and the chance that they buy again."""

import math
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huaxiang.errors import DataError
from huaxiang.profiles.buying import N_FEATURES, Bought, BuyingAgain
from huaxiang.profiles.recurrence import Recurrence
from huaxiang.profiles.state import to_micros
from huaxiang.store import Store
from tests.profiles.shops import at, edit, event, portraits, stocked_store

BOUGHT = st.builds(
    lambda n, recency, more: Bought(n, recency, recency + more),
    st.integers(1, 500),
    st.floats(0.0, 5_000.0),
    st.floats(0.0, 5_000.0),
)
BY_RECENCY = BuyingAgain((-1.0, *[0.0] * (N_FEATURES - 1), math.log(31.0)), (0.02, 0.01, 0.03), 400)
"""Odds of 31 over a day more than the days since the last purchase."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = stocked_store(tmp_path)
    yield opened
    opened.close()


def bought(store: Store, hour: float) -> Bought | None:
    return Bought.of(portraits(store).state("ann", before=at(hour)), to_micros(at(hour)))


def test_days_with_purchases_count_once_and_looks_do_not(store: Store) -> None:
    store.append([event("purchase", hour, item="sencha") for hour in (2, 3, 50)] + [event("view_item", 90, item="cup")])
    assert bought(store, 98) == Bought(2, recency=2.0, age=4.0)
    assert bought(store, 2) is None


def test_what_was_given_back_or_excluded_was_not_bought(store: Store) -> None:
    gift = event("purchase", 26, item="cup")
    store.append([event("purchase", 2, item="pot"), gift, event("purchase", 50, item="sencha")])
    store.append([event("refund", 60, item="pot"), edit(61, "exclude_event", event_id=gift.event_id)])
    assert bought(store, 74) == Bought(1, recency=1.0, age=1.0)


def test_the_profile_says_a_chance_only_where_a_release_found_one_and_something_was_bought(store: Store) -> None:
    people = portraits(store)
    store.append([event("purchase", 1, item="sencha"), event("view_item", 2, user="bob", item="sencha")])
    assert people.profile("ann", now=at(1 + 30 * 24)).behaviour["repeat_purchase"] is None
    people.item_facets.recurrence = Recurrence(buying_again=BY_RECENCY)
    assert people.profile("ann", now=at(1 + 30 * 24)).behaviour["repeat_purchase"] == pytest.approx(0.5)
    assert people.profile("ann", now=at(1 + 92 * 24)).behaviour["repeat_purchase"] == pytest.approx(0.25)
    assert people.profile("bob", now=at(3)).behaviour["repeat_purchase"] is None


@given(known=BOUGHT, weights=st.lists(st.floats(-20.0, 20.0), min_size=N_FEATURES + 1, max_size=N_FEATURES + 1))
def test_it_is_a_probability_and_survives_being_written_down(known: Bought, weights: list[float]) -> None:
    learned = BuyingAgain(tuple(weights), (0.1, 0.05, 0.2), 300)
    again = BuyingAgain.from_json(learned.to_json())
    assert 0.0 <= learned.chance(known) <= 1.0
    assert (again.chance(known), again.gain, again.n_people) == (learned.chance(known), learned.gain, 300)


@given(known=BOUGHT)
def test_there_are_as_many_features_as_weights_and_all_are_finite(known: Bought) -> None:
    assert len(known.features()) == N_FEATURES
    assert all(map(math.isfinite, known.features()))


def test_weights_that_cannot_be_used_are_named() -> None:
    with pytest.raises(DataError, match="finite numbers"):
        BuyingAgain((1.0,), (0.1, 0.0, 0.2), 300)


def test_snapshot_and_tail_know_the_same_purchases_and_hours(store: Store) -> None:
    store.append([event("purchase", 5 * n + 0.5, item="sencha") for n in range(140)])
    people = portraits(store)
    people.state("ann", before=at(650))  # long enough for a snapshot
    whole = people.state_of(people.events("ann", before=at(800)))
    resumed = portraits(store).state("ann", before=at(800))
    assert (resumed.buying, resumed.hours) == (whole.buying, whole.hours)
    assert whole.buying[0] == len({(5 * n) // 24 for n in range(140)})
    assert timedelta(microseconds=whole.buying[2] - whole.buying[1]) == timedelta(hours=5 * 139)

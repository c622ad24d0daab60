"""What the newest visit is for, by hand."""

from pathlib import Path
from typing import Any

import pytest

from huaxiang.collect.catalogue import Catalogue
from huaxiang.profiles import ItemFacets, Portraits
from huaxiang.store import Store
from huaxiang.types import Event, Facet
from tests.profiles.shops import at, event, stocked_store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return stocked_store(tmp_path)


def intent_of(store: Store, *events: Event, hour: float = 2.0) -> Facet | None:
    store.append(list(events))
    needs = Portraits(store, ItemFacets(Catalogue(store))).profile("ann", now=at(hour)).needs
    return next((need for need in needs if need.facet == "intent"), None)


def said(store: Store, *events: Event, hour: float = 2.0) -> str | None:
    found = intent_of(store, *events, hour=hour)
    return None if found is None else found.value


def look(hour: float, item: str, **more: Any) -> Event:
    return event("view_item", hour, item=item, session_id="s1", **more)


def test_looks_at_goods_of_one_kind_compare_them(store: Store) -> None:
    assert said(store, look(1, "sencha"), look(1.01, "matcha")) == "comparing"


def test_looks_at_goods_of_several_kinds_are_browsing(store: Store) -> None:
    assert said(store, look(1, "sencha"), look(1.01, "pot")) == "browsing"


def test_a_search_says_what_is_wanted(store: Store) -> None:
    assert said(store, event("search", 1, query="clay pot", session_id="s1")) == "comparing"


def test_a_search_for_a_gift_is_for_somebody_else(store: Store) -> None:
    assert said(store, event("search", 1, query="gift for mom", session_id="s1"), look(1.01, "pot")) == "gift"


def test_a_search_for_a_gift_in_chinese(store: Store) -> None:
    assert said(store, event("search", 1, query="送妈妈的生日礼物", session_id="s1")) == "gift"


def test_something_in_the_cart_is_about_to_be_bought_until_it_is(store: Store) -> None:
    cart = event("add_to_cart", 1.01, item="pot", session_id="s1")
    assert said(store, look(1, "pot"), cart) == "about to buy"
    assert said(store, event("purchase", 1.02, item="pot", session_id="s1")) is None


def test_who_pays_for_a_cart_of_an_earlier_visit_is_about_to_buy(store: Store) -> None:
    assert said(store, event("begin_checkout", 1, session_id="s2")) == "about to buy"


def test_what_was_taken_out_of_the_cart_is_not(store: Store) -> None:
    events = [
        event(name, 1 + n / 100, item="pot", session_id="s1")
        for n, name in enumerate(["add_to_cart", "remove_from_cart"])
    ]
    assert said(store, *events) == "comparing"


def test_going_straight_to_what_was_bought_before_is_buying_it_again(store: Store) -> None:
    bought = event("purchase", -400, item="sencha", session_id="s0")
    found = intent_of(store, bought, look(1, "sencha"))
    assert found is not None
    assert (found.value, len(found.evidence)) == ("replenishing", 1)


def test_a_new_visit_is_another_errand_and_a_pause_ends_one_without_a_session(store: Store) -> None:
    first = [event("view_item", 1, item="sencha"), event("view_item", 1.1, item="matcha")]
    assert said(store, *first) == "comparing"
    assert said(store, event("view_item", 1.9, item="pot")) == "comparing"
    found = intent_of(store)
    assert found is not None
    assert len(found.evidence) == 1


def test_half_a_day_later_nobody_knows(store: Store) -> None:
    found = intent_of(store, look(1, "sencha"), hour=7.0)
    assert found is not None
    assert found.score == pytest.approx(0.5)
    assert said(store, hour=13.1) is None

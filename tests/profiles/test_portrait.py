"""Profiles of shoppers in a tea shop."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from huaxiang.profiles.fold import FoldConfig
from huaxiang.store import Store
from huaxiang.types import Profile
from tests.profiles.shops import at, edit, event, portraits, stocked_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = stocked_store(tmp_path)
    yield opened
    opened.close()


def shares(profile: Profile, kind: str) -> dict[str, float]:
    return {facet.value: round(facet.score, 6) for facet in profile.interests if facet.facet == kind}


def test_shares_of_interest_are_shares_of_the_weights_of_visits(store: Store) -> None:
    store.append([event("view_item", 1, item="sencha"), event("add_to_cart", 2, item="pot")])
    profile = portraits(store).profile("ann", now=at(2.001))
    # A look weighs 1 and a cart 3; each is a visit of its own, which counts as the root of its weight.
    assert shares(profile, "brand") == pytest.approx({"Yixing": 0.634, "Uji": 0.366}, abs=1e-3)
    assert shares(profile, "category")["Ware > Pots"] == shares(profile, "category")["Ware"]


def test_ten_looks_of_one_visit_count_less_than_looks_of_ten_visits(store: Store) -> None:
    store.append([event("view_item", 1 + n / 100, item="pot", session_id="s1") for n in range(9)])
    store.append([event("view_item", 2 + n, item="sencha") for n in range(3)])
    brands = shares(portraits(store).profile("ann", now=at(5)), "brand")
    assert brands == pytest.approx({"Yixing": 0.5, "Uji": 0.5}, abs=2e-3)  # the root of nine is three visits


def test_a_facet_names_the_events_behind_it_newest_first(store: Store) -> None:
    events = [event("view_item", hour, item=item) for hour, item in ((1, "sencha"), (2, "pot"), (3, "matcha"))]
    store.append(events)
    profile = portraits(store).profile("ann", now=at(4))
    uji = next(facet for facet in profile.interests if facet.value == "Uji")
    assert uji.evidence == (events[2].event_id, events[0].event_id)
    assert uji.last_seen == at(3)
    # two looks of three, a third of it for one day, and three looks a day: no release has said yet how surely people
    # come back
    assert uji.confidence == pytest.approx(1 - (7 / 9) ** 3**0.5)


def test_interest_halves_in_its_half_life(store: Store) -> None:
    store.append([event("view_item", 0, item="sencha"), event("view_item", 240, item="pot")])
    profile = portraits(store, FoldConfig(interest_half_life_days=10)).profile("ann", now=at(240.1))
    assert shares(profile, "brand") == {"Yixing": pytest.approx(2 / 3), "Uji": pytest.approx(1 / 3)}


def test_a_profile_does_not_know_the_future(store: Store) -> None:
    store.append([event("view_item", 1, item="sencha"), event("view_item", 5, item="pot")])
    people = portraits(store)
    assert set(shares(people.profile("ann", now=at(9)), "brand")) == {"Uji", "Yixing"}
    assert shares(people.profile("ann", now=at(5)), "brand") == {"Uji": 1.0}


def test_the_next_event_is_in_the_next_profile(store: Store) -> None:
    people = portraits(store)
    store.append([event("view_item", 1, item="sencha")])
    before = people.profile("ann", now=at(9))
    store.append([event("purchase", 2, item="pot")])
    after = people.profile("ann", now=at(9))
    assert "Yixing" not in shares(before, "brand")
    assert "Yixing" in shares(after, "brand")
    assert before.version != after.version


def test_a_stranger_has_an_empty_profile(store: Store) -> None:
    profile = portraits(store).profile("nobody", now=at(1))
    assert (profile.interests, profile.needs, profile.behaviour) == ((), (), {"n_events": 0})


def test_a_disliked_brand_has_a_negative_share(store: Store) -> None:
    store.append([event("dislike", 1, item="sencha"), event("purchase", 2, item="pot")])
    assert shares(portraits(store).profile("ann", now=at(3)), "brand")["Uji"] < 0


def test_what_was_viewed_and_not_bought_is_a_need_until_it_is_bought(store: Store) -> None:
    people = portraits(store)
    store.append([event("view_item", 1, item="pot"), event("view_item", 1.1, item="cup")])
    assert {need.value for need in people.profile("ann", now=at(2)).needs if need.facet != "intent"} == {"pot", "cup"}
    store.append([event("purchase", 3, item="pot")])
    assert {need.value for need in people.profile("ann", now=at(4)).needs} == {"cup"}


def test_a_search_is_a_need_until_its_session_buys(store: Store) -> None:
    people = portraits(store)
    store.append([event("search", 1, query="clay pot", session_id="s1")])
    assert [need.value for need in people.profile("ann", now=at(2)).needs if need.facet != "intent"] == ["clay pot"]
    store.append([event("purchase", 3, item="pot", session_id="s1")])
    assert people.profile("ann", now=at(4)).needs == ()


def test_a_refund_takes_the_purchase_back(store: Store) -> None:
    people = portraits(store)
    store.append([event("purchase", 1, item="pot", value=80.0, currency="EUR")])
    bought = people.profile("ann", now=at(2))
    store.append([event("refund", 3, item="pot", value=80.0, currency="EUR")])
    returned = people.profile("ann", now=at(4))
    assert bought.behaviour["spend"] == {"EUR": 80.0}
    assert returned.behaviour["spend"] == {"EUR": 0.0}
    assert {need.value for need in returned.needs} == {"pot"}


def test_lines_of_one_invoice_are_one_order(store: Store) -> None:
    lines = [event("purchase", 1, item=item, session_id="invoice 7") for item in ("pot", "cup", "sencha")]
    store.append([*lines, event("purchase", 2, item="matcha", session_id="invoice 8")])
    assert portraits(store).profile("ann", now=at(3)).behaviour["n_orders"] == 2


def test_an_excluded_event_counts_no_more_until_the_exclusion_is_undone(store: Store) -> None:
    people = portraits(store)
    gift = event("purchase", 1, item="pot")
    store.append([gift, event("view_item", 2, item="sencha")])
    store.append([edit(3, "exclude_event", event_id=gift.event_id)])
    assert shares(people.profile("ann", now=at(4)), "brand") == {"Uji": 1.0}
    store.append([edit(5, "undo", edit_id="exclude_event-3")])
    assert shares(people.profile("ann", now=at(6)), "brand")["Yixing"] == pytest.approx(6**0.5 / (6**0.5 + 1), abs=1e-3)


def test_muted_is_gone_removed_may_come_back_boosted_grows_added_stands(store: Store) -> None:
    people = portraits(store)
    store.append([event("view_item", 1 + n, item=item) for n, item in enumerate(("sencha", "pot", "assam"))])
    store.append([edit(4, "mute", facet="brand", value="Uji"), edit(4, "remove", facet="brand", value="Yixing")])
    store.append([edit(4, "boost", facet="brand", value="Halmari", weight=2.0)])
    store.append([edit(4, "add", facet="brand", value="Meissen", weight=0.5)])
    edited = shares(people.profile("ann", now=at(5)), "brand")
    assert edited == pytest.approx({"Halmari": 2 / 3, "Meissen": 0.5}, abs=1e-3)
    store.append([event("view_item", 6, item="cup"), event("view_item", 7, item="matcha")])
    again = shares(people.profile("ann", now=at(8)), "brand")
    assert "Uji" not in again
    assert again["Yixing"] == pytest.approx(0.2, abs=1e-3)  # the cup, one of five looks


def test_a_denied_consent_empties_the_profile_and_what_was_done_meanwhile_is_never_used(store: Store) -> None:
    people = portraits(store)
    store.append([event("view_item", 1, item="sencha")])
    store.append([event("consent", 2, properties={"scope": "personalisation", "status": "denied"})])
    store.append([event("view_item", 3, item="pot")])
    denied = people.profile("ann", now=at(4))
    assert (denied.interests, denied.needs, denied.summary) == ((), (), "")
    assert denied.consents["personalisation"] == "denied"
    store.append([event("consent", 5, properties={"scope": "personalisation", "status": "granted"})])
    assert shares(people.profile("ann", now=at(6)), "brand") == {"Uji": 1.0}


def test_a_corrected_item_corrects_the_profile(store: Store) -> None:
    people = portraits(store)
    store.append([event("view_item", 1, item="cup")])
    store.append([event("set_item", 2, user=None, item="cup", properties={"brand": "Bodum"})])
    people.item_facets.catalogue.refresh()
    assert shares(people.profile("ann", now=at(3)), "brand") == {"Bodum": 1.0}


def test_price_bands_follow_a_catalogue_that_filled_up_later(store: Store) -> None:
    people = portraits(store)
    cups = [
        event("set_item", -0.5, user=None, item=f"cup{n}", properties={"category": ["Ware", "Cups"], "price": 10.0 + n})
        for n in range(15)
    ]
    store.append([*cups, event("view_item", 1, item="cup14")])
    assert shares(people.profile("ann", now=at(2)), "price_band") == {}  # five items tell nothing of what is dear
    people.item_facets.catalogue.refresh()
    assert shares(people.profile("ann", now=at(2)), "price_band") == {"high": 1.0}


def test_the_summary_speaks_of_what_stands_first(store: Store) -> None:
    store.append([event("purchase", 1, item="pot"), event("search", 2, query="clay cup")])
    said = portraits(store).profile("ann", now=at(3)).summary
    assert said == "Mostly Ware (100%), likes Yixing, now looking for “clay cup”"

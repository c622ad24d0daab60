"""Counted by residents or by folds, the same people pass: whatever the log, the filter, the room and the moment."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huaxiang.collect.catalogue import Catalogue
from huaxiang.profiles import FoldState, ItemFacets, Portraits, packing
from huaxiang.profiles import portrait as portrait_module
from huaxiang.profiles.audience_count import may_be_addressed, passing
from huaxiang.profiles.audience_filter import Condition, compile_audience_filter
from huaxiang.profiles.buying import Bought, BuyingAgain
from huaxiang.profiles.fold import FoldConfig
from huaxiang.profiles.portrait import Memory
from huaxiang.profiles.readable import Readable
from huaxiang.profiles.recurrence import Recurrence
from huaxiang.store import Store, every_user
from huaxiang.types import Event, Reading
from tests.profiles.shops import at, edit, event, stocked_store
from tests.profiles.test_audience_filter import FILTERS
from tests.profiles.test_fold_property import HOURS, shop_events

USERS = ("ann", "bob", "cai", "dee")


@st.composite
def happenings(draw: st.DrawFn, number: int) -> Event:
    """What the household of the fold's tests does, by more people, and what the shop does to an item."""
    kind = draw(st.sampled_from(["household"] * 8 + ["traits", "boost", "item", "bought"]))
    hour, user = draw(HOURS), draw(st.sampled_from(USERS))
    said: dict[str, Any] = {"timestamp": at(hour), "event_id": f"e{number}"}
    if kind == "traits":
        return Event("set_user", user_id=user, properties={"city": draw(st.sampled_from(["Kyoto", "x" * 300]))}, **said)
    if kind == "boost":
        properties: dict[str, Any] = {
            "op": "boost",
            "facet": "brand",
            "value": "Uji",
            "weight": draw(st.sampled_from([0.1, 0.5, 9.0])),
        }
        return Event("profile_edit", user_id=user, properties=properties, **said)
    if kind == "item":
        changed: dict[str, Any] = draw(
            st.sampled_from([{"brand": "Meissen"}, {"price": 1.0}, {"category": ["Ware", "Pots", "Clay"]}])
        )
        return Event("set_item", item_id="pot", properties=changed, **said)
    if kind == "bought":
        return Event("purchase", user_id=user, item_id="matcha", value=30.0, currency="EUR", **said)
    made = draw(shop_events(number))
    return made if made.user_id is None or draw(st.booleans()) else Event(**{**_fields(made), "user_id": user})


def _fields(made: Event) -> dict[str, Any]:
    names = ("event", "timestamp", "item_id", "event_id", "anonymous_id", "session_id", "value", "query", "properties")
    return {name: getattr(made, name) for name in (*names, "reading")}


@st.composite
def histories(draw: st.DrawFn) -> list[list[Event]]:
    made = [draw(happenings(number)) for number in range(draw(st.integers(1, 40)))]
    size = draw(st.integers(1, 12))
    return [made[start : start + size] for start in range(0, len(made), size)]


def folded(store: Store, catalogue: Catalogue, where: Mapping[str, Any], hour: float) -> list[str]:
    """Who passes by folding everybody, with nothing kept from before."""
    fresh, test = Portraits(store, ItemFacets(catalogue)), compile_audience_filter(where)
    found = []
    for user in every_user(store):
        state = fresh.state_of(fresh.events(user.user_id, before=at(hour)))
        person = Readable(state, fresh.item_facets, now=at(hour), config=fresh.config)
        may_be = all(person.consent(scope) == "granted" for scope in ("personalisation", "advertising"))
        if state.n and may_be and test(person):
            found.append(user.user_id)
    return found


def counted(portraits: Portraits, where: Mapping[str, Any], hour: float) -> tuple[list[str], int]:
    """Who passes, and how many of the store had to be folded."""
    everybody = [user.user_id for user in every_user(portraits.store)]
    parts = list(passing(portraits, everybody, compile_audience_filter(where), now=at(hour)))
    return [user for part in parts for user in part.user_ids], sum(part.n_folded for part in parts)


@settings(deadline=None, max_examples=80)
@given(
    batches=histories(),
    wheres=st.lists(FILTERS, min_size=1, max_size=4),
    hours=st.lists(st.floats(0, 62) | st.floats(0, 3_000), min_size=1, max_size=6),
    room=st.sampled_from([64.0, 0.004, 0.0001]),
    limits=st.sampled_from([(1_024, 24), (330, 24), (230, 3), (90, 1)]),
)
def test_residents_and_folds_agree(
    batches: list[list[Event]],
    wheres: list[dict[str, Any]],
    hours: list[float],
    room: float,
    limits: tuple[int, int],
) -> None:
    # With little room residents go to the store and come back; with few bytes they hold little and folds must step in.
    with (
        TemporaryDirectory() as folder,
        patch.object(portrait_module, "_WINDOW", 6),
        patch.object(portrait_module, "_AT_ONCE", 9),
        patch.object(portrait_module, "_TAIL", 3),
        patch.object(packing, "LIMIT", limits[0]),
        patch.object(packing, "FACETS", limits[1]),
    ):
        store = stocked_store(Path(folder))
        catalogue, other_catalogue = Catalogue(store), Catalogue(store)
        living = Portraits(store, ItemFacets(catalogue), memory=Memory(residents_mb=room))
        other = Portraits(store, ItemFacets(other_catalogue), memory=Memory(residents_mb=room))
        for number, batch in enumerate(batches):
            store.append(batch)
            for each in (catalogue, other_catalogue):
                each.refresh()
            for hour in (hours[number % len(hours)], 61.0, 200.0):
                where = wheres[number % len(wheres)]
                expected = folded(store, catalogue, where, hour)
                assert counted(living, where, hour)[0] == expected
                assert counted(other, where, hour)[0] == expected
                assert counted(living, where, hour)[0] == expected
        store.close()


def test_the_second_count_folds_nobody_and_then_only_who_did_something(tmp_path: Path) -> None:
    store = stocked_store(tmp_path)
    users = [f"u{n:03d}" for n in range(40)]
    store.append([event("view_item", n % 5, user, "pot" if n % 2 else "sencha") for n, user in enumerate(users)])
    living = Portraits(store, ItemFacets(Catalogue(store)))
    where = {"interests.brand": "Uji", "behaviour.recency_days": {"lte": 30}}
    first, n_first = counted(living, where, 30)
    assert (first, n_first) == (users[::2], 40)
    assert counted(living, where, 31) == (users[::2], 0)
    assert counted(living, {"needs.unbought": "pot"}, 31) == (users[1::2], 0)
    assert counted(living, {"interests.brand": {"not": "Uji"}}, 31) == (users[1::2], 0)
    store.append([event("view_item", 32, "u001", "sencha"), event("view_item_list", 32, "u003", "sencha")])
    assert counted(living, where, 33) == (sorted([*users[::2], "u001"]), 1)
    store.close()


def test_a_link_of_a_device_folds_its_claimant_anew(tmp_path: Path) -> None:
    store = stocked_store(tmp_path)
    store.append([event("view_item", 1, "ann", "pot"), event("identify", 2, "ann", anonymous_id="phone")])
    living = Portraits(store, ItemFacets(Catalogue(store)))
    assert counted(living, {"interests.brand": "Uji"}, 5)[0] == []
    assert counted(living, {"interests.brand": "Uji"}, 5) == ([], 0)
    store.append([event("view_item", 6, None, "sencha", anonymous_id="phone")])
    assert counted(living, {"interests.brand": "Uji"}, 7) == (["ann"], 1)
    store.append([event("view_item", 7, "bob", "pot"), event("identify", 8, "bob", anonymous_id="phone")])
    assert counted(living, {"interests.brand": "Uji"}, 9)[0] == []  # a shared device speaks for nobody
    store.close()


@pytest.mark.parametrize("change", [{"brand": "Uji"}, {"category": ["Tea", "Pots"]}])
def test_a_changed_item_changes_the_count(tmp_path: Path, change: dict[str, Any]) -> None:
    store = stocked_store(tmp_path)
    store.append([event("view_item", 1, "ann", "pot")])
    catalogue = Catalogue(store)
    living = Portraits(store, ItemFacets(catalogue))
    where = {"any": [{"interests.brand": "Uji"}, {"interests.category": "Tea"}]}
    assert counted(living, where, 5)[0] == []
    store.append([Event("set_item", at(6), item_id="pot", properties={"in_stock": False, "description": "sold"})])
    catalogue.refresh()
    assert counted(living, where, 7) == ([], 0)  # nothing that a profile reads
    store.append([Event("set_item", at(8), item_id="pot", properties=change)])
    catalogue.refresh()
    assert counted(living, where, 9) == (["ann"], 1)
    store.close()


def test_what_a_resident_has_no_room_for_is_folded(tmp_path: Path) -> None:
    store = stocked_store(tmp_path)
    words = tuple(f"word{n:02d}" for n in range(90))
    for n in range(0, 90, 6):
        reading = Reading("t", "en", keywords=words[n : n + 6])
        store.append([event("search", n / 10, query=f"query {n}", reading=reading, session_id=f"s{n}")])
    store.append([event("set_user", 40, properties={"note": "x" * 500}), edit(41, "mute", facet="brand", value="Uji")])
    with patch.object(packing, "LIMIT", 560):
        living = Portraits(store, ItemFacets(Catalogue(store)))
        living.resident("ann", now=at(50))
    with living.residents.reading(["ann"], now=at(50)) as found:
        head = packing.head_of(found["ann"][0])
    assert head.n_interests > 20
    assert head.n_bits > 20
    assert head.rest > 0.005
    asked: list[dict[str, Any]] = [{"interests.keyword": word} for word in (*words, "none")]
    asked += [{"interests.keyword": {"value": word, "score": {"gte": 0.0111, "lte": 0.0112}}} for word in words]
    asked += [{"interests.keyword": {"score": {"lte": -0.1}}}, {"needs.search": "query"}]
    asked += [
        {"behaviour.traits.note": "x" * 500},
        {"interests.keyword": {"not": "none"}, "needs.search": {"not": "no"}},
    ]
    catalogue, n_folded = living.item_facets.catalogue, 0
    for where in asked:
        passed, folds = counted(living, where, 50)
        assert passed == folded(store, catalogue, where, 50), where
        n_folded += folds
    assert 80 < n_folded < len(asked) - 20
    assert counted(living, {"behaviour.n_events": 17, "interests.keyword": "none"}, 50) == ([], 0)
    store.close()


# -- prices, brands and buying again -------------------------------------------------------------------------------

STEINS = [f"stein{n:02}" for n in range(18)]
"""Of 10 to 27, thirds of six; every third one of one of three makers."""
HABITS = ("behaviour.price_sensitivity", "behaviour.loyalty", "behaviour.repeat_purchase")
OFTEN = BuyingAgain((-1.0, 0.0, 0.5, 0.3, 0.0, 0.0, 1.0), (0.02, 0.01, 0.03), 400)


def steins(store: Store) -> None:
    makers = ("Bodum", "Meissen", "Uji")
    for n, stein in enumerate(STEINS):
        said = {"category": ["Ware", "Steins"], "price": 10.0 + n, "brand": makers[n % 3]}
        store.append([Event("set_item", at(-1), item_id=stein, properties=said)])


DEEDS = st.tuples(
    st.sampled_from(USERS),
    st.sampled_from(["view_item", "view_item", "purchase", "dislike", "refund", "deny"]),
    st.integers(0, 400),
    st.integers(0, 17),
)
BOUNDS = st.fixed_dictionaries({}, optional={"gte": st.floats(0, 1), "lte": st.floats(0, 1)}).filter(bool)


@settings(deadline=None, max_examples=60)
@given(
    deeds=st.lists(DEEDS, min_size=1, max_size=60),
    wheres=st.lists(st.dictionaries(st.sampled_from(HABITS), BOUNDS, min_size=1), min_size=1, max_size=5),
    hours=st.lists(st.floats(0, 420) | st.floats(0, 9_000), min_size=1, max_size=4),
    repaint=st.booleans(),
)
def test_habits_are_counted_by_residents_as_by_folds(
    deeds: list[tuple[str, str, int, int]], wheres: list[dict[str, Any]], hours: list[float], repaint: bool
) -> None:
    with TemporaryDirectory() as folder:
        store = stocked_store(Path(folder))
        steins(store)
        catalogue = Catalogue(store)
        living = Portraits(store, ItemFacets(catalogue, recurrence=Recurrence(buying_again=OFTEN)))
        for start in range(0, len(deeds), 20):
            store.append([did(start + n, *deed) for n, deed in enumerate(deeds[start : start + 20])])
            if repaint:  # with brands other pairs of them are alike by chance
                said = {"brand": "Bodum", "in_stock": False}
                store.append(
                    [Event("set_item", at(0), item_id=stein, properties=said) for stein in STEINS[: start + 7]]
                )
                catalogue.refresh()
            for where in wheres:
                for hour in (*hours, 430.0):
                    expected = [
                        user for user in USERS if holds_by_fold(living, user, compile_audience_filter(where), hour)
                    ]
                    assert counted(living, where, hour)[0] == expected
                    assert counted(living, where, hour)[0] == expected
        store.close()


def did(number: int, user: str, kind: str, hour: int, stein: int) -> Event:
    said: dict[str, Any] = {"user_id": user, "event_id": f"e{number}", "timestamp": at(hour)}
    if kind == "deny":
        return Event("consent", properties={"scope": "analytics", "status": "denied"}, **said)
    return Event(kind, item_id=STEINS[stein], **said)


def holds_by_fold(living: Portraits, user: str, test: Condition, hour: float) -> bool:
    state = living.state_of(living.events(user, before=at(hour)))
    return state.n > 0 and test(Readable(state, living.item_facets, now=at(hour), config=living.config))


def test_who_minds_prices_and_who_keeps_to_a_maker_is_found_without_a_second_fold(tmp_path: Path) -> None:
    store = stocked_store(tmp_path)
    steins(store)
    store.append([event("view_item", 30 * n, "ann", item) for n, item in enumerate(STEINS[:6])])
    store.append([event("purchase", 30 * n, "bob", item) for n, item in enumerate(STEINS[15::-3])])
    living = Portraits(store, ItemFacets(Catalogue(store), recurrence=Recurrence(buying_again=OFTEN)))
    asked = {"behaviour.price_sensitivity": {"gte": 0.8}}, {"behaviour.loyalty": {"gte": 0.9}}
    assert [counted(living, where, 300) for where in asked] == [(["ann"], 2), (["bob"], 0)]
    soon, late = (OFTEN.chance(Bought(6, days, days + 6.25)) for days in (6.25, 90.0))
    assert soon > 0.5 > late
    likely = {"behaviour.repeat_purchase": {"gte": 0.5}}
    assert [counted(living, likely, hour) for hour in (300, 150 + 24 * 90)] == [(["bob"], 0), ([], 0)]
    assert counted(living, {"behaviour.repeat_purchase": {"not": {"gte": 0.0}}}, 300) == (["ann"], 0)
    store.close()


@pytest.mark.parametrize("scope", ["personalisation", "advertising"])
def test_either_no_keeps_a_person_out(tmp_path: Path, scope: str) -> None:
    assert not addressed(tmp_path, {scope: "denied"})
    assert addressed(tmp_path, {"training": "denied"})


def test_where_nobody_is_taken_as_granting_both_must_be_said(tmp_path: Path) -> None:
    config = FoldConfig(consent_default="denied")
    assert not addressed(tmp_path, {"advertising": "granted"}, config)
    assert addressed(tmp_path, {"advertising": "granted", "personalisation": "granted"}, config)


def addressed(folder: Path, consents: dict[str, str], config: FoldConfig | None = None) -> bool:
    store = stocked_store(folder)
    person = Readable(
        FoldState(consents=consents), ItemFacets(Catalogue(store)), now=at(1), config=config or FoldConfig()
    )
    store.close()
    return may_be_addressed(person)

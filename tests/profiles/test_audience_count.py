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
from huaxiang.profiles import ItemFacets, Portraits, packing
from huaxiang.profiles import portrait as portrait_module
from huaxiang.profiles.audience_count import passing
from huaxiang.profiles.audience_filter import Readable, compile_audience_filter
from huaxiang.profiles.portrait import Memory
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

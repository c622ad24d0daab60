"""The catalogue: what items a shop has, folded from what it said of them."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huaxiang.collect.catalogue import Catalogue, item_from, item_to
from huaxiang.collect.intake import Intake
from huaxiang.store import Store, open_store
from huaxiang.types import Event, Item
from tests.profiles.shops import at


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(f"sqlite:///{tmp_path}/shop.db")


def put(item: str, hour: float = 0, **said: Any) -> Event:
    return Event(event="set_item", timestamp=at(hour), item_id=item, event_id=f"{item}-{hour}", properties=said)


def drop(item: str, hour: float = 0) -> Event:
    return Event(event="delete_item", timestamp=at(hour), item_id=item, event_id=f"drop-{item}-{hour}")


def known(catalogue: Catalogue) -> dict[str, Item]:
    return {item.item_id: item for item in catalogue}


def test_a_shop_that_said_nothing_has_no_items(store: Store) -> None:
    assert len(Catalogue(store)) == 0


def test_an_item_that_is_set_is_there_and_a_deleted_one_is_gone(store: Store) -> None:
    store.append([put("tea", 1, name="Tea"), put("pot", 1, name="Pot"), drop("tea", 2)])
    assert list(known(Catalogue(store))) == ["pot"]


def test_a_new_price_keeps_the_name(store: Store) -> None:
    store.append([put("tea", 1, name="Tea", price=5.0, attributes={"leaf": ["whole"]}), put("tea", 2, price=6.0)])
    assert known(Catalogue(store))["tea"] == Item("tea", "Tea", price=6.0, attributes={"leaf": ("whole",)})


def test_a_null_takes_the_brand_away(store: Store) -> None:
    store.append([put("tea", 1, name="Tea", brand="Uji"), put("tea", 2, brand=None)])
    assert known(Catalogue(store))["tea"] == Item("tea", "Tea")


def test_saying_everything_replaces_everything(store: Store) -> None:
    store.append([put("tea", 1, name="Tea", brand="Uji", price=5.0), put("tea", 2, **item_to(Item("tea", "Plain")))])
    assert known(Catalogue(store))["tea"] == Item("tea", "Plain")


def test_an_item_that_comes_back_begins_afresh(store: Store) -> None:
    store.append([put("tea", 1, name="Tea", brand="Uji"), drop("tea", 2), put("tea", 3, price=5.0)])
    assert known(Catalogue(store))["tea"] == Item("tea", price=5.0)


def test_deleting_what_never_was_changes_nothing(store: Store) -> None:
    store.append([drop("ghost")])
    assert len(Catalogue(store)) == 0


def test_schema_orgs_names_are_read() -> None:
    said = {
        "name": "Sencha",
        "brand": {"@type": "Brand", "name": "Uji"},
        "category": "Food > Tea",
        "image": [{"@type": "ImageObject", "url": "https://shop/1.jpg"}, "https://shop/2.jpg"],
        "offers": {"price": "12.50", "priceCurrency": "EUR", "availability": "https://schema.org/OutOfStock"},
        "additionalProperty": [
            {"@type": "PropertyValue", "name": "leaf", "value": "whole"},
            {"name": "g", "value": 80},
        ],
    }
    assert item_from("tea", said) == Item(
        "tea",
        "Sencha",
        "Uji",
        ("Food", "Tea"),
        image="https://shop/1.jpg",
        price=12.5,
        currency="EUR",
        in_stock=False,
        attributes={"leaf": ("whole",), "g": ("80",)},
    )


def test_an_offer_changes_the_price_of_a_known_item(store: Store) -> None:
    store.append([put("tea", 1, price=5.0, attributes={"g": ["80"]})])
    store.append([put("tea", 2, offers={"price": 4}, additionalProperty=[{"name": "g", "value": "100"}])])
    tea = known(Catalogue(store))["tea"]
    assert (tea.price, tea.attributes) == (4.0, {"g": ("100",)})


def test_what_is_in_stock_again_is_for_sale_again(store: Store) -> None:
    store.append([put("tea", 1, availability="OutOfStock"), put("tea", 2, availability="http://schema.org/InStock")])
    assert known(Catalogue(store))["tea"].in_stock


@pytest.mark.parametrize(
    ("word", "in_stock"),
    [
        ("https://schema.org/InStock", True),
        ("LimitedAvailability", True),
        ("in_stock", True),
        ("in stock", True),
        ("http://schema.org/OutOfStock", False),
        ("out of stock", False),
        ("SoldOut", False),
        ("PreOrder", False),
    ],
)
def test_availability_is_read_as_schema_org_and_feeds_write_it(word: str, in_stock: bool) -> None:
    assert item_from("tea", {"availability": word}).in_stock is in_stock


@pytest.mark.parametrize(
    ("said", "rule"),
    [
        ({"price": "€5"}, "without a currency sign"),
        ({"price": -1}, "price"),
        ({"price": True}, "price"),
        ({"name": 5}, "name"),
        ({"brand": ["Uji"]}, "brand"),
        ({"category": 7}, "category"),
        ({"category": [3]}, "category"),
        ({"attributes": "red"}, "attributes"),
        ({"in_stock": "no"}, "true or false"),
        ({"availability": "perhaps"}, "ItemAvailability"),
        ({"availability": 1}, "availability"),
        ({"image": 5}, "image"),
        ({"currency": 840}, "currency"),
    ],
)
def test_an_item_that_cannot_be_is_refused_at_the_door(store: Store, said: dict[str, Any], rule: str) -> None:
    catalogue = Catalogue(store)
    payload = {"event": "set_item", "item_id": "tea", "timestamp": "2026-03-01T00:00:00Z", "properties": said}
    taken = Intake(store, catalogue).take([payload])
    assert [rule in bad.reason for bad in taken.rejected] == [True]
    assert store.last_seq == len(catalogue) == 0


def test_a_bad_item_that_is_in_the_log_all_the_same_does_not_close_the_shop(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    store.append([put("tea", 1, name="Tea"), put("tea", 2, price="cheap"), put("pot", 3, name="Pot")])
    assert known(Catalogue(store)) == {"tea": Item("tea", "Tea"), "pot": Item("pot", "Pot")}
    assert "'tea' stays as it was: event 2" in caplog.text


def test_a_kill_between_log_and_record_loses_nothing(store: Store) -> None:
    store.append([put("tea", 1, name="Tea"), put("pot", 1, name="Pot")])
    Catalogue(store)
    store.append([put("tea", 2, price=3.0), drop("pot", 2), put("cup", 2, name="Cup")])  # and no catalogue was told
    assert known(Catalogue(store)) == {"tea": Item("tea", "Tea", price=3.0), "cup": Item("cup", "Cup")}


def test_records_alone_give_the_same_items(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.append([put("tea", 1, name="Tea", price=2.0), put("pot", 1), drop("pot", 2)])
    first = Catalogue(store)
    monkeypatch.setattr(store, "scan", lambda *_a, **_k: pytest.fail("the log was read though the records are whole"))
    assert known(Catalogue(store)) == known(first)


def test_two_catalogues_over_one_store_see_each_others_items(store: Store) -> None:
    mine, theirs = Catalogue(store), Catalogue(store)
    Intake(store, mine).take([{"event": "set_item", "item_id": "tea", "timestamp": "2026-03-01T00:00:00Z"}])
    Intake(store, theirs).take([{"event": "delete_item", "item_id": "tea", "timestamp": "2026-03-01T00:00:01Z"}])
    mine.refresh()
    assert ("tea" in mine, "tea" in theirs, "tea" in Catalogue(store)) == (False, False, False)


def test_changed_since_names_what_was_set_and_what_was_deleted(store: Store) -> None:
    store.append([put("tea", 1), put("pot", 1), put("cup", 1)])
    catalogue = Catalogue(store)
    trained = catalogue.seq
    store.append([drop("pot", 2), put("cup", 2, price=1.0)])
    catalogue.refresh()
    assert sorted(catalogue.changed_since(trained)) == ["cup", "pot"]


def test_a_refresh_counts_items_not_events(store: Store) -> None:
    catalogue = Catalogue(store)
    store.append([put("tea", 1), put("tea", 2), put("pot", 1)])
    assert (catalogue.refresh(), catalogue.refresh()) == (2, 0)


def test_events_that_are_no_items_are_passed_over(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    catalogue = Catalogue(store)
    monkeypatch.setattr(catalogue, "refresh", lambda: pytest.fail("a look is no change of an item"))
    catalogue.absorb([Event(event="view_item", timestamp=at(1), user_id="ann", item_id="tea")])


def test_a_slow_replay_does_not_overtake_a_newer_one(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    catalogue = Catalogue(store)
    store.append([put("tea", 1, price=1.0)])
    scan, reached, go_on = store.scan, threading.Event(), threading.Event()

    def slow(*args: Any, **kwargs: Any) -> Any:
        batches = list(scan(*args, **kwargs))
        reached.set()
        go_on.wait(5)
        return iter(batches)

    monkeypatch.setattr(store, "scan", slow)
    first = threading.Thread(target=catalogue.refresh)
    first.start()
    reached.wait(5)
    monkeypatch.setattr(store, "scan", scan)
    store.append([put("tea", 2, price=2.0)])
    second = threading.Thread(target=catalogue.refresh)
    second.start()
    second.join(0.2)  # without the lock the newer replay ends here, and the older one then writes over it
    go_on.set()
    first.join(5)
    second.join(5)
    assert (known(catalogue)["tea"].price, known(Catalogue(store))["tea"].price) == (2.0, 2.0)


PROPERTIES = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["Tea", "茶", ""]),
        "brand": st.sampled_from(["Uji", None]),
        "price": st.sampled_from([1, 2.5, None]),
        "in_stock": st.booleans(),
        "attributes": st.sampled_from([{}, {"leaf": ["whole"]}]),
    },
)
CHANGES = st.lists(st.tuples(st.sampled_from(["tea", "pot"]), st.none() | PROPERTIES), max_size=12)


@settings(deadline=None, max_examples=30)
@given(changes=CHANGES, cut=st.integers(0, 12))
def test_however_the_log_is_cut_the_items_are_the_fold(
    tmp_path_factory: pytest.TempPathFactory, changes: Sequence[tuple[str, dict[str, Any] | None]], cut: int
) -> None:
    store = open_store(f"sqlite:///{tmp_path_factory.mktemp('fold')}/shop.db")
    make: Callable[[int, str, dict[str, Any] | None], Event] = lambda n, item, said: (  # noqa: E731
        drop(item, n) if said is None else put(item, n, **said)
    )
    events = [make(n, item, said) for n, (item, said) in enumerate(changes)]
    expected: dict[str, dict[str, Any]] = {}
    for item, said in changes:
        if said is None:
            expected.pop(item, None)
        else:
            expected[item] = expected.get(item, {}) | said
    store.append(events[:cut])
    followed = Catalogue(store)
    store.append(events[cut:])
    followed.refresh()
    by_hand = {item: item_from(item, said) for item, said in expected.items()}
    assert known(followed) == known(Catalogue(store)) == by_hand
    store.close()

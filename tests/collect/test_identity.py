"""Anonymous ids and the people who claim them."""

from pathlib import Path

import pytest

from huaxiang.store import Store
from huaxiang.types import Event
from tests.profiles.shops import at, event, portraits, stocked_store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return stocked_store(tmp_path)


def anonymous(hour: float, item: str, device: str = "phone") -> Event:
    return event("view_item", hour, user=None, item=item, anonymous_id=device)


def link(hour: float, user: str, device: str = "phone", **properties: str) -> Event:
    return event(
        "identify", hour, user=user, anonymous_id=device, event_id=f"{user}-{hour}-{device}", properties=properties
    )


def seen(store: Store, user: str, hour: float = 99) -> set[str]:
    return set(portraits(store).state(user, before=at(hour)).items)


def test_a_link_gives_a_user_what_the_device_did_before_and_after(store: Store) -> None:
    store.append([anonymous(1, "sencha"), link(2, "ann"), anonymous(3, "pot")])
    assert seen(store, "ann") == {"sencha", "pot"}


def test_before_the_link_nobody_knew(store: Store) -> None:
    store.append([anonymous(1, "sencha"), link(2, "ann")])
    assert seen(store, "ann", hour=2) == set()


def test_history_is_not_rewritten(store: Store) -> None:
    store.append([anonymous(1, "sencha"), link(2, "ann")])
    assert [e.event for e in store.history("ann", before=at(9), limit=9)] == ["identify"]


def test_a_shared_device_leaks_nothing_to_the_second_person(store: Store) -> None:
    store.append([anonymous(1, "sencha"), link(2, "ann"), anonymous(3, "pot"), link(4, "bob"), anonymous(5, "cup")])
    assert seen(store, "bob") == set()
    assert seen(store, "ann") == {"sencha"}  # what came after her claim may have been bob's


def test_a_link_is_undone(store: Store) -> None:
    store.append([anonymous(1, "sencha"), link(2, "bob"), link(3, "ann")])
    assert seen(store, "ann") == set()
    store.append([link(4, "bob", undo="bob-2-phone")])
    assert (seen(store, "ann"), seen(store, "bob")) == ({"sencha"}, set())


def test_a_link_that_another_took_back_is_undone_for_its_user(store: Store) -> None:
    store.append([anonymous(1, "sencha"), link(2, "bob"), link(3, "ann", undo="bob-2-phone")])
    assert seen(store, "bob") == set()


def test_a_look_at_an_earlier_moment_does_not_hide_what_was_undone_since(store: Store) -> None:
    store.append([anonymous(1, "sencha"), link(2, "ann"), link(3, "bob"), link(5, "ann", undo="ann-2-phone")])
    readers = portraits(store)
    found = [set(readers.state("bob", before=at(hour)).items) for hour in (4, 6)]
    assert found == [set(), {"sencha"}]


def test_two_devices_of_one_person(store: Store) -> None:
    store.append([anonymous(1, "sencha"), anonymous(1, "cup", "tablet"), link(2, "ann"), link(2, "ann", "tablet")])
    assert seen(store, "ann") == {"sencha", "cup"}


def test_two_people_never_merge_through_devices_that_both_used(store: Store) -> None:
    store.append([event("view_item", 1, user="ann", item="pot"), event("view_item", 1, user="bob", item="cup")])
    store.append([link(2, "ann"), link(3, "bob"), link(4, "ann", "tablet"), link(5, "bob", "tablet")])
    assert (seen(store, "ann"), seen(store, "bob")) == ({"pot"}, {"cup"})

"""Which click belongs to which query, by hand: what five people clicked is what a sixth is told."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from huaxiang.apps.search.allowed import Allowed
from huaxiang.apps.search.query_log import QueryLog
from huaxiang.apps.search.trail_rows import read_rows
from huaxiang.apps.search.trails import UNLISTED, Trails
from huaxiang.store import Store, open_store
from huaxiang.types import Event, LineItem
from tests.apps.search.visits import at, event, people, search, shows, visit


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(f"sqlite:///{tmp_path}/shop.db")


def asked_by_five(store: Store) -> None:
    """Five others typed it long before, and were shown nothing."""
    store.append([search(-900, f"other-{n}") for n in range(5)])


def cells(store: Store) -> list[tuple[str, int, float, float]]:
    """What was counted: item, place, clicks and gain of everything that was clicked."""
    allowed, trails = Allowed(store), Trails()
    found = []
    allowed.catch_up(0, store.last_seq)
    for rows in read_rows(store, allowed, after=0, until=store.last_seq):
        taken = trails.take(rows)
        done = taken.cells.filter(taken.cells["gain"] > 0.0).join(taken.names.unique("item"), on="item")
        found += done.select("item_id", "place", "clicked", "gain").rows()
    return sorted(found)


def liked(store: Store) -> set[str]:
    asked_by_five(store)
    log = QueryLog(store)
    log.refresh()
    return set(log.appeal("green tea"))


def test_a_click_belongs_to_the_list_of_its_request(store: Store) -> None:
    store.append(visit(1, "ann", clicked=["assam"]))
    assert cells(store) == [("assam", 2, 1.0, 0.25)]


def test_a_click_that_names_the_query_needs_no_request(store: Store) -> None:
    store.append(
        [search(1, query_id="q1"), shows(1.1, query_id="q1"), event("select_item", 9, item_id="assam", query_id="q1")]
    )
    assert cells(store) == [("assam", 2, 1.0, 0.25)]


def test_a_search_that_names_the_request_names_the_list(store: Store) -> None:
    store.append([search(1, query_id=None, request_id="r1"), shows(1.1, request_id="r1")])
    store.append([event("select_item", 9, item_id="assam", request_id="r1")])
    assert cells(store) == [("assam", 2, 1.0, 0.25)]


def test_a_list_that_names_its_own_words_needs_no_search(store: Store) -> None:
    store.append(
        [shows(1, request_id="r1", query="Green Tea"), event("select_item", 2, item_id="matcha", request_id="r1")]
    )
    assert liked(store) == {"matcha"}


def test_a_click_on_another_list_belongs_to_no_query(store: Store) -> None:
    store.append(
        [
            search(1),
            shows(1.1, request_id="of-a-category"),
            event("select_item", 1.2, item_id="assam", request_id="of-a-category"),
        ]
    )
    assert cells(store) == []


def test_a_look_without_ids_belongs_to_the_list_of_the_session_that_showed_it(store: Store) -> None:
    store.append([*visit(1, "ann"), event("view_item", 1.3, item_id="assam"), event("view_item", 1.3, item_id="pot")])
    assert [(item, place) for item, place, _, _ in cells(store)] == [("assam", 2), ("pot", UNLISTED)]


@pytest.mark.parametrize(("hour", "session"), [(1.6, "of-ann"), (1.3, "another"), (0.9, "of-ann")])
def test_a_look_too_late_too_early_or_elsewhere_belongs_to_none(store: Store, hour: float, session: str) -> None:
    store.append([*visit(1, "ann"), event("view_item", hour, item_id="assam", session=session)])
    assert cells(store) == []


def test_the_newest_list_that_shows_the_item_is_meant(store: Store) -> None:
    store.append([*visit(1, "ann", query="tea"), *visit(1.1, "ann"), event("view_item", 1.2, item_id="assam")])
    assert liked(store) == {"assam"}


def test_without_any_list_a_click_belongs_to_the_sessions_newest_search(store: Store) -> None:
    store.append([search(1, "ann", "pot"), search(1.1), event("select_item", 1.2, item_id="assam")])
    assert cells(store) == [("assam", UNLISTED, 1.0, 0.25)]
    assert liked(store) == {"assam"}


def test_where_lists_are_known_only_what_they_show_counts(store: Store) -> None:
    store.append([*visit(1, "ann", clicked=["assam"]), event("view_item", 1.2, item_id="pot")])
    assert liked(store) == {"assam"}


def test_the_strongest_of_a_day_counts_once(store: Store) -> None:
    store.append(visit(1, "ann", clicked=["assam"]))
    store.append([event("view_item", 1.1, item_id="assam"), event("add_to_cart", 1.2, item_id="assam")])
    store.append([event("purchase", 1.3, items=(LineItem("assam", quantity=1.0),))])
    assert cells(store) == [("assam", 2, 1.0, 1.0)]


def test_a_cart_of_another_visit_of_the_day_belongs_to_what_was_shown(store: Store) -> None:
    store.append([*visit(1, "ann"), event("add_to_cart", 20, item_id="matcha", session="evening")])
    assert cells(store) == [("matcha", 1, 1.0, 0.5)]


def test_a_later_part_of_the_log_raises_what_an_earlier_one_counted(store: Store) -> None:
    allowed, trails, after = Allowed(store), Trails(), 0
    gains: list[float] = []
    parts: Sequence[list[Event]] = (
        visit(1, "ann", clicked=["assam"]),
        [event("view_item", 1.1, item_id="assam")],
        [event("purchase", 1.3, item_id="assam")],
        [event("purchase", 1.4, item_id="assam")],
    )
    for part in parts:
        until = store.append(part).last_seq
        allowed.catch_up(after, until)
        taken = [trails.take(rows) for rows in read_rows(store, allowed, after=after, until=until)]
        gains += [float(one.cells["gain"].sum()) for one in taken]
        after = until
    assert gains == [0.25, 0.0, 0.75, 0.0]


def test_who_logs_in_at_the_till_bought_what_their_device_was_shown(store: Store) -> None:
    log = QueryLog(store)
    asked_by_five(store)
    store.append(visit(1, None, device="phone", clicked=["assam"]))
    log.refresh()
    before = log.appeal("green tea")["assam"]
    store.append([event("identify", 1.2, "ann", device="phone")])
    log.refresh()
    store.append([event("purchase", 1.3, "ann", item_id="assam", session="of-phone")])
    log.refresh()
    assert log.appeal("green tea")["assam"] > before


def test_an_item_shown_again_at_another_place_counts_at_both(store: Store) -> None:
    store.append(visit(1, "ann"))
    store.append(visit(1.2, "ann", items=("assam", "sencha"), clicked=["assam"]))
    store.append(visit(1.3, "ann", items=("assam", "sencha"), clicked=["assam"]))
    allowed, trails = Allowed(store), Trails()
    allowed.catch_up(0, store.last_seq)
    taken = [trails.take(rows) for rows in read_rows(store, allowed, after=0, until=store.last_seq)]
    assert sum(float(one.cells["shown"].sum()) for one in taken) == 5.0  # three places, then two others, then none
    assert cells(store) == [("assam", 0, 1.0, 0.25)]


def test_a_list_that_counts_from_one_begins_at_the_first_place(store: Store) -> None:
    lines = tuple(LineItem(item, index=place) for place, item in ((1, "sencha"), (2, "assam")))
    store.append([search(1, query_id="q1"), event("view_item_list", 1.1, items=lines, query_id="q1")])
    store.append([event("select_item", 1.2, item_id="assam", query_id="q1")])
    assert cells(store) == [("assam", 1, 1.0, 0.25)]


def test_a_second_page_stands_below_the_first(store: Store) -> None:
    lines = tuple(LineItem(item, index=place) for place, item in ((20, "sencha"), (21, "assam"), (99, "pot")))
    store.append([search(1, query_id="q1"), event("view_item_list", 1.1, items=lines, query_id="q1")])
    store.append([event("select_item", 1.2, item_id=item, query_id="q1") for item in ("assam", "pot")])
    assert [(item, place) for item, place, _, _ in cells(store)] == [("assam", 21), ("pot", 49)]


def test_events_without_ids_items_or_letters_are_passed_over(store: Store) -> None:
    store.append([search(1, query="  "), event("view_item_list", 1.1), event("view_item", 1.2), event("purchase", 1.3)])
    assert cells(store) == []


def test_only_so_many_showings_stay_open(store: Store) -> None:
    store.append([one for number, user in enumerate(people(9)) for one in visit(number, user)])
    allowed, trails = Allowed(store), Trails(most_open=10)
    allowed.catch_up(0, store.last_seq)
    for rows in read_rows(store, allowed, after=0, until=store.last_seq):
        trails.take(rows)
    assert len(trails.showings) == 10
    assert trails.showings["at"].max() == int(at(8.01).timestamp() * 1_000_000)

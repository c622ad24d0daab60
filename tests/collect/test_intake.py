"""Batches in: what is kept, what is told, what is read."""

import logging
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from huaxiang.collect.body import MAX_BODY, parse_body
from huaxiang.collect.catalogue import Catalogue
from huaxiang.collect.intake import Intake
from huaxiang.errors import DataError
from huaxiang.store import Store, open_store
from huaxiang.types import Event

NOON = "2026-11-01T12:00:00Z"
LATER = datetime(2027, 1, 1, tzinfo=UTC)
VIEW = {"event": "view_item", "user_id": "ann", "item_id": "tea", "timestamp": NOON}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path}/shop.db")
    yield opened
    opened.close()


def test_one_bad_payload_costs_only_itself(store: Store) -> None:
    taken = Intake(store, None).take([VIEW, {**VIEW, "value": "much"}, {**VIEW, "item_id": "pot"}])
    assert (taken.accepted, taken.duplicates) == (2, 0)
    assert [(bad.index, bad.reason) for bad in taken.rejected] == [(1, "value is text; give a number")]
    assert [event.item_id for event in store.history("ann", before=LATER, limit=9)] == ["tea", "pot"]


def test_a_retried_batch_is_counted_as_duplicates(store: Store) -> None:
    intake = Intake(store, None)
    intake.take([VIEW])
    again = intake.take([VIEW, VIEW])
    assert (again.accepted, again.duplicates, again.events) == (0, 2, ())


def test_a_batch_of_nothing_good_touches_nothing(store: Store) -> None:
    taken = Intake(store, None).take([{}])
    assert (taken.accepted, len(taken.rejected), store.last_seq) == (0, 1, 0)


def test_new_events_carry_their_place_in_the_log_to_the_listeners(store: Store) -> None:
    heard: list[Event] = []
    intake = Intake(store, None, listeners=[heard.extend])
    intake.take([VIEW])
    intake.take([VIEW, {**VIEW, "item_id": "pot"}])
    kept = store.history("ann", before=LATER, limit=9)
    assert [event.item_id for event in heard] == ["tea", "pot"]
    assert [event.seq for event in heard] == [event.seq for event in kept]


def test_a_listener_that_fails_costs_the_sender_nothing(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    def deaf(_: Sequence[Event]) -> None:
        raise RuntimeError("the stream is closed")

    with caplog.at_level(logging.ERROR):
        assert Intake(store, None, listeners=[deaf]).take([VIEW]).accepted == 1
    assert "a listener of the intake failed" in caplog.text


def test_the_catalogue_learns_of_a_new_item(store: Store) -> None:
    catalogue = Catalogue(store)
    Intake(store, catalogue).take([{"event": "set_item", "item_id": "tea", "name": "龙井", "timestamp": NOON}])
    item = catalogue.get("tea")
    assert item is not None
    assert item.name == "龙井"


def test_a_review_is_read_once_and_the_reading_kept(store: Store) -> None:
    review = {**VIEW, "event": "review", "text": "质量很好，非常喜欢", "rating": 5}
    Intake(store, None).take([review])
    reading = store.history("ann", before=LATER, limit=1)[0].reading
    assert reading is not None
    assert reading.language == "zh"
    assert reading.polarity is not None
    assert reading.polarity > 0


def test_stars_alone_say_how_a_shopper_felt(store: Store) -> None:
    taken = Intake(store, None).take([{**VIEW, "event": "review", "rating": stars} for stars in (1, 3, 4)])
    assert [event.reading.polarity for event in taken.events if event.reading] == [-1.0, 0.0, 0.5]


def test_of_a_search_the_language_is_read(store: Store) -> None:
    taken = Intake(store, None).take([{"event": "search", "user_id": "ann", "query": "紫砂茶壶", "timestamp": NOON}])
    assert taken.events[0].reading is not None
    assert taken.events[0].reading.language == "zh"


@pytest.mark.parametrize(
    ("body", "kinds"),
    [
        (b"", []),
        (b"  \n ", []),
        (b'{"a": 1}', ["dict"]),
        (b'\xef\xbb\xbf[{"a": 1}, 5, {"b": 2}]', ["dict", "DataError", "dict"]),
        (b'{"a": 1}\n\n{"b": 2}\r\n', ["dict", "dict"]),
        (b'{"a": 1}\n{"b": \n{"c": 3}', ["dict", "DataError", "dict"]),
        (b'[{"a": 1}, {"b": ', ["DataError"]),
        (b"[" * 100_000, ["DataError"]),
        (b"hello", ["DataError"]),
    ],
)
def test_a_body_is_taken_apart(body: bytes, kinds: list[str]) -> None:
    found = parse_body(body)
    assert [index for index, _ in found] == list(range(len(kinds)))
    assert [type(payload).__name__ for _, payload in found] == kinds


def test_one_line_of_a_stream_is_one_event_even_when_it_is_an_array() -> None:
    found = parse_body(b'[{"a": 1}]\n{"b": 2}', "application/x-ndjson")
    assert [type(payload).__name__ for _, payload in found] == ["DataError", "dict"]


@pytest.mark.parametrize("broken", [b'"\xff"', b'"\\ud800"', b"NaN"])
def test_broken_text_and_nan_cost_only_their_own_event(store: Store, broken: bytes) -> None:
    good = b'{"event":"like","user_id":"ann","item_id":"tea","timestamp":1793534400'
    body = b"[" + good + b"}," + good + b',"text":' + broken + b"}]"
    taken = Intake(store, None).take_body(body, "application/json")
    assert (taken.accepted, [bad.index for bad in taken.rejected]) == (1, [1])


def test_a_body_of_over_64_megabytes_is_refused() -> None:
    with pytest.raises(DataError, match="send it in parts"):
        parse_body(b" " * (MAX_BODY + 1))


def test_a_ten_megabyte_field_is_refused_and_the_rest_kept(store: Store) -> None:
    huge: dict[str, Any] = {**VIEW, "event": "review", "text": "x" * 10_000_000}
    taken = Intake(store, None).take([huge, VIEW])
    assert (taken.accepted, taken.rejected[0].index) == (1, 0)

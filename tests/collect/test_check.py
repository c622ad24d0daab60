"""One payload at the edge: what becomes an event, and what a sender is told otherwise."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huaxiang.collect.check import MAX_DEPTH, MAX_EVENT, MAX_TEXT, check_event
from huaxiang.errors import DataError
from huaxiang.types import EVENT_NAMES, Event

NOON = "2026-11-01T12:00:00Z"
VIEW = {"event": "view_item", "user_id": "ann", "item_id": "tea", "timestamp": NOON}


def edit(**said: Any) -> dict[str, Any]:
    return {"event": "profile_edit", "user_id": "ann", "properties": said}


def nested(depth: int) -> dict[str, Any]:
    inner: dict[str, Any] = {}
    for _ in range(depth - 1):
        inner = {"in": inner}
    return inner


def test_a_view_becomes_an_event_in_utc() -> None:
    event = check_event({**VIEW, "timestamp": "2026-11-01T20:00:00+08:00"})
    assert event == Event("view_item", datetime(2026, 11, 1, 12, tzinfo=UTC), user_id="ann", item_id="tea")


@pytest.mark.parametrize(
    "said",
    [
        {"op": "add", "facet": "brand", "value": "Yi"},
        {"op": "boost", "facet": "brand", "value": "Yi", "weight": 10},
        {"op": "exclude_event", "event_id": "e1"},
        {"op": "undo", "edit_id": "edit-1"},
    ],
)
def test_an_edit_of_a_profile_may_come_as_an_event(said: dict[str, Any]) -> None:
    event = check_event({"event": "profile_edit", "user_id": "ann", "timestamp": NOON, "properties": said})
    assert event.properties == said


def test_a_link_of_two_devices_may_be_undone() -> None:
    link = {"event": "identify", "user_id": "ann", "anonymous_id": "phone", "timestamp": NOON}
    assert check_event({**link, "properties": {"undo": "link-1"}}).properties == {"undo": "link-1"}
    with pytest.raises(DataError, match="identify needs both"):
        check_event({**link, "user_id": None, "properties": {"undo": "link-1"}})


def test_a_retry_of_an_event_without_an_id_has_the_same_id() -> None:
    assert check_event(VIEW).event_id == check_event(dict(reversed(VIEW.items()))).event_id


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"event": "purchse"}, "unknown event 'purchse'; nearest known: purchase"),
        ({"event": "Add To Cart"}, "nearest known: add_to_cart"),
        ({"event": None}, "event is missing"),
        ({"event": 5}, "event is a number; give text"),
        ({"timestamp": None}, "timestamp is missing"),
        ({"timestamp": "2026-11-01T12:00:00"}, "has no time zone"),
        ({"timestamp": "soon"}, "is no moment"),
        ({"timestamp": True}, "of type bool"),
        ({"timestamp": math.nan}, "is no moment"),
        ({"timestamp": "2999-01-01T00:00:00Z"}, "over a day ahead"),
        ({"timestamp": "1969-12-31T23:59:59Z"}, "before 1970"),
        ({"user_id": None}, "view_item names nobody"),
        ({"user_id": ""}, "user_id is empty"),
        ({"user_id": 1.5}, "user_id is a number; give text"),
        ({"user_id": True}, "user_id is true or false; give text"),
        ({"user_id": "a\x00b"}, "user_id holds U+0000"),
        ({"user_id": "\ud800"}, "user_id holds broken characters"),
        ({"user_id": "u" * 513}, "user_id has 513 characters"),
        ({"item_id": None}, "view_item names no item"),
        ({"value": math.nan}, "value is nan; give a finite number"),
        ({"value": math.inf}, "value is inf; give a finite number"),
        ({"value": 10**400}, "value is a whole number beyond 64 bits; give a finite number"),
        ({"value": "5"}, "value is text; give a number"),
        ({"value": True}, "value is true or false; give a number"),
        ({"quantity": -1}, "quantity is -1; give a finite number of at least 0"),
        ({"position": 1.5}, "position is 1.5; give a whole number"),
        ({"price": -1}, "properties.price is -1"),
        ({"properties": {"offers": {"price": -3.5}}}, "properties.offers.price is -3.5"),
        ({"properties": [1]}, "properties is a list; give an object"),
        ({"properties": {"a": math.nan}}, "properties.a is nan"),
        ({"properties": {"a": 1 << 70}}, "beyond 64 bits"),
        ({"properties": {"a": {1, 2}}}, "of type set"),
        ({"properties": {1: "a"}}, "a key of properties is a number"),
        ({"properties": nested(MAX_DEPTH + 1)}, "nested over 20 levels"),
        ({"properties": {"colour": "red"}, "colour": "blue"}, "'colour' stands at the top and, different"),
        ({"text": "x" * (MAX_TEXT + 1)}, f"text has {MAX_TEXT + 1} bytes"),
        ({"text": "茶" * (MAX_TEXT // 3 + 1)}, "the longest text is 1000000"),
        ({"properties": {"a": "x" * 900_000, "b": ["x" * 900_000, "x" * 900_000]}}, f"the largest is {MAX_EVENT}"),
        ({"items": {"item_id": "a"}}, "items is an object; give a list"),
        ({"items": ["a"]}, "items[0] is text; give an object"),
        ({"items": [{"item_id": "a"}, {"price": 1}]}, "items[1] has no item_id"),
        ({"items": [{"item_id": "a", "price": -0.01}]}, "items[0].price is -0.01"),
        ({"tenant": "rival"}, "tenant 'rival' is not this key's tenant"),
    ],
)
def test_a_mistake_is_named_with_its_field(change: dict[str, Any], said: str) -> None:
    with pytest.raises(DataError) as refused:
        check_event({**VIEW, **change})
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ({"event": "search", "user_id": "ann"}, "search needs query"),
        ({"event": "support_message", "user_id": "ann"}, "support_message needs text"),
        ({"event": "set_item", "name": "tea"}, "set_item needs item_id"),
        ({"event": "set_item", "item_id": "tea", "price": "cheap"}, "price is 'cheap'"),
        ({"event": "identify", "user_id": "ann"}, "identify needs both"),
        ({"event": "consent", "user_id": "ann", "scope": "mail", "status": "granted"}, "consent scope is 'mail'"),
        ({"event": "consent", "user_id": "ann", "scope": "all", "status": "yes"}, "consent status is 'yes'"),
        (edit(), "profile_edit op is None; give one of add, remove, mute, boost"),
        (edit(op="love"), "profile_edit op is 'love'"),
        (edit(op=["add"]), "profile_edit op is ['add']"),
        (edit(op="add", value="Yi"), "profile_edit add needs properties.facet, the kind of what"),
        (edit(op="mute", facet="brand"), "mute needs properties.value"),
        (edit(op="add", facet="brand", value=7), "properties.value is 7; give what is"),
        (edit(op="add", facet="", value="Yi"), "properties.facet is ''; give the kind"),
        ({**edit(op="exclude_event"), "event_id": "e1"}, "exclude_event needs properties.event_id"),
        (edit(op="undo"), "undo needs properties.edit_id"),
        (edit(op="boost", facet="brand", value="Yi", weight="much"), "properties.weight is text; give a number"),
        (edit(op="boost", facet="brand", value="Yi", weight=True), "properties.weight is true or false; give a number"),
        (edit(op="boost", facet="brand", value="Yi", weight=10.5), "properties.weight is 10.5; give a number from 0"),
        (edit(op="boost", facet="brand", value="Yi", weight=-1), "properties.weight is -1; give a finite number"),
        (edit(op="boost", facet="brand", value="Yi", weight=math.nan), "properties.weight is nan"),
        ({**edit(op="add", facet="brand"), "value": "Yi"}, "says what it edits under properties"),
        (
            {"event": "identify", "user_id": "ann", "anonymous_id": "d", "undo": 3},
            "identify properties.undo is 3; give the event_id",
        ),
    ],
)
def test_an_event_without_what_it_is_about_is_refused(payload: dict[str, Any], said: str) -> None:
    with pytest.raises(DataError) as refused:
        check_event({"timestamp": NOON, **payload})
    assert said in str(refused.value)


def test_a_payload_that_is_no_object_is_refused() -> None:
    with pytest.raises(DataError, match="must be a JSON object, not a list"):
        check_event([1, 2])  # type: ignore[arg-type]


def test_unknown_fields_are_kept_as_properties() -> None:
    event = check_event({**VIEW, "colour": "red", "size": None, "properties": {"page": 2}})
    assert event.properties == {"page": 2, "colour": "red"}


def test_what_the_store_gives_is_not_taken_from_a_payload() -> None:
    event = check_event({**VIEW, "seq": 9, "received_at": NOON, "reading": {"language": "zz"}})
    assert (event.seq, event.received_at, event.reading, event.properties) == (0, None, None, {})


def test_a_session_alone_is_an_anonymous_shopper() -> None:
    event = check_event({**VIEW, "user_id": None, "session_id": "s1"})
    assert (event.user_id, event.anonymous_id, event.session_id) == (None, "s1", "s1")


def test_whole_numbers_serve_as_ids() -> None:
    assert check_event({**VIEW, "user_id": 17850}).user_id == "17850"


def test_ids_of_emoji_and_slashes_are_kept() -> None:
    assert check_event({**VIEW, "user_id": "../🛒/客户"}).user_id == "../🛒/客户"


def test_lines_keep_the_names_of_ga4() -> None:
    line = {"item_id": "pot", "item_name": "茶壶", "item_brand": "Yi", "item_category5": "E", "price": 9, "quantity": 2}
    kept = check_event({"event": "purchase", "user_id": "ann", "timestamp": NOON, "items": [line]}).items[0]
    assert (kept.item_id, kept.price, kept.quantity) == ("pot", 9.0, 2.0)
    assert kept.properties == {"item_name": "茶壶", "item_brand": "Yi", "item_category5": "E"}


def test_times_without_a_zone_in_files_are_in_the_given_one() -> None:
    event = check_event({**VIEW, "timestamp": "2019/2/14 8:05"}, timezone=ZoneInfo("Asia/Shanghai"))
    assert event.timestamp == datetime(2019, 2, 14, 0, 5, tzinfo=UTC)


def test_files_may_hold_moments_to_come() -> None:
    assert check_event({**VIEW, "timestamp": "2999-01-01"}, timezone=UTC).timestamp.year == 2999


def test_a_sender_whose_clock_is_an_hour_ahead_is_believed() -> None:
    now = datetime(2026, 11, 1, 11, tzinfo=UTC)
    assert check_event(VIEW, now=now).timestamp == now + timedelta(hours=1)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
fields = st.sampled_from([*(f for f in Event.__slots__), "tenant", "price", "colour"])


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(sorted(EVENT_NAMES)), st.dictionaries(fields, json_values, max_size=6))
def test_any_payload_is_an_event_or_a_clear_refusal(name: str, odd: dict[str, Any]) -> None:
    payload = {"timestamp": NOON, "user_id": "ann", "item_id": "tea", **odd, "event": name}
    try:
        event = check_event(payload)
    except DataError:
        return
    assert (event.event, event.timestamp.tzinfo) == (name, UTC)

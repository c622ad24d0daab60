"""What a shop may ask for, and what an answer says of itself."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huaxiang.apps.recommend import EARLIEST, Answer, Ask, session_events
from huaxiang.errors import DataError, ReleaseError
from huaxiang.shop import Shop
from huaxiang.types import Event, anonymous_subject
from tests.shops import build_shop, settings_of

NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    opened = Shop(settings_of(build_shop(tmp_path_factory.mktemp("apps") / "shop")))
    yield opened
    opened.close()


def look(item: str, **more: Any) -> dict[str, Any]:
    return {"event": "view_item", "item_id": item, **more}


def answered(shop: Shop, **ask: Any) -> Answer:
    return shop.recommend(Ask(**ask), now=NOW)


def kinds(answer: Answer) -> set[str]:
    return {item.split("-")[0] for item in answer.ranked.item_ids}


@pytest.mark.parametrize(
    "ask", [{}, {"user_id": "u00", "session": []}, {"user_id": "u00", "session": [look("tea-00")]}]
)
def test_a_request_names_a_person_or_a_session_and_not_both(shop: Shop, ask: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="exactly one of user_id and session"):
        answered(shop, **ask)


def test_the_history_of_a_device_is_nobodys_to_ask_for(shop: Shop) -> None:
    with pytest.raises(DataError, match="begins with U\\+001F"):
        answered(shop, user_id=anonymous_subject("phone"))


def test_an_answer_names_its_release_and_a_request_of_its_own(shop: Shop) -> None:
    first, second = answered(shop, user_id="u00", k=3), answered(shop, user_id="u00", k=3)
    assert first.release == second.release == shop.release_id
    assert first.request_id != second.request_id
    assert first.ranked.item_ids == second.ranked.item_ids
    assert first.took_ms > 0


def test_a_session_is_answered_by_what_it_looked_at(shop: Shop) -> None:
    answer = answered(shop, session=[look("lamp-01"), look("lamp-02")], k=5)
    assert (answer.basis, kinds(answer)) == ("profile", {"lamp"})


def test_an_empty_session_is_a_stranger(shop: Shop) -> None:
    assert answered(shop, session=[]).basis == "popularity"


def test_what_a_session_bought_is_not_shown_to_it_again(shop: Shop) -> None:
    answer = answered(shop, session=[{"event": "purchase", "item_id": "lamp-01"}], k=60)
    assert "lamp-01" not in answer.ranked.item_ids


def test_a_session_leaves_no_trace_in_the_log(shop: Shop) -> None:
    before = shop.store.last_seq
    answered(shop, session=[look("lamp-01")])
    assert shop.store.last_seq == before


def test_reasons_of_a_session_rest_on_its_events(shop: Shop) -> None:
    answer = answered(shop, session=[look("lamp-01", event_id="a"), look("lamp-02", event_id="b")], k=3, explain=True)
    evidence = {event for why in answer.ranked.reasons for reason in why for event in reason.evidence}
    assert evidence
    assert evidence <= {"a", "b"}


def test_reasons_are_given_when_asked_for(shop: Shop) -> None:
    assert answered(shop, user_id="u00", k=3).ranked.reasons == ()
    assert len(answered(shop, user_id="u00", k=3, explain=True).ranked.reasons) == 3


def test_filter_and_candidates_reach_the_ranking(shop: Shop) -> None:
    answer = answered(shop, user_id="u00", item_ids=["book-01", "tea-01", "tea-02"], where={"category": "Book"})
    assert answer.ranked.item_ids == ("book-01",)


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ({"event": "view_item"}, "names no item"),
        ({"event": "fly", "item_id": "a"}, "unknown event"),
        (look("a", user_id="ann"), "names a user; a session has none"),
        (look("a", timestamp="yesterday"), "timestamp|moment|time"),
        (look("a", timestamp="2026-01-01T00:00:00"), "zone"),
        (look("a", tenant="other"), "tenant"),
    ],
)
def test_a_payload_that_is_wrong_is_named_by_its_place(shop: Shop, bad: dict[str, Any], why: str) -> None:
    with pytest.raises(DataError, match=rf"session\[1\].*({why})"):
        answered(shop, session=[look("tea-00"), bad])


def test_payloads_without_a_time_are_just_now_in_their_order() -> None:
    events = session_events([look("a"), look("b")], now=NOW, tenant="default")
    assert [(event.item_id, (NOW - event.timestamp).total_seconds()) for event in events] == [("a", 2.0), ("b", 1.0)]


def test_a_null_time_is_no_time() -> None:
    (event,) = session_events([look("a", timestamp=None)], now=NOW, tenant="default")
    assert event.timestamp == NOW - timedelta(seconds=1)


def test_what_is_dated_later_than_the_request_does_not_count() -> None:
    later = (NOW + timedelta(hours=1)).isoformat()
    assert session_events([look("a", timestamp=later), look("b")], now=NOW, tenant="default")[0].item_id == "b"
    assert session_events([look("a", timestamp=NOW.isoformat())], now=NOW, tenant="default") == []


def test_no_session_lies_before_the_beginning_of_time() -> None:
    with pytest.raises(DataError, match="beginning of time"):
        session_events([look("a")], now=EARLIEST, tenant="default")


@settings(deadline=None, max_examples=40)
@given(st.lists(st.none() | st.integers(-(10**6), 10**6), max_size=8))
def test_a_session_is_read_in_time_order_and_only_up_to_now(ages: list[int | None]) -> None:
    payloads = [
        look(f"i{n}") | ({} if age is None else {"timestamp": (NOW - timedelta(seconds=age)).isoformat()})
        for n, age in enumerate(ages)
        if age is None or age > -80_000  # what is over a day ahead of the clock is refused at the door
    ]
    moments = [event.timestamp for event in session_events(payloads, now=NOW, tenant="default")]
    assert moments == sorted(moments)
    assert all(moment < NOW for moment in moments)


def test_a_person_and_the_same_session_are_answered_alike(shop: Shop) -> None:
    moment = NOW - timedelta(minutes=5)
    shop.store.append(
        [
            Event("view_item", moment, "twin", "boot-02"),
            Event("purchase", NOW - timedelta(minutes=4), "twin", "boot-03"),
        ]
    )
    session = [
        look("boot-02", timestamp=moment.isoformat()),
        {"event": "purchase", "item_id": "boot-03", "timestamp": (NOW - timedelta(minutes=4)).isoformat()},
    ]
    of_person, of_session = answered(shop, user_id="twin", k=60), answered(shop, session=session, k=60)
    assert of_person.ranked.item_ids == of_session.ranked.item_ids
    assert of_person.ranked.scores.tobytes() == of_session.ranked.scores.tobytes()


def test_a_shop_without_a_release_says_to_train(tmp_path: Path) -> None:
    shop = Shop(settings_of(tmp_path / "shop"))
    with pytest.raises(ReleaseError, match="huaxiang train"):
        answered(shop, user_id="ann")
    shop.close()

"""Audiences of the small shop: ten shoppers each want tea, boots, lamps and books; the floor is five here."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from huaxiang.apps.audience import Answer, Ask, Like
from huaxiang.errors import BusyError, DataError, ReleaseError
from huaxiang.profiles.audiences import Size
from huaxiang.profiles.portrait import Memory
from huaxiang.shop import Shop
from huaxiang.types import Event
from tests.shops import build_shop, copy_shop, settings_of, stock

TEA = {"interests.brand": "Uji"}
TEA_DRINKERS = [f"u{n:02d}" for n in range(0, 40, 4)]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_shop(tmp_path_factory.mktemp("audience") / "shop")


@pytest.fixture
def shop(built: Path, tmp_path: Path) -> Iterator[Shop]:
    opened = Shop(settings_of(copy_shop(built, tmp_path / "shop"), "audiences.floor=5"))
    yield opened
    opened.close()


def asked(shop: Shop, where: dict[str, Any] | None = None, **more: Any) -> Answer:
    return shop.audiences.answer(Ask(where or {}, **more), now=datetime.now(UTC))


def names(answer: Answer) -> list[str]:
    assert answer.members is not None, answer.withheld
    return [user for user, _ in answer.members]


def deny(shop: Shop, scope: str, *users: str) -> None:
    said = {"scope": scope, "status": "denied"}
    shop.store.append([Event("consent", datetime.now(UTC), user, properties=said) for user in users])


def test_tea_drinkers_are_counted_and_named(shop: Shop) -> None:
    assert asked(shop, TEA).size == Size(count=10)
    assert names(asked(shop, TEA, export=True)) == TEA_DRINKERS
    assert asked(shop).size == Size(count=40)


def test_a_count_is_of_the_store_as_it_is_now(shop: Shop) -> None:
    assert asked(shop, TEA).size == Size(count=10)
    now = datetime.now(UTC) - timedelta(seconds=1)
    shop.store.append([Event("view_item", now, f"new{n}", "tea-01") for n in range(3)])
    assert asked(shop, TEA).size == Size(count=13)


def test_a_second_question_reads_nobody_again_and_forgetting_lets_go_of_everybody(shop: Shop) -> None:
    residents = shop.portraits.residents
    assert asked(shop, TEA).size == Size(count=10)
    assert len(residents) == 40
    with patch.object(shop.portraits, "read", side_effect=AssertionError("folded again")):
        assert asked(shop, {"interests.brand": ["Alpina", "Uji"]}).size == Size(count=20)
        assert names(asked(shop, TEA, export=True)) == TEA_DRINKERS
    shop.forget()
    assert (len(residents), residents.n_bytes) == (0, 0)
    assert asked(shop, TEA).size == Size(count=10)


def test_the_memory_of_residents_is_a_setting(built: Path, tmp_path: Path) -> None:
    shop = Shop(settings_of(copy_shop(built, tmp_path / "small"), "profiles.resident_mb=7", "profiles.states_mb=9"))
    assert shop.portraits.memory == Memory(states_mb=9, residents_mb=7)
    shop.close()


def test_below_the_floor_there_is_neither_a_count_nor_a_member(shop: Shop) -> None:
    few = {"interests.brand": "Uji", "behaviour.n_orders": {"gte": 2}}
    answer = asked(shop, few, export=True)
    assert (answer.size, answer.members) == (Size(fewer_than=5), None)
    assert "fewer than 5 people is not exported" in str(answer.withheld)
    assert asked(shop, {"interests.brand": "Nobody's"}).size == Size(fewer_than=5)


@pytest.mark.parametrize("scope", ["advertising", "personalisation"])
def test_who_said_no_is_neither_counted_nor_named_and_how_many_obeys_the_floor(shop: Shop, scope: str) -> None:
    deny(shop, scope, "u00", "u04", "u01")
    answer = asked(shop, TEA, export=True)
    assert names(answer) == TEA_DRINKERS[2:]
    assert answer.excluded == Size(fewer_than=5)
    deny(shop, scope, "u05", "u09", "u13")
    assert asked(shop, TEA).excluded == Size(count=6)  # of everybody: no filter is applied to those who said no


def test_two_exports_do_not_single_anybody_out(shop: Shop) -> None:
    who = {**TEA, "behaviour.traits.city": {"not": "Kyoto"}}
    now = datetime.now(UTC) - timedelta(seconds=1)
    shop.store.append([Event("set_user", now, user, properties={"city": "Kyoto"}) for user in TEA_DRINKERS[:2]])
    assert len(names(asked(shop, TEA, export=True))) == 10
    answer = asked(shop, who, export=True)
    assert (answer.size, answer.members) == (Size(count=8), None)
    assert "single them out" in str(answer.withheld)
    assert len(names(asked(shop, TEA, export=True))) == 10


def test_a_count_is_kept_while_nothing_happens_and_an_export_never_is(shop: Shop) -> None:
    first = asked(shop, TEA)
    shop.store.erase("u00")  # leaves the log's last number as it was
    assert asked(shop, TEA).size == first.size
    assert names(asked(shop, TEA, export=True)) == TEA_DRINKERS[1:]


@pytest.mark.parametrize("method", ["vector", "classifier"])
def test_most_like_some_tea_drinkers_are_the_others(shop: Shop, method: Any) -> None:
    like = Like(user_ids=[*TEA_DRINKERS[:5], "nobody"], method=method)
    answer = asked(shop, like=like, k=5, export=True)
    assert sorted(names(answer)) == TEA_DRINKERS[5:]
    scores = [score for _, score in answer.members or () if score is not None]
    assert len(scores) == 5
    assert scores == sorted(scores, reverse=True)
    assert answer.release == shop.release_id


@pytest.mark.parametrize("method", ["vector", "classifier"])
def test_who_was_compared_once_is_compared_again_without_a_fold(shop: Shop, method: Any) -> None:
    like = Like(user_ids=TEA_DRINKERS, method=method)
    first = asked(shop, {"behaviour.n_events": {"gte": 1}}, like=like, k=30, export=True)
    with patch.object(shop.portraits, "read", side_effect=AssertionError("folded again")):
        again = asked(shop, {"behaviour.n_events": {"gte": 1}}, like=like, k=30, export=True)
    assert again.members == first.members
    now = datetime.now(UTC) - timedelta(seconds=1)
    shop.store.append([Event("view_item", now, "u01", "tea-01", event_id=f"look {n}") for n in range(9)])
    shop.store.append([Event("view_item", now, "u01", f"tea-0{n}", event_id=f"other {n}") for n in range(1, 9)])
    moved = dict(asked(shop, like=like, k=30, export=True).members or ())
    assert moved["u01"] != dict(first.members or ())["u01"]
    shop.portraits.forget()
    assert dict(asked(shop, like=like, k=30, export=True).members or ()) == moved


def test_only_who_passes_the_filter_is_folded_to_be_compared(shop: Shop) -> None:
    assert asked(shop, {"interests.brand": ["Lumen", "Uji"]}).size == Size(count=20)
    with patch.object(shop.portraits, "read", wraps=shop.portraits.read) as read:
        asked(shop, {"interests.brand": "Lumen"}, like=Like(where=TEA), k=10, export=True)
    assert {call.args[0] for call in read.call_args_list} == {f"u{n:02d}" for n in range(40) if n % 4 in (0, 2)}


def test_examples_may_be_selected_by_a_filter_and_members_too(shop: Shop) -> None:
    like = Like(where={"interests.category": "Boot"})
    answer = asked(shop, {"interests.brand": ["Lumen", "Folio"]}, like=like, k=12, export=True)
    assert len(names(answer)) == 12
    assert not set(names(answer)) & {f"u{n:02d}" for n in range(0, 40, 4)} | {
        f"u{n:02d}" for n in range(1, 40, 4)
    } & set(names(answer))


@pytest.mark.parametrize(
    "like",
    [
        Like(user_ids=["u00"]),
        Like(user_ids=["u00"] * 9),
        Like(user_ids=[*TEA_DRINKERS[:4], "nobody", "no one"]),
        Like(where={"behaviour.n_orders": {"gte": 2}}),
    ],
)
def test_an_audience_like_few_people_is_refused(shop: Shop, like: Like) -> None:
    with pytest.raises(DataError, match="fewer than 5 of the examples"):
        asked(shop, like=like, k=10)


def test_examples_who_said_no_do_not_count(shop: Shop) -> None:
    deny(shop, "advertising", "u00")
    with pytest.raises(DataError, match="fewer than 5 of the examples"):
        asked(shop, like=Like(user_ids=TEA_DRINKERS[:5]), k=10)


@pytest.mark.parametrize(
    ("ask", "why"),
    [
        (Ask(like=Like()), "exactly one of user_ids and filter"),
        (Ask(like=Like(user_ids=["a"], where={})), "exactly one of user_ids and filter"),
        (Ask(like=Like(user_ids=["a"]), k=4), "k is 4; an audience has at least 5 members"),
        (Ask(like=Like(user_ids=["a"], method="magic")), "unknown method 'magic'; known: vector, classifier"),  # type: ignore[arg-type]
        (Ask(like=Like(user_ids=[""])), "like.user_ids is empty"),
        (Ask({"brand": "Uji"}), "filter 'brand': no such field"),
    ],
)
def test_what_cannot_be_answered_is_said_before_anybody_is_read(shop: Shop, ask: Ask, why: str) -> None:
    with pytest.raises(DataError, match=why):
        shop.audiences.answer(ask, now=datetime.now(UTC))


def test_a_filter_needs_no_release_and_likeness_does(tmp_path: Path) -> None:
    stock(tmp_path)
    shop = Shop(settings_of(tmp_path, "audiences.floor=5"))
    assert asked(shop, {"interests.category": "Tea"}).size == Size(count=10)
    with pytest.raises(ReleaseError, match="no release yet"):
        asked(shop, like=Like(user_ids=TEA_DRINKERS), k=5)
    shop.close()


def test_the_default_floor_is_fifty(built: Path) -> None:
    shop = Shop(settings_of(built))
    assert asked(shop).size == Size(fewer_than=50)
    shop.close()


def test_a_question_beyond_those_that_wait_is_sent_away(shop: Shop) -> None:
    sent_away, sizes = threading.Event(), []

    def held(*_: object) -> None:
        sent_away.wait(20)

    def ask() -> None:
        try:
            sizes.append(shop.audiences.answer(Ask(TEA), now=datetime.now(UTC), tell=held).size)
        except BusyError:
            sent_away.set()

    threads = [threading.Thread(target=ask) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sent_away.is_set()
    assert sizes == [Size(count=10)] * 4

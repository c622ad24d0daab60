"""Search over a small trained shop: order, relaxing, counts, people, what is live."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from huaxiang.apps.search import learned, suggest
from huaxiang.apps.search.asking import SearchAnswer, SearchAsk
from huaxiang.errors import DataError
from huaxiang.retrieval import keyword_index
from huaxiang.shop import Shop
from huaxiang.types import anonymous_subject
from tests.shops import build_shop, settings_of

NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    opened = Shop(settings_of(build_shop(tmp_path_factory.mktemp("search") / "shop")))
    yield opened
    opened.close()


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    monkeypatch.setattr(keyword_index, "_PAUSE", 0.0)
    monkeypatch.setattr(suggest, "_PATIENCE", 0.0)
    monkeypatch.setattr(learned, "_PATIENCE", 0.0)
    opened = Shop(settings_of(build_shop(tmp_path / "shop")))
    yield opened
    opened.close()


def asked(shop: Shop, query: str, **more: Any) -> SearchAnswer:
    return shop.search(SearchAsk(query, **more), now=NOW)


def names(answer: SearchAnswer) -> list[str]:
    return [found.item_id for found in answer.found]


def kinds(answer: SearchAnswer) -> set[str]:
    return {name.split("-")[0] for name in names(answer)}


def put(shop: Shop, item: str, **said: Any) -> None:
    payload = {"event": "set_item", "item_id": item, "timestamp": datetime.now(UTC).isoformat(), "properties": said}
    assert shop.intake.take([payload]).accepted == 1


def test_all_that_have_the_words_are_counted_and_the_best_are_shown(shop: Shop) -> None:
    answer = asked(shop, "hiking boots", k=5)
    assert kinds(answer) == {"boot"}
    assert (len(answer.found), answer.relaxed) == (5, ())
    assert answer.facets["brand"] == {"Alpina": answer.matching}
    assert [found.score for found in answer.found] == sorted((found.score for found in answer.found), reverse=True)


def test_pages_go_on_where_the_last_one_ended(shop: Shop) -> None:
    whole = names(asked(shop, "登山皮靴", k=6))
    assert names(asked(shop, "登山皮靴", k=3)) + names(asked(shop, "登山皮靴", k=3, offset=3)) == whole


def test_price_and_what_is_not_wanted_are_kept_to(shop: Shop) -> None:
    answer = asked(shop, "green tea under $14 not 2", k=50)
    assert answer.total > 0
    for name in names(answer):
        item = shop.catalogue.get(name)
        assert item is not None
        assert item.price is not None
        assert item.price <= 14.0
        assert "2" not in item.name.split()


def test_a_filter_of_the_request_goes_before_the_price_of_the_query(shop: Shop) -> None:
    answer = asked(shop, "green tea under $12", where={"price": {"gte": 20}}, k=50)
    prices = [item.price for name in names(answer) if (item := shop.catalogue.get(name)) is not None]
    assert prices
    assert min(price for price in prices if price is not None) >= 20


def test_where_nothing_is_that_cheap_the_price_is_given_up_and_that_is_said(shop: Shop) -> None:
    answer = asked(shop, "desk lamp under $1", k=5)
    assert kinds(answer) == {"lamp"}
    assert answer.relaxed[0] == {"kind": "price", "ignored": {"lte": 1.0}}


def test_where_no_item_has_all_words_some_do_and_what_they_lack_is_said(shop: Shop) -> None:
    answer = asked(shop, "hiking boots umbrella", k=5)
    assert kinds(answer) == {"boot"}
    assert {"kind": "words", "ignored": ["umbrella"]} in answer.relaxed


@pytest.mark.parametrize(
    "query", ["", "   ", "🎁🎁", "the of", "zzzzqqqq", "x" * 10_000, "name:tea AND (", "שלום עולם", "\x00\x01"]
)
def test_a_page_is_never_empty(shop: Shop, query: str) -> None:
    answer = asked(shop, query, k=5)
    assert len(answer.found) == 5
    assert answer.total >= 5


def test_what_was_given_up_of_a_query_that_finds_nothing_is_said(shop: Shop) -> None:
    assert asked(shop, "🎁").relaxed == ({"kind": "query", "ignored": "🎁"},)
    assert asked(shop, "").relaxed == ()


def test_a_filter_is_never_given_up(shop: Shop) -> None:
    assert kinds(asked(shop, "tea", where={"brand": "Lumen"}, k=5)) == {"lamp"}
    answer = asked(shop, "tea", where={"brand": "nobody"})
    assert (answer.found, answer.total) == ((), 0)


def test_an_unknown_field_is_refused(shop: Shop) -> None:
    with pytest.raises(DataError, match="no item has such a field"):
        asked(shop, "tea", where={"colour": "red"})


@pytest.mark.parametrize("wrong", [{"k": 0}, {"k": 101}, {"offset": -1}, {"offset": 10_000}, {"personalise": 1.5}])
def test_numbers_outside_their_range_are_refused(shop: Shop, wrong: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=next(iter(wrong))):
        asked(shop, "tea", **wrong)


def test_a_profile_orders_what_the_query_leaves_open(shop: Shop) -> None:
    for_nobody, for_u00 = asked(shop, "hiking boots", k=8), asked(shop, "hiking boots", k=8, user_id="u00")
    assert set(names(for_nobody)) == set(names(for_u00))
    assert for_u00.personalised > 0.0
    assert for_nobody.personalised == 0.0
    assert any("profile" in found.parts for found in for_u00.found)


def test_what_a_person_muted_comes_last_of_what_answers(own: Shop) -> None:
    own.edit_profile("u00", [{"op": "mute", "facet": "attribute:size", "value": "M"}])
    later = datetime.now(UTC) + timedelta(seconds=1)
    shown = names(own.search(SearchAsk("desk lamp brass", k=8, user_id="u00"), now=later))
    sizes = [item.attributes["size"][0] for name in shown if (item := own.catalogue.get(name)) is not None]
    muted = [place for place, size in enumerate(sizes) if size == "M"]
    assert muted
    assert min(muted) > max(place for place, size in enumerate(sizes) if size != "M")


def test_a_query_that_names_one_item_is_the_same_for_everybody(shop: Shop) -> None:
    item = shop.catalogue.get("boot-04")
    assert item is not None
    answer = asked(shop, item.name, k=5, user_id="u00")
    assert answer.understood.intent.kind == "navigate"
    assert (names(answer)[0], answer.personalised) == ("boot-04", 0.0)


def test_without_consent_no_profile_is_read(own: Shop) -> None:
    consent = {"event": "consent", "user_id": "u00", "timestamp": NOW.isoformat(), "scope": "personalisation"}
    own.intake.take([{**consent, "status": "denied"}])
    later = datetime.now(UTC) + timedelta(seconds=1)
    answer = own.search(SearchAsk("hiking boots", user_id="u00"), now=later)
    assert answer.personalised == 0.0
    assert names(answer) == names(own.search(SearchAsk("hiking boots"), now=later))


def test_personalise_0_is_the_page_of_nobody(shop: Shop) -> None:
    assert names(asked(shop, "tea", user_id="u00", personalise=0.0)) == names(asked(shop, "tea"))


def test_the_history_of_a_device_is_nobodys_to_ask_for(shop: Shop) -> None:
    with pytest.raises(DataError, match="begins with U\\+001F"):
        asked(shop, "tea", user_id=anonymous_subject("phone"))


def test_each_item_says_why_it_is_there(shop: Shop) -> None:
    answer = asked(shop, "hiking boots", k=3, user_id="u00", explain=True)
    first = answer.found[0]
    assert first.matched["name"] == ("hiking", "boots")
    assert first.reasons[0].kind == "words"
    assert all(0.0 < reason.effect <= 1.0 for found in answer.found for reason in found.reasons)
    assert not asked(shop, "hiking boots").found[0].reasons


def test_a_new_item_is_found_at_once_and_a_deleted_one_is_gone(own: Shop) -> None:
    assert "violin" not in names(asked(own, "violin"))
    put(own, "violin", name="Concert violin", brand="Amati", price=900.0)
    assert names(asked(own, "violin"))[0] == "violin"
    put(own, "violin", price=100.0)
    assert names(asked(own, "violin under $200"))[0] == "violin"
    own.intake.take([{"event": "delete_item", "item_id": "violin", "timestamp": datetime.now(UTC).isoformat()}])
    assert "violin" not in names(asked(own, "violin", k=100))


def test_sold_out_items_come_last(own: Shop) -> None:
    first = names(asked(own, "hiking boots", k=1))[0]
    put(own, first, in_stock=False)
    assert names(asked(own, "hiking boots", k=15))[0] != first


def test_a_shop_without_a_release_answers_by_words(tmp_path: Path) -> None:
    opened = Shop(settings_of(tmp_path / "bare"))
    put(opened, "a", name="Clay pot")
    put(opened, "b", name="Iron pan")
    answer = asked(opened, "pot", user_id="u1")
    assert (names(answer)[0], answer.release, answer.personalised) == ("a", None, 0.0)
    opened.close()


def test_an_empty_shop_has_nothing_to_show(tmp_path: Path) -> None:
    opened = Shop(settings_of(tmp_path / "bare"))
    assert asked(opened, "pot").found == ()
    opened.close()


def typed(shop: Shop, query: str, people: range) -> None:
    moment = datetime.now(UTC) - timedelta(minutes=5)
    events = [
        {
            "event": "search",
            "user_id": f"s{n}",
            "query": query,
            "timestamp": (moment + timedelta(seconds=n)).isoformat(),
        }
        for n in people
    ]
    assert shop.intake.take(events).accepted == len(events)
    shop.searching.learned._next_queries = 0.0  # time has passed
    shop.searching.refresh()


def offered(shop: Shop, beginning: str) -> list[str]:
    return [one.text for one in shop.suggest(beginning) if one.kind == "query"]


def test_a_query_is_offered_after_five_people_typed_it_and_not_after_one_of_them_is_erased(own: Shop) -> None:
    typed(own, "zebra lamp", range(4))
    assert offered(own, "zeb") == []
    typed(own, "zebra lamp", range(4, 5))
    assert offered(own, "zeb") == ["zebra lamp"]
    own.store.erase("s0")
    own.forget()
    assert offered(own, "zeb") == []
    own.searching.refresh()
    assert offered(own, "zeb") == []
    typed(own, "zebra lamp", range(7, 8))
    assert offered(own, "zeb") == ["zebra lamp"]


def test_a_slip_of_the_finger_leads_to_the_same_page(shop: Shop) -> None:
    shop.searching.refresh()
    meant = asked(shop, "hiking boots", k=8)
    slipped = asked(shop, "hikign boots", k=8)
    assert slipped.understood.corrected == "hiking boots"
    assert names(slipped) == names(meant)


def test_the_shops_own_synonyms_are_found(tmp_path: Path) -> None:
    own_file = tmp_path / "synonyms.csv"
    own_file.write_text("trekking shoes, hiking boots\nlantern, lamp\n", encoding="utf-8")
    folder = build_shop(tmp_path / "shop")
    opened = Shop(settings_of(folder, f"search.synonyms={own_file}"))
    assert kinds(asked(opened, "trekking shoes", k=5)) == {"boot"}
    answer = asked(opened, "brass lantern", k=5)
    assert kinds(answer) == {"lamp"}
    assert answer.understood.to_json()["synonyms"] == {"lantern": ["lamp"]}
    opened.close()

"""Suggestions while a query is typed."""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huaxiang.apps.search.suggest import Suggester, Suggestion
from huaxiang.collect.catalogue import Catalogue
from huaxiang.store import Store, open_store
from huaxiang.types import Event

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
GOODS = {
    "head": ("Rain Shower Head 8 in. Chrome", "Kohler", "Home > Bath > Shower Heads"),
    "hand": ("Kohler Hand Shower", "Kohler", "Home > Bath > Shower Heads"),
    "seat": ("Toilet Seat Elongated", "Kohler", "Home > Bath > Toilet Seats"),
    "boots": ("Rain Boots Women's Red", "Hunter", "Fashion > Shoes"),
    "dress": ("Summer Dress Red", "Zara", "Fashion > Dresses"),
    "skirt": ("红色连衣裙女夏季", "欧时力", "女装 > 连衣裙"),
    "climb": ("防滑登山鞋", "探路者", "户外 > 登山鞋"),
}


@dataclass(frozen=True)
class Asked:
    """A query of the log."""

    text: str
    weight: float
    items: Mapping[str, float] = field(default_factory=dict)
    total: int | None = None
    last_asked: datetime = NOON


class Log:
    """Queries that enough people typed."""

    def __init__(self, *queries: Asked) -> None:
        self.version, self.queries = 1, queries

    def known(self) -> Sequence[Asked]:
        return self.queries


class Stocked:
    """A shop's catalogue and its suggester."""

    def __init__(self, store: Store, log: Log) -> None:
        self._store, self.log = store, log
        self.catalogue = Catalogue(store)
        self._n = 0
        for item, (name, brand, category) in GOODS.items():
            self.put(item, name=name, brand=brand, category=category)
        self.suggester = Suggester(self.catalogue, log)
        self.suggester.refresh()

    def put(self, item: str, **said: object) -> Event:
        self._n += 1
        event = Event("set_item", NOON, item_id=item, event_id=f"put-{self._n}", properties=said)
        return self._take(event)

    def drop(self, item: str) -> Event:
        self._n += 1
        return self._take(Event("delete_item", NOON, item_id=item, event_id=f"drop-{self._n}"))

    def _take(self, event: Event) -> Event:
        self._store.append([event])
        self.catalogue.refresh()
        return event

    def texts(self, typed: str, k: int = 8) -> list[str]:
        return [one.text for one in self.suggester.suggest(typed, k)]


@pytest.fixture
def shop(tmp_path: Path) -> Stocked:
    log = Log(
        Asked("rain shower", 50.0, {"head": 1.0}),
        Asked("rain boots", 10.0, {"boots": 1.0}),
        Asked("dress", 30.0),
        Asked("dresses", 20.0),
        Asked("toilet seat", 22.0),
        Asked("rain gold", 900.0, total=0),
        Asked("连衣裙女", 15.0),
    )
    return Stocked(open_store(f"sqlite:///{tmp_path}/shop.db"), log)


def test_queries_come_before_groups_and_items_by_how_often_they_are_asked(shop: Stocked) -> None:
    assert shop.texts("ra") == ["rain shower", "rain boots", "Rain Boots Women's Red", "Rain Shower Head 8 in. Chrome"]


def test_each_kind_says_what_it_is_and_where_to_look(shop: Stocked) -> None:
    found = {one.text: one for one in shop.suggester.suggest("shower")}
    assert found["rain shower"] == Suggestion("rain shower", "query", ((5, 11),))
    assert found["Shower Heads"] == Suggestion(
        "Shower Heads", "category", ((0, 6),), {"category": "Home > Bath > Shower Heads"}
    )
    assert found["Kohler Shower Heads"].scope == {"brand": "Kohler", "category": "Home > Bath > Shower Heads"}
    assert found["Kohler Hand Shower"].scope == {"item_id": "hand"}
    assert shop.suggester.suggest("kohl")[0] == Suggestion("Kohler", "brand", ((0, 4),), {"brand": "Kohler"})


@pytest.mark.parametrize("typed", ["连衣", "lianyi", "lianyiqun", "lyq", "连yq", "lianyq", "练衣", "练衣裙"])
def test_chinese_by_characters_by_pinyin_by_initials_and_by_both(shop: Stocked, typed: str) -> None:
    assert shop.texts(typed)[:2] == ["连衣裙女", "连衣裙"]
    assert "红色连衣裙女夏季" in shop.texts(typed)


def test_two_spellings_of_one_thing_are_one_and_the_group_speaks_for_the_query(shop: Stocked) -> None:
    found = shop.suggester.suggest("dres")
    assert [one.text for one in found] == ["Dresses", "Summer Dress Red"]
    assert found[0].kind == "category"


@pytest.mark.parametrize("typed", ["rian sho", "rain shwo", "rain hso", "rainsho", "rain shpw"])
def test_one_slip_in_the_beginning_is_forgiven(shop: Stocked, typed: str) -> None:
    assert "rain shower" in shop.texts(typed)


def test_a_query_that_found_nothing_is_not_offered(shop: Stocked) -> None:
    assert "rain gold" not in shop.texts("rain")


def test_the_last_word_is_completed_where_nobody_typed_the_whole(shop: Stocked) -> None:
    assert shop.texts("golden toilet se") == ["golden toilet seat"]
    assert shop.suggester.suggest("golden toilet se")[0].kind == "query"


def test_nothing_typed_is_answered_by_what_most_people_want(shop: Stocked) -> None:
    assert shop.texts("", k=3)[0] == "rain shower"


def test_what_a_person_likes_comes_first(shop: Stocked) -> None:
    def first(likes: Mapping[tuple[str, str], float]) -> str:
        return shop.suggester.suggest("rain", 8, likes)[0].text

    assert first({}) == "rain shower"
    assert first({("brand", "hunter"): 0.5}) == "rain boots"
    assert first({("category", "Fashion > Shoes"): 0.5}) == "rain boots"
    assert first({("keyword", "boots"): 0.5}) == "rain boots"
    assert first({("brand", "kohler"): -0.9}) == "rain boots"
    assert first({("brand", "hunter"): float("nan")}) == "rain shower"


def test_a_persons_own_language_comes_first(shop: Stocked) -> None:
    shop.put("other", name="Lyq towel", brand="Lyq")
    assert shop.suggester.suggest("lyq", 8, {("language", "zh"): 1.0})[0].text == "连衣裙女"
    assert shop.suggester.suggest("lyq", 8, {("language", "en"): 1.0})[0].text == "Lyq"


def test_a_new_name_is_found_and_an_old_one_is_gone_at_once(shop: Stocked) -> None:
    shop.put("seat", name="Bamboo Seat")
    assert shop.texts("bamb") == ["Bamboo Seat"]
    assert "Toilet Seat Elongated" not in shop.texts("toilet")
    shop.drop("seat")
    assert shop.texts("bamb") == []
    assert "Toilet Seats" not in shop.texts("toilet")


def test_a_listener_of_the_intake_needs_no_search_for_changes(shop: Stocked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huaxiang.apps.search.suggest._SMALL", 0)
    event = shop.put("pot", name="Iron Teapot")
    assert shop.texts("iron") == []
    shop.suggester.absorb([event])
    assert shop.texts("iron") == ["Iron Teapot"]
    shop.drop("pot")  # nobody told
    assert shop.texts("iron") == []
    shop.suggester.refresh()
    assert shop.texts("iron") == []


def test_queries_follow_their_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huaxiang.apps.search.suggest._PATIENCE", 0.0)
    shop = Stocked(open_store(f"sqlite:///{tmp_path}/shop.db"), Log(Asked("rain shower", 50.0)))
    shop.log.version, shop.log.queries = 2, (Asked("rain barrel", 5.0), Asked("toilet seat", 1.0))
    shop.suggester.refresh()
    assert shop.texts("rain")[0] == "rain barrel"
    assert "rain shower" not in shop.texts("rain")
    shop.suggester.forget()
    assert "rain barrel" not in shop.texts("rain")
    shop.suggester.refresh()
    assert shop.texts("rain")[0] == "rain barrel"


def test_many_items_are_sorted_in_and_none_is_lost(shop: Stocked) -> None:
    for n in range(30):
        shop.put(f"pan-{n}", name=f"Copper pan {n}", brand="Cuivre", category="Kitchen > Pans")
    shop.suggester.refresh()
    shop.suggester._completions.settle()
    assert len([text for text in shop.texts("copper", k=40) if text.startswith("Copper pan")]) == 30
    assert "Cuivre Pans" in shop.texts("cuiv")
    assert shop.texts("rain")[0] == "rain shower"


def test_a_page_is_no_longer_than_was_asked_for(shop: Stocked) -> None:
    assert [len(shop.suggester.suggest("", k)) for k in (1, 3, 50)][:2] == [1, 3]


def test_answers_while_the_catalogue_changes(shop: Stocked) -> None:
    errors: list[BaseException] = []

    def ask() -> None:
        try:
            for _ in range(100):
                shop.texts("rain sh")
        except BaseException as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for n in range(40):
        shop.put(f"new-{n}", name=f"Rain shutter {n}")
        shop.suggester.refresh()
    for thread in threads:
        thread.join()
    assert errors == []


_NASTY = [
    "",
    " ",
    "💥" * 50,
    "\u202eחולצה",
    "\x00\x1f",
    "x" * 10_000,
    "连" * 10_000,
    "\ud83d",
    "a'",
    "%",
    "١٢٣",
    "é" * 99,
]


@pytest.mark.parametrize("typed", _NASTY)
def test_whatever_is_typed_is_answered_soon(shop: Stocked, typed: str) -> None:
    began = time.perf_counter()
    assert isinstance(shop.suggester.suggest(typed), list)
    assert time.perf_counter() - began < 1.0


@given(st.text(max_size=120) | st.text("rainshowerd 连衣裙lyq'-", max_size=40), st.integers(1, 50))
@settings(deadline=None, max_examples=200)
def test_nothing_that_is_typed_breaks_it(stocked: Stocked, typed: str, k: int) -> None:
    found = stocked.suggester.suggest(typed, k)
    assert len(found) <= k
    assert len({one.text.casefold() for one in found}) == len(found)
    for one in found:
        assert all(0 <= start < end <= len(one.text) for start, end in one.highlight)


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Stocked:
    folder = tmp_path_factory.mktemp("stocked")
    return Stocked(open_store(f"sqlite:///{folder}/shop.db"), Log(Asked("rain shower", 5.0), Asked("连衣裙女", 9.0)))


def test_an_item_without_a_name_is_not_offered(shop: Stocked) -> None:
    shop.put("nameless", name=" ", brand="Nobody")
    assert " " not in shop.texts("", k=50)
    assert shop.texts("nobo") == ["Nobody"]

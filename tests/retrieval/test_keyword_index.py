"""The keyword index: words, filters and counts, and how it follows the catalogue."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from huaxiang.collect.catalogue import Catalogue
from huaxiang.errors import DataError
from huaxiang.ranking.rules import compile_filter
from huaxiang.retrieval import keyword_index
from huaxiang.retrieval.keyword_index import Alternative, KeywordIndex
from huaxiang.store import Store, open_store
from huaxiang.text.terms import query_terms
from tests.collect.test_catalogue import drop, put

GOODS: list[dict[str, Any]] = [
    {"name": "Red wool dress", "brand": "Acme", "category": ["Clothes", "Dresses"], "price": 50.0},
    {"name": "Blue cotton dress", "brand": "acme ", "category": ["Clothes", "Dresses"], "price": 30.0},
    {"name": "红色羊毛连衣裙", "brand": "素衣", "category": ["Clothes", "Dresses"], "price": 200.0},
    {"name": "Dress hanger", "brand": "Holder", "category": ["Home"], "description": "For a dress or a coat."},
    {"name": "Wool coat", "category": ["Clothes", "Coats"], "price": 90.0, "in_stock": False},
]
ATTRIBUTES = [
    {"colour": ["red"], "size": ["38", "40"]},
    {"colour": ["Blue"], "size": ["40"]},
    {"colour": ["红"]},
    {},
    {},
]


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyword_index, "_PAUSE", 0.0)


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> tuple[Catalogue, KeywordIndex]:
    store = open_store(f"sqlite:///{tmp_path_factory.mktemp('words')}/shop.db")
    store.append([put(f"p{n}", **said, attributes=ATTRIBUTES[n]) for n, said in enumerate(GOODS)])
    catalogue = Catalogue(store)
    return catalogue, KeywordIndex(catalogue)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    opened = open_store(f"sqlite:///{tmp_path}/shop.db")
    opened.append([put("pot", name="Clay pot", price=10.0), put("tea", name="Green tea", price=5.0)])
    return opened


def found(index: KeywordIndex, query: str, **more: Any) -> list[str]:
    groups = [[Alternative(term)] for term in query_terms(query)]
    return list(index.search(index.query(groups, **more), 10).item_ids)


def test_all_words_are_needed_unless_fewer_are_asked_for(shelf: tuple[Catalogue, KeywordIndex]) -> None:
    assert found(shelf[1], "wool dress") == ["p0"]
    assert set(found(shelf[1], "wool dress", least=1)) == {"p0", "p1", "p2", "p3", "p4"}


def test_a_name_counts_more_than_a_description(shelf: tuple[Catalogue, KeywordIndex]) -> None:
    assert found(shelf[1], "coat")[0] == "p4"


def test_chinese_is_found_by_its_words(shelf: tuple[Catalogue, KeywordIndex]) -> None:
    assert found(shelf[1], "红色连衣裙") == ["p2"]


def test_endings_and_case_do_not_count(shelf: tuple[Catalogue, KeywordIndex]) -> None:
    assert set(found(shelf[1], "DRESSES wool")) == {"p0"}


def test_an_alternative_counts_as_much_as_it_weighs(shelf: tuple[Catalogue, KeywordIndex]) -> None:
    index = shelf[1]
    query = index.query([[Alternative("coat"), Alternative("dress", 0.1)]])
    assert index.search(query, 10).item_ids[0] == "p4"
    assert set(index.search(query, 10).item_ids) == {"p0", "p1", "p2", "p3", "p4"}


def test_another_way_to_ask_is_found_too_and_worth_less(shelf: tuple[Catalogue, KeywordIndex]) -> None:
    index = shelf[1]
    hanger = [[Alternative("hanger")]]
    query = index.query([[Alternative("wool")], [Alternative("dress")]], also=[(hanger, 0.01)])
    assert index.search(query, 10).item_ids == ("p0", "p3")


def test_what_is_not_wanted_is_not_found(shelf: tuple[Catalogue, KeywordIndex]) -> None:
    assert set(found(shelf[1], "dress", without=["red"])) == {"p1", "p2", "p3"}


def test_the_total_counts_what_is_not_shown(shelf: tuple[Catalogue, KeywordIndex]) -> None:
    index = shelf[1]
    hits = index.search(index.query([]), 2)
    assert (len(hits.item_ids), hits.total) == (2, len(GOODS))


VALUES = st.sampled_from(
    ["acme", "ACME", "素衣", "Clothes", "dresses", "Clothes > Dresses", "red", "40", "p1", True, 30.0]
)
CONDITIONS = st.recursive(
    VALUES
    | st.lists(VALUES, max_size=3)
    | st.fixed_dictionaries({}, optional={"gte": st.floats(0, 250), "lte": st.floats(0, 250)}).filter(bool),
    lambda inner: st.fixed_dictionaries({"not": inner}),
    max_leaves=3,
)
FIELDS = st.sampled_from(
    ["item_id", "name", "brand", "category", "price", "in_stock", "colour", "size", "attribute:size", "currency"]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.dictionaries(FIELDS, CONDITIONS, max_size=3))
def test_a_filter_keeps_what_the_rules_of_ranking_keep(
    shelf: tuple[Catalogue, KeywordIndex], where: dict[str, Any]
) -> None:
    catalogue, index = shelf
    test = compile_filter(where)
    wanted = {item.item_id for item in catalogue if test(item)}
    assert set(index.search(index.query([], where=where), 10).item_ids) == wanted


@pytest.mark.parametrize("where", [{"colour": {"gt": 3}}, {"price": {}}, {"brand": None}, {"brand": {"gte": "a"}}])
def test_a_condition_of_another_form_is_refused(shelf: tuple[Catalogue, KeywordIndex], where: dict[str, Any]) -> None:
    with pytest.raises(DataError):
        shelf[1].query([], where=where)


def test_an_unknown_field_is_refused_with_those_that_are_known(shelf: tuple[Catalogue, KeywordIndex]) -> None:
    with pytest.raises(DataError, match=r"no item has such a field; known: .*brand.*colour"):
        shelf[1].query([], where={"color": "red"})


def test_values_are_counted_over_all_that_match(shelf: tuple[Catalogue, KeywordIndex]) -> None:
    index = shelf[1]
    counted = index.facets(index.query([[Alternative("dress")]]))
    assert counted["brand"] == {"Acme": 2, "Holder": 1, "素衣": 1}
    assert counted["category"] == {"Clothes": 3, "Clothes > Dresses": 3, "Home": 1}
    assert counted["attribute:size"] == {"40": 2, "38": 1}


@given(st.sets(st.sampled_from(["dress", "wool", "red", "coat"]), min_size=1))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_counts_are_those_of_the_items_found(shelf: tuple[Catalogue, KeywordIndex], terms: set[str]) -> None:
    catalogue, index = shelf
    query = index.query([[Alternative(term)] for term in sorted(terms)], least=1)
    brands = Counter(
        (item.brand or "").strip().casefold()
        for name in index.search(query, 10).item_ids
        if (item := catalogue.get(name)) is not None and item.brand
    )
    counted = index.facets(query).get("brand", {})
    assert {value.casefold(): n for value, n in counted.items()} == brands
    assert index.facets(query, index.search(query, 10).slots) == index.facets(query)


def test_a_new_item_is_found_and_a_deleted_one_is_gone_at_once(store: Store) -> None:
    catalogue = Catalogue(store)
    index = KeywordIndex(catalogue)
    store.append([put("cup", 1, name="Clay cup")])
    catalogue.refresh()
    assert set(found(index, "clay")) == {"pot", "cup"}
    store.append([drop("pot", 2)])
    catalogue.refresh()
    assert found(index, "clay") == ["cup"]
    assert len(index) == 2


def test_a_deleted_item_is_gone_even_before_the_index_takes_it_in(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyword_index, "_PAUSE", 3600.0)
    catalogue = Catalogue(store)
    index = KeywordIndex(catalogue)
    store.append([drop("pot", 1)])
    catalogue.refresh()
    assert found(index, "clay") == []


def test_a_new_price_and_a_new_name_replace_the_old_ones(store: Store) -> None:
    catalogue = Catalogue(store)
    index = KeywordIndex(catalogue)
    store.append([put("pot", 1, name="Iron pot", price=99.0)])
    catalogue.refresh()
    assert found(index, "clay") == []
    assert found(index, "iron", where={"price": {"gte": 90}}) == ["pot"]
    assert found(index, "iron", where={"price": {"lte": 20}}) == []


def test_an_item_that_comes_back_is_found_again_and_counted_once(store: Store) -> None:
    catalogue = Catalogue(store)
    index = KeywordIndex(catalogue)
    for hour, event in enumerate([drop("pot", 1), put("pot", 2, name="Clay pot", brand="Acme")], 1):
        store.append([event])
        catalogue.refresh()
        index.refresh()
        assert len(index) == hour
    assert index.values()["brand"] == {"Acme": 1}


def test_ids_that_differ_in_case_alone_are_two_items(store: Store) -> None:
    store.append([put("POT", name="Clay jar")])
    catalogue = Catalogue(store)
    index = KeywordIndex(catalogue)
    store.append([put("POT", 1, name="Clay bowl"), drop("pot", 1)])
    catalogue.refresh()
    assert found(index, "clay") == ["POT"]
    assert found(index, "bowl") == ["POT"]


def test_many_changes_wait_for_the_thread_beside_requests(store: Store) -> None:
    catalogue = Catalogue(store)
    index = KeywordIndex(catalogue)
    store.append([put(f"new{n}", 1, name="Brass bell") for n in range(100)])
    catalogue.refresh()
    assert found(index, "bell") == []
    index.refresh()
    assert len(found(index, "bell")) == 10

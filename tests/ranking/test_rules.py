"""What may be shown: filters in every form, and goods that are bought again."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huaxiang.errors import DataError
from huaxiang.ranking.rules import compile_filter, repeat_categories
from huaxiang.types import Item

POT = Item(
    "pot",
    "Clay Teapot",
    "Yixing",
    ("Home", "Tea", "Pots"),
    price=80.0,
    currency="CNY",
    attributes={"colour": ("red", "brown"), "litres": ("0.5",)},
)
BARE = Item("bare")


@pytest.mark.parametrize(
    ("where", "passes"),
    [
        ({}, True),
        ({"brand": "Yixing"}, True),
        ({"brand": " yixing "}, True),
        ({"brand": "Uji"}, False),
        ({"brand": ["Uji", "Yixing"]}, True),
        ({"brand": ("Uji", "Yixing")}, True),
        ({"brand": []}, False),
        ({"category": "tea"}, True),
        ({"category": "Home > Tea"}, True),
        ({"category": "Home > Tea > Pots"}, True),
        ({"category": "Tea > Pots"}, False),
        ({"category": {"not": "Home"}}, False),
        ({"price": 80}, True),
        ({"price": {"gte": 80}}, True),
        ({"price": {"gte": 80.01}}, False),
        ({"price": {"lte": 80}}, True),
        ({"price": {"gte": 10, "lte": 79.9}}, False),
        ({"price": {"not": {"gte": 10, "lte": 79.9}}}, True),
        ({"colour": "Brown"}, True),
        ({"attribute:colour": "brown"}, True),
        ({"colour": {"not": ["green", "blue"]}}, True),
        ({"colour": {"not": "red"}}, False),
        ({"litres": {"lte": 0.5}}, True),
        ({"colour": {"gte": 1}}, False),
        ({"in_stock": True}, True),
        ({"in_stock": False}, False),
        ({"item_id": ["pot", "cup"]}, True),
        ({"name": "clay teapot"}, True),
        ({"currency": "CNY"}, True),
        ({"no such field": "x"}, False),
        ({"brand": "Yixing", "price": {"gte": 100}}, False),
        ({"brand": {"not": {"not": "Yixing"}}}, True),
    ],
)
def test_a_filter_lets_the_pot_through_or_not(where: Mapping[str, Any], passes: bool) -> None:
    assert compile_filter(where)(POT) is passes


@pytest.mark.parametrize(
    ("where", "passes"),
    [
        ({"price": {"gte": 0}}, False),
        ({"brand": "x"}, False),
        ({"brand": {"not": "x"}}, True),
        ({"category": ""}, False),
    ],
)
def test_an_item_that_says_nothing_passes_only_what_is_negated(where: Mapping[str, Any], passes: bool) -> None:
    assert compile_filter(where)(BARE) is passes


@pytest.mark.parametrize(
    "wanted",
    [
        None,
        [None],
        [{}],
        [["a"]],
        {},
        {"gt": 5},
        {"gte": "5"},
        {"gte": True},
        {"gte": None},
        {"gte": 1, "not": 2},
        {"not": None},
        {"not": {"like": "x"}},
    ],
)
def test_a_condition_of_another_form_is_refused_by_its_field(wanted: Any) -> None:
    with pytest.raises(DataError, match="filter 'price'"):
        compile_filter({"price": wanted})


def test_true_is_no_price() -> None:
    assert not compile_filter({"price": True})(Item("a", price=1.0))


CONDITIONS = st.one_of(
    st.sampled_from(["red", "blue", 80, 0.5, True]),
    st.lists(st.sampled_from(["red", "Yixing", 80])),
    st.fixed_dictionaries({"gte": st.floats(0, 100)}, optional={"lte": st.floats(0, 100)}),
)


@settings(deadline=None, max_examples=60)
@given(field=st.sampled_from(["brand", "price", "colour", "litres", "in_stock", "category"]), wanted=CONDITIONS)
def test_a_condition_and_its_negation_part_all_items(field: str, wanted: Any) -> None:
    for item in (POT, BARE):
        assert compile_filter({field: wanted})(item) is not compile_filter({field: {"not": wanted}})(item)


def bought(*pairs: tuple[str, str, int]) -> list[tuple[str, str]]:
    return [(user, item) for user, item, times in pairs for _ in range(times)]


def test_tea_is_bought_again_and_pots_are_not() -> None:
    tea = bought(*((f"u{n}", "sencha", 2 if n < 2 else 1) for n in range(20)))  # 2 of 20 buyers: a tenth
    pots = bought(*((f"u{n}", "pot", 2 if n < 1 else 1) for n in range(20)))  # 1 of 20
    assert repeat_categories({"Tea": tea, "Pots": pots}) == {"Tea"}


def test_another_tea_is_no_repeat() -> None:
    both = bought(*((f"u{n}", item, 1) for n in range(20) for item in ("sencha", "assam")))
    assert repeat_categories({"Tea": both}) == frozenset()


def test_nineteen_buyers_say_too_little() -> None:
    assert repeat_categories({"Tea": bought(*((f"u{n}", "sencha", 9) for n in range(19)))}) == frozenset()


def test_a_shop_without_purchases_has_no_repeats() -> None:
    assert repeat_categories({}) == frozenset()


def test_negations_may_be_nested_deeper_than_any_stack() -> None:
    wanted: Any = "Yixing"
    for _ in range(5001):
        wanted = {"not": wanted}
    assert not compile_filter({"brand": wanted})(POT)

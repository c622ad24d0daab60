"""What the encoder reads: the same words when it is trained and when it serves."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huaxiang.text.wording import HISTORY_CELLS, ITEM_CELLS, SHORT_CELLS, cut, history_text, item_text, query_text
from huaxiang.types import Item

POT = Item(
    "pot", "Red Teapot", "Acme", ("Home", "Tea"), "A pot of clay.", attributes={"size": ("1 l",), "colour": ("red",)}
)
CUP = Item("cup", "蓝色茶杯", "景德", ("家居", "茶具"), "手工 制作")
TYRE = Item("tyre", "Tyre")


def cells(text: str) -> float:
    return sum(1 if unicodedata.east_asian_width(c) in "WF" else 0.25 for c in text)


def test_an_item_is_worded_name_first_and_description_last() -> None:
    assert item_text(POT) == "Red Teapot | Acme | Home | Tea | red | 1 l | A pot of clay."
    assert item_text(CUP) == "蓝色茶杯 | 景德 | 家居 | 茶具 | 手工 制作"


def test_what_the_shop_says_twice_or_does_not_know_is_not_read() -> None:
    assert item_text(Item("x", "Acme", "ACME", ("Unknown", "Tea"), "Acme")) == "Acme | Tea"


def test_an_item_of_which_nothing_is_known_is_read_by_its_id() -> None:
    assert item_text(Item("sku-7")) == "sku-7"


def test_a_history_has_the_newest_first_queries_before_items() -> None:
    assert (
        history_text([POT, CUP, TYRE], ["tea", " 茶  杯 "])
        == "茶 杯 | tea | Tyre | 蓝色茶杯 景德 茶具 | Red Teapot Acme Tea"
    )


def test_an_item_seen_twice_stands_at_its_newest_place_once() -> None:
    assert history_text([TYRE, CUP, TYRE]) == "Tyre | 蓝色茶杯 景德 茶具"


def test_a_newcomer_has_an_empty_history() -> None:
    assert history_text([], []) == ""


def test_a_long_history_keeps_its_newest_end() -> None:
    items = [Item(f"p{n}", f"Teapot number {n} of a very long series") for n in range(100)]
    text = history_text(items)
    assert text.startswith("Teapot number 99 ")
    assert cells(text) <= HISTORY_CELLS


def test_ten_megabytes_of_description_are_cut_like_any_other() -> None:
    assert cells(item_text(Item("x", "茶壶", description="好" * 10_000_000))) <= ITEM_CELLS


@pytest.mark.parametrize(
    ("text", "most", "kept"),
    [
        ("red teapot", 3, "red teapot"),
        ("red teapot", 2, "red"),
        ("茶壶很好", 2, "茶壶"),
        ("茶壶 ab", 2, "茶壶"),
        ("", 1, ""),
    ],
)
def test_a_cut_counts_a_chinese_character_as_four_latin_ones(text: str, most: int, kept: str) -> None:
    assert cut(text, most) == kept


@given(st.text(max_size=300), st.integers(1, 40))
@settings(deadline=None, max_examples=60)
def test_a_cut_is_a_beginning_within_its_room(text: str, most: int) -> None:
    kept = cut(text, most)
    assert text.startswith(kept)
    assert cells(kept) <= most


@given(st.text(max_size=200))
@settings(deadline=None, max_examples=60)
def test_a_query_is_short_and_on_one_line(query: str) -> None:
    worded = query_text(query)
    assert cells(worded) <= SHORT_CELLS
    assert worded == " ".join(worded.split())
    assert query_text(worded) == worded

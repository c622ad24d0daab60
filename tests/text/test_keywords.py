"""What sets a text apart in its shop."""

import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huaxiang.errors import ConfigError, DataError
from huaxiang.text.keywords import Keywords

SHOP = ["red teapot", "green teapot", "blue teapot cup", "blue tyre", "茶壶 红色", "茶壶 绿色"]


def test_a_rarer_word_stands_before_a_common_one() -> None:
    keywords = Keywords(max_share=1.0).fit(SHOP)
    (first, heavy), (second, light) = keywords.top("blue teapot", 2)
    blue, teapot = math.log(7 / 3) + 1, math.log(7 / 4) + 1  # in 2 and 3 of 6 texts
    assert (first, second) == ("blue", "teapot")
    assert heavy / light == pytest.approx(blue / teapot, rel=1e-6)
    assert heavy**2 + light**2 == pytest.approx(1.0)


def test_a_word_said_by_one_text_alone_may_be_a_typing_error_and_is_no_keyword() -> None:
    assert Keywords(max_share=1.0).fit(SHOP).top("red tyre 茶壶", 3) == [("茶壶", 1.0)]


def test_a_word_that_every_text_says_sets_nothing_apart() -> None:
    keywords = Keywords(max_share=0.5).fit(["shop tea", "shop tea", "shop cup", "shop cup"])
    assert [word for word, _ in keywords.top("shop tea cup", 3)] == ["cup", "tea"]


def test_equal_weights_stand_in_alphabetical_order_whatever_the_order_of_texts() -> None:
    texts = ["tea cup", "cup tea", "pot"]
    assert Keywords(max_share=1.0).fit(texts).top("tea cup", 2) == Keywords(max_share=1.0).fit(texts[::-1]).top(
        "cup tea", 2
    )


def test_an_empty_shop_and_an_unknown_text_have_no_keywords() -> None:
    assert Keywords().fit([]).top("red teapot", 3) == []
    assert Keywords(max_share=1.0).fit(SHOP).top("", 3) == []
    assert Keywords().top("not fitted yet", 3) == []


def test_memory_is_bounded_by_the_number_of_terms() -> None:
    texts = [f"teapot word{n}x word{n}x{m}y" for n in range(300) for m in range(2)]
    keywords = Keywords(max_terms=10, max_share=1.0).fit(texts)
    assert len(keywords) <= 10
    assert keywords.top("teapot", 1) == [("teapot", 1.0)]


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(ConfigError, match="max_share"):
        Keywords(max_share=0.0)


@given(
    st.lists(st.text(alphabet="ab 茶壶红xr-2", max_size=20), max_size=12),
    st.text(alphabet="ab 茶壶红xr-2", max_size=30),
)
@settings(deadline=None, max_examples=40)
def test_what_was_saved_answers_as_before(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], asked: str
) -> None:
    folder = tmp_path_factory.mktemp("keywords")
    keywords = Keywords(min_df=1, max_share=1.0).fit(texts)
    keywords.save(folder)
    assert Keywords.load(folder).top(asked, 5) == keywords.top(asked, 5)
    assert Keywords.load(folder).n_texts == len(texts)


def test_a_folder_without_keywords_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"keywords\.json"):
        Keywords.load(tmp_path)

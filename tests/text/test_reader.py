"""A text read once, at intake."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huaxiang.text.reader import MAX_KEYWORDS, READER, read


def test_a_review_is_read_into_language_feeling_aspects_and_terms() -> None:
    reading = read("这个茶壶漏水，客服不理人，第二个茶壶也碎了")
    assert (reading.reader, reading.language) == (READER, "zh")
    assert reading.polarity is not None
    assert reading.polarity < 0
    assert reading.aspects["service"] < 0
    assert reading.keywords[0] == "茶壶"
    assert "漏水" in reading.keywords


def test_a_title_in_two_languages_keeps_brand_model_and_kind() -> None:
    assert {"sony", "wh-1000xm5", "降噪", "耳机"} <= set(read("Sony WH-1000XM5 无线降噪耳机").keywords)


def test_praise_is_no_keyword() -> None:
    assert set(read("very good, lovely teapot, 很漂亮, 非常满意").keywords) == {"teapot"}


def test_an_empty_text_says_nothing() -> None:
    reading = read("")
    assert (reading.language, reading.polarity, reading.strength) == ("und", None, 0.0)
    assert not reading.aspects
    assert reading.keywords == ()


@pytest.mark.parametrize("unit", ["质量很好，物流太慢！", "great but slow delivery, ", "不", "a", "茶", "😀", "\ud800"])
def test_ten_megabytes_cost_no_more_than_their_beginning(unit: str) -> None:
    text = unit * (10_000_000 // len(unit))
    start = time.process_time()
    reading = read(text)
    assert time.process_time() - start < 2.0  # a tenth of it on a quiet core
    assert len(reading.keywords) <= MAX_KEYWORDS


def test_what_stands_after_the_part_that_is_read_changes_nothing() -> None:
    assert read("好" * 5_000 + "质量太差") == read("好" * 5_000)


@given(st.text(max_size=150))
@settings(deadline=None, max_examples=60)
def test_any_text_is_read_the_same_way_twice(text: str) -> None:
    assert read(text) == read(text)

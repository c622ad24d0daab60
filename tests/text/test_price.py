"""What a query says of the price."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huaxiang.text.price import read_price


@pytest.mark.parametrize(
    ("query", "low", "high", "rest"),
    [
        ("running shoes under $50", None, 50.0, "running shoes"),
        ("dress between 20 and 30 dollars", 20.0, 30.0, "dress"),
        ("$20-$40 mug", 20.0, 40.0, "mug"),
        ("hat 25 dollars or less", None, 25.0, "hat"),
        ("over 1,000 usd watch", 1000.0, None, "watch"),
        ("$100+ bag", 100.0, None, "bag"),
        ("红色连衣裙 200元以下", None, 200.0, "红色连衣裙"),
        ("100到200元的包", 100.0, 200.0, "的包"),
        ("100-200元 裙子", 100.0, 200.0, "裙子"),
        ("手机 不超过2千", None, 2000.0, "手机"),
        ("耳机 500以上", 500.0, None, "耳机"),
        ("¥300左右的耳机", 240.0, 360.0, "的耳机"),
        ("5000mah 充电宝 100以内", None, 100.0, "5000mah 充电宝"),
    ],
)
def test_a_price_is_read_and_taken_out(query: str, low: float | None, high: float | None, rest: str) -> None:
    found = read_price(query)
    assert (found.low, found.high, found.rest) == (low, high, rest)


@pytest.mark.parametrize(
    "query",
    [
        "tv under 50 inch",
        "4-6 ft ladder",
        "20 to 30 gallon tank",
        "under armour",
        "iphone 15",
        "less than 3 lb dumbbell",
    ],
)
def test_measures_and_names_are_no_prices(query: str) -> None:
    found = read_price(query)
    assert not found.is_bounded
    assert found.rest == query


def test_bounds_that_contradict_each_other_are_none() -> None:
    assert not read_price("over 100 under 50 lamp").is_bounded


def test_cheap_and_premium_are_bands_and_no_words_to_look_for() -> None:
    assert (read_price("cheap phone").band, read_price("cheap phone").rest) == ("low", "phone")
    assert (read_price("平价口红").band, read_price("平价口红").rest) == ("low", "口红")
    assert read_price("luxury watch").band == "high"
    assert read_price("cheap").rest == "cheap", "where nothing else is said there is nothing else to look for"


@given(st.text(max_size=300))
def test_any_text_is_read_and_bounds_are_in_order(query: str) -> None:
    found = read_price(query)
    assert found.low is None or found.high is None or found.low <= found.high


@given(st.integers(1, 99_999), st.sampled_from(["under ${}", "below {} dollars", "{}元以下", "不超过{}元", "max ${}"]))
def test_an_upper_bound_is_read_in_any_wording(price: int, wording: str) -> None:
    found = read_price(f"lamp {wording.format(price)}")
    assert (found.low, found.high, found.rest) == (None, float(price), "lamp")

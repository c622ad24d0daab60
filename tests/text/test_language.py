"""Which language a shopper wrote in."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huaxiang.text.language import detect


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("物流很快但是质量差", "zh"),
        ("这个 wi-fi 路由器很好", "zh"),
        ("好", "zh"),
        ("Very good tea pot", "en"),
        ("not bad", "en"),
        ("The kettle leaks after two weeks, I want my money back", "en"),
        ("これは良い商品です", "ja"),
        ("정말 좋은 제품입니다", "ko"),
        ("Отличный товар, всем советую", "ru"),
        ("Das Paket kam leider viel zu spät an", "de"),
    ],
)
def test_a_review_is_known_by_its_script_or_its_words(text: str, language: str) -> None:
    assert detect(text) == language


@pytest.mark.parametrize("text", ["", "  ", "XR-200", "123", "😀😀", "???", "\ud800"])
def test_a_model_number_or_an_emoji_is_in_no_language(text: str) -> None:
    assert detect(text) == "und"


@given(st.text(max_size=80))
@settings(deadline=None, max_examples=60)
def test_any_text_has_one_language_and_keeps_it(text: str) -> None:
    assert detect(text) == detect(text) != ""


def test_surrogates_halves_from_broken_json_are_passed_over() -> None:
    assert detect("Very good tea pot \ud83d from the shop") == "en"

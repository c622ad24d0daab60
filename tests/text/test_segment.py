"""A shop's words in two languages."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huaxiang.text.segment import content_words, segment


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("物流很快但是质量差", ["物流", "很快", "但是", "质量", "差"]),
        ("Sony WH-1000XM5 降噪耳机", ["sony", "wh-1000xm5", "降噪", "耳机"]),
        ("The XR-200's a 1.5 mm drill!", ["the", "xr-200's", "a", "1.5mm", "drill"]),
        ("洗发水 500 毫升 + 50ML", ["洗发水", "500毫升", "50ml"]),
        ("ＸＲ－２００ ｉＰｈｏｎｅ", ["xr-200", "iphone"]),
        ("纯棉T恤", ["纯棉", "t恤"]),
        ("I don’t 😀 like C++", ["i", "don't", "like", "c++"]),
        ("чай и кофе", ["чай", "и", "кофе"]),
        ("", []),
        ("😀 !!! ——", []),
    ],
)
def test_words_model_numbers_and_amounts_stay_whole(text: str, words: list[str]) -> None:
    assert segment(text) == words


def test_stop_words_of_both_languages_and_bare_numbers_carry_nothing() -> None:
    assert content_words("这 是 我 的 茶壶 and the 2 red cups x") == ["茶壶", "red", "cups"]


@given(st.text(max_size=200))
@settings(deadline=None, max_examples=60)
def test_no_text_breaks_it_and_no_word_is_empty(text: str) -> None:
    words = segment(text)
    assert all(word and not word.isspace() for word in words)


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=100))
@settings(deadline=None, max_examples=60)
def test_every_letter_and_digit_is_in_some_word(text: str) -> None:
    plain = unicodedata.normalize("NFKC", text).lower()
    assert {c for c in plain if c.isalnum()} <= set("".join(segment(text)))


def test_half_a_surrogate_pair_is_passed_over() -> None:
    assert segment("tea \ud83d 茶壶") == ["tea", "茶壶"]


@given(st.text(st.characters(max_codepoint=127), max_size=60) | st.text("0123456789 .-'/+#kmgitfnx\t", max_size=30))
def test_a_text_of_ascii_alone_is_cut_as_beside_other_letters(text: str) -> None:
    assert segment(f"{text} 茶") == [*segment(text), "茶"]

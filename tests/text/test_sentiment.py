"""What shoppers feel, and about what."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huaxiang.text.sentiment import sentiment


@pytest.mark.parametrize(
    "text",
    [
        "很满意",
        "质量很好，穿着很舒服",
        "不错",
        "没有异味，不掉色",
        "一点也不贵",
        "赞赞赞赞赞",
        "虽然有点贵，但是质量非常好",
        "很好，就是快递慢了点",
        "会再来的",
        "没有了，谢谢",
        "没有了谢谢",
        "不得不说很好吃",
        "👍👍",
        "not bad at all",
        "Works great and easy to use",
        "质量 very good",
    ],
)
def test_a_pleased_shopper(text: str) -> None:
    polarity = sentiment(text).polarity
    assert polarity is not None
    assert polarity > 0


@pytest.mark.parametrize(
    "text",
    [
        "不太满意",
        "没有想象中的好",
        "一点也不好用",
        "质量太差了",
        "再也不会买了",
        "以为质量很好，结果用了两天就坏了",
        "包装很漂亮，但是东西坏了",
        "性价比不高",
        "垃圾",
        "😡",
        "It stopped working after two days",
        "Would not recommend, waste of money",
        "买来就坏 terrible",
    ],
)
def test_an_angry_shopper(text: str) -> None:
    polarity = sentiment(text).polarity
    assert polarity is not None
    assert polarity < 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "这款茶壶容量500ml",
        "请问什么时候发货",
        "麻烦您帮我改一下地址",
        "The tea pot holds 500 ml.",
        "Where is my order?",
        "XR-200",
        "\ud800",
    ],
)
def test_a_plain_statement_or_question_has_no_polarity(text: str) -> None:
    assert sentiment(text).polarity is None
    assert sentiment(text).strength == 0.0


@pytest.mark.parametrize("text", ["Das Paket kam leider viel zu spät an", "これは悪い商品です"])
def test_a_language_that_is_not_read_is_not_guessed_at(text: str) -> None:
    assert sentiment(text).polarity is None


def test_a_denied_praise_is_a_blame_and_a_degree_makes_it_stronger() -> None:
    value = {text: sentiment(text).polarity or 0.0 for text in ("满意", "非常满意", "不满意", "有点慢", "太慢")}
    assert value["非常满意"] > value["满意"] > 0 > value["不满意"]
    assert value["太慢"] < value["有点慢"] < 0


def test_a_question_is_not_a_praise() -> None:
    assert (sentiment("质量好吗？").polarity or 0.0) < (sentiment("质量好！").polarity or 0.0)


def test_an_english_review_with_a_chinese_word_in_it_is_read_as_english() -> None:
    text = "I bought the 茶壶 last week. It stopped working after two days, would not recommend."
    assert (sentiment(text).polarity or 0.0) < -0.4


def signs(text: str) -> dict[str, int]:
    return {aspect: 1 if value > 0 else -1 for aspect, value in sentiment(text).aspects.items()}


@pytest.mark.parametrize(
    ("text", "aspects"),
    [
        ("物流很快但是质量差", {"delivery": 1, "quality": -1}),
        ("物流很快质量差", {"delivery": 1, "quality": -1}),
        ("客服态度很好，就是有点贵", {"service": 1, "price": -1}),
        ("包装破了，味道还不错", {"packaging": -1, "taste": 1}),
        ("尺码偏大，颜色很漂亮", {"size": -1, "appearance": 1}),
        ("Fast delivery and poor quality. Too expensive though.", {"delivery": 1, "quality": -1, "price": -1}),
        ("The shoes are too small but look beautiful", {"size": -1, "appearance": 1}),
        ("快递很快, but quality is terrible", {"delivery": 1, "quality": -1}),
        ("很喜欢", {}),
        ("I ordered it on Monday", {}),
    ],
)
def test_each_aspect_has_the_polarity_of_the_words_about_it(text: str, aspects: dict[str, int]) -> None:
    assert signs(text) == aspects


def test_a_mixed_review_is_strong_though_its_polarity_is_near_zero() -> None:
    mixed = sentiment("质量很好，价格太贵")
    assert abs(mixed.polarity or 0.0) < 0.35
    assert mixed.strength > 0.6


@given(st.text(max_size=120) | st.text(alphabet="不没很太好差贵但是就是吗！？，。 ok👍", max_size=40))
@settings(deadline=None, max_examples=60)
def test_any_text_stays_within_its_bounds(text: str) -> None:
    for language in (None, "zh", "en"):
        found = sentiment(text, language)
        assert found.polarity is None or -1.0 <= found.polarity <= 1.0
        assert 0.0 <= found.strength <= 1.0
        assert all(-1.0 <= value <= 1.0 for value in found.aspects.values())

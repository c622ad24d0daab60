"""What a query does not want."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huaxiang.text.negation import read_negations


@pytest.mark.parametrize(
    ("query", "rest", "unwanted"),
    [
        ("running shoes not nike", "running shoes", ("nike",)),
        ("shoes without leather or suede", "shoes", ("leather", "suede")),
        ("t-shirt but not red, blue", "t-shirt", ("red", "blue")),
        ("shoes -nike -adidas", "shoes", ("nike", "adidas")),
        ("不要耐克的运动鞋", "运动鞋", ("耐克",)),
        ("除了苹果以外的手机", "手机", ("苹果",)),
        ("手机 不要苹果和华为", "手机", ("苹果", "华为")),
    ],
)
def test_what_is_not_wanted_is_taken_out(query: str, rest: str, unwanted: tuple[str, ...]) -> None:
    assert read_negations(query) == (rest, unwanted)


@pytest.mark.parametrize(
    "query", ["wi-fi router", "无线耳机", "不锈钢锅", "knot rope", "x-large - shirt", "drop table --"]
)
def test_words_that_only_look_like_it_stay(query: str) -> None:
    assert read_negations(query) == (query, ())


def test_where_nothing_else_is_said_nothing_is_taken_out() -> None:
    assert read_negations("not nike") == ("not nike", ())


@given(st.text(max_size=300))
def test_any_text_is_read(query: str) -> None:
    rest, unwanted = read_negations(query)
    assert not unwanted or any(character.isalnum() for character in rest)

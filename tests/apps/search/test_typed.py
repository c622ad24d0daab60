"""What was typed so far, and which part of a suggestion it is."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huaxiang.apps.search.typed import elements, highlight, other_characters, plain, slipped, spoken, starts


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Men's  12-Gauge", "mens 12 gauge"),
        ("红色 连衣裙 T恤 abc", "红色连衣裙t恤abc"),
        ("ＲＡＩＮ", "rain"),
        ("  ", ""),
        ("💥\u202e\x00", ""),
        ("чай и кофе", "чай и кофе"),
    ],
)
def test_one_form_for_one_beginning(text: str, said: str) -> None:
    assert plain(text) == said


def test_words_begin_where_blanks_and_cuts_are() -> None:
    assert starts("mens 12 gauge") == [0, 5, 8]
    assert starts("红色连衣裙t恤") == [0, 2, 5, 6]
    assert starts("a b c d e f g h") == [0, 2, 4, 6, 8, 10]
    assert starts("") == []


def test_a_text_is_spoken_from_each_word_on() -> None:
    assert spoken("红色连衣裙", [0, 2]) == [("hongselianyiqun", "hslyq"), ("lianyiqun", "lyq")]


def test_syllables_may_be_whole_cut_or_characters() -> None:
    assert elements("连yq") == [(("lian", "连"), ("y", ""), ("q", ""))]
    assert other_characters((("lian", "练"), ("yi", "")), "红色连衣裙") == 1
    assert other_characters((("lian", ""), ("y", "")), "红色连衣裙") == 0
    assert other_characters((("qun", ""),), "红色") is None


def test_a_slip_is_looked_for_in_letters_that_are_neither_few_nor_many() -> None:
    assert {"shower", "show er", "hwoer", "shwwoer", "shwxer"} - set(slipped("shwoer")) == {"show er"}
    assert "shwoer" not in slipped("shwoer")
    assert slipped("shw") == slipped("连衣裙裙") == slipped("s" * 40) == []


@pytest.mark.parametrize(
    ("text", "typed", "shown"),
    [
        ("Rain Shower Head", "rain sho", ["Rain Sho"]),
        ("Rain Shower Head", "show", ["Show"]),
        ("Men's Rain-Shower", "mens rain", ["Men's Rain"]),
        ("红色 连衣裙", "lianyi", ["连衣"]),
        ("红色 连衣裙", "lyq", ["连衣裙"]),
        ("红色 连衣裙", "红色连", ["红色 连"]),
        ("红色 连衣裙", "练衣", ["连衣"]),
        ("Coat, rain", "rain co", ["Co", "rain"]),
        ("Rain coat", "xyz", []),
        ("Rain", "", []),
        ("", "rain", []),
    ],
)
def test_what_was_typed_is_marked(text: str, typed: str, shown: list[str]) -> None:
    assert [text[start:end] for start, end in highlight(text, typed)] == shown


@given(st.text(max_size=40), st.text(max_size=20))
@settings(deadline=None, max_examples=150)
def test_marks_lie_inside_the_text_in_order(text: str, typed: str) -> None:
    ends = [0, *(place for both in highlight(text, typed) for place in both)]
    assert all(0 <= start < end <= len(text) for start, end in highlight(text, typed))
    assert ends == sorted(ends) or typed.split() != [typed]


@given(st.text(max_size=40))
@settings(deadline=None, max_examples=150)
def test_a_plain_text_is_its_own_and_each_start_is_spoken(text: str) -> None:
    said = plain(text)
    assert plain(said) == said
    assert len(spoken(said, starts(said))) == len(starts(said))

"""Chinese words by their sound."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huaxiang.text.pinyin import confused, has_han, initials, parses, sound, sounds, syllables, units


@pytest.mark.parametrize(
    ("word", "said", "first"),
    [
        ("连衣裙", "lianyiqun", "lyq"),
        ("女装", "nvzhuang", "nz"),
        ("T恤", "txu", "tx"),
        ("红色 连衣裙", "hongselianyiqun", "hslyq"),
        ("dress", "dress", "d"),
        ("", "", ""),
    ],
)
def test_words_are_read_without_tones(word: str, said: str, first: str) -> None:
    assert (sound(word), initials(word)) == (said, first)


@pytest.mark.parametrize(("word", "said"), [("银行", "yinhang"), ("行李", "xingli"), ("长款", "changkuan")])
def test_a_character_of_several_readings_is_read_as_its_phrase_has_it(word: str, said: str) -> None:
    assert sound(word) == said
    assert sounds(word) == (said,)


def test_a_word_that_is_no_phrase_has_its_other_readings_too() -> None:
    assert sounds("乐高") == ("legao", "yuegao")
    assert len(sounds("重重重重重")) == 4


@pytest.mark.parametrize(
    ("one", "other"),
    [("zhang", "zan"), ("chi", "ci"), ("shan", "sang"), ("nan", "lang"), ("fang", "huan"), ("lv", "nu")],
)
def test_sounds_that_people_confuse_are_one(one: str, other: str) -> None:
    assert confused(one) == confused(other)


def test_other_sounds_are_not() -> None:
    assert (
        len({confused(said) for said in ("ban", "pan", "dan", "tan", "gan", "kan", "zan", "can", "san", "han")}) == 10
    )


def test_letters_are_read_as_syllables_and_initials() -> None:
    assert parses("lianyiq")[0] == ("lian", "yi", "q")
    assert parses("lyq") == (("l", "y", "q"),)
    assert parses("xian")[0] == ("xian",)
    assert ("xi", "an") in parses("xian")
    assert parses("dress9") == ()


def test_each_unit_of_a_text_has_its_place() -> None:
    assert units("纯棉t恤 abc") == [
        (0, "纯", "chun"),
        (1, "棉", "mian"),
        (2, "t", "t"),
        (3, "恤", "xu"),
        (5, "abc", "abc"),
    ]


@given(st.text(max_size=60))
@settings(deadline=None, max_examples=80)
def test_no_text_breaks_it(text: str) -> None:
    assert len(units(text)) == len(syllables(text))
    assert sounds(text)[0] == sound(text)
    assert has_han(text) == any(has_han(letter) for letter in text)
    for way in parses(text):
        assert "".join(way) == text


def test_long_input_is_bounded() -> None:
    assert parses("a" * 10_000) == ()
    assert parses("lianyiqun" * 4)[0][:3] == ("lian", "yi", "qun")

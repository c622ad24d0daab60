"""Words near a word: everything within the slips that are forgiven is found."""

import string

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import OSA

from huaxiang.text.near_words import NearWords, slack
from huaxiang.text.readings import allowed_slips

_LETTERS = st.sampled_from(string.ascii_lowercase[:5] + "连衣裙é")


def found(index: NearWords, words: list[str], typed: str, left_out: int) -> set[str]:
    return {words[number] for _, number in index.find([typed], [left_out])}


def test_a_letter_lost_added_replaced_or_swapped_is_found() -> None:
    words = ["bracket", "brackets", "basket", "lamp"]
    index = NearWords.of(words)
    for typed in ("brcket", "braccket", "brakket", "bracekt", "bracket"):
        assert "bracket" in found(index, words, typed, 1)
        assert "lamp" not in found(index, words, typed, 1)


@given(st.lists(st.text(_LETTERS, min_size=3, max_size=14), min_size=1, max_size=30), st.data())
@settings(deadline=None, max_examples=150)
def test_whatever_is_within_the_forgiven_slips_is_a_candidate(words: list[str], data: st.DataObject) -> None:
    typed = data.draw(st.text(_LETTERS, min_size=1, max_size=14) | st.sampled_from(words))
    allowed = min(allowed_slips(typed), 2)
    index = NearWords.of(words)
    near = {
        word
        for word in words
        if OSA.distance(typed, word) <= min(allowed, slack(len(word)))  # a short word is left one letter out only
    }
    assert near <= found(index, words, typed, allowed)


def test_words_that_come_later_are_numbered_on() -> None:
    both = NearWords.of(["bracket"]).with_more(NearWords.of(["shower", "lamp"], 1))
    assert {number for _, number in both.find(["shwoer"], [1])} == {1}
    assert {number for _, number in both.find(["brackte"], [1])} == {0}
    assert both.n_bytes == 8 * len(both)


@pytest.mark.parametrize("typed", ["", "x", "x" * 10_000, "\ud83d\ude00", "\x00\x00\x00\x00"])
def test_anything_may_be_asked(typed: str) -> None:
    assert NearWords.of(["bracket"]).find([typed], [2]) == []
    assert NearWords.of([]).find([typed], [1]) == []


def test_memory_is_what_the_docstring_says() -> None:
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list(string.ascii_lowercase), 9)) for _ in range(500)]
    assert NearWords.of(words).n_bytes == 500 * 37 * 8

"""Which pieces are one word."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from huaxiang.encoder.pretraining.words import NO_WORD, word_starts, words_of_pieces
from huaxiang.encoder.tokenizer import train_tokenizer
from huaxiang.encoder.tokens import Tokens


def each_character(text: str) -> list[tuple[int, int]]:
    return [(i, i + 1) for i in range(len(text))]


def test_chinese_characters_of_one_word_go_together() -> None:
    text = "手机很好"  # jieba: 手机 / 很 / 好
    assert words_of_pieces(text, each_character(text)) == [0, 0, 1, 2]


def test_an_english_word_is_whole_and_punctuation_stands_alone() -> None:
    text = "hiking boots!"
    spans = [(0, 4), (4, 6), (7, 12), (12, 13)]  # hik ##ing boots !
    assert words_of_pieces(text, spans) == [0, 0, 1, 2]


def test_chinese_and_english_that_touch_are_two_words() -> None:
    assert words_of_pieces("T恤XL码", [(0, 1), (1, 2), (2, 4), (4, 5)]) == [0, 1, 2, 3]


def test_special_tokens_and_the_prefix_are_no_words() -> None:
    text = "query: tea"
    assert words_of_pieces(text, [(0, 0), (0, 5), (5, 6), (6, 10), (0, 0)], n_prefix=7) == [-1, -1, -1, 0, -1]


def test_a_piece_over_the_end_of_a_word_joins_both() -> None:
    # SentencePiece cuts 的手 / 机, jieba 的 / 手机: what is asked of 机 would be told by 手.
    assert words_of_pieces("的手机", [(0, 2), (2, 3)]) == [0, 0]


def test_the_blank_before_a_word_is_not_its_word() -> None:
    # SentencePiece: "▁tea" is read from 3 to 7, blank included.
    assert words_of_pieces("my tea", [(0, 2), (2, 6)]) == [0, 1]


def test_bytes_of_one_character_go_together() -> None:
    assert words_of_pieces("茶", [(0, 1), (0, 1), (0, 1)]) == [0, 0, 0]


@given(st.text(max_size=60))
def test_words_cover_the_text_from_left_to_right(text: str) -> None:
    starts = word_starts(text)
    assert len(starts) == len(text)
    assert starts == sorted(starts)
    assert all(starts[start] == start for start in starts)


@given(st.text(alphabet="tea 茶壶手机很好!\u3000é", max_size=40))
def test_every_piece_of_a_real_tokenizer_gets_a_word_but_the_special_ones(text: str) -> None:
    (read, ids, spans) = TOKENS.spans([text])[0]
    numbers = np.array(words_of_pieces(read, spans))
    assert len(numbers) == len(ids)
    if ids:
        assert numbers[[0, -1]].tolist() == [NO_WORD, NO_WORD]
        inner = numbers[1:-1]
        assert inner[0] == 0
        assert set(np.diff(inner).tolist()) <= {0, 1}


TOKENS = Tokens(train_tokenizer(["tea tea 茶壶 手机 很好 !"] * 2, 400), 32)

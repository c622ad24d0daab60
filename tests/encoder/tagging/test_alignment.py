"""Which token reads which character: SentencePiece joins characters, folds them, and splits them."""

import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from huaxiang.encoder.tagging.alignment import N_PLACES, align, unit_places
from huaxiang.encoder.tagging.units import CHARACTERS, WORDS, cut, joined
from huaxiang.encoder.tokens import Tokens
from huaxiang.errors import UnknownNameError

PIECES = ("<s>", "</s>", "<unk>", "▁", "▁帽子", "帽子", "帽", "子", "红", "▁Nike", "ke", "m", "2", "▁13", "iPhone")


def sentence_piece(*, max_tokens: int = 16, prefix: str = "") -> Tokens:
    """A tokenizer of the kind of XLM-R's, with `帽子` in one piece."""
    tokenizer = Tokenizer(models.Unigram([(piece, -1.0 * len(piece) ** 0.5) for piece in PIECES], unk_id=2))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Strip()])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 1)]
    )
    return Tokens(tokenizer, max_tokens, prefix)


def read(tokens: Tokens, text: str, unit: str = CHARACTERS) -> list[tuple[str, str, int]]:
    """Each unit with the piece that reads it, and its place there."""
    units = cut(text, unit)
    found = align(tokens, text, units)
    pieces = [PIECES[i] for i in found.ids]
    return [
        (text[start:end], pieces[token] if token >= 0 else "", place)
        for (start, end), token, place in zip(units, found.token_U.tolist(), found.place_U.tolist(), strict=True)
    ]


def test_two_characters_of_one_piece_are_told_apart_by_their_place() -> None:
    assert read(sentence_piece(), "红帽子") == [("红", "红", 0), ("帽", "帽子", 0), ("子", "帽子", 1)]


def test_a_blank_before_a_piece_is_no_place() -> None:
    assert read(sentence_piece(), "红 13") == [("红", "红", 0), ("1", "▁13", 0), ("3", "▁13", 1)]


def test_a_sign_that_is_folded_into_two_pieces_takes_one_of_them() -> None:
    assert read(sentence_piece(), "㎡红") == [("㎡", "2", 0), ("红", "红", 0)]


def test_the_mark_of_a_beginning_that_stands_alone_reads_nothing() -> None:
    tokens = sentence_piece()
    assert [PIECES[i] for i in align(tokens, "红", [(0, 1)]).ids] == ["<s>", "▁", "红", "</s>"]
    assert read(tokens, "红") == [("红", "红", 0)]


def test_blanks_around_and_a_prefix_shift_nothing() -> None:
    bare = read(sentence_piece(), "红帽子")
    assert read(sentence_piece(prefix="m "), "  红帽子 ") == bare


def test_a_word_takes_its_first_piece() -> None:
    assert read(sentence_piece(), "Nike 13", WORDS) == [("Nike", "▁Nike", 0), ("13", "▁13", 0)]


def test_what_lies_beyond_the_cut_off_is_not_read() -> None:
    assert [piece for _, piece, _ in read(sentence_piece(max_tokens=5), "红红红红")] == [
        "红",
        "红",
        "",
        "",
    ]


def test_a_blank_text_has_no_tokens() -> None:
    found = align(sentence_piece(), "  ", [])
    assert (found.ids, found.token_U.tolist()) == ([], [])


def test_places_are_bounded() -> None:
    found = align(sentence_piece(), "iPhone" * 2, cut("iPhone" * 2, CHARACTERS))
    assert found.place_U.max() <= N_PLACES - 1


def test_a_batch_is_filled_with_the_first_token() -> None:
    tokens = sentence_piece()
    texts = [align(tokens, text, cut(text, CHARACTERS)) for text in ("红帽子", "红")]
    token_BU, place_BU = unit_places(texts)
    assert token_BU.shape == place_BU.shape == (2, 3)
    assert token_BU[1].tolist() == [texts[1].token_U[0], 0, 0]


def test_words_are_whole_and_each_chinese_character_and_sign_is_one() -> None:
    text = "Men's XR-200 跑鞋, new!"
    units = [text[start:end] for start, end in cut(text, WORDS)]
    assert units == ["Men's", "XR-200", "跑", "鞋", ",", "new", "!"]


def test_words_are_joined_by_blanks_and_chinese_by_nothing() -> None:
    text, places = joined(["Nike", "跑", "鞋", "42"], WORDS)
    assert text == "Nike 跑鞋 42"
    assert [text[start:end] for start, end in places] == ["Nike", "跑", "鞋", "42"]


def test_a_unit_that_nobody_knows_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="characters, words"):
        cut("tea", "syllables")

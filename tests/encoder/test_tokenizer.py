"""The tokenizer that a shop's own text makes."""

from huaxiang.encoder.tokenizer import train_tokenizer
from huaxiang.encoder.tokens import Tokens

TITLES = ["Yixing teapot 紫砂壶", "teapot lid 壶盖", "Teapots 茶壶 ２２０ML", "tea 茶"]


def test_each_chinese_character_is_a_piece_of_its_own() -> None:
    assert train_tokenizer(TITLES).encode("紫砂壶").tokens == ["[CLS]", "紫", "砂", "壶", "[SEP]"]


def test_case_accents_and_full_width_digits_are_folded() -> None:
    tokenizer = train_tokenizer(TITLES)
    assert tokenizer.encode("TEAPÓT ２２０").ids == tokenizer.encode("teapot 220").ids


def test_a_word_that_stands_twice_becomes_one_piece() -> None:
    assert train_tokenizer(TITLES).encode("teapot").tokens == ["[CLS]", "teapot", "[SEP]"]


def test_the_same_texts_give_the_same_tokenizer() -> None:
    assert train_tokenizer(TITLES).to_str() == train_tokenizer(TITLES).to_str()


def test_a_small_shop_gets_a_small_vocabulary_and_a_large_one_the_stated_limit() -> None:
    words = [f"{a}{b}{c} {a}{b}{c}" for a in "bcdfgh" for b in "aeiou" for c in "klmnpr"]
    assert train_tokenizer(words, max_vocabulary=60).get_vocab_size() == 60


def test_a_text_is_cut_to_the_tokens_allowed_with_its_end_mark() -> None:
    tokenizer = train_tokenizer(TITLES)
    (ids,) = Tokens(tokenizer, 4).ids(["tea tea tea tea tea tea"])
    assert [tokenizer.id_to_token(i) for i in ids] == ["[CLS]", "tea", "tea", "[SEP]"]

"""What every encoder owes its callers; an implementation inherits the suite and gives the `encoder` fixture."""

import numpy as np

from huaxiang.encoder import Encoder

TITLES = [
    "waterproof hiking boots, leather, size 42",
    "防水登山鞋 真皮 42码",
    "green tea 绿茶 250g",
    "pot",
    "a cast iron tea pot with an infuser, enamelled inside, for four cups",
]


class EncoderContract:
    def test_every_text_gets_one_row_of_the_stated_width(self, encoder: Encoder) -> None:
        vectors = encoder.encode(TITLES)
        assert vectors.shape == (5, encoder.d)
        assert vectors.dtype == np.dtype(np.float32)

    def test_rows_have_length_one(self, encoder: Encoder) -> None:
        np.testing.assert_allclose(np.linalg.norm(encoder.encode(TITLES), axis=1), 1.0, atol=1e-5)

    def test_no_texts_give_no_rows(self, encoder: Encoder) -> None:
        assert encoder.encode([]).shape == (0, encoder.d)

    def test_the_same_text_gives_the_same_vector(self, encoder: Encoder) -> None:
        np.testing.assert_array_equal(encoder.encode(TITLES), encoder.encode(TITLES))

    def test_a_vector_does_not_depend_on_its_neighbours_in_the_call(self, encoder: Encoder) -> None:
        alone = np.concatenate([encoder.encode([title]) for title in TITLES])
        np.testing.assert_allclose(encoder.encode(TITLES), alone, atol=1e-5)

    def test_rows_stand_in_the_order_of_the_texts(self, encoder: Encoder) -> None:
        np.testing.assert_allclose(encoder.encode(TITLES[::-1])[::-1], encoder.encode(TITLES), atol=1e-5)

    def test_an_empty_or_blank_text_is_a_row_of_zeros_and_its_neighbour_is_not(self, encoder: Encoder) -> None:
        vectors = encoder.encode(["", "tea", " \n\t"])
        assert [bool(row.any()) for row in vectors] == [False, True, False]

    def test_emoji_and_broken_unicode_are_text_like_any_other(self, encoder: Encoder) -> None:
        vectors = encoder.encode(["🥾🍵", "tea \ud83e pot", "\x00\x07 tea"])
        assert np.isfinite(vectors).all()

    def test_a_text_of_ten_thousand_characters_is_cut_at_its_end(self, encoder: Encoder) -> None:
        long = "green tea " * 1_000
        np.testing.assert_allclose(encoder.encode([long]), encoder.encode([long + "boots"]), atol=1e-6)

    def test_chinese_and_english_texts_about_other_things_differ(self, encoder: Encoder) -> None:
        vectors = encoder.encode(["绿茶", "登山鞋", "green tea", "boots"])
        cosines = vectors @ vectors.T
        assert (cosines[~np.eye(4, dtype=bool)] < 0.999).all()

    def test_it_says_what_it_is(self, encoder: Encoder) -> None:
        assert encoder.name
        assert encoder.fingerprint

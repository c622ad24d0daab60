"""Keywords by an encoder, and three ways beside each other."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huaxiang.encoder.keywords import CountedWords, EncodedWords, side_by_side, sources
from huaxiang.errors import ConfigError
from tests.encoder.toy import ToyEncoder

TITLES = [
    "teapot teapot clay",
    "clay teapot cup",
    "teapot cup",
    "tyre wheel",
    "tyre wheel pump",
    "茶壶 紫砂",
    "紫砂 茶壶",
]


@pytest.fixture(scope="module")
def words() -> EncodedWords:
    return EncodedWords(ToyEncoder()).fit(TITLES)


def test_the_word_nearest_to_the_whole_text_stands_first(words: EncodedWords) -> None:
    # the text is 3 teapots and a cup: cosines of about 3 and 1 over the root of 10
    (first, near), (second, far) = words.top("teapot teapot teapot cup", 2)
    assert (first, second) == ("teapot", "cup")
    assert near == pytest.approx(3 / 10**0.5, abs=0.1)
    assert far == pytest.approx(1 / 10**0.5, abs=0.25)


def test_a_word_of_one_text_alone_is_no_keyword(words: EncodedWords) -> None:
    assert [word for word, _ in words.top("pump pump pump tyre", 3)] == ["tyre"]


def test_diversity_passes_over_a_word_that_says_the_same() -> None:
    encoder = ToyEncoder(meanings={"kettle": "teapot", "cups": "cup"})
    words = EncodedWords(encoder, min_df=1).fit(["teapot kettle cup"])
    text = "teapot kettle teapot cup"
    assert [word for word, _ in words.top(text, 2)] == ["teapot", "kettle"]
    assert [word for word, _ in words.top(text, 2, diversity=0.5)] == ["teapot", "cup"]


def test_related_words_are_the_nearest_of_the_shop_even_to_a_word_it_never_says() -> None:
    words = EncodedWords(ToyEncoder(meanings={"kettle": "teapot", "samovar": "teapot"}), min_df=1).fit(
        ["teapot kettle", "tyre"]
    )
    assert dict(words.related("teapot", 1)) == {"kettle": pytest.approx(1.0)}
    assert {word for word, _ in words.related("samovar", 2)} == {"teapot", "kettle"}
    assert "teapot" not in dict(words.related("teapot", 9))


def test_the_words_are_encoded_once(words: EncodedWords) -> None:
    encoder = ToyEncoder()
    made = EncodedWords(encoder).fit(TITLES)
    before = encoder.n_read
    made.top("teapot cup", 2)
    made.related("teapot", 2)
    assert encoder.n_read == before + 1  # the text


def test_no_texts_give_no_keywords() -> None:
    made = EncodedWords(ToyEncoder()).fit([])
    assert (made.top("teapot", 3), made.related("teapot", 3)) == ([], [])
    with pytest.raises(ConfigError, match="max_words=0"):
        EncodedWords(ToyEncoder(), max_words=0)


def test_words_of_the_same_texts_are_related_by_counting() -> None:
    # of four texts clay and teapot share one, teapot and cup one: weights are equal within a text
    counted = CountedWords(["clay teapot", "teapot cup", "clay", "cup", "tyre wheel", "tyre wheel"] + ["x"] * 20)
    assert [word for word, _ in counted.related("tyre", 3)] == ["wheel"]
    assert counted.related("tyre", 1)[0][1] == pytest.approx(1.0)
    assert {word for word, _ in counted.related("teapot", 3)} == {"clay", "cup"}
    assert counted.related("never said", 3) == []


@given(st.lists(st.text(alphabet="ab 茶壶红", max_size=12), max_size=8), st.floats(0.0, 1.0), st.integers(0, 4))
@settings(deadline=None, max_examples=40)
def test_keywords_are_words_of_the_text_and_never_twice(texts: list[str], diversity: float, k: int) -> None:
    made = EncodedWords(ToyEncoder(d=8), min_df=1).fit(texts)
    for text in texts:
        found = [word for word, _ in made.top(text, k, diversity=diversity)]
        assert len(found) == len(set(found)) <= k
        assert all(word in text for word in found)


def test_the_ways_stand_side_by_side_most_frequent_first() -> None:
    found = side_by_side(TITLES, sources(TITLES, ToyEncoder()), 3)
    assert list(found) == ["tfidf", "word2vec", "toy"]
    for name, n in (("tfidf", 3), ("toy", 3), ("word2vec", 0)):  # nothing is said the five times that Word2Vec asks for
        counts = [each.n_texts for each in found[name]]
        assert len(counts) == n
        assert all(a >= b for a, b in pairwise(counts))
    assert found["toy"][0].word == "teapot"
    assert found["toy"][0].n_texts == 3
    assert len(found["toy"][0].related) == 5


def test_without_an_encoder_there_are_two_ways(tmp_path: Path) -> None:
    assert list(sources(TITLES, None)) == ["tfidf", "word2vec"]
    assert np.isfinite([weight for _, weight in sources(TITLES, None)["tfidf"].top("clay teapot", 2)]).all()

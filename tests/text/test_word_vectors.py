"""Which words stand for like things in a shop."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huaxiang.errors import ConfigError, DataError, MissingExtraError
from huaxiang.text.word_vectors import WordVectors, nearest, unit_rows
from tests.contracts.plain_files import pickles_in

TEA = ["teapot", "kettle", "infuser", "茶壶", "茶叶"]
ROAD = ["tyre", "bicycle", "helmet", "轮胎", "自行车"]


def shop() -> list[str]:
    """120 titles, each of three words of one of two worlds; the two never meet."""
    rng = np.random.default_rng(0)
    return [" ".join(rng.choice(TEA if n % 2 else ROAD, 3, replace=False)) for n in range(120)]


@pytest.fixture(scope="module")
def vectors() -> WordVectors:
    return WordVectors(size=16).fit(shop())


@pytest.mark.parametrize("word", ["kettle", "茶叶"])
def test_words_that_are_said_together_are_related(vectors: WordVectors, word: str) -> None:
    assert {near for near, _ in vectors.related(word, 4)} == set(TEA) - {word}


def test_a_term_of_several_words_is_near_to_what_both_are_near_to(vectors: WordVectors) -> None:
    assert {near for near, _ in vectors.related("Kettle 茶叶 never-seen", 3)} == set(TEA) - {"kettle", "茶叶"}


def test_a_term_that_the_shop_never_says_has_no_relatives(vectors: WordVectors) -> None:
    assert vectors.related("lamp", 3) == []
    assert vectors.related("", 3) == []


def test_the_odd_word_of_a_text_is_its_last_keyword(vectors: WordVectors) -> None:
    words = [word for word, _ in vectors.top("kettle tyre infuser teapot lamp", 9)]
    assert words[-1] == "tyre"
    assert set(words) == {"kettle", "infuser", "teapot", "tyre"}


def test_the_same_texts_give_the_same_vectors_in_another_process(vectors: WordVectors, tmp_path: Path) -> None:
    code = (
        "from tests.text.test_word_vectors import shop; from huaxiang.text.word_vectors import WordVectors;"
        f"from pathlib import Path; WordVectors(size=16).fit(shop()).save(Path({str(tmp_path)!r}))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONHASHSEED": "7", "PYTHONPATH": "."})
    assert WordVectors.load(tmp_path).related("kettle", 9) == vectors.related("kettle", 9)


def test_what_was_saved_answers_as_before_without_a_pickle(vectors: WordVectors, tmp_path: Path) -> None:
    vectors.save(tmp_path)
    loaded = WordVectors.load(tmp_path)
    assert WordVectors.saved_in(tmp_path)
    assert (loaded.related("tyre", 5), len(loaded)) == (vectors.related("tyre", 5), 10)
    assert pickles_in(tmp_path) == []


@pytest.mark.parametrize("texts", [[], [""], ["tea"] * 20, ["said once only"]])
def test_too_few_words_are_no_error_and_no_vectors(texts: list[str]) -> None:
    made = WordVectors().fit(texts)
    assert (len(made), made.related("tea", 3), made.top("tea", 3)) == (0, [], [])


def test_a_folder_without_word_vectors_or_with_those_of_another_is_refused(
    vectors: WordVectors, tmp_path: Path
) -> None:
    assert not WordVectors.saved_in(tmp_path)
    with pytest.raises(DataError, match="no word vectors"):
        WordVectors.load(tmp_path)
    vectors.save(tmp_path)
    WordVectors(size=16, min_count=1).fit(["two words"]).save(tmp_path / "other")
    (tmp_path / "word_vectors.json").write_bytes((tmp_path / "other" / "word_vectors.json").read_bytes())
    with pytest.raises(DataError, match="fit again"):
        WordVectors.load(tmp_path)


def test_settings_out_of_range_and_a_missing_package_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="size=0"):
        WordVectors(size=0)
    monkeypatch.setitem(sys.modules, "gensim.models", None)
    with pytest.raises(MissingExtraError, match=r"huaxiang\[train\]"):
        WordVectors().fit(shop())


@given(st.integers(0, 6), st.integers(0, 8), st.integers(0, 5))
@settings(deadline=None, max_examples=40)
def test_the_nearest_are_in_order_never_more_than_asked_and_never_a_word_of_zeros(n: int, k: int, seed: int) -> None:
    units = unit_rows(np.random.default_rng(seed).integers(-1, 2, (n, 2)).astype(np.float32))
    found = nearest([f"w{at}" for at in range(n)], units, np.array([1.0, 0.0], np.float32), k)
    cosines = [cosine for _, cosine in found]
    assert cosines == sorted(cosines, reverse=True)
    assert len(found) == min(k, int(units.any(axis=1).sum()))

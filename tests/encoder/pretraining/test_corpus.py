"""Texts on the disk: each once, in the order in which they came."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huaxiang.encoder.pretraining.corpus import Corpus
from huaxiang.errors import DataError


def test_blank_texts_are_left_out_and_equal_ones_count_once(tmp_path: Path) -> None:
    corpus = Corpus.lay_down(["茶", "", "tea", " ", "茶", "pot"], tmp_path / "t")
    assert list(corpus) == ["茶", "tea", "pot"]
    assert (corpus[-1], corpus[:2], len(corpus)) == ("pot", ["茶", "tea"], 3)
    assert corpus.lengths.tolist() == [3, 3, 3]


def test_other_texts_or_another_order_have_another_digest(tmp_path: Path) -> None:
    read = (["a", "b"], ["a", "b"], ["b", "a"], ["ab"], ["a", "b", "c"])
    digests = [Corpus.lay_down(texts, tmp_path / f"{i}").digest for i, texts in enumerate(read)]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 4


def test_nothing_is_an_empty_corpus(tmp_path: Path) -> None:
    assert list(Corpus.lay_down([], tmp_path / "t")) == []


def test_half_a_surrogate_pair_is_read_as_a_question_mark(tmp_path: Path) -> None:
    assert list(Corpus.lay_down(["tea \ud83d"], tmp_path / "t")) == ["tea ?"]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="could not be laid down"):
        Corpus.lay_down(["tea"], tmp_path / "no" / "t")


@given(texts=st.lists(st.text(max_size=8).filter(lambda text: text.isprintable())))
def test_what_was_written_is_read(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    corpus = Corpus.lay_down(texts, tmp_path_factory.getbasetemp() / "corpus")
    assert list(corpus) == list(dict.fromkeys(text for text in texts if text.strip()))
    corpus.close()

"""Content to collaborative space: who nobody met stands beside what its like is met with."""

import numpy as np
import pytest

from huaxiang.errors import DataError
from huaxiang.retrieval.base import History, Interactions, Retriever
from huaxiang.retrieval.content import tf_idf
from huaxiang.retrieval.text_map import TextMap, content_of, factors
from huaxiang.retrieval.transitions import empty
from tests.contracts.retriever import CUP, NEVER, POT, PUMP, TEA, AdditiveContract, a_small_shop

TEXTS = ["green tea", "tea pot", "tea cup", "bicycle tyre", "bicycle pump", "china tea cup"]


class TestTextMap(AdditiveContract):
    def make(self) -> Retriever:
        return TextMap(content_of(tf_idf([text.split() for text in TEXTS])))


def test_a_cup_that_nobody_met_is_shown_to_who_met_tea_and_a_pump_is_not() -> None:
    fitted = TextMap(content_of(tf_idf([text.split() for text in TEXTS]))).fit(a_small_shop())
    scores_M = fitted.scores([History.of([TEA, POT])])[0]
    assert scores_M[NEVER] > scores_M[PUMP]
    assert scores_M[CUP] > scores_M[PUMP]


def test_factors_of_full_width_give_the_graph_back() -> None:
    rng = np.random.default_rng(0)
    low = rng.random((9, 2)) @ rng.random((2, 9))
    from scipy import sparse

    from_MF, to_MF = factors(sparse.csr_array(low.astype(np.float32)), 5)
    np.testing.assert_allclose(from_MF @ to_MF.T, low, atol=1e-5)


def test_a_shop_without_ways_or_words_says_nothing() -> None:
    assert factors(empty(4), 3)[0].shape == (4, 0)
    assert not content_of(tf_idf([[], [], []])).any()
    silent = TextMap(np.zeros((3, 2), np.float32)).fit(Interactions.of(["a", "b", "c"], [[0], [1]]))
    assert not silent.scores([History.of([0])]).any()


def test_content_of_another_catalogue_is_refused() -> None:
    with pytest.raises(DataError, match="content of 2 items for a catalogue of 6"):
        TextMap(np.ones((2, 3), np.float32)).fit(a_small_shop())
    with pytest.raises(DataError, match="finite"):
        TextMap(np.full((2, 3), np.nan, np.float32))

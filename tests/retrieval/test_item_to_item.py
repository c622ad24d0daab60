"""Every kind of item-to-item matrix keeps the contract, and counts events as it says."""

import numpy as np
import pytest

from huaxiang.errors import ConfigError, ReleaseError
from huaxiang.retrieval.base import History, Interactions, Retriever
from huaxiang.retrieval.borrowed import Borrowed, likeness
from huaxiang.retrieval.content import Content, Terms, tf_idf
from huaxiang.retrieval.item_to_item import ItemToItem, event_weights
from huaxiang.retrieval.linear import Ease, Ridge
from huaxiang.retrieval.transitions import Paths, Together, Transitions
from tests.contracts.retriever import AdditiveContract, a_small_shop

TEXTS = ["green tea", "tea pot", "tea cup", "bicycle tyre", "bicycle pump", "lamp"]


class TestTransitions(AdditiveContract):
    def make(self) -> Retriever:
        return ItemToItem(Transitions())


class TestPaths(AdditiveContract):
    def make(self) -> Retriever:
        return ItemToItem(Paths())


class TestTogether(AdditiveContract):
    def make(self) -> Retriever:
        return ItemToItem(Together())


class TestEaseAroundAnItem(AdditiveContract):
    def make(self) -> Retriever:
        return ItemToItem(Ease(reg=1.0, whole_up_to=0))


class TestRidgeAroundAnItem(AdditiveContract):
    def make(self) -> Retriever:
        return ItemToItem(Ridge(reg=1.0, whole_up_to=0))


class TestTerms(AdditiveContract):
    def make(self) -> Retriever:
        return ItemToItem(Terms(tf_idf([text.split() for text in TEXTS])))


class TestBorrowed(AdditiveContract):
    def make(self) -> Retriever:
        return ItemToItem(Borrowed(tf_idf([text.split() for text in TEXTS])))


class TestEase(AdditiveContract):
    def make(self) -> Retriever:
        return ItemToItem(Ease(reg=1.0))


class TestRidge(AdditiveContract):
    def make(self) -> Retriever:
        return ItemToItem(Ridge(reg=1.0))


def test_an_event_loses_weight_with_each_other_item_that_followed_and_not_with_repeats() -> None:
    history = History.of([0, 1, 1, 2])
    assert event_weights(history, 0.5) == pytest.approx([0.25, 0.5 / 2**0.5, 0.5 / 2**0.5, 1.0])


def test_strength_of_an_event_multiplies_its_weight() -> None:
    assert event_weights(History.of([0, 1], weights=[3.0, 2.0]), 0.5) == pytest.approx([1.5, 2.0])


def test_only_the_latest_two_hundred_events_are_read() -> None:
    retriever = ItemToItem(Transitions(decay=1.0)).fit(a_small_shop())
    long = History.of([3] + [0] * 200)
    assert retriever.scores([long])[0][4] == 0.0
    assert retriever.contributions(long, 4)[0] == 0.0


def test_a_dense_matrix_answers_like_the_sparse_one() -> None:
    sparse = ItemToItem(Transitions()).fit(a_small_shop())
    dense = ItemToItem.made(Transitions(), sparse.matrix_MM.toarray())  # type: ignore[union-attr]
    history = History.of([0, 1])
    assert dense.scores([history])[0] == pytest.approx(sparse.scores([history])[0])


def test_a_loaded_retriever_says_that_it_cannot_be_fitted(tmp_path: object) -> None:
    retriever = ItemToItem(Transitions()).fit(a_small_shop())
    retriever.save(tmp_path)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="no recipe"):
        ItemToItem.load(tmp_path).fit(a_small_shop())  # type: ignore[arg-type]


def test_the_folder_of_another_retriever_is_refused(tmp_path: object) -> None:
    ItemToItem(Transitions()).fit(a_small_shop()).save(tmp_path)  # type: ignore[arg-type]
    with pytest.raises(ReleaseError, match="'transitions', not 'content'"):
        Content.load(tmp_path)  # type: ignore[arg-type]


def test_an_empty_shop_is_fitted_and_says_nothing() -> None:
    retriever = ItemToItem(Transitions()).fit(Interactions.of([], []))
    assert retriever.scores([History.of([])]).shape == (1, 0)
    assert len(retriever.candidates(History.of([]), 3, exclude=np.empty(0, np.int64))[0]) == 0


def test_what_nobody_met_stands_where_its_like_is_met() -> None:
    texts = [*TEXTS[:5], "china tea cup"]
    fitted = ItemToItem(Borrowed(tf_idf([text.split() for text in texts]))).fit(a_small_shop())
    scores_M = fitted.scores([History.of([0, 1])])[0]
    assert scores_M[5] > scores_M[4] == 0.0  # tea leads to the cup that nobody met, and not to the pump


def test_likeness_is_to_what_was_met_and_sums_to_one() -> None:
    met_M = np.array([True, True, True, True, True, False])
    like = likeness(tf_idf([text.split() for text in [*TEXTS[:5], "china tea cup"]]), met_M, near=2).toarray()
    assert like.sum(axis=1) == pytest.approx(np.ones(6))
    assert not like[:, 5].any()
    assert not np.diagonal(like).any()
    assert like[5].argmax() == 2

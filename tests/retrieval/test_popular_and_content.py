"""Popularity and content, by hand."""

from collections.abc import Sequence

import numpy as np
import pytest

from huaxiang.errors import ConfigError, DataError
from huaxiang.retrieval.base import History, Interactions, Retriever
from huaxiang.retrieval.content import Content, tf_idf
from huaxiang.retrieval.popular import Popular
from tests.contracts.retriever import AdditiveContract, RetrieverContract, a_small_shop

VECTORS = np.array([[3, 0], [1, 1], [1, 0.5], [0, 1], [-0.5, 1], [0, 0]], dtype=np.float32)


class TestPopular(RetrieverContract):
    def make(self) -> Retriever:
        return Popular()


class TestContent(AdditiveContract):
    def make(self) -> Retriever:
        return Content(VECTORS)


def test_a_stranger_is_shown_what_most_people_met() -> None:
    assert Popular().fit(a_small_shop()).candidates(History.of([]), 3)[0].tolist() == [0, 1, 2]


def test_last_weeks_crowd_counts_half() -> None:
    shop = Interactions.of(["tea", "pot"], [[0, 0, 0], [1, 1]], days=[[0, 0, 0], [7, 7]])
    assert Popular(half_life_days=7.0).fit(shop).scores_M.tolist() == [1.5, 2.0]


@pytest.mark.parametrize("half_life", [0.0, -1.0, float("nan")])
def test_a_half_life_that_is_none_is_refused(half_life: float) -> None:
    with pytest.raises(ConfigError, match="half_life_days"):
        Popular(half_life_days=half_life)


def test_the_nearest_by_angle_comes_first_whatever_its_length() -> None:
    items_K, scores_K = Content(VECTORS).candidates(History.of([0]), 2, exclude=np.array([0]))
    assert items_K.tolist() == [2, 1]
    assert scores_K[1] == pytest.approx(0.5**0.5)


def test_a_vector_that_is_given_is_answered_too() -> None:
    assert Content(VECTORS).nearest(np.array([0, 2], np.float32), 1)[0].tolist() == [3]


def test_vectors_of_another_catalogue_are_refused() -> None:
    with pytest.raises(DataError, match="6 item vectors for a catalogue of 1"):
        Content(VECTORS).fit(Interactions.of(["tea"], []))


def test_vectors_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(DataError, match="finite"):
        Content(np.array([[np.nan]], dtype=np.float32))


def test_tf_idf_by_hand() -> None:
    rows = tf_idf([["tea", "green"], ["tea"], []]).toarray()
    common, rare = np.log(4 / 3) + 1, np.log(4 / 2) + 1
    length = (common**2 + rare**2) ** 0.5
    assert rows == pytest.approx(np.array([[common / length, rare / length], [1.0, 0.0], [0.0, 0.0]]))


def _weights(items: Sequence[int]) -> list[float]:
    return [1.0] * len(items)


def test_interactions_of_unequal_lengths_are_refused() -> None:
    with pytest.raises(DataError, match="2 weights for 3 interactions"):
        Interactions.of(["tea"], [[0, 0, 0]], weights=[_weights([0, 0])])


def test_an_item_outside_the_catalogue_is_refused() -> None:
    with pytest.raises(DataError, match="outside the catalogue of 1"):
        Interactions.of(["tea"], [[1]])


def test_ages_count_to_now_or_to_the_last_event() -> None:
    shop = Interactions.of(["tea", "pot"], [[0, 1]], days=[[2.0, 5.0]])
    assert shop.history(0).ages_L.tolist() == [3.0, 0.0]
    assert shop.history(0, now=6.0).ages_L.tolist() == [4.0, 1.0]

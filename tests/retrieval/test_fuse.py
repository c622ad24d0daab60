"""Fusion: a common scale, weights that are found, reasons that survive."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from huaxiang.errors import ConfigError
from huaxiang.retrieval.base import History
from huaxiang.retrieval.fuse import Fused, Weighing, choose_weights, named, z_scores, z_scores_of_each
from huaxiang.retrieval.item_to_item import ItemToItem
from huaxiang.retrieval.popular import Popular
from huaxiang.retrieval.transitions import Transitions
from tests.contracts.retriever import CUP, NEVER, POT, PUMP, TEA, TYRE, a_small_shop


def fused(weights: list[float] | None = None) -> Fused:
    return Fused([ItemToItem(Transitions()), Popular()], weights).fit(a_small_shop())


def test_z_scores_by_hand_and_a_constant_column_says_nothing() -> None:
    assert z_scores(np.array([[1, 5], [3, 5]], np.float32)).tolist() == [[-1.0, 0.0], [1.0, 0.0]]


def test_a_cyclist_is_shown_the_pump_before_what_everybody_buys() -> None:
    items_K, _ = fused([3.0, 1.0]).candidates(History.of([TYRE]), 2, exclude=np.array([TYRE]))
    assert items_K.tolist() == [PUMP, TEA]


def test_a_stranger_is_shown_what_everybody_buys() -> None:
    assert fused().candidates(History.of([]), 2)[0].tolist() == [TEA, POT]


def test_an_item_that_nobody_named_is_below_all_others() -> None:
    assert fused().scores([History.of([TEA])])[0][NEVER] == -np.inf


def test_both_stages_see_the_same_candidates() -> None:
    found = fused().gather(History.of([TEA]), exclude=np.array([TEA]))
    assert TEA not in found.items_C
    assert found.scores_CF.shape == found.z_CF.shape == (len(found.items_C), 2)


def test_the_event_that_carries_an_item_is_the_one_that_leads_to_it() -> None:
    added = fused().contributions(History.of([TYRE, TEA]), CUP)
    assert added[0] == 0.0
    assert added[1] > 0.0


def test_weights_follow_the_retriever_that_is_right() -> None:
    z_SF = np.array([[1, -1], [-1, 1], [1, -1], [-1, 1]], np.float32)
    right_S, owners_S = np.array([False, True, False, True]), np.array([0, 0, 1, 1])
    weights, ndcg = choose_weights(Weighing(z_SF, right_S, owners_S, np.array([1, 1])))
    assert weights[1] > weights[0]
    assert ndcg == 1.0


def test_a_target_that_was_not_named_counts_nothing() -> None:
    _, ndcg = choose_weights(Weighing(np.ones((1, 1), np.float32), np.array([True]), np.array([0]), np.array([1, 1])))
    assert ndcg == 0.5


def test_of_two_right_items_both_count() -> None:
    z_SF = np.array([[3.0], [2.0], [1.0]], np.float32)
    _, ndcg = choose_weights(Weighing(z_SF, np.array([True, False, True]), np.array([0, 0, 0]), np.array([2])))
    assert ndcg == pytest.approx((1 + 1 / 2) / (1 + 1 / np.log2(3)))


def test_many_histories_are_gathered_as_one_by_one() -> None:
    asked = [History.of([TEA]), History.of([]), History.of([TYRE, CUP])]
    shut = [np.array([POT]), np.array([], np.int64), np.array([PUMP, TEA])]
    together = list(fused().gather_many(asked, exclude=shut))
    for history, out, found in zip(asked, shut, together, strict=True):
        alone = fused().gather(history, exclude=out)
        assert found.items_C.tolist() == alone.items_C.tolist()
        assert found.scores_CF.tolist() == alone.scores_CF.tolist()
        assert not set(out.tolist()) & set(found.items_C.tolist())


def test_of_tied_items_the_first_of_the_catalogue_are_named() -> None:
    assert np.flatnonzero(
        named(np.array([[1.0, 2.0, 1.0, 0.0, 1.0]], np.float32), 2, [np.array([], np.int64)])
    ).tolist() == [0, 1]


@settings(max_examples=200)
@given(
    arrays.arrays(np.float32, st.tuples(st.integers(1, 4), st.integers(1, 30)), elements=st.integers(-2, 6)),
    st.integers(1, 8),
    st.data(),
)
def test_the_named_are_the_first_of_a_sorted_row(rows_NM: np.ndarray, k: int, data: st.DataObject) -> None:
    shut_N = [
        np.array(data.draw(st.lists(st.integers(-1, rows_NM.shape[1] - 1), max_size=3)), np.int64) for _ in rows_NM
    ]
    found_NM = named(rows_NM.copy(), k, shut_N)
    for row_M, shut, found_M in zip(rows_NM, shut_N, found_NM, strict=True):
        open_ones = [at for at in np.argsort(-row_M, kind="stable").tolist() if at not in shut]
        is_full = sum(row_M[at] >= 0.0 for at in open_ones) >= k
        told = [at for at in open_ones if row_M[at] > 0.0 or (row_M[at] < 0.0 and not is_full)]
        assert sorted(told[:k]) == np.flatnonzero(found_M).tolist()


@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=6).flatmap(
        lambda lengths: st.tuples(
            st.just(lengths), arrays.arrays(np.float32, (sum(lengths), 2), elements=st.integers(-9, 9))
        )
    )
)
def test_z_scores_of_many_are_those_of_each(drawn: tuple[list[int], np.ndarray]) -> None:
    lengths, scores_SF = drawn
    edges = np.concatenate([[0], np.cumsum(lengths)])
    together = z_scores_of_each(scores_SF, edges)
    for start, end in pairwise(edges):
        np.testing.assert_allclose(together[start:end], z_scores(scores_SF[start:end]), atol=1e-4)


def test_each_part_is_saved_under_its_name(tmp_path: Path) -> None:
    fused().save(tmp_path)
    assert sorted(folder.name for folder in tmp_path.iterdir()) == ["popular", "transitions"]


def test_a_weight_for_each_retriever_is_asked_for() -> None:
    with pytest.raises(ConfigError, match="weight per retriever"):
        Fused([Popular()], [1.0, 2.0])

"""Figures of judged rows, by hand and by property."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huaxiang.measure.lists import auc, list_figures


def figures(scores: list[float], gains: list[float], lists: list[int]) -> tuple[float, float, int, int]:
    return tuple(list_figures(np.array(scores), np.array(gains), np.array(lists)))  # type: ignore[return-value]


def test_a_purchase_behind_a_click_and_a_miss_by_hand() -> None:
    # In order of score: click (1), nothing (0), purchase (2); worth 1, 0, 3; discounts 1, .631, .5.
    # dcg 1 + 3 / 2 = 2.5; ideal 3 + 1 * .6309 = 3.6309. The first row is worth something: mrr 1.
    mrr, ndcg, n, left_out = figures([3.0, 2.0, 1.0], [1.0, 0.0, 2.0], [7, 7, 7])
    assert (mrr, n, left_out) == (1.0, 1, 0)
    assert ndcg == pytest.approx(2.5 / (3.0 + 1.0 / math.log2(3)))


def test_lists_are_judged_one_by_one_and_those_without_a_choice_left_out() -> None:
    # List 0 has its click second, list 1 first; list 2 has one row, list 3 no click.
    scores, gains, lists = [2, 1, 9, 8, 5, 4, 3], [0, 1, 1, 0, 1, 0, 0], [0, 0, 1, 1, 2, 3, 3]
    mrr, _, n, left_out = figures([float(s) for s in scores], [float(g) for g in gains], lists)
    assert (mrr, n, left_out) == (0.75, 2, 2)


def test_a_score_that_is_the_same_for_all_earns_nothing() -> None:
    assert figures([1.0, 1.0], [1.0, 0.0], [0, 0])[0] == 0.5


def test_no_rows_are_no_figures() -> None:
    mrr, ndcg, n, left_out = figures([], [], [])
    assert (math.isnan(mrr), math.isnan(ndcg), n, left_out) == (True, True, 0, 0)


def test_of_four_pairs_of_rows_three_stand_right() -> None:
    assert auc(np.array([4.0, 2.0, 3.0, 1.0]), np.array([True, True, False, False])) == 0.75


ROWS = st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=30)


@given(ROWS)
def test_the_area_is_the_share_of_pairs_that_stand_right(rows: list[tuple[int, bool]]) -> None:
    scores, positive = np.array([float(s) for s, _ in rows]), np.array([p for _, p in rows])
    ups, downs = scores[positive], scores[~positive]
    found = auc(scores, positive)
    if not len(ups) or not len(downs):
        assert math.isnan(found)
    else:
        right = [(up > down) + 0.5 * (up == down) for up in ups for down in downs]
        assert found == pytest.approx(np.mean(right))

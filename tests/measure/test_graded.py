"""Graded lists, worked out by hand and beside trec_eval."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huaxiang.errors import DataError
from huaxiang.measure.graded import mrr_of_lists, ndcg_of_lists

ONE = np.zeros(3, np.int64)


def test_a_list_by_hand() -> None:
    """Grades 1, 3, 2 in the order shown: gains 1, 7, 3."""
    ndcg = ndcg_of_lists(np.array([9.0, 5.0, 1.0]), np.array([1.0, 3.0, 2.0]), ONE)
    found = 1 + 7 / math.log2(3) + 3 / 2
    assert ndcg[0] == pytest.approx(found / (7 + 3 / math.log2(3) + 1 / 2))
    assert mrr_of_lists(np.array([9.0, 5.0, 1.0]), np.array([1.0, 3.0, 2.0]), ONE)[0] == 1 / 2


def test_equal_scores_keep_the_order_of_the_file() -> None:
    scores, grades = np.zeros(3), np.array([1.0, 2.0, 3.0])
    assert mrr_of_lists(scores, grades, ONE)[0] == pytest.approx(1 / 3)
    assert ndcg_of_lists(scores, grades, ONE)[0] == ndcg_of_lists(np.array([3.0, 2.0, 1.0]), grades, ONE)[0]


def test_equal_grades_are_ranked_perfectly_whatever_is_shown() -> None:
    assert ndcg_of_lists(np.array([1.0, 3.0, 2.0]), np.full(3, 2.5), ONE)[0] == pytest.approx(1.0)
    assert mrr_of_lists(np.array([1.0, 3.0, 2.0]), np.full(3, 2.5), ONE)[0] == 1.0


def test_a_list_in_which_nothing_is_worth_having_has_no_figure() -> None:
    assert np.isnan(ndcg_of_lists(np.array([1.0, 3.0, 2.0]), np.array([0.0, 0.0, -1.0]), ONE)[0])


def test_only_the_first_k_count() -> None:
    scores, grades = np.arange(12, 0, -1.0), np.array([0.0] * 11 + [1.0])
    assert ndcg_of_lists(scores, grades, np.zeros(12, np.int64))[0] == 0.0


def test_rows_of_a_list_need_not_stand_together() -> None:
    scores, grades = np.array([1.0, 5.0, 2.0, 4.0]), np.array([1.0, 2.0, 2.0, 1.0])
    lists = np.array([0, 1, 0, 1])
    assert ndcg_of_lists(scores, grades, lists).tolist() == [1.0, 1.0]


def test_a_score_that_is_no_number_is_refused() -> None:
    with pytest.raises(DataError, match="finite"):
        ndcg_of_lists(np.array([1.0, np.nan, 0.0]), np.ones(3), ONE)


def test_trec_eval_says_the_same() -> None:
    """Its gain is the grade itself, so it is told our gains; whole numbers, as it reads no others."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import ir_measures
    rng = np.random.default_rng(3)
    lists = np.sort(rng.integers(0, 40, 600))
    lists = np.unique(lists, return_inverse=True)[1].astype(np.int64)
    grades, scores = rng.integers(0, 4, 600).astype(float), rng.permutation(600).astype(float)
    judged = [
        ir_measures.Qrel(str(q), str(n), int(2**g - 1)) for n, (q, g) in enumerate(zip(lists, grades, strict=True))
    ]
    run = [ir_measures.ScoredDoc(str(q), str(n), s) for n, (q, s) in enumerate(zip(lists, scores, strict=True))]
    said = {int(m.query_id): m.value for m in ir_measures.iter_calc([ir_measures.nDCG @ 10], judged, run)}
    np.testing.assert_allclose(ndcg_of_lists(scores, grades, lists), [said[q] for q in range(len(said))], atol=1e-9)


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(-5, 5), st.floats(0, 4)), min_size=1, max_size=30))
@settings(deadline=None, max_examples=60)
def test_figures_lie_between_nothing_and_one_and_the_ideal_reaches_it(rows: list[tuple[int, float, float]]) -> None:
    lists = np.unique([row[0] for row in rows], return_inverse=True)[1].astype(np.int64)
    scores, grades = (np.array([row[at] for row in rows]) for at in (1, 2))
    for found in (ndcg_of_lists(scores, grades, lists), mrr_of_lists(scores, grades, lists)):
        assert (np.isnan(found) | ((found >= 0.0) & (found <= 1.0 + 1e-12))).all()
    ideal = ndcg_of_lists(grades, grades, lists)
    np.testing.assert_allclose(ideal[~np.isnan(ideal)], 1.0)

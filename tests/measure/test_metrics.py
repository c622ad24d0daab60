"""Metrics by hand, and against a second implementation that is slow and plain."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huaxiang.errors import DataError
from huaxiang.measure.metrics import (
    coverage,
    gini,
    hit_rate_at_k,
    hits_of_ranks,
    map_at_k,
    mrr_at_k,
    ndcg_at_k,
    novelty,
    precision_at_k,
    recall_at_k,
)

TEA_AT_2_AND_4 = np.array([[False, True, False, True]])
THREE = np.array([3])


def test_a_page_with_tea_at_ranks_two_and_four_of_three_teas() -> None:
    dcg = 1 / math.log2(3) + 1 / math.log2(5)
    ideal = 1 + 1 / math.log2(3) + 1 / math.log2(4)
    assert ndcg_at_k(TEA_AT_2_AND_4, THREE, 4) == pytest.approx([dcg / ideal])
    assert recall_at_k(TEA_AT_2_AND_4, THREE, 4) == pytest.approx([2 / 3])
    assert precision_at_k(TEA_AT_2_AND_4, THREE, 4) == pytest.approx([0.5])
    assert mrr_at_k(TEA_AT_2_AND_4, THREE, 4) == pytest.approx([0.5])
    assert map_at_k(TEA_AT_2_AND_4, THREE, 4) == pytest.approx([(1 / 2 + 2 / 4) / 3])
    assert hit_rate_at_k(TEA_AT_2_AND_4, THREE, 1).tolist() == [0.0]


def test_a_perfect_page_scores_one() -> None:
    page = np.array([[True, True, False]])
    for metric in (ndcg_at_k, recall_at_k, mrr_at_k, map_at_k, hit_rate_at_k):
        assert metric(page, np.array([2]), 3).tolist() == [1.0]


def test_a_user_with_nothing_relevant_is_nan_and_not_nought() -> None:
    for metric in (ndcg_at_k, recall_at_k, mrr_at_k, map_at_k, hit_rate_at_k, precision_at_k):
        assert np.isnan(metric(np.zeros((1, 3), np.bool_), np.array([0]), 3)).all()


def test_ranks_beyond_the_page_are_misses() -> None:
    hits = hits_of_ranks(np.array([0, 9, 10]), 10)
    assert ndcg_at_k(hits, np.ones(3, np.int64), 10) == pytest.approx([1.0, 1 / math.log2(11), 0.0])


def test_a_cut_off_of_nought_is_refused() -> None:
    with pytest.raises(DataError, match="at least 1"):
        ndcg_at_k(TEA_AT_2_AND_4, THREE, 0)


def test_counts_of_other_users_are_refused() -> None:
    with pytest.raises(DataError, match=r"shape \(1,\), got \(2,\)"):
        recall_at_k(TEA_AT_2_AND_4, np.array([1, 2]), 3)


@st.composite
def pages(draw: st.DrawFn) -> tuple[list[list[bool]], list[int], int]:
    width = draw(st.integers(0, 6))
    hits = draw(st.lists(st.lists(st.booleans(), min_size=width, max_size=width), min_size=1, max_size=4))
    missed = draw(st.lists(st.integers(0, 3), min_size=len(hits), max_size=len(hits)))
    return hits, [sum(row) + extra for row, extra in zip(hits, missed, strict=True)], draw(st.integers(1, 8))


def slow(hits: list[bool], n: int, k: int) -> dict[str, float]:
    """One user, one loop per metric, nothing shared with the code under test."""
    if n == 0:
        return dict.fromkeys(("ndcg", "recall", "hit", "precision", "mrr", "map"), math.nan)
    places = [rank for rank, hit in enumerate(hits[:k], start=1) if hit]
    ideal = sum(1 / math.log2(rank + 1) for rank in range(1, min(n, k) + 1))
    average = sum((number + 1) / rank for number, rank in enumerate(places))
    return {
        "ndcg": sum(1 / math.log2(rank + 1) for rank in places) / ideal,
        "recall": len(places) / n,
        "hit": float(bool(places)),
        "precision": len(places) / k,
        "mrr": 1 / places[0] if places else 0.0,
        "map": average / min(n, k),
    }


@settings(deadline=None, max_examples=60)
@given(pages())
def test_every_metric_agrees_with_the_slow_one(page: tuple[list[list[bool]], list[int], int]) -> None:
    rows, n_relevant, k = page
    hits, counts = np.array(rows, dtype=np.bool_).reshape(len(rows), -1), np.array(n_relevant)
    named = {
        "ndcg": ndcg_at_k,
        "recall": recall_at_k,
        "hit": hit_rate_at_k,
        "precision": precision_at_k,
        "mrr": mrr_at_k,
        "map": map_at_k,
    }
    for name, metric in named.items():
        expected = [slow(row, n, k)[name] for row, n in zip(rows, n_relevant, strict=True)]
        assert metric(hits, counts, k) == pytest.approx(expected, nan_ok=True), name


def test_two_of_four_items_are_shown() -> None:
    assert coverage(np.array([[0, 1], [1, -1]]), 4) == 0.5


def test_all_shown_alike_is_gini_nought_and_one_alone_is_the_most() -> None:
    assert gini(np.array([[0, 1], [2, 3]]), 4) == pytest.approx(0.0)
    assert gini(np.array([[2, 2], [2, 2]]), 4) == pytest.approx(0.75)


def test_an_item_met_by_a_quarter_of_all_events_is_two_bits_new() -> None:
    assert novelty(np.array([[0]]), np.array([2.0, 6.0])) == 2.0
    assert np.isnan(novelty(np.array([[-1]]), np.array([2.0, 6.0])))

"""The transition graph, by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from huaxiang.errors import ConfigError
from huaxiang.retrieval import transitions
from huaxiang.retrieval.base import Interactions
from huaxiang.retrieval.transitions import (
    Transitions,
    count_pairs,
    strongest,
    strongest_product,
    summed_rows,
    two_steps,
)

TEA, POT, CUP = range(3)


def shop(*users: list[int], weights: list[list[float]] | None = None) -> Interactions:
    return Interactions.of(["tea", "pot", "cup"], users, weights=weights)


def test_pairs_further_apart_count_less() -> None:
    counts = count_pairs(shop([TEA, POT, CUP]), gap_power=0.5, window=50).toarray()
    assert counts[TEA, POT] == 1.0
    assert counts[TEA, CUP] == pytest.approx(0.5**0.5)
    assert counts[POT, TEA] == 0.0


def test_the_way_back_counts_half_and_popular_ends_divide() -> None:
    graph = Transitions().matrix(Transitions().counts(shop([TEA, POT], [TEA], [TEA]))).toarray()
    assert graph[TEA, POT] == pytest.approx(3.0**-0.3)
    assert graph[POT, TEA] == pytest.approx(0.5 * 3.0**-0.3)


def test_a_stronger_event_makes_a_stronger_way() -> None:
    counts = count_pairs(shop([TEA, POT], weights=[[1.0, 4.0]]), gap_power=0.5, window=50).toarray()
    assert counts[TEA, POT] == 2.0


def test_a_dislike_makes_no_way() -> None:
    assert count_pairs(shop([TEA, POT], weights=[[1.0, -1.0]]), gap_power=0.5, window=50).nnz == 0


def test_pairs_beyond_the_window_are_left_out() -> None:
    counts = count_pairs(shop([TEA, POT, CUP]), gap_power=0.5, window=1).toarray()
    assert counts[TEA, CUP] == 0.0


def test_an_item_bought_again_is_no_way_to_itself() -> None:
    assert count_pairs(shop([TEA, TEA]), gap_power=0.5, window=5).nnz == 0


def test_two_steps_reach_what_no_single_user_joined() -> None:
    graph = count_pairs(shop([TEA, POT], [POT, CUP]), gap_power=0.5, window=5)
    assert graph[TEA, CUP] == 0.0
    assert two_steps(graph, neighbours=9, kept=9)[TEA, CUP] == 1.0


@settings(deadline=None)
@given(
    n=st.integers(1, 12),
    kept=st.integers(1, 12),
    seed=st.integers(0, 2**32 - 1),
    at_once=st.sampled_from([2, 40, 1_000_000]),
)
def test_a_product_in_blocks_keeps_the_largest_of_each_row_the_first_of_equals(
    n: int, kept: int, seed: int, at_once: int
) -> None:
    rng = np.random.default_rng(seed)
    left, right = (sparse.csr_array(rng.integers(0, 3, (n, n)).astype(np.float32)) for _ in range(2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transitions, "_PRODUCTS_AT_ONCE", at_once)
        found = strongest_product(left, right, kept).toarray()
    whole = left.toarray() @ right.toarray()
    np.fill_diagonal(whole, 0.0)
    for row, expected in zip(found, whole, strict=True):
        best = sorted(np.flatnonzero(expected), key=lambda at: (-expected[at], at))[:kept]
        assert np.flatnonzero(row).tolist() == sorted(best)
        assert row[best].tolist() == expected[best].tolist()


def test_the_strongest_ways_stay_and_ties_go_to_the_first() -> None:
    graph = count_pairs(shop([TEA, POT], [TEA, CUP]), gap_power=0.5, window=5)
    assert strongest(graph, 1).toarray().tolist() == [[0, 1, 0], [0, 0, 0], [0, 0, 0]]


def test_a_decay_of_zero_is_refused() -> None:
    with pytest.raises(ConfigError, match="decay"):
        Transitions(decay=0.0)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.lists(st.integers(0, 4), max_size=7), max_size=5))
def test_the_counts_are_those_of_a_plain_double_loop(users: list[list[int]]) -> None:
    counts = count_pairs(Interactions.of(list("abcde"), users), gap_power=0.5, window=4).toarray()
    slow = np.zeros((5, 5))
    for user in users:
        for i, first in enumerate(user):
            for j in range(i + 1, min(i + 5, len(user))):
                slow[first, user[j]] += (j - i) ** -0.5 if first != user[j] else 0.0
    assert counts == pytest.approx(slow)


@settings(max_examples=100)
@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(1, 40), st.integers(1, 30))
def test_rows_are_summed_as_a_product_sums_them(seed: int, n: int, entries_at_once: int, cells_at_once: int) -> None:
    rng = np.random.default_rng(seed)
    graph_MM = sparse.random_array((8, 8), density=0.4, rng=rng, dtype=np.float32).tocsr()
    owners_E = np.sort(rng.integers(n, size=12))
    items_E, weights_E = rng.integers(8, size=12), rng.normal(size=12).astype(np.float32)
    met_NM = sparse.coo_array((weights_E, (owners_E, items_E)), shape=(n, 8)).toarray()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transitions, "_ENTRIES_AT_ONCE", entries_at_once)
        patch.setattr(transitions, "_CELLS_AT_ONCE", cells_at_once)
        found_NM = summed_rows(graph_MM, owners_E, items_E, weights_E, n)
    np.testing.assert_allclose(found_NM, met_NM @ graph_MM.toarray(), atol=1e-5)


def test_nobody_and_nothing_sum_to_nothing() -> None:
    nothing = (np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))
    assert summed_rows(transitions.empty(3), *nothing, 2).tolist() == [[0.0] * 3] * 2
    assert summed_rows(transitions.empty(0), *nothing, 2).shape == (2, 0)

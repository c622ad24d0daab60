"""Holding pairs out and ranking them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huaxiang.encoder.heldout import check_retrieval, hold_out


def test_recall_and_reciprocal_rank_by_hand() -> None:
    items = np.eye(3, dtype=np.float32)
    queries = np.array([[0.9, 0.5, 0.1], [0.9, 0.5, 0.1]], dtype=np.float32)
    # The right items stand at ranks 1 and 3: recall@2 = 1/2, mrr = (1 + 1/3) / 2.
    found = check_retrieval(queries, items, np.array([0, 2]), k=2)
    assert found.recall == 0.5
    assert found.mrr == pytest.approx(2 / 3)


def test_one_vector_for_everything_earns_the_last_rank() -> None:
    found = check_retrieval(np.ones((1, 2), np.float32), np.ones((5, 2), np.float32), np.array([0]))
    assert found.mrr == pytest.approx(1 / 5)


def test_a_single_shopper_is_not_held_out() -> None:
    assert hold_out(3, ["ann"] * 3, np.random.default_rng(0), share=0.5, at_most=9) == ([0, 1, 2], [])


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 9), max_size=80), st.integers(0, 5))
def test_every_pair_is_on_one_side_and_no_shopper_on_both(users: list[int], seed: int) -> None:
    train, held = hold_out(len(users), users, np.random.default_rng(seed), share=0.2, at_most=10)
    assert sorted(train + held) == list(range(len(users)))
    assert not {users[i] for i in train} & {users[i] for i in held}
    assert len(set(users)) < 2 or (train and held)

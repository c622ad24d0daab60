"""Parts on one scale, and the first of their sum."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from huaxiang.pipeline.scoring import fuse, padded, people_at_once, standardise


@given(
    arrays.arrays(
        np.float32,
        st.tuples(st.integers(1, 4), st.integers(2, 30)),
        elements=st.floats(-100, 100, width=32, allow_subnormal=False),
    )
)
def test_every_row_has_no_mean_and_a_unit_deviation_or_nothing_to_say(scores_NM: np.ndarray) -> None:
    scaled_NM = standardise(scores_NM).astype(np.float64)
    assert np.isfinite(scaled_NM).all()
    for row_M, scaled_M in zip(scores_NM.astype(np.float64), scaled_NM, strict=True):
        if row_M.std() > 1e-3 * (1.0 + np.abs(row_M).max()):
            np.testing.assert_allclose(scaled_M, (row_M - row_M.mean()) / row_M.std(), atol=1e-2)
        elif row_M.std() == 0.0:
            assert not scaled_M.any()


def test_equal_numbers_say_nothing_though_their_mean_is_rounded() -> None:
    assert not standardise(np.full(12_101, 0.1, np.float32)).any()


def test_one_row_is_scaled_as_among_others() -> None:
    rows_NM = np.random.default_rng(0).normal(size=(3, 50)).astype(np.float32)
    np.testing.assert_allclose(standardise(rows_NM)[1], standardise(rows_NM[1]), rtol=1e-5)


def test_a_sum_is_weighted_and_a_part_without_a_weight_adds_nothing() -> None:
    parts = {"a": np.ones((2, 3), np.float32), "b": np.full((2, 3), 2.0, np.float32), "c": np.ones((2, 3), np.float32)}
    assert fuse(parts, {"a": 1.0, "b": 0.5}).tolist() == [[2.0] * 3] * 2


def test_items_that_came_later_are_said_nothing_of() -> None:
    assert padded(np.ones(2, np.float32), 3).tolist() == [1.0, 1.0, 0.0]
    assert padded(np.ones((1, 2), np.float32), 3).tolist() == [[1.0, 1.0, 0.0]]


def test_a_block_is_small_where_the_catalogue_is_large_and_never_empty() -> None:
    assert people_at_once(10, 8) == 64
    assert people_at_once(100_000, 8) == 8
    assert people_at_once(10**9, 8) == 1

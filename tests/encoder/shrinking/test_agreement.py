"""How an export is judged: by cosines where it lies in its source's space, else by the order of likeness."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huaxiang.encoder.shrinking.agreement import Cosines, Likeness
from huaxiang.errors import DataError
from huaxiang.types import Vectors


def rows(*values: tuple[float, ...]) -> Vectors:
    return np.array(values, dtype=np.float32)


def unit(seed: int, n: int, d: int) -> Vectors:
    found = np.random.default_rng(seed).normal(size=(n, d))
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), dtype=np.float32)


def test_cosines_are_of_each_text_with_itself() -> None:
    found = Cosines.of(rows((1, 0), (0, 1), (0.6, 0.8)), rows((1, 0), (0.6, 0.8), (0.6, 0.8)))
    assert (round(found.mean, 4), round(found.least, 4), found.n_texts) == (0.9333, 0.8, 3)


def test_a_blank_text_agrees_where_both_say_nothing_and_not_where_one_does() -> None:
    assert Cosines.of(rows((0, 0), (1, 0)), rows((0, 0), (1, 0))).least == 1.0
    assert Cosines.of(rows((0, 0), (1, 0)), rows((0, 1), (1, 0))).least == 0.0


def test_vectors_that_are_not_finite_are_refused() -> None:
    with pytest.raises(DataError, match="not finite"):
        Cosines.of(rows((1, 0)), rows((np.nan, 0)))


@settings(deadline=None)  # the first call imports scipy
@given(st.integers(3, 40), st.integers(0, 9))
def test_turning_a_space_changes_no_likeness(n: int, seed: int) -> None:
    vectors = unit(seed, n, 4)
    turn, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(4, 4)))
    found = Likeness.of(vectors, (vectors @ turn).astype(np.float32), np.random.default_rng(0))
    assert found.spearman == pytest.approx(1.0, abs=1e-3)
    assert found.recall >= 0.95  # of equally near ones, rounding decides which comes first


def test_strangers_have_no_likeness_in_common() -> None:
    found = Likeness.of(unit(0, 500, 16), unit(1, 500, 16), np.random.default_rng(0))
    assert abs(found.spearman) < 0.05
    assert found.recall < 0.06


def test_shared_neighbours_are_counted_among_ten() -> None:
    # Twelve texts in a row: each one's ten are all but the one at the farther end, 11 for 0 to 5 and 0 for the others.
    # The export puts 5 at the end and 11 in its place: 0 to 4 miss 5 in place of 11, 5 and 11 are now on the other
    # side, and so share nine each; 6 to 10 miss 0 as before: (7 x 9 + 5 x 10) / 120.
    ours = np.stack([np.cos(np.arange(12) * 0.1), np.sin(np.arange(12) * 0.1)], axis=1).astype(np.float32)
    theirs = ours[[0, 1, 2, 3, 4, 11, 6, 7, 8, 9, 10, 5]]
    assert Likeness.of(ours, theirs, np.random.default_rng(0)).recall == pytest.approx(113 / 120)


def test_an_export_that_says_the_same_of_everything_has_no_rank_correlation() -> None:
    assert Likeness.of(unit(0, 50, 4), rows(*[(1.0, 0.0)] * 50), np.random.default_rng(0)).spearman == 0.0


def test_two_texts_are_too_few() -> None:
    with pytest.raises(DataError, match="too few"):
        Likeness.of(rows((1, 0), (0, 1)), rows((1, 0), (0, 1)), np.random.default_rng(0))

"""Intervals that hold what they promise."""

import numpy as np
import pytest

from huaxiang.errors import DataError
from huaxiang.measure.intervals import bootstrap, paired_bootstrap, student


def test_the_interval_of_a_coin_is_the_textbooks() -> None:
    interval = bootstrap(np.repeat([0.0, 1.0], 200), rng=np.random.default_rng(0), n_draws=4000)
    half = 1.96 * (0.25 / 400) ** 0.5
    assert interval == pytest.approx((0.5, 0.5 - half, 0.5 + half), abs=0.004)


def test_many_values_and_few_give_the_same_interval() -> None:
    few = np.random.default_rng(1).integers(0, 2, 400).astype(np.float64)
    many = few + np.linspace(-1e-9, 1e-9, 400)  # all distinct: the plain way
    rng = np.random.default_rng
    assert bootstrap(few, rng=rng(2), n_draws=4000) == pytest.approx(
        bootstrap(many, rng=rng(3), n_draws=4000), abs=0.005
    )


def test_a_small_gain_on_the_same_users_is_seen_where_two_intervals_overlap() -> None:
    rng = np.random.default_rng(0)
    before = rng.random(300)
    after = before + 0.01
    assert bootstrap(after, rng=rng).low < bootstrap(before, rng=rng).high
    assert paired_bootstrap(after, before, rng=rng).low == pytest.approx(0.01)


def test_users_without_a_value_are_left_out() -> None:
    assert bootstrap(np.array([np.nan, 1.0]), rng=np.random.default_rng(0)) == (1.0, 1.0, 1.0)
    assert np.isnan(bootstrap(np.array([np.nan]), rng=np.random.default_rng(0)).mean)


def test_the_same_seed_gives_the_same_interval() -> None:
    values = np.random.default_rng(5).random(50)
    first, second = (bootstrap(values, rng=np.random.default_rng(9)) for _ in range(2))
    assert first == second


def test_other_users_on_the_other_side_are_refused() -> None:
    with pytest.raises(DataError, match="same users"):
        paired_bootstrap(np.ones(2), np.ones(3), rng=np.random.default_rng(0))


def test_a_level_of_one_is_refused() -> None:
    with pytest.raises(DataError, match="inside"):
        bootstrap(np.ones(2), rng=np.random.default_rng(0), level=1.0)


def test_three_runs_have_students_interval_and_one_has_none() -> None:
    assert student([1.0, 2.0, 3.0]) == pytest.approx((2.0, 2.0 - 4.3027 / 3**0.5, 2.0 + 4.3027 / 3**0.5), abs=1e-4)
    assert student([0.7]) == (0.7, 0.7, 0.7)
    with pytest.raises(DataError, match="at least one run"):
        student([])

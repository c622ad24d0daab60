"""How likely places are looked at: found again from simulated clicks; and how much items are liked, by hand."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from huaxiang.apps.search.clicks import Propensities, appeals, assumed, learn_propensities
from huaxiang.errors import DataError


def simulated(
    theta_K: NDArray[np.float64], *, lists: int, seed: int, pairs: int = 300, noise: float = 1.0
) -> tuple[pl.DataFrame, NDArray[np.float64]]:
    """Cells of lists whose order follows liking and chance, and what was clicked on them by the position-based model.

    Returns:
        The cells, one query, and how much each of its items is liked in truth.
    """
    rng = np.random.default_rng(seed)
    n_places = len(theta_K)
    liking_P = rng.beta(1.5, 4.0, pairs)
    shown = np.zeros((pairs, n_places))
    clicked = np.zeros((pairs, n_places))
    places = np.arange(n_places)
    for _ in range(lists):
        met = rng.choice(pairs, 3 * n_places, replace=False)  # what matches: the best of it by a ranker that wavers
        best = met[np.argsort(-(np.log(liking_P[met]) + noise * rng.normal(size=len(met))))][:n_places]
        shown[best, places] += 1.0
        clicked[best, places] += rng.random(n_places) < theta_K * liking_P[best]
    pair, place = np.nonzero(shown)
    cells = pl.DataFrame(
        {"query": np.zeros(len(pair), np.int64), "item": pair, "place": place.astype(np.int16)}
    ).with_columns(shown=shown[pair, place], clicked=clicked[pair, place], gain=0.25 * clicked[pair, place])
    return cells, liking_P


def curve(n_places: int, eta: float) -> NDArray[np.float64]:
    return np.asarray((1.0 + np.arange(n_places)) ** -eta, np.float64)


@pytest.mark.parametrize("eta", [0.5, 1.0, 1.6])
def test_propensities_are_found_again(eta: float) -> None:
    truth_K = curve(10, eta)
    cells, _ = simulated(truth_K, lists=20_000, seed=1)
    found = learn_propensities(cells, n_places=10)
    assert found.is_learned
    assert np.abs(found.theta_K - truth_K).max() < 0.03


def test_a_curve_that_is_no_power_is_found_too() -> None:
    truth_K = np.array([1.0, 0.95, 0.9, 0.4, 0.4, 0.38, 0.2, 0.2])
    found = learn_propensities(simulated(truth_K, lists=20_000, seed=2)[0], n_places=8)
    assert np.abs(found.theta_K - truth_K).max() < 0.05


def test_pairs_shown_a_few_times_do_not_bias_it() -> None:
    truth_K = curve(8, 1.0)
    parts = [
        simulated(truth_K, lists=40, seed=seed, pairs=60)[0].with_columns(pl.lit(seed).alias("query"))
        for seed in range(250)
    ]
    found = learn_propensities(pl.concat(parts), n_places=8)
    assert np.abs(found.theta_K - truth_K).max() < 0.05


@settings(max_examples=8, deadline=None)
@given(st.floats(0.4, 1.5), st.integers(0, 1_000))
def test_any_steepness_is_found_within_a_tenth(eta: float, seed: int) -> None:
    truth_K = curve(6, eta)
    found = learn_propensities(simulated(truth_K, lists=3_000, seed=seed, pairs=80)[0], n_places=6)
    assert np.abs(found.theta_K - truth_K).max() < 0.1


def test_with_few_clicks_the_assumption_stands() -> None:
    found = learn_propensities(simulated(np.ones(6), lists=10, seed=3)[0], n_places=6)
    assert not found.is_learned
    assert found.theta_K == pytest.approx([1.0, 1 / 2, 1 / 3, 1 / 4, 1 / 5, 1 / 6])


def test_places_that_nothing_was_shown_at_follow_the_curve() -> None:
    cells, _ = simulated(curve(5, 0.5), lists=20_000, seed=4)
    found = learn_propensities(cells, n_places=20)
    assert found.theta_K[19] == pytest.approx(20**-0.5, abs=0.07)


def test_a_place_beyond_the_last_is_looked_at_like_the_last() -> None:
    assert assumed(4).at(np.array([0, 3, 9, -1])) == pytest.approx([1.0, 0.25, 0.25, 1.0])


def frame(*rows: tuple[int, int, int, float, float, float]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), ["query", "item", "place", "shown", "clicked", "gain"], orient="row")


ASKED = pl.DataFrame({"query": [1, 2], "searches": [10.0, 10.0]})


def told(found: pl.DataFrame) -> dict[int, float]:
    return dict(found.select("item", "appeal").iter_rows())


def test_an_item_is_liked_by_what_it_gained_over_how_often_it_was_looked_at() -> None:
    cells = frame((1, 7, 0, 8.0, 4.0, 2.0), (1, 8, 1, 8.0, 2.0, 0.5), (1, 9, 1, 8.0, 0.0, 0.0))
    found = told(appeals(cells, ASKED, assumed(2), prior_looks=0.0))
    assert found == {7: pytest.approx(2.0 / 8.0), 8: pytest.approx(0.5 / 4.0), 9: 0.0}  # the second place is half of it


def test_it_is_drawn_towards_what_is_usual_after_the_query() -> None:
    cells = frame((1, 7, 0, 8.0, 4.0, 2.0), (1, 8, 1, 8.0, 2.0, 0.5))
    usual = 2.5 / 12.0
    found = told(appeals(cells, ASKED, assumed(2), prior_looks=10.0))
    assert found[7] == pytest.approx((2.0 + 10.0 * usual) / 18.0)
    assert found[8] == pytest.approx((0.5 + 10.0 * usual) / 14.0)


def test_without_lists_every_search_is_a_look() -> None:
    cells = frame((1, 7, -1, 0.0, 4.0, 4.0), (2, 7, -1, 0.0, 4.0, 4.0), (2, 8, 0, 5.0, 5.0, 5.0))
    found = appeals(cells, ASKED, assumed(2), prior_looks=0.0)
    assert told(found.filter(pl.col("query") == 1)) == {7: pytest.approx(0.4)}
    assert told(found.filter(pl.col("query") == 2)) == {8: pytest.approx(1.0)}  # its lists are known, and show no 7


def test_appeal_is_never_more_than_one_nor_asked_for_with_a_negative_prior() -> None:
    cells = frame((1, 7, 9, 1.0, 1.0, 1.0))
    assert told(appeals(cells, ASKED, assumed(10), prior_looks=0.0)) == {7: 1.0}
    with pytest.raises(DataError, match="at least 0"):
        appeals(cells, ASKED, assumed(10), prior_looks=-1.0)


def test_what_is_liked_stands_first_once_places_are_taken_out() -> None:
    """The worse an item, the higher it mostly stood: by clicks alone the order is turned round."""
    theta_K, liking = 1.0 / (1.0 + np.arange(8)), np.linspace(0.2, 0.4, 8)
    cells = frame(
        *(
            (1, item, place, n, n * theta_K[place] * liking[item], n * theta_K[place] * liking[item] / 4)
            for item in range(8)
            for place in range(8)
            for n in (900.0 if place == item else 100.0,)
        )
    )
    learned = learn_propensities(cells, n_places=8)
    found = told(appeals(cells, ASKED, learned, prior_looks=0.0))
    plain = told(appeals(cells, ASKED, Propensities(np.ones(8)), prior_looks=0.0))
    assert learned.theta_K == pytest.approx(theta_K, abs=0.005)
    assert [found[item] for item in range(8)] == pytest.approx(liking / 4, abs=0.002)
    assert plain[0] > plain[7]

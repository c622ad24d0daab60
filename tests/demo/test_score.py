import json
import math
from datetime import datetime

import pytest

from huaxiang.demo import DemoShop, ScoreReport, score
from huaxiang.demo.score import METRICS, _ndcg, _rank_correlation
from huaxiang.errors import DataError
from huaxiang.types import Facet, Profile


def told(shop: DemoShop, user: str, at: datetime) -> Profile:
    """A profile that somebody who knows the truth wrote down."""
    truth = shop.truth
    names = {column: key for key, column in truth.concept().items()}
    said = [("category", path, share) for path, share in truth.interests(user, at=at).items()]
    said += [("brand", brand, share) for brand, share in truth.brands(user, at=at).items()]
    said += [
        (f"attribute:{names[column][0]}", names[column][1], min(1.0, share))
        for column, share in truth.attributes(user, at=at).items()
    ]
    said += [("price_band", truth.price_band(user), 1.0)]
    return Profile(
        user,
        at,
        interests=tuple(Facet(facet, value, share, 1.0, 30.0, (), at) for facet, value, share in said),
        behaviour={"language": truth.language(user)},
        mood={"polarity": truth.mood(user, at=at)},
    )


@pytest.fixture(scope="module")
def report(shop: DemoShop) -> ScoreReport:
    return score(lambda user, at: told(shop, user, at), shop, at=shop.until)


@pytest.mark.parametrize("metric", METRICS)
def test_who_tells_the_truth_has_full_marks(report: ScoreReport, metric: str) -> None:
    assert report.rows["profile"][metric].value == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("baseline", ["most_frequent", "most_recent"])
def test_the_oracle_is_at_least_as_good_as_a_baseline(report: ScoreReport, metric: str, baseline: str) -> None:
    assert report.rows["oracle"][metric].value >= report.rows[baseline][metric].value


def test_the_oracle_does_not_look_at_the_truth_itself(report: ScoreReport) -> None:
    assert report.rows["oracle"]["category_ndcg@5"].value < 0.9


def test_an_empty_profile_earns_nothing(shop: DemoShop) -> None:
    empty = score(Profile, shop, at=shop.until).rows["profile"]
    assert all(empty[metric].value == 0.0 for metric in METRICS)


def test_bots_are_left_out_and_counted(shop: DemoShop, report: ScoreReport) -> None:
    assert report.excluded["bot"] == len(shop.truth.bots) > 0
    assert report.n_users + sum(report.excluded.values()) == len(shop.truth.users)


def test_the_report_is_a_table_and_json(report: ScoreReport) -> None:
    assert [line[0] for line in report.table()] == ["", "profile", "most_frequent", "most_recent", "oracle"]
    assert set(json.loads(json.dumps(report.to_json()))["models"]["oracle"]) == set(METRICS)


def test_the_interval_holds_the_figure(report: ScoreReport) -> None:
    for figures in report.rows.values():
        assert all(f.low - 1e-9 <= f.value <= f.high + 1e-9 for f in figures.values())


def test_nobody_to_score_is_an_error(shop: DemoShop) -> None:
    with pytest.raises(DataError, match="bot"):
        score(Profile, shop, at=shop.until, users=sorted(shop.truth.bots))


def test_ndcg_of_the_second_best_first() -> None:
    # gains 3 and 1: got 1/log2(2) + 3/log2(3), best 3/log2(2) + 1/log2(3)
    expected = (1 + 3 / math.log2(3)) / (3 + 1 / math.log2(3))
    assert _ndcg(["b", "a"], {"a": 3.0, "b": 1.0}) == pytest.approx(expected)


def test_rank_correlation_counts_what_was_not_guessed_as_tied_last() -> None:
    # truth ranks 0 1 2; guess ranks .5 .5 2: covariance 1.5, spread sqrt(2 * 1.5)
    assert _rank_correlation({"a": 0.1, "b": 0.2, "c": 0.7}, {"c": 1.0}) == pytest.approx(1.5 / math.sqrt(3))

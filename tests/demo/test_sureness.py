"""Scoring whether profiles are as sure as they say, on a small simulated shop that is taken in as a shop's log is."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from huaxiang.config import load_settings
from huaxiang.demo import DemoShop
from huaxiang.evaluation.sureness import said_before
from huaxiang.evaluation.sureness_score import LIMIT, SurenessScore, score_sureness
from huaxiang.shop import Shop


@pytest.fixture(scope="module")
def filled(shop: DemoShop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    opened = Shop(load_settings(None, (), data_dir=Path(tmp_path_factory.mktemp("sureness"))))
    opened.intake.take(shop.log())
    opened.refresh()
    yield opened
    opened.close()


def test_half_of_the_people_teach_and_the_others_are_asked(filled: Shop, shop: DemoShop) -> None:
    people = [user for user in shop.truth.users if user not in shop.truth.bots]
    found = score_sureness(filled.portraits, people, at=shop.until)
    assert found is not None
    assert found.n_people == len(people) - len(people) // 2
    assert 0.0 < found.error < found.untaught < 1.0  # a small shop teaches little, and more than nothing
    assert f"calibration error {found.error:.3f} (limit 0.05: " in found.sentence()
    assert found.to_json()["limit"] == LIMIT
    assert len(filled.portraits.item_facets.recurrence) == 0  # the shop itself was taught nothing


def test_too_few_interests_tell_nothing(filled: Shop, shop: DemoShop) -> None:
    assert score_sureness(filled.portraits, shop.truth.users[:2], at=shop.until) is None


def test_what_was_said_before_a_day_is_asked_of_that_day(filled: Shop, shop: DemoShop) -> None:
    people = [user for user in shop.truth.users if user not in shop.truth.bots][:20]
    said = list(said_before(filled.portraits, people, now=shop.until, days=3))
    assert {one.days_back for one in said} == {0, 1, 2}
    assert all(0.0 <= one.sure <= 1.0 for one in said)
    assert {one.kind for one in said} >= {"category", "brand"}


@pytest.mark.parametrize(("error", "verdict"), [(0.05, "met"), (0.051, "MISSED")])
def test_the_verdict_is_of_the_limit(error: float, verdict: str) -> None:
    assert f"(limit 0.05: {verdict})" in SurenessScore(error, 0.1, 0.2, 300, 40).sentence()

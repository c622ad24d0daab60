"""A ranker taught by grades puts first what was worth more, and says the same once it is kept."""

from pathlib import Path

import numpy as np
import pytest

from huaxiang.errors import DataError
from huaxiang.ranking.graded import GradedBoosting, GradedLists, learn_graded
from huaxiang.ranking.model import Ranker

pytest.importorskip("lightgbm")
QUICK = GradedBoosting(most_trees=(30, 30), least_rows=5)


def lists(n: int, seed: int) -> GradedLists:
    """Of two features one tells the grade, roughly; lists of five."""
    rng = np.random.default_rng(seed)
    grades = rng.choice([1.0, 1.5, 2.0, 2.67, 3.0], 5 * n)
    features = np.column_stack([grades + rng.normal(0, 0.3, 5 * n), rng.random(5 * n)]).astype(np.float32)
    return GradedLists(features, grades, np.repeat(np.arange(n), 5))


def test_what_tells_the_grade_is_found_and_held_out_lists_say_so() -> None:
    learned = learn_graded(lists(60, 0), ("tells", "noise"), QUICK, seeds=(0,))
    other = lists(30, 1)
    assert other.ndcg(learned.ranker.scores(other.features_SG)) > other.ndcg(other.features_SG[:, 1]) + 0.05
    assert learned.ranker.about["held_out_ndcg"]["all"] > 0.95
    assert next(iter(learned.ranker.about["gains"])) == "tells"


def test_a_kept_ranker_says_the_same(tmp_path: Path) -> None:
    learned = learn_graded(lists(30, 0), ("tells", "noise"), QUICK, before="tells", seeds=(0, 1))
    learned.ranker.save(tmp_path)
    rows = lists(10, 2).features_SG
    np.testing.assert_array_equal(Ranker.load(tmp_path).scores(rows), learned.ranker.scores(rows))


def test_grades_of_any_number_and_sign_are_learned() -> None:
    given = lists(40, 0)
    grades = given.grades_S - 2.0 + np.linspace(0, 0.01, len(given))
    learned = learn_graded(GradedLists(given.features_SG, grades, given.owners_S), ("a", "b"), QUICK, seeds=(0,))
    assert np.isfinite(learned.ranker.scores(given.features_SG)).all()


@pytest.mark.parametrize("given", [lists(2, 0), GradedLists(np.zeros((20, 1), np.float32), np.ones(20), np.arange(20))])
def test_too_few_lists_or_equal_grades_teach_nothing(given: GradedLists) -> None:
    with pytest.raises(DataError, match="lists to learn from"):
        learn_graded(given, ("a",) * given.features_SG.shape[1], QUICK)

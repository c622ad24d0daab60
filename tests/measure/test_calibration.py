"""Temperature, calibration error and abstention, with numbers worked out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huaxiang.errors import DataError
from huaxiang.measure.calibration import abstain, calibration_error, log_loss, temperature, threshold_keeping


def test_an_even_guess_between_two_classes_costs_log_two() -> None:
    assert log_loss(np.zeros((3, 2)), np.array([0, 1, 1])) == pytest.approx(np.log(2))


@pytest.mark.parametrize(("labels", "share"), [([0, 0, 0, 1], 3.5 / 5.0), ([0, 0, 0, 0], 4.5 / 5.0)])
def test_a_boaster_is_cooled_to_how_often_it_is_right(labels: list[int], share: float) -> None:
    warmth = temperature(np.tile([8.0, 0.0], (4, 1)), np.array(labels))
    # one more row counts, half of either label; softmax of (8/T, 0) is the share where 8/T = log(share / (1 - share))
    assert warmth == pytest.approx(8.0 / np.log(share / (1.0 - share)), rel=1e-3)


def test_temperature_refuses_labels_of_other_rows() -> None:
    with pytest.raises(DataError, match="2 rows of scores but 1 labels"):
        temperature(np.zeros((2, 2)), np.array([0]))


def test_nothing_held_out_leaves_scores_as_they_are() -> None:
    assert temperature(np.zeros((0, 2)), np.zeros(0, np.int64)) == 1.0


def test_calibration_error_is_the_gap_weighted_by_its_rows() -> None:
    # three answers at .9 of which two are right (gap .2333), one at .5 that is right (gap .5)
    error = calibration_error(np.array([0.9, 0.9, 0.9, 0.5]), np.array([True, True, False, True]))
    assert error == pytest.approx((3 * (0.9 - 2 / 3) + 1 * 0.5) / 4)


def test_it_abstains_below_the_confidence_from_which_nine_in_ten_are_right() -> None:
    confidence = np.array([0.95, 0.9, 0.8, 0.7, 0.6])
    found = abstain(confidence, np.array([True, True, True, False, False]), wanted=0.9)
    assert found.threshold == 0.8
    assert found.coverage == pytest.approx(0.6)
    assert found.accuracy == 1.0


def test_equal_confidences_are_answered_together_or_not_at_all() -> None:
    confidence = np.array([0.9, 0.7, 0.7])
    found = abstain(confidence, np.array([True, True, False]), wanted=0.9)
    assert found.threshold == 0.9


def test_who_is_always_right_never_abstains() -> None:
    assert abstain(np.array([0.2, 0.1]), np.array([True, True]), wanted=0.95).threshold == 0.0


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40), st.floats(0.5, 1.0))
def test_what_is_answered_keeps_the_promise_or_is_the_most_confident_tie(
    rows: list[tuple[float, bool]], wanted: float
) -> None:
    confidence, right = np.array([c for c, _ in rows]), np.array([r for _, r in rows])
    found = abstain(confidence, right, wanted)
    answered = confidence >= found.threshold
    assert right[answered].mean() == pytest.approx(found.accuracy)
    assert found.accuracy >= wanted or confidence[answered].min() == confidence.max()


@given(st.lists(st.tuples(st.floats(0.0, 1.0), st.booleans()), max_size=60), st.floats(0.0, 0.9))
def test_a_threshold_gives_up_no_more_right_answers_than_it_may(rows: list[tuple[float, bool]], share: float) -> None:
    sure_N, right_N = np.array([each for each, _ in rows]), np.array([hit for _, hit in rows], dtype=bool)
    threshold = threshold_keeping(sure_N, right_N, share)
    assert (sure_N[right_N] < threshold).sum() <= share * right_N.sum()
    if right_N.any():
        assert threshold in sure_N[right_N]

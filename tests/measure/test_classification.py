"""Figures of classifiers against scikit-learn's, and by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from huaxiang.errors import DataError
from huaxiang.measure.classification import confusion, per_class, per_label
from huaxiang.measure.intervals import wilson


def test_rows_are_what_is_right_and_columns_what_was_said() -> None:
    matrix = confusion(np.array([0, 0, 1]), np.array([0, 1, 1]), 2)
    assert matrix.tolist() == [[1, 1], [0, 1]]


def test_precision_recall_and_f1_by_hand() -> None:
    figures = per_class(np.array([[3, 1], [2, 4]]))
    assert figures.precision.tolist() == pytest.approx([3 / 5, 4 / 5])
    assert figures.recall.tolist() == pytest.approx([3 / 4, 4 / 6])
    assert figures.f1.tolist() == pytest.approx([6 / 9, 8 / 11])
    assert figures.support.tolist() == [4, 6]


def test_a_class_that_nobody_has_or_says_does_not_count_in_the_mean() -> None:
    assert per_class(np.diag([2, 3, 0])).macro_f1 == 1.0


labels = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=60)


@given(labels)
def test_macro_f1_is_scikit_learns(pairs: list[tuple[int, int]]) -> None:
    right, said = np.array([a for a, _ in pairs]), np.array([b for _, b in pairs])
    ours = per_class(confusion(right, said, 5)).macro_f1
    assert ours == pytest.approx(f1_score(right, said, average="macro", zero_division=0), abs=1e-9)


def test_of_many_labels_each_is_counted_by_itself() -> None:
    right = np.array([[True, True], [False, True]])
    said = np.array([[True, False], [True, True]])
    figures = per_label(right, said)
    assert figures.precision.tolist() == [0.5, 1.0]
    assert figures.recall.tolist() == [1.0, 0.5]


def test_answers_for_other_texts_are_refused() -> None:
    with pytest.raises(DataError, match="2 right labels but 1 answers"):
        confusion(np.array([0, 1]), np.array([0]), 2)


def test_wilsons_interval_of_half_of_ten() -> None:
    assert wilson(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    assert wilson(9, 10) == pytest.approx((0.596, 0.982), abs=1e-3)

"""Which training texts judge."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huaxiang.encoder.classifying.splits import FOLDS, SMALL, folds, whole_groups
from huaxiang.errors import DataError


def test_few_texts_are_each_judged_once() -> None:
    texts = [f"text {i}" for i in range(100)]
    made = folds(texts, ["ab"[i % 2] for i in range(100)], np.random.default_rng(0))
    assert len(made) == FOLDS
    assert sorted(np.concatenate([fold.held for fold in made]).tolist()) == list(range(100))


def test_of_many_a_tenth_is_held_out() -> None:
    n = 4 * SMALL
    made = folds([f"text {i}" for i in range(n)], ["ab"[i % 2] for i in range(n)], np.random.default_rng(0))
    assert [len(fold.held) for fold in made] == [n // 10]


def test_copies_of_a_text_stay_together() -> None:
    texts = ["Good  tea", "good tea", "ＧＯＯＤ tea", *(f"text {i}" for i in range(20))]
    for fold in folds(texts, ["a"] * len(texts), np.random.default_rng(1)):
        assert {0, 1, 2} <= set(fold.held.tolist()) or {0, 1, 2} <= set(fold.fit.tolist())


def test_a_label_that_one_text_has_is_always_learned_from() -> None:
    labels = ["rare", *["a", "b"] * 30]
    for fold in folds([f"text {i}" for i in range(61)], labels, np.random.default_rng(0)):
        assert 0 in fold.fit


@given(st.lists(st.tuples(st.text(max_size=4), st.sampled_from("abc")), min_size=2, max_size=60), st.integers(0, 5))
def test_nothing_is_learned_from_that_judges(rows: list[tuple[str, str]], seed: int) -> None:
    for fold in folds([text for text, _ in rows], [label for _, label in rows], np.random.default_rng(seed)):
        assert not set(fold.fit.tolist()) & set(fold.held.tolist())
        assert sorted([*fold.fit.tolist(), *fold.held.tolist()]) == list(range(len(rows)))


def test_a_whole_group_judges_and_no_other_text_of_it_is_learned_from() -> None:
    groups = ["fruit"] * 30 + ["books"] * 30 + ["hotels"] * 30
    (fold,) = whole_groups([f"text {i}" for i in range(90)], ["a", "b"] * 45, groups, np.random.default_rng(0))
    judging, learned = {groups[i] for i in fold.held}, {groups[i] for i in fold.fit}
    assert len(judging) == 1
    assert not judging & learned
    assert len(fold.fit) == 60


def test_small_groups_are_drawn_until_a_tenth_judges() -> None:
    groups = ["tiny 1"] * 6 + ["tiny 2"] * 6 + ["large"] * 88
    for seed in range(5):
        (fold,) = whole_groups([f"text {i}" for i in range(100)], ["a", "b"] * 50, groups, np.random.default_rng(seed))
        assert {groups[i] for i in fold.held} == {"tiny 1", "tiny 2"}


def test_a_group_with_a_label_of_its_own_is_learned_from() -> None:
    groups, labels = ["x", "x", "y", "y"] * 5, ["a", "a", "a", "only y"] * 5
    for seed in range(5):
        (fold,) = whole_groups([f"text {i}" for i in range(20)], labels, groups, np.random.default_rng(seed))
        assert {groups[i] for i in fold.held} == {"x"}


def test_what_reads_like_a_learned_text_does_not_judge() -> None:
    groups = ["x"] * 5 + ["y"] * 5
    texts = ["good tea", *(f"text {i}" for i in range(8)), "Good Tea"]
    (fold,) = whole_groups(texts, ["a", "b"] * 5, groups, np.random.default_rng(0))
    assert len(fold.held) == 4


@pytest.mark.parametrize(
    ("labels", "groups", "said"),
    [
        (["a", "b"], ["x", "x"], "all texts are of the group 'x'"),
        (["a", "b"], ["x", "y"], "each group has a label that no other has"),
    ],
)
def test_groups_that_cannot_judge_are_refused(labels: list[str], groups: list[str], said: str) -> None:
    with pytest.raises(DataError, match=said):
        whole_groups(["one", "two"], labels, groups, np.random.default_rng(0))

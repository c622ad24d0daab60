"""Which training texts judge."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from huaxiang.encoder.classifying.splits import FOLDS, SMALL, folds


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

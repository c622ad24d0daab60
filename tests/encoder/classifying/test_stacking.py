"""Held-out texts decide which candidate answers, or which of them together."""

import numpy as np
import pytest

from huaxiang.encoder.classifying.material import judge
from huaxiang.encoder.classifying.stacking import choose

RIGHT = np.eye(2, dtype=np.float32)[[0, 1] * 50]


def noisy(seed: int, spread: float) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (RIGHT * 2.0 + rng.normal(size=RIGHT.shape) * spread).astype(np.float64)


def test_two_that_err_apart_answer_together() -> None:
    found = {name: judge(noisy(seed, 1.5), RIGHT, many=False) for seed, name in enumerate(("ngrams", "full"))}
    choice = choose(found, RIGHT, many=False)
    assert set(choice.weights) == {"ngrams", "full"}
    assert sum(choice.weights.values()) == pytest.approx(1.0)
    assert choice.judged.accuracy > max(each.accuracy for each in found.values())


def test_one_that_only_guesses_is_left_out() -> None:
    found = {
        "full": judge(noisy(0, 0.8), RIGHT, many=False),
        "ngrams": judge(np.random.default_rng(5).normal(size=RIGHT.shape), RIGHT, many=False),
    }
    assert choose(found, RIGHT, many=False).weights == {"full": 1.0}


def test_the_only_candidate_answers_and_is_brought_to_probabilities() -> None:
    sure = judge(noisy(0, 1.5) * 50, RIGHT, many=False)
    choice = choose({"ngrams": sure}, RIGHT, many=False)
    assert choice.temperature > 10
    assert choice.loss < sure.log_loss


def test_with_nothing_held_out_the_first_answers_and_it_is_said() -> None:
    none = judge(np.zeros((0, 2)), np.zeros((0, 2), np.float32), many=False)
    choice = choose({"ngrams": none}, np.zeros((0, 2), np.float32), many=False)
    assert choice.weights == {"ngrams": 1.0}
    assert "nothing was held out" in choice.why


def test_of_many_labels_each_is_weighed_by_itself() -> None:
    targets = np.random.default_rng(0).integers(0, 2, size=(80, 3)).astype(np.float32)
    rng = np.random.default_rng(1)
    found = {
        name: judge((targets - 0.5) * 3 + rng.normal(size=targets.shape) * 1.5, targets, many=True) for name in "ab"
    }
    assert choose(found, targets, many=True).judged.accuracy >= max(each.accuracy for each in found.values())


def test_two_that_are_never_wrong_end_the_search() -> None:
    perfect = {
        name: judge((RIGHT * 1e4).astype(np.float64), RIGHT, many=False) for name in ("ngrams", "full", "few-shot")
    }
    assert choose(perfect, RIGHT, many=False).judged.accuracy == 1.0


def few(accuracy: float, n: int = 16) -> np.ndarray:
    """Scores of `n` texts, of which this share is right."""
    scores = RIGHT[:n].astype(np.float64).copy()
    wrong = round((1.0 - accuracy) * n)
    scores[:wrong] = scores[:wrong, ::-1]
    return scores


@pytest.mark.parametrize(
    ("ngrams", "frozen", "taken"),
    [(0.8, 0.6, {"frozen", "few-shot"}), (1.0, 0.5, {"ngrams"})],
    ids=["a difference that chance explains", "a difference that it does not"],
)
def test_a_few_texts_weigh_nothing_and_encoders_answer_alike(ngrams: float, frozen: float, taken: set[str]) -> None:
    shares = {"ngrams": ngrams, "frozen": frozen, "few-shot": frozen}
    found = {name: judge(few(share), RIGHT[:16], many=False) for name, share in shares.items()}
    choice = choose(found, RIGHT[:16], many=False)
    assert choice.weights == {name: pytest.approx(1.0 / len(taken)) for name in taken}
    assert "16 held-out texts are too few to weigh by" in choice.why

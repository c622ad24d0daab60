"""Who is like whom: the logistic regression against scikit-learn's, and both ways of likeness on the small shop."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from huaxiang.pipeline.logistic import fit_logistic
from huaxiang.pipeline.lookalike import Read, Sample, by_classifier, by_vector, most_alike, read_people, vectors_of
from huaxiang.shop import Shop
from huaxiang.types import Event
from tests.pipeline.conftest import NOON


def people(n: int, *, mean: float, seed: int, d: int = 6) -> Read:
    """People whose first coordinate has this mean."""
    rng = np.random.default_rng(seed)
    u_ND = rng.normal(size=(n, d)).astype(np.float32)
    u_ND[:, 0] += mean
    u_ND /= np.linalg.norm(u_ND, axis=1, keepdims=True)
    return Read(tuple(f"s{seed}-{at}" for at in range(n)), u_ND, rng.normal(size=(n, 4)).astype(np.float32))


def sample(*reads: Read, most: int = 1_000, seed: int = 0) -> Sample:
    taken = Sample(most, reads[0].u_ND.shape[1], seed=seed)
    for read in reads:
        taken.add(read)
    return taken


@pytest.mark.parametrize("ridge", [0.001, 0.1])
def test_the_regression_is_that_of_scikit_learn(ridge: float) -> None:
    rng = np.random.default_rng(3)
    x_NF = rng.normal(size=(300, 8)) * np.arange(1, 9) + 5.0
    y_N = x_NF[:, 0] + 0.2 * x_NF[:, 3] + rng.normal(size=300) > 7.5
    standard_NF = (x_NF - x_NF.mean(axis=0)) / x_NF.std(axis=0)
    theirs = LogisticRegression(C=1 / (300 * ridge), class_weight="balanced", tol=1e-10, max_iter=5000).fit(
        standard_NF, y_N
    )
    ours = fit_logistic(x_NF, y_N, ridge=ridge)
    assert ours.log_odds(x_NF) == pytest.approx(theirs.decision_function(standard_NF), abs=1e-3)


def test_classes_that_are_told_apart_and_a_column_that_says_nothing_have_finite_weights() -> None:
    x_NF = np.column_stack([np.repeat([0.0, 1.0], 20), np.full(40, 7.0)])
    model = fit_logistic(x_NF, x_NF[:, 0] > 0.5, ridge=0.1)
    assert np.isfinite(model.weights_F).all()
    assert model.weights_F[1] == 0.0
    assert model.log_odds(x_NF)[0] < 0.0 < model.log_odds(x_NF)[-1]


def test_a_sample_is_of_its_size_even_and_the_same_for_the_same_seed() -> None:
    reads = [people(50, mean=0.0, seed=seed) for seed in range(4)]
    one, same, other = (sample(*reads, most=60, seed=seed) for seed in (1, 1, 2))
    assert (one.n, len(one.kept.user_ids), len(set(one.kept.user_ids))) == (200, 60, 60)
    assert one.kept.user_ids == same.kept.user_ids != other.kept.user_ids
    by_block = [sum(name.startswith(f"s{seed}-") for name in one.kept.user_ids) for seed in range(4)]
    assert min(by_block) >= 5
    assert one.mean_D == pytest.approx(np.concatenate([read.u_ND for read in reads]).mean(axis=0), abs=1e-6)


def test_by_vector_is_the_cosine_with_the_mean_of_the_examples() -> None:
    examples, asked = people(30, mean=2.0, seed=0), people(5, mean=0.0, seed=1)
    mean_D = examples.u_ND.mean(axis=0)
    expected = asked.u_ND @ (mean_D / np.linalg.norm(mean_D))
    assert by_vector(sample(examples))(asked) == pytest.approx(expected, abs=1e-6)


def test_a_classifier_finds_who_is_like_the_examples_where_figures_are_denied_too() -> None:
    examples, others = people(100, mean=2.5, seed=0), people(200, mean=0.0, seed=1)
    examples.figures_NB[:40] = np.nan
    likeness = by_classifier(sample(examples), sample(others))
    like, unlike = (likeness(people(100, mean=mean, seed=5)) for mean in (2.5, 0.0))
    assert np.isfinite(like).all()
    assert (like[:, None] > unlike).mean() > 0.8


def test_the_most_alike_are_best_first_and_of_equals_the_first_to_come() -> None:
    blocks = [(["a", "b"], np.array([0.5, 0.9])), (["c", "d"], np.array([0.9, 0.1])), ([], np.array([]))]
    assert most_alike(blocks, 3) == [("b", 0.9), ("c", 0.9), ("a", 0.5)]
    assert len(most_alike(blocks, 9)) == 4


def test_who_never_did_a_thing_is_not_compared_and_denied_figures_are_unknown(still: Shop) -> None:
    denied = {"scope": "analytics", "status": "denied"}
    still.store.append(
        [Event("consent", NOON, "quiet", properties=denied), Event("consent", NOON, "u08", properties=denied)]
    )
    users = ["quiet", "u00", "u08"]
    now = NOON.replace(hour=13)
    states = [still.portraits.state(user, before=now) for user in users]
    read = read_people(still.pipeline, users, states, vectors_of(still.pipeline, users, states, now=now), now=now)
    assert read.user_ids == ("u00", "u08")
    assert np.linalg.norm(read.u_ND, axis=1) == pytest.approx([1.0, 1.0], abs=1e-6)
    assert np.isfinite(read.figures_NB[0]).all()
    assert np.isnan(read.figures_NB[1]).all()

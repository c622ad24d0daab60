"""The chain over labels, against all paths written out."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from huaxiang.encoder.tagging.chain import Chain, unread
from huaxiang.encoder.tagging.spans import bounds_of, label_names, repaired

NAMES = label_names(["brand", "type"])
K = len(NAMES)


def random_chain(seed: int) -> Chain:
    rng = np.random.default_rng(seed)
    return Chain.of(NAMES, rng.normal(size=K), rng.normal(size=(K, K)), rng.normal(size=K))


def all_paths(chain: Chain, emissions_UK: NDArray[np.float64]) -> dict[tuple[str, ...], float]:
    """The score of every spelling that BIO allows."""
    scores = {}
    for path in itertools.product(range(K), repeat=len(emissions_UK)):
        spelling = tuple(NAMES[k] for k in path)
        if repaired(spelling)[1]:
            continue
        score = chain.start_K[path[0]] + chain.end_K[path[-1]] + sum(emissions_UK[at, k] for at, k in enumerate(path))
        scores[spelling] = float(score + sum(chain.follow_KK[a, b] for a, b in itertools.pairwise(path)))
    return scores


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 4))
def test_the_best_path_is_the_best_of_all(seed: int, n_units: int) -> None:
    chain = random_chain(seed)
    emissions_UK = np.random.default_rng(seed + 1).normal(size=(n_units, K))
    scores = all_paths(chain, emissions_UK)
    assert chain.best(emissions_UK[None], [n_units])[0] == max(scores, key=scores.__getitem__)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 4))
def test_a_span_is_as_probable_as_all_paths_that_hold_it(seed: int, n_units: int) -> None:
    chain = random_chain(seed)
    emissions_UK = np.random.default_rng(seed + 1).normal(size=(n_units, K))
    scores = all_paths(chain, emissions_UK)
    total = sum(map(math.exp, scores.values()))
    spelling = list(scores)[seed % len(scores)]
    for bounds, probability in chain.spans(emissions_UK, spelling):
        held = sum(math.exp(score) for path, score in scores.items() if bounds in bounds_of(path))
        assert probability == pytest.approx(held / total, rel=1e-9)


def test_texts_of_one_batch_do_not_see_each_other() -> None:
    chain = random_chain(3)
    emissions_BUK = np.random.default_rng(4).normal(size=(3, 5, K))
    lengths = [5, 2, 0]
    alone = [chain.best(emissions_BUK[i : i + 1, :n], [n])[0] for i, n in enumerate(lengths)]
    assert chain.best(emissions_BUK, lengths) == alone
    assert [len(path) for path in alone] == lengths


def test_an_inside_never_stands_first_however_high_its_score() -> None:
    emissions_UK = np.zeros((2, K))
    emissions_UK[:, NAMES.index("I-type")] = 50.0
    assert Chain.of(NAMES).best(emissions_UK[None], [2])[0] == ("B-type", "I-type")


def test_a_higher_temperature_is_less_sure_and_finds_the_same() -> None:
    chain = random_chain(5)
    emissions_UK = np.zeros((2, K))
    emissions_UK[0, NAMES.index("B-brand")] = 8.0
    cold, warm = (
        chain.spans(emissions_UK, ["B-brand", "O"]),
        chain.tempered(4.0).spans(emissions_UK / 4.0, ["B-brand", "O"]),
    )
    assert cold[0][0] == warm[0][0] == (0, 1, "brand")
    assert cold[0][1] > warm[0][1] > 0.0


def test_what_was_not_read_is_outside() -> None:
    assert Chain.of(NAMES).best(np.array([[unread(K), unread(K)]]), [2])[0] == ("O", "O")

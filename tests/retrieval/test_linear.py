"""The closed forms against plain linear algebra."""

import numpy as np
import pytest

from huaxiang.errors import ConfigError
from huaxiang.retrieval.base import Interactions
from huaxiang.retrieval.linear import Ease, Ridge
from tests.contracts.retriever import a_small_shop


def test_ease_is_the_published_formula() -> None:
    met = np.array(
        [[1, 1, 1, 0, 0], [1, 1, 0, 0, 0], [0, 1, 1, 0, 0], [1, 0, 1, 0, 0], [0, 0, 0, 1, 1], [0, 0, 0, 1, 1]]
    )
    inverse = np.linalg.inv(met.T @ met + 2.0 * np.eye(5))
    expected = -inverse / np.diag(inverse)
    np.fill_diagonal(expected, 0.0)
    assert Ease(reg=2.0).matrix(a_small_shop()).toarray()[:5, :5] == pytest.approx(expected, abs=1e-5)


def test_ridge_solves_the_regression_of_the_next_item() -> None:
    shop = Interactions.of(["tea", "pot", "cup"], [[0, 1, 2], [1, 2]])
    histories = np.array([[1.0, 0.0, 0.0], [0.5, 1.0, 0.0], [0.0, 1.0, 0.0]])
    following = np.array([[0, 1, 0], [0, 0, 1], [0, 0, 1]])
    expected = np.linalg.solve(histories.T @ histories + 3.0 * np.eye(3), histories.T @ following)
    np.fill_diagonal(expected, 0.0)
    assert Ridge(decay=0.5, reg=3.0).matrix(shop).toarray() == pytest.approx(expected, abs=1e-6)


def test_only_the_largest_weights_of_an_item_are_kept() -> None:
    assert np.diff(Ease(reg=1.0, kept=1).matrix(a_small_shop()).indptr).max() <= 2  # two may tie


def test_a_catalogue_too_large_is_refused_with_its_price() -> None:
    huge = Interactions.of([str(i) for i in range(1001)], [[0, 1]])
    with pytest.raises(ConfigError, match=r"1001 items need 0\.0 GB .* raise max_bytes"):
        Ease(max_bytes=4_000_000).matrix(huge)


def test_no_regularisation_is_refused() -> None:
    with pytest.raises(ConfigError, match="more than 0"):
        Ridge(reg=0.0).matrix(a_small_shop())

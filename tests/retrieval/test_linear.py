"""The closed forms against plain linear algebra."""

from dataclasses import replace
from typing import Any

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
    assert _matrix(Ease(reg=2.0), a_small_shop()).toarray()[:5, :5] == pytest.approx(expected, abs=1e-5)


def test_ridge_solves_the_regression_of_the_next_item() -> None:
    shop = Interactions.of(["tea", "pot", "cup"], [[0, 1, 2], [1, 2]])
    histories = np.array([[1.0, 0.0, 0.0], [0.5, 1.0, 0.0], [0.0, 1.0, 0.0]])
    following = np.array([[0, 1, 0], [0, 0, 1], [0, 0, 1]])
    expected = np.linalg.solve(histories.T @ histories + 3.0 * np.eye(3), histories.T @ following)
    np.fill_diagonal(expected, 0.0)
    assert _matrix(Ridge(decay=0.5, reg=3.0), shop).toarray() == pytest.approx(expected, abs=1e-6)


def test_only_the_largest_weights_of_an_item_are_kept() -> None:
    assert np.diff(_matrix(Ease(reg=1.0, kept=1), a_small_shop()).indptr).max() <= 2  # two may tie


@pytest.mark.parametrize("recipe", [Ease(reg=2.0), Ridge(reg=2.0, decay=0.5)])
def test_around_an_item_whose_neighbours_all_fit_the_answer_is_that_of_the_whole_catalogue(recipe: Any) -> None:
    whole = _matrix(recipe, a_small_shop()).toarray()
    around = _matrix(replace(recipe, whole_up_to=0), a_small_shop()).toarray()
    if isinstance(recipe, Ease):  # its whole form has no diagonal in the regression, and so has the other
        assert around[:3, :3] == pytest.approx(whole[:3, :3], rel=1e-4, abs=1e-6)
    assert (np.sign(around[:3, :3]) == np.sign(whole[:3, :3])).all()
    assert not around[:3, 3:].any()


def test_around_an_item_only_its_strongest_neighbours_are_read() -> None:
    shop = Interactions.of(["tea", "pot", "cup"], [[0, 1], [0, 1], [0, 2], [0, 1, 2]])
    found = _matrix(Ease(reg=1.0, whole_up_to=0, around=1), shop).toarray()
    assert found[1, 0] == pytest.approx(3.0 / (3.0 + 1.0))  # pot says tea: met by three, all with tea
    assert found[2, 0] == 0.0


def test_no_regularisation_is_refused() -> None:
    with pytest.raises(ConfigError, match="more than 0"):
        _matrix(Ridge(reg=0.0), a_small_shop())
    with pytest.raises(ConfigError, match="more than 0"):
        _matrix(Ease(reg=-1.0, whole_up_to=0), a_small_shop())


def _matrix(recipe: Any, shop: Interactions) -> Any:
    return recipe.matrix(recipe.counts(shop))

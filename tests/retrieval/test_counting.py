"""Forgetting equals a fit on the others: counts of random shops, before anything is pruned, also from a file."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huaxiang.errors import ConfigError, DataError
from huaxiang.retrieval.base import History, Interactions
from huaxiang.retrieval.counting import less
from huaxiang.retrieval.item_to_item import ItemToItem
from huaxiang.retrieval.linear import Ease, Ridge
from huaxiang.retrieval.popular import Popular
from huaxiang.retrieval.transitions import Paths, Together, Transitions

ITEMS = [f"item {at}" for at in range(7)]
RECIPES = [Transitions(), Paths(), Together(), Ease(reg=3.0), Ease(reg=3.0, whole_up_to=0), Ridge(reg=3.0, decay=0.5)]
shops = st.lists(st.lists(st.integers(0, 6), max_size=8), min_size=2, max_size=8)


def shop(rows: list[list[int]]) -> Interactions:
    """Each meeting a tenth of a day after the one before; every third counts three times."""
    days = [np.arange(len(row)) / 10.0 for row in rows]
    return Interactions.of(ITEMS, rows, days, [1.0 + 2.0 * (np.arange(len(row)) % 3 == 0) for row in rows])


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: f"{recipe.name} {getattr(recipe, 'whole_up_to', '')}")
@settings(max_examples=40, deadline=None)
@given(rows=shops, data=st.data())
def test_a_matrix_without_somebody_is_the_matrix_of_the_others(
    recipe: Any, rows: list[list[int]], data: st.DataObject
) -> None:
    gone = data.draw(st.integers(0, len(rows) - 1))
    others = ItemToItem(recipe).fit(shop(rows[:gone] + rows[gone + 1 :]))
    forgot = ItemToItem(recipe).fit(shop(rows)).forget(shop([rows[gone]]))
    expected, found = others.matrix_MM.toarray(), forgot.matrix_MM.toarray()  # type: ignore[union-attr]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6 * max(1.0, np.abs(expected).max()))


@settings(max_examples=40, deadline=None)
@given(rows=shops, data=st.data())
def test_what_is_popular_without_somebody_is_what_the_others_met(rows: list[list[int]], data: st.DataObject) -> None:
    gone = data.draw(st.integers(0, len(rows) - 1))
    last = [*rows, [0] * 9]  # who stays ends the log, so that ages are counted to the same day
    forgot = Popular(half_life_days=0.5, trend=0.5).fit(shop(last)).forget(shop([last[gone]]))
    others = Popular(half_life_days=0.5, trend=0.5).fit(shop(last[:gone] + last[gone + 1 :]))
    np.testing.assert_allclose(forgot.scores_M, others.scores_M, rtol=1e-5, atol=1e-9)


def test_who_alone_met_an_item_leaves_no_entry_behind() -> None:
    forgot = ItemToItem(Transitions()).fit(shop([[0, 1, 2], [0, 1], [2, 6, 2]])).forget(shop([[2, 6, 2]]))
    assert forgot.counts is not None
    assert forgot.counts["pairs"].shape == (7, 7)
    assert 6 not in set(forgot.matrix_MM.tocoo().col.tolist())  # type: ignore[union-attr]
    assert not forgot.scores([History.of([6])]).any()


def test_a_loaded_retriever_forgets_where_its_recipe_is_known(tmp_path: Path) -> None:
    fitted = ItemToItem(Ridge(reg=3.0, decay=0.5)).fit(shop([[0, 1, 2], [2, 3, 4], [0, 4]]))
    fitted.save(tmp_path)
    expected = fitted.forget(shop([[2, 3, 4]]))
    loaded = ItemToItem.load(tmp_path, (Transitions, Ridge))
    found = loaded.forget(shop([[2, 3, 4]]))
    assert (found.matrix_MM != expected.matrix_MM).nnz == 0  # type: ignore[union-attr]
    with pytest.raises(ConfigError, match="without its counts"):
        ItemToItem.load(tmp_path).forget(shop([[2, 3, 4]]))


def test_what_was_popular_is_forgotten_from_a_file_too(tmp_path: Path) -> None:
    Popular(half_life_days=3.0, name="lately").fit(shop([[0, 1, 2], [2, 3, 4]])).save(tmp_path)
    forgot = Popular.load(tmp_path).forget(shop([[2, 3, 4]]))
    assert forgot.name == "lately"
    assert forgot.scores_M[[3, 4]].tolist() == [0.0, 0.0]


def test_people_of_another_catalogue_are_refused() -> None:
    with pytest.raises(DataError, match="catalogue of the fit"):
        less({"met": np.ones(3)}, {"met": np.ones(4)})
    with pytest.raises(DataError, match="catalogue of the fit"):
        less({"met": np.ones(3)}, {})


def test_a_trend_is_seen_against_the_longer_time() -> None:
    rows, days = [[0, 0, 0, 0], [1, 1]], [[0.0, 0.0, 0.0, 9.0], [9.0, 9.0]]
    popular = Popular(half_life_days=3.0).fit(Interactions.of(ITEMS, rows, days))
    rising = Popular(half_life_days=3.0, trend=1.0).fit(Interactions.of(ITEMS, rows, days))
    assert rising.scores_M[1] / rising.scores_M[0] > popular.scores_M[1] / popular.scores_M[0]
    with pytest.raises(ConfigError, match="a half-life with it"):
        Popular(trend=1.0)

"""What another shop lends goes out, on, and home again, by likeness of text alone."""

from pathlib import Path
from typing import Any, Self, cast

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse

from huaxiang.errors import ConfigError
from huaxiang.retrieval.base import History, Interactions, Retriever
from huaxiang.retrieval.item_to_item import ItemToItem
from huaxiang.retrieval.kinds import ALWAYS, fit_retrievers, open_retrievers, save_retrievers
from huaxiang.retrieval.lent import NAME, Carried, graph_of
from huaxiang.retrieval.transitions import Transitions
from tests.contracts.retriever import CUP, ITEM_IDS, NEVER, POT, PUMP, TEA, TYRE, AdditiveContract, a_small_shop

SAME = np.eye(len(ITEM_IDS), dtype=np.float32)
"""Texts of items that are like themselves and like nothing else."""


def carried(ours_MD: NDArray[np.float32] = SAME, interactions: Interactions | None = None) -> Carried:
    graph = ItemToItem(Transitions()).fit(interactions or a_small_shop())
    return Carried.of(ours_MD, SAME, graph_of(graph))


def dense(ways: ItemToItem) -> NDArray[np.float32]:
    return np.asarray(sparse.csr_array(ways.matrix_MM).toarray(), dtype=np.float32)


class LentByASmallShop(ItemToItem):
    """Fits as a training does that starts from a shop of the same texts."""

    def __init__(self) -> None:
        super().__init__(Transitions())

    def fit(self, interactions: Interactions) -> Self:
        ways: Any = carried(interactions=interactions).ways()
        lent: Self = ways
        return lent


class TestLent(AdditiveContract):
    def make(self) -> Retriever:
        return cast("Retriever", LentByASmallShop())


def test_between_shops_of_the_same_texts_the_ways_are_the_other_shops() -> None:
    graph_SS = dense(ItemToItem(Transitions()).fit(a_small_shop()))
    sums_S1 = graph_SS.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(dense(carried().ways()), graph_SS / np.where(sums_S1 > 0.0, sums_S1, 1.0), rtol=1e-6)


def test_a_catalogue_in_another_order_is_answered_in_its_own() -> None:
    turned = carried(SAME[::-1])
    assert dense(turned.ways())[::-1, ::-1].tolist() == dense(carried().ways()).tolist()
    (said,) = turned.of_people([History.of([TYRE])])
    assert said == {5 - TYRE: 1.0, 5 - PUMP: 1.0}


def test_what_a_person_met_there_and_what_follows_it_is_said_of_what_is_like_it_here() -> None:
    (tea, nothing) = carried().of_people([History.of([TEA]), History.of([])])
    assert max(tea, key=lambda item: tea[item]) == TEA
    assert set(tea) == {TEA, POT, CUP}
    assert max(tea.values()) == 1.0
    assert nothing == {}


def test_what_a_person_disliked_there_says_nothing_here() -> None:
    (said,) = carried().of_people([History.of([TEA, TYRE], weights=[-1.0, 1.0])])
    assert set(said) == {TYRE, PUMP}


def test_an_item_without_text_is_carried_nowhere() -> None:
    mute = SAME.copy()
    mute[TEA] = 0.0
    ways = dense(carried(mute).ways())
    assert (ways[TEA].sum(), ways[:, TEA].sum(), ways[NEVER].sum()) == (0.0, 0.0, 0.0)


def test_it_cannot_be_counted_again_from_this_shops_log() -> None:
    with pytest.raises(ConfigError, match="--warm-from"):
        ItemToItem.fit(carried().ways(), a_small_shop())


def test_a_release_keeps_it_and_opens_it(tmp_path: Path) -> None:
    ways = carried().ways()
    save_retrievers(fit_retrievers(a_small_shop(), ALWAYS) | {NAME: ways}, tmp_path)
    opened = open_retrievers(tmp_path)[NAME]
    assert opened.forgets == "stale"
    assert opened.scores([History.of([TEA])]).tolist() == ways.scores([History.of([TEA])]).tolist()

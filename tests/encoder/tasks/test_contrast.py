"""The task `contrast`: which items a pair is held against, and how often each is drawn, by hand."""

import math

import numpy as np
import pytest

from huaxiang.encoder.heldout import Validation
from huaxiang.encoder.model import new_network
from huaxiang.encoder.tasks.contrast import Contrast, drawn, log_drawn, near_items
from tests.encoder.conftest import TINY, small_shop

torch = pytest.importorskip("torch")

ITEMS = ["green tea pot", "green tea cup", "green tea tin", "rain boots", "rain coat"]


def owned(*people: str) -> list[list[str]]:
    return [[person] for person in people]


def test_what_reads_alike_is_near_and_the_item_itself_is_not() -> None:
    near_NP, reached = near_items(ITEMS, [("leaves", 0)], owned("ann"), most=2)
    assert (sorted(near_NP[0].tolist()), reached) == ([1, 2], 1.0)


def test_what_a_person_took_another_time_is_no_negative_for_them() -> None:
    near_NP, _ = near_items(ITEMS, [("leaves", 0), ("leaves", 1), ("leaves", 0)], owned("ann", "ann", "bob"), most=3)
    assert 1 not in near_NP[0].tolist()
    assert 1 in near_NP[2].tolist()


def test_where_fewer_are_near_the_rest_is_marked_as_none() -> None:
    near_NP, _ = near_items(["茶壶", "茶杯", "书桌"], [("喝茶", 0)], owned("ann"), most=3)
    assert near_NP[0].tolist() == [1, -1, -1]


def test_a_search_without_time_reaches_nothing_and_says_so() -> None:
    near_NP, reached = near_items(ITEMS, [("wet", 3)], owned("ann"), most=2, seconds=-1.0)
    assert (near_NP.tolist(), reached) == ([[-1, -1]], 0.0)


def test_an_item_is_drawn_as_a_positive_and_by_its_share_of_the_near_ones() -> None:
    # Two pairs took item 0; one of its two near items 1 and 2 is drawn for each: a half of each, twice.
    near_NP = np.array([[1, 2, -1], [1, 2, -1]])
    assert drawn(np.array([0, 0]), 4, 1, near_NP).tolist() == [2.0, 1.0, 1.0, 0.0]


def test_the_chance_of_an_item_by_hand() -> None:
    # Counts 1 and 0 become 1.5 and .5, so shares 3/4 and 1/4: of two draws 1 - 1/16 and 1 - 9/16.
    assert log_drawn(np.array([1.0, 0.0]), 2) == pytest.approx([math.log(15 / 16), math.log(7 / 16)], abs=1e-6)


def test_hard_negatives_make_the_loss_larger_than_those_of_the_batch_alone() -> None:
    torch.manual_seed(0)
    shop = small_shop()
    network = new_network(shop.items, TINY)
    pairs = [pair for pair in shop.pairs if pair[1] < 4]  # one kind: a batch that is all alike
    nothing = Validation.of(network.tokens, [], shop.items, np.random.default_rng(0))
    near_NP, _ = near_items(shop.items, pairs[:1], [[0]], most=3)
    easy = Contrast(shop.items, pairs[:1], nothing, batch_size=1)
    hard = Contrast(shop.items, pairs[:1], nothing, batch_size=1, hard=2, near=near_NP)
    assert float(easy.loss(network, [0]).detach()) == 0.0  # one item alone: nothing to tell apart
    assert float(hard.loss(network, [0]).detach()) > 0.1


def test_without_held_out_pairs_there_is_nothing_to_say() -> None:
    shop = small_shop()
    network = new_network(shop.items, TINY)
    nothing = Validation.of(network.tokens, [], shop.items, np.random.default_rng(0))
    assert math.isnan(Contrast(shop.items, shop.pairs, nothing, batch_size=8).validate(network).value)

"""Contrastive fine-tuning: the loss by hand, and what remains when it does not help."""

import copy
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from huaxiang.encoder.contrast import PLAN, finetune
from huaxiang.encoder.heldout import Validation
from huaxiang.encoder.model import Network, new_network
from huaxiang.encoder.pretraining import Pretraining, pretrain
from huaxiang.encoder.start import start_as_bag_of_words
from huaxiang.encoder.tasks.contrast import info_nce
from tests.encoder.conftest import TINY, Shop, small_shop

torch = pytest.importorskip("torch")


@pytest.fixture
def shop() -> Shop:
    return small_shop()


@pytest.fixture
def network(shop: Shop) -> Network:
    torch.manual_seed(3)
    made = new_network(shop.items, TINY)
    rows = made.tokens.ids(shop.items)
    start_as_bag_of_words(made.lm, rows, made.tokenizer.all_special_ids, np.random.default_rng(3))
    return made


def validation_of(network: Network, shop: Shop) -> Validation:
    return Validation.of(network.tokens, shop.pairs[:30], shop.items, np.random.default_rng(0))


def test_the_loss_of_two_pairs_by_hand() -> None:
    # Scores 1 and 0 at temperature 1: -log(e / (e + 1)) = log(1 + 1/e) = .3133 for both.
    loss = info_nce(torch.eye(2), torch.eye(2), torch.tensor([0, 1]), torch.zeros(2), 1.0)
    assert float(loss) == pytest.approx(math.log(1 + math.exp(-1)))


def test_a_negative_that_is_drawn_often_counts_for_less() -> None:
    # The other item is drawn e times as often: its score 0 becomes -1, so the loss is log(1 + e^-2).
    loss = info_nce(torch.eye(2)[:1], torch.eye(2), torch.tensor([0]), torch.tensor([0.0, 1.0]), 1.0)
    assert float(loss) == pytest.approx(math.log(1 + math.exp(-2)))


def test_shoppers_who_stay_with_one_kind_are_learned(network: Network, shop: Shop) -> None:
    validation = validation_of(network, shop)
    before = validation.check(network)
    report = finetune(
        network,
        shop.items,
        shop.pairs[30:],
        validation,
        before=before,
        seconds=600,
        rng=np.random.default_rng(0),
        max_steps=20,
        plan=replace(PLAN, batch_size=16, learning_rate=5e-3, epochs=20),
    )
    assert report.kept
    assert report.after.mrr > before.mrr


def test_tuning_that_only_harms_leaves_the_weights_as_they_were(network: Network, shop: Shop) -> None:
    validation = validation_of(network, shop)
    before = validation.check(network)
    vectors = network.encode_ids(network.tokens.ids(shop.items))
    wrong = [(history, (item + 6) % 12) for history, item in shop.pairs[30:]]
    report = finetune(
        network,
        shop.items,
        wrong,
        validation,
        before=before,
        seconds=600,
        rng=np.random.default_rng(0),
        max_steps=12,
        plan=replace(PLAN, batch_size=16, learning_rate=5e-3, epochs=20),
    )
    assert (report.kept, report.after) == (False, before)
    assert torch.equal(network.encode_ids(network.tokens.ids(shop.items)), vectors)


def test_the_same_seed_learns_the_same(network: Network, shop: Shop) -> None:
    twin = copy.deepcopy(network)
    for one in (network, twin):
        torch.manual_seed(5)
        rng = np.random.default_rng(5)
        pretrain(one, shop.items, seconds=600, rng=rng, max_steps=3)
        validation = validation_of(one, shop)
        before = validation.check(one)
        finetune(one, shop.items, shop.pairs, validation, before=before, seconds=600, rng=rng, max_steps=3)
    rows = network.tokens.ids(shop.items)
    assert torch.equal(network.encode_ids(rows), twin.encode_ids(rows))


def test_the_start_finds_the_item_that_shares_a_rare_word(network: Network) -> None:
    items, (query,) = network.tokens.ids(["oak desk", "green tea", "rain boots"]), network.tokens.ids(["my oak"])
    assert int((network.encode_ids([query]) @ network.encode_ids(items).T).argmax()) == 0


def test_masked_prediction_lowers_the_perplexity_of_texts_it_has_not_seen(network: Network, shop: Shop) -> None:
    texts = [f"{a} {b}" for a in shop.items for b in shop.items]
    report = pretrain(
        network,
        texts,
        seconds=600,
        rng=np.random.default_rng(0),
        max_steps=25,
        settings=Pretraining(learning_rate=5e-3, batch_size=16),
    )
    assert report.perplexity_after < report.perplexity_before


def test_progress_hears_of_each_step_and_of_the_plan(network: Network, shop: Shop, tmp_path: Path) -> None:
    heard: list[tuple[str, int, int]] = []
    pretrain(
        network,
        shop.items,
        seconds=600,
        rng=np.random.default_rng(0),
        max_steps=2,
        progress=lambda stage, step, planned, _left: heard.append((stage, step, planned)),
    )
    assert heard == [("pretrain", 1, 2), ("pretrain", 2, 2)]

"""The task `rank`: the loss of a list by hand, what is drawn of a long one, and that serving says what torch says."""

import math
from pathlib import Path

import numpy as np
import pytest

from huaxiang.encoder.cross_encoder import CrossEncoder
from huaxiang.encoder.finetuning.loop import Plan, fit
from huaxiang.encoder.model import Network, new_network
from huaxiang.encoder.reranking import Ranker, save_ranker
from huaxiang.encoder.start import start_as_bag_of_words
from huaxiang.encoder.tasks.rank import LIST_SIZE, Judged, Rank, listwise_loss
from huaxiang.errors import DataError
from tests.encoder.conftest import KINDS, TINY, small_shop

torch = pytest.importorskip("torch")


@pytest.fixture
def network() -> Network:
    torch.manual_seed(2)
    shop = small_shop()
    made = new_network(shop.items, TINY)
    special = made.tokenizer.all_special_ids
    start_as_bag_of_words(made.lm, made.tokens.ids(shop.items), special, np.random.default_rng(3))
    return made


def judged(network: Network, n_lists: int) -> Judged:
    """Each list is of a person of one kind; of two items that of their kind is bought, the other is not."""
    kinds = list(KINDS.values())
    histories, items, gains, lists = [], [], [], []
    for n in range(n_lists):
        own, other = kinds[n % 3], kinds[(n + 1) % 3]
        for text, gain in ((own[n % 4], 2.0), (other[n % 4], 0.0)):
            histories.append(own[(n + 1) % 4])
            items.append(text)
            gains.append(gain)
            lists.append(n)
    return Judged(network.tokens.pair_ids(histories, items), np.array(gains), np.array(lists))


def test_the_loss_of_a_list_by_hand() -> None:
    # Scores 0 and 0: log 2 whatever the shares. Scores 1 and 0 with gains 2 and 1: 2/3 of .3133 and 1/3 of 1.3133.
    loss = listwise_loss(torch.tensor([0.0, 0.0, 1.0, 0.0]), [np.array([1.0, 0.0]), np.array([2.0, 1.0])])
    second = math.log(1 + math.exp(-1)) + 1 / 3
    assert float(loss) == pytest.approx((math.log(2) + second) / 2)


def test_a_list_of_one_row_or_of_equal_rows_teaches_no_order() -> None:
    rows = Judged([[1]] * 5, np.array([1.0, 2.0, 2.0, 0.0, 1.0]), np.array([0, 1, 1, 2, 2]))
    assert [each.tolist() for each in rows.lists()] == [[3, 4]]


def test_of_a_long_list_some_rows_are_drawn_and_the_one_that_was_bought_is_among_them() -> None:
    gains = np.zeros(50)
    gains[17] = 1.0
    task = Rank(
        Judged([[1, 2]] * 50, gains, np.zeros(50, dtype=np.int64)),
        Judged([], np.zeros(0), np.zeros(0, dtype=np.int64)),
        4,
        listwise=True,
        rng=np.random.default_rng(0),
    )
    drawn = task._some(np.arange(50))
    assert (len(drawn), len(set(drawn.tolist())), 17 in drawn) == (LIST_SIZE, LIST_SIZE, True)


@pytest.mark.parametrize("listwise", [True, False])
def test_what_shoppers_of_a_kind_buy_is_learned(network: Network, listwise: bool) -> None:
    train, held = judged(network, 36), judged(network, 12)
    task = Rank(train, held, network.d, listwise=listwise, rng=np.random.default_rng(0))
    plan = Plan(epochs=40, batch_size=12, learning_rate=3e-3)
    done = fit(network, task, plan, seconds=600, rng=np.random.default_rng(0), max_steps=120)
    assert done.after.figures["mrr"] > 0.9
    assert done.loss_last < done.loss_first


def test_a_pair_is_cut_at_the_longer_text(network: Network) -> None:
    (both,) = network.tokens.pair_ids(["tea " * 100], ["desk desk"])
    assert len(both) == TINY.max_tokens
    assert network.tokenizer.decode(both, skip_special_tokens=True).endswith("tea desk desk")


def test_the_served_graph_scores_as_torch_does_and_one_history_serves_many_items(
    network: Network, tmp_path: Path
) -> None:
    task = Rank(judged(network, 3), judged(network, 3), network.d, listwise=True, rng=np.random.default_rng(0))
    save_ranker(Ranker(network, task.head, {}), tmp_path / "r", [("green tea", "tea pot")])
    served = CrossEncoder.load(tmp_path / "r")
    items = ["tea pot", "oak desk", ""]
    ours = task.scores(network, network.tokens.pair_ids(["green tea"] * 3, items))
    assert served.scores("green tea", items) == pytest.approx(ours, abs=1e-4)
    with pytest.raises(DataError, match="2 histories but 3 items"):
        served.scores(["a", "b"], items)


def test_a_folder_of_something_else_is_no_cross_encoder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="finetune rank --out"):
        CrossEncoder.load(tmp_path)

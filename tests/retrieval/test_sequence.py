"""The sequence Transformer: what it serves in numpy is what torch taught it."""

from pathlib import Path

import numpy as np
import pytest
import torch

from huaxiang.errors import ConfigError, DataError, ReleaseError
from huaxiang.retrieval.base import UNKNOWN, History, Interactions, Retriever
from huaxiang.retrieval.content import tf_idf
from huaxiang.retrieval.sequence import SequenceModel
from huaxiang.retrieval.sequence_training import Sequential, _Network, windows
from tests.contracts.retriever import CUP, POT, TEA, RetrieverContract, a_small_shop


def ring(n_users: int = 200, n_items: int = 12) -> Interactions:
    """Everybody walks along a ring of items from a place of their own."""
    starts = np.random.default_rng(0).integers(0, n_items, n_users)
    return Interactions.of([f"p{i}" for i in range(n_items)], [[(s + i) % n_items for i in range(5)] for s in starts])


class TestSequenceModel(RetrieverContract):
    def make(self) -> Retriever:
        return SequenceModel(Sequential(threads=1, epochs=2, d=16, dropout=0.0))


def test_who_walks_a_ring_is_shown_the_next_step() -> None:
    model = SequenceModel(Sequential(threads=1, epochs=40, d=16, dropout=0.0, learning_rate=5e-3, batch_size=16)).fit(
        ring()
    )
    assert [model.candidates(History.of([at, at + 1]), 1)[0][0] for at in range(9)] == list(range(2, 11))


def test_order_counts_and_not_only_what_was_met() -> None:
    model = SequenceModel(Sequential(threads=1, epochs=20, d=16, dropout=0.0, learning_rate=5e-3, batch_size=16)).fit(
        ring()
    )
    there, back = model.scores([History.of([3, 4, 5]), History.of([5, 4, 3])])
    assert there.argmax() == 6
    assert back.argmax() != 6


def test_numpy_says_what_torch_says() -> None:
    settings = Sequential(d=16, heads=4, layers=3, window=8)
    torch.manual_seed(1)
    network = _Network(settings, 30).eval()
    for name, value in network.named_parameters():
        if name.endswith("near"):
            torch.nn.init.normal_(value)
    rows = [np.array([1, 2, 3, 4, 5]), np.array([7]), np.arange(8)]
    with torch.no_grad():
        said = [network.states(network.vectors(row)[None])[0, -1].numpy() for row in rows]
    np.testing.assert_allclose(SequenceModel.made(network.served()).states(rows), said, atol=1e-5)


def test_what_is_later_changes_nothing_of_what_was_said_before() -> None:
    network = _Network(Sequential(d=16, window=8), 30).eval()
    with torch.no_grad():
        short = network.states(network.vectors(np.array([1, 2, 3]))[None])[0, 2]
        long = network.states(network.vectors(np.array([1, 2, 3, 4, 5]))[None])[0, 2]
    torch.testing.assert_close(short, long)


def test_an_item_that_nobody_met_stands_by_its_words_beside_those_like_it() -> None:
    words = [["green", "tea"], ["tea", "pot"], ["tea", "cup"], ["tyre"], ["pump"], ["tea", "bowl"]]
    teacher = Sequential(tf_idf(words), epochs=60, d=16, threads=1, dropout=0.0, nameless=0.5, learning_rate=5e-3)
    model = SequenceModel(teacher).fit(a_small_shop())
    scores_M = model.scores([History.of([TEA, POT])])[0]
    assert scores_M[5] > scores_M[[3, 4]].max()


def test_contributions_are_what_is_lost_without_an_event() -> None:
    model = SequenceModel(Sequential(threads=1, epochs=2, d=16)).fit(a_small_shop())
    states_ND = model.states([np.array([TEA, POT]), np.array([POT])])
    with_both, without = states_ND @ model.items_MD[CUP]  # `scores` rounds to 8 bits
    assert model.contributions(History.of([TEA, POT]), CUP)[0] == pytest.approx(with_both - without, abs=1e-5)


def test_dislikes_and_strangers_are_passed_over() -> None:
    model = SequenceModel(Sequential(threads=1, epochs=2, d=16)).fit(a_small_shop())
    mixed = History.of([TEA, UNKNOWN, POT], weights=[1.0, 1.0, -1.0])
    assert model.scores([mixed]).tolist() == model.scores([History.of([TEA])]).tolist()


def test_training_goes_on_from_what_was_learned() -> None:
    first = Sequential(threads=1, epochs=30, d=16, dropout=0.0, learning_rate=5e-3, batch_size=16).learn(ring())
    again = Sequential(threads=1, epochs=1, d=16, dropout=0.0, batch_size=16, begin=first).learn(ring())
    model = SequenceModel.made(again.weights)
    assert model.candidates(History.of([3, 4]), 1)[0][0] == 5


def test_the_best_weights_by_the_judge_are_kept() -> None:
    values = iter([0.1, 0.5, 0.9, 0.2, 0.3, 0.1, 0.0])
    teacher = Sequential(threads=1, epochs=50, d=16, check_every=1, patience=2, judge=lambda _: next(values))
    learned = teacher.learn(a_small_shop())
    assert (learned.judged, learned.epochs) == (0.9, 2)


def test_long_histories_are_cut_from_the_end_and_every_step_is_learned_once() -> None:
    rows = windows(Interactions.of(list("abcdefg"), [[0, 1, 2, 3, 4, 5, 6], [3]]), 3)
    assert [row.tolist() for row in rows] == [[3, 4, 5, 6], [0, 1, 2, 3]]


def test_a_shop_with_nothing_to_learn_says_so() -> None:
    with pytest.raises(DataError, match="nobody met two items"):
        Sequential().learn(Interactions.of(["a", "b"], [[0], [1]]))


def test_terms_of_another_catalogue_are_refused() -> None:
    with pytest.raises(DataError, match="terms of 1 items"):
        Sequential(tf_idf([["tea"]])).learn(a_small_shop())


def test_a_loaded_model_cannot_be_taught(tmp_path: Path) -> None:
    SequenceModel(Sequential(threads=1, epochs=1, d=16)).fit(a_small_shop()).save(tmp_path)
    with pytest.raises(ConfigError, match="no teacher"):
        SequenceModel.load(tmp_path).fit(a_small_shop())


def test_a_damaged_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="train a new release"):
        SequenceModel.load(tmp_path)

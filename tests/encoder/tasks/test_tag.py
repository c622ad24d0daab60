"""The task `tag`: its loss is that of the right path, and what it learns it finds."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from huaxiang.encoder.checkpoint import open_checkpoint
from huaxiang.encoder.finetuning.loop import Plan, fit
from huaxiang.encoder.model import Network
from huaxiang.encoder.tagging.alignment import align
from huaxiang.encoder.tagging.crf import chain_of, path_loss, transitions
from huaxiang.encoder.tagging.files import TaggedFile
from huaxiang.encoder.tagging.spans import label_names, repaired
from huaxiang.encoder.tasks.tag import Examples, Tag

torch = pytest.importorskip("torch")

NAMES = label_names(["brand", "type"])
K = len(NAMES)


@pytest.fixture
def network(checkpoint: Path) -> Network:
    torch.manual_seed(0)
    return open_checkpoint(str(checkpoint), 32)


def examples(network: Network, shop: TaggedFile) -> Examples:
    read = [align(network.tokens, text.text, text.units) for text in shop.texts]
    return Examples(read, [text.labels for text in shop.texts])


def test_the_loss_of_a_path_is_what_writing_out_all_paths_gives() -> None:
    rng = np.random.default_rng(1)
    module: Any = transitions(NAMES)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.from_numpy(rng.normal(size=tuple(parameter.shape))))
    emissions_UK = rng.normal(size=(3, K))
    right = (NAMES.index("B-brand"), NAMES.index("I-brand"), NAMES.index("O"))
    chain = chain_of(module, NAMES)

    def score(path: tuple[int, ...]) -> float:
        steps = sum(chain.follow_KK[a, b] for a, b in itertools.pairwise(path))
        said = sum(emissions_UK[at, k] for at, k in enumerate(path))
        return float(chain.start_K[path[0]] + steps + said + chain.end_K[path[-1]])

    allowed = [p for p in itertools.product(range(K), repeat=3) if not repaired([NAMES[k] for k in p])[1]]
    expected = math.log(sum(math.exp(score(path)) for path in allowed)) - score(right)
    padded_BUK = np.concatenate([emissions_UK, rng.normal(size=(2, K))])[None]
    loss = path_loss(module, torch.from_numpy(padded_BUK).float(), torch.tensor([[*right, -1, -1]]))
    assert float(loss.detach()) == pytest.approx(expected / 3, rel=1e-4)


def test_brands_are_found_after_a_few_steps(network: Network, shop: TaggedFile) -> None:
    rows = examples(network, shop)
    task = Tag(rows, rows, NAMES, network.d)
    before = task.validate(network).value
    plan = Plan(epochs=20.0, batch_size=10, learning_rate=3e-3, head_learning_rate=3e-2, checks=3)
    report = fit(network, task, plan, seconds=60.0, rng=np.random.default_rng(0), max_steps=60)
    assert before < 0.3
    assert report.after.value > 0.9
    assert task.validate(network).value == pytest.approx(report.after.value)


def test_judging_twice_gives_the_same_since_nothing_is_dropped(network: Network, shop: TaggedFile) -> None:
    rows = examples(network, shop)
    task = Tag(rows, rows, NAMES, network.d)
    task.head.train()
    first, again = task.scores(network, rows.texts[:3]), task.scores(network, rows.texts[:3])
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)


def test_without_a_learned_chain_the_loss_is_cross_entropy_with_weights(network: Network, shop: TaggedFile) -> None:
    rows = examples(network, shop)
    weights = np.ones(K, dtype=np.float32)
    weights[0] = 0.0
    network.lm.eval()
    task = Tag(rows, rows, NAMES, network.d, crf=False, weights=weights)
    task.head.eval()
    scores_UK = task.scores(network, rows.texts[:1])[0]
    chosen = [NAMES.index(label) for label in rows.labels[0]]
    log_softmax_UK = scores_UK - np.log(np.exp(scores_UK).sum(axis=1, keepdims=True))
    tagged = [at for at, k in enumerate(chosen) if k]
    expected = -np.mean([log_softmax_UK[at, chosen[at]] for at in tagged])
    assert float(task.loss(network, [0]).detach()) == pytest.approx(float(expected), rel=1e-4)
    assert not task.chain().start_K[0]


def test_what_is_not_read_is_outside_and_teaches_nothing(network: Network, shop: TaggedFile) -> None:
    whole = examples(network, shop)
    long = "红牛" * 40
    read = align(network.tokens, long, [(i, i + 1) for i in range(80)])
    rows = Examples([*whole.texts, read], [*whole.labels, ("B-brand", "I-brand") * 40])
    task = Tag(rows, rows, NAMES, network.d)
    assert math.isfinite(float(task.loss(network, [len(rows) - 1, 0]).detach()))
    assert set(task.predict(network, [read])[0][40:]) == {"O"}


def test_nothing_held_out_judges_nothing(network: Network, shop: TaggedFile) -> None:
    task = Tag(examples(network, shop), Examples([], []), NAMES, network.d)
    assert math.isnan(task.validate(network).value)

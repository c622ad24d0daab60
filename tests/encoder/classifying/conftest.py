"""A small checkpoint that the room makes itself, and reviews that a bag of words can tell apart."""

from pathlib import Path

import numpy as np
import pytest
import torch

from huaxiang.encoder.classifying.table import Labelled
from huaxiang.encoder.export import export
from huaxiang.encoder.model import Shape, new_network
from huaxiang.encoder.start import start_as_bag_of_words

GOOD = ["很好 喜欢", "质量很好", "great tea", "love it", "非常满意", "works well", "好喝", "fine pot"]
BAD = ["很差 失望", "质量很差", "bad tea", "broken", "不满意", "does not work", "难喝", "ugly pot"]


def reviews(n: int, seed: int = 0) -> Labelled:
    """Two words of praise or blame in each text, with a number that makes it a text of its own."""
    rng = np.random.default_rng(seed)
    texts, labels = [], []
    for at in range(n):
        words, label = (GOOD, "good") if at % 2 else (BAD, "bad")
        texts.append(f"{words[rng.integers(8)]} {words[rng.integers(8)]} {seed}-{at}")
        labels.append((label,))
    return Labelled(tuple(texts), tuple(labels))


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that Transformers opens: 1 layer of width 32."""
    torch.manual_seed(0)
    texts = list(reviews(400, seed=99).texts)
    network = new_network(texts, Shape(hidden=32, layers=1, heads=2, inner=64, vocabulary=400, max_tokens=32))
    start_as_bag_of_words(
        network.lm, network.tokens.ids(texts), network.tokenizer.all_special_ids, np.random.default_rng(0)
    )
    folder = tmp_path_factory.mktemp("checkpoint") / "tiny"
    export(network, folder, texts[:4])
    return folder / "hf"

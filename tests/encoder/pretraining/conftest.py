"""A tiny network over a small shop's text."""

import numpy as np
import pytest

from huaxiang.encoder.model import Network, new_network
from huaxiang.encoder.start import start_as_bag_of_words
from tests.encoder.conftest import TINY, small_shop

torch = pytest.importorskip("torch")


@pytest.fixture
def texts() -> list[str]:
    """144 short texts, Chinese and English in each."""
    items = small_shop().items
    return [f"{a} {b}" for a in items for b in items]


def network_of(texts: list[str], seed: int = 3) -> Network:
    """A network of one layer without dropout, begun as in training."""
    torch.manual_seed(seed)
    made = new_network(texts, TINY, dropout=0.0)
    rng = np.random.default_rng(seed)
    start_as_bag_of_words(made.lm, made.tokens.ids(texts), made.tokenizer.all_special_ids, rng)
    return made


@pytest.fixture
def network(texts: list[str]) -> Network:
    return network_of(texts)

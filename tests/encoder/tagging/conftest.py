"""A tea and shoe shop's titles, tagged, and what reads them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from huaxiang.encoder.model import Network, Shape
from huaxiang.encoder.tagging.files import TaggedFile, read_tagged

TINY = Shape(hidden=32, layers=1, heads=2, inner=64, vocabulary=300, max_tokens=32)
BRANDS = ("红牛", "宜兴", "Nike", "Uji")
TYPES = ("跑鞋", "饮料", "茶壶")
FILLERS = ("新款", "正品", "包邮", "2024")


def titles(n: int, seed: int) -> str:
    """Titles of one brand and one type each, between words that are neither, as lines of characters and labels."""
    rng = np.random.default_rng(seed)
    out = []
    for _ in range(n):
        words = [(str(rng.choice(FILLERS)), "O"), (str(rng.choice(BRANDS)), "brand"), (str(rng.choice(FILLERS)), "O")]
        words += [(str(rng.choice(TYPES)), "type"), (str(rng.choice(FILLERS)), "O")]
        rows = [
            f"{character} {'O' if name == 'O' else ('I-' if at else 'B-') + name}"
            for word, name in words[int(rng.integers(2)) :]
            for at, character in enumerate(word)
        ]
        out.append("\n".join(rows))
    return "\n\n".join(out) + "\n"


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> TaggedFile:
    path = tmp_path_factory.mktemp("tags") / "train.txt"
    path.write_text(titles(60, 0), encoding="utf-8")
    return read_tagged(path)


@pytest.fixture(scope="session")
def checkpoint(shop: TaggedFile, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny encoder that was never trained."""
    return saved_network([text.text for text in shop.texts], tmp_path_factory.mktemp("tiny"))


def saved_network(texts: Sequence[str], folder: Path) -> Path:
    """Write a new network as a checkpoint of Transformers."""
    torch = pytest.importorskip("torch")
    from huaxiang.encoder.checkpoint import quietly
    from huaxiang.encoder.model import new_network

    with torch.random.fork_rng(devices=[]), quietly():
        torch.manual_seed(0)
        network: Network = new_network(texts, TINY)
        network.lm.save_pretrained(folder)
        network.tokenizer.save_pretrained(folder)
    return folder

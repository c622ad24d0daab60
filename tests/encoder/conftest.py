"""A tiny shop and one encoder trained on it, made once for the whole room."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from huaxiang.encoder.model import Shape
from huaxiang.encoder.report import EncoderReport
from huaxiang.encoder.training import train_encoder

TINY = Shape(hidden=32, layers=1, heads=2, inner=64, vocabulary=400, max_tokens=32)

KINDS = {
    "tea": ("green tea 绿茶", "black tea 红茶", "tea pot 茶壶", "tea cup 茶杯"),
    "boots": ("hiking boots 登山鞋", "rain boots 雨靴", "boot laces 鞋带", "boot wax 鞋油"),
    "desk": ("oak desk 书桌", "desk lamp 台灯", "office chair 办公椅", "book shelf 书架"),
}


@dataclass(frozen=True)
class Shop:
    """Item texts, and (history, next item) of shoppers who stay with one kind; `users[i]` made `pairs[i]`."""

    items: list[str]
    pairs: list[tuple[str, int]]
    users: list[str]


def small_shop() -> Shop:
    """12 items of 3 kinds; 30 shoppers, each with 3 pairs."""
    items = [text for texts in KINDS.values() for text in texts]
    pairs, users = [], []
    for shopper in range(30):
        first = 4 * (shopper % 3)
        for step in range(3):
            seen = [items[first + (shopper + i) % 4] for i in range(step + 1)]
            pairs.append((" ; ".join(reversed(seen)), first + (shopper + step + 1) % 4))
            users.append(f"u{shopper}")
    return Shop(items, pairs, users)


@dataclass(frozen=True)
class Trained:
    """The folder of an encoder and the report of its making."""

    folder: Path
    report: EncoderReport
    shop: Shop


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    shop = small_shop()
    folder = tmp_path_factory.mktemp("encoder") / "tiny"
    report = train_encoder(
        shop.items, shop.pairs, users=shop.users, out=folder, budget_seconds=600, seed=7, max_steps=4, shape=TINY
    )
    return Trained(folder, report, shop)

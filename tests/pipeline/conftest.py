"""A small trained shop of teas, boots, lamps and books, copied for each test that writes."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from huaxiang.shop import Shop
from tests.shops import copy_shop, make_release, settings_of, stock

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
"""The end of the shop's log."""


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shop's data directory; copy it before changing it."""
    folder = tmp_path_factory.mktemp("pipeline") / "shop"
    stock(folder, until=NOON)
    make_release(folder)
    return folder


@pytest.fixture(scope="session")
def still(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop that tests only read, or write to under users of their own."""
    shop = Shop(settings_of(copy_shop(built, tmp_path_factory.mktemp("still") / "shop")))
    yield shop
    shop.close()


@pytest.fixture
def shop(built: Path, tmp_path: Path) -> Iterator[Shop]:
    """A copy that the test may change as it likes."""
    opened = Shop(settings_of(copy_shop(built, tmp_path / "shop")))
    yield opened
    opened.close()

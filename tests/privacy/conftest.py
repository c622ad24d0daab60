"""A small trained shop of teas, boots, lamps and books that the test may change."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from huaxiang.shop import Shop
from tests.shops import build_shop, copy_shop, settings_of


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shop's data directory; copy it before changing it."""
    return build_shop(tmp_path_factory.mktemp("privacy") / "shop")


@pytest.fixture
def shop(built: Path, tmp_path: Path) -> Iterator[Shop]:
    """A copy that the test may change as it likes."""
    opened = Shop(settings_of(copy_shop(built, tmp_path / "shop")))
    yield opened
    opened.close()

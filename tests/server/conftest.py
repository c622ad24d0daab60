"""A running server over a small trained shop: one for the whole session, and fresh ones for tests that change it."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.server.running import Running, serving
from tests.shops import build_shop, copy_shop, settings_of


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data directory of the small shop; copy it before changing it."""
    return build_shop(tmp_path_factory.mktemp("small") / "shop")


@pytest.fixture(scope="session")
def shared(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One server for every test that keeps to users and items of its own."""
    folder = copy_shop(built, tmp_path_factory.mktemp("shared") / "shop")
    with serving(settings_of(folder)) as running:
        yield running


@pytest.fixture
def client(shared: Running) -> httpx.Client:
    """A client of the shared server."""
    return shared.client


@pytest.fixture
def fresh(built: Path, tmp_path: Path) -> Iterator[Running]:
    """A server over a copy that the test may change as it likes."""
    with serving(settings_of(copy_shop(built, tmp_path / "shop"))) as running:
        yield running


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Running]:
    """A server over a shop without an item, an event or a release."""
    with serving(settings_of(tmp_path / "empty")) as running:
        yield running

"""One small simulated shop for the whole room: 300 items, 150 accounts, 90 days."""

from datetime import UTC, datetime

import pytest

from huaxiang.demo import DemoShop, simulate

UNTIL = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(scope="session")
def shop() -> DemoShop:
    return simulate(seed=3, n_items=300, n_users=150, until=UNTIL)

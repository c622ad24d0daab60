"""One sentence about a shopper, and when it speaks of habits."""

from typing import Any

import pytest

from huaxiang.profiles.summary import summary
from huaxiang.types import Facet
from tests.profiles.shops import at

TEA = Facet("category", "Tea", 0.7, 0.6, 60.0, (), at(1))
LOW = Facet("price_band", "low", 0.8, 0.7, 60.0, (), at(1))


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        ({}, "Mostly Tea (70%), low prices"),
        ({"loyalty": None, "repeat_purchase": None}, "Mostly Tea (70%), low prices"),
        ({"loyalty": 0.49, "repeat_purchase": 0.49}, "Mostly Tea (70%), low prices"),
        ({"loyalty": 0.6}, "Mostly Tea (70%), keeps to the same brands, low prices"),
        ({"repeat_purchase": 0.62}, "Mostly Tea (70%), low prices, likely to buy again within 30 days (62%)"),
        (
            {"language": "zh", "loyalty": 0.6, "repeat_purchase": 0.62},
            "主要关注Tea (70%)，认准品牌，价位偏实惠，30天内很可能再次购买（62%）",
        ),
    ],
)
def test_habits_are_named_where_they_are_strong(behaviour: dict[str, Any], said: str) -> None:
    assert summary([TEA, LOW], [], behaviour) == said

"""One sentence about a profile, in the language the person writes."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from huaxiang.types import Facet

_LOYAL: Final = 0.5
"""Loyalty from which somebody is said to keep to their brands."""
_LIKELY: Final = 0.5
"""Chance from which somebody is said to be likely to buy again."""


def summary(interests: Sequence[Facet], needs: Sequence[Facet], behaviour: Mapping[str, Any]) -> str:
    """What a colleague would say in a sentence; empty for a stranger."""
    categories = [f for f in interests if f.facet == "category" and f.score > 0.0]
    tops = [f"{f.value} ({f.score:.0%})" for f in categories if ">" not in f.value][:2]
    brands = [f.value for f in interests if f.facet == "brand" and f.score > 0.0][:2]
    searches = [f.value for f in needs if f.facet == "search"][:1]
    band = next((f.value for f in interests if f.facet == "price_band"), None)
    is_loyal = (behaviour.get("loyalty") or 0.0) >= _LOYAL
    again = behaviour.get("repeat_purchase") or 0.0
    chinese = behaviour.get("language") == "zh"
    if chinese:
        bands = {"low": "实惠", "middle": "中等", "high": "高端"}
        parts = [
            f"主要关注{'、'.join(tops)}" if tops else "",
            f"偏好品牌{'、'.join(brands)}" if brands else "",
            "认准品牌" if is_loyal else "",
            f"价位偏{bands[band]}" if band in bands else "",
            f"30天内很可能再次购买（{again:.0%}）" if again >= _LIKELY else "",
            f"正在找“{searches[0]}”" if searches else "",
        ]
        return "，".join(part for part in parts if part)
    parts = [
        f"mostly {' and '.join(tops)}" if tops else "",
        f"likes {' and '.join(brands)}" if brands else "",
        "keeps to the same brands" if is_loyal else "",
        f"{band} prices" if band else "",
        f"likely to buy again within 30 days ({again:.0%})" if again >= _LIKELY else "",
        f"now looking for “{searches[0]}”" if searches else "",
    ]
    said = ", ".join(part for part in parts if part)
    return said[:1].upper() + said[1:]

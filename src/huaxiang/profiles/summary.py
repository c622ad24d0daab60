"""One sentence about a profile, in the language the person writes."""

from collections.abc import Mapping, Sequence
from typing import Any

from huaxiang.types import Facet


def summary(interests: Sequence[Facet], needs: Sequence[Facet], behaviour: Mapping[str, Any]) -> str:
    """What a colleague would say in a sentence; empty for a stranger."""
    categories = [f for f in interests if f.facet == "category" and f.score > 0.0]
    tops = [f"{f.value} ({f.score:.0%})" for f in categories if ">" not in f.value][:2]
    brands = [f.value for f in interests if f.facet == "brand" and f.score > 0.0][:2]
    searches = [f.value for f in needs if f.facet == "search"][:1]
    band = next((f.value for f in interests if f.facet == "price_band"), None)
    chinese = behaviour.get("language") == "zh"
    if chinese:
        bands = {"low": "实惠", "middle": "中等", "high": "高端"}
        parts = [
            f"主要关注{'、'.join(tops)}" if tops else "",
            f"偏好品牌{'、'.join(brands)}" if brands else "",
            f"价位偏{bands[band]}" if band in bands else "",
            f"正在找“{searches[0]}”" if searches else "",
        ]
        return "，".join(part for part in parts if part)
    parts = [
        f"mostly {' and '.join(tops)}" if tops else "",
        f"likes {' and '.join(brands)}" if brands else "",
        f"{band} prices" if band else "",
        f"now looking for “{searches[0]}”" if searches else "",
    ]
    said = ", ".join(part for part in parts if part)
    return said[:1].upper() + said[1:]

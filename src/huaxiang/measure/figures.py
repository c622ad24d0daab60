"""Figures as JSON can hold them."""

import math
from typing import Any


def plain(value: Any) -> Any:
    """JSON-compatible values, in nested dicts and lists too; what is not finite becomes None."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value

"""What a query says of the price, in Chinese and English: "under $50", "between 20 and 30", "200元以下", "300左右"."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from huaxiang.text.segment import normalise

AROUND: Final = 0.2
"""How far from a price what is "about" it may lie, as a share of it."""

_NUMBER: Final = r"(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)(k|千|万)?"
_SIGN: Final = r"(?:(?:[$€£¥￥]|usd|eur|gbp|cny|rmb)\s?)"
_CURRENCY: Final = r"\s?(?:dollars?|bucks|euros?|pounds|usd|eur|gbp|cny|rmb|yuan|元|块钱|块|人民币|美元|刀)"
_MONEY: Final = rf"{_SIGN}?{_NUMBER}(?:{_CURRENCY})?"
_ZH_UNIT: Final = "寸|英寸|厘米|毫米|米|升|毫升|克|公斤|斤|岁|片|件|个|瓦|伏"
_UNIT: Final = (
    "inch|inches|in|ft|feet|foot|cm|mm|m|lb|lbs|oz|kg|g|ml|l|gb|tb|w|v|mah|gal|yd|years?|pcs|packs?|" + _ZH_UNIT
)
_NO_UNIT: Final = rf"(?![\w.%\"'/-]|\s?(?:{_UNIT})\b)"
_ZH_NO_UNIT: Final = rf"(?!\s?(?:{_ZH_UNIT}|g|kg|ml|l|cm|mm|w|v|gb)(?![a-z]))"
_BELOW: Final = r"(?:under|below|less than|cheaper than|up to|at most|no more than|not over|within|<=?|≤)"
_ABOVE: Final = r"(?:over|above|more than|at least|>=?|≥)"
_ZH_BELOW: Final = r"(?:不超过|不到|低于|少于|小于|最多|不高于)"
_ZH_ABOVE: Final = r"(?:高于|大于|超过|至少|不低于|最少)"
_CHEAP: Final = re.compile(
    r"\b(?:cheap|cheapest|inexpensive|affordable|budget|low[- ]cost)\b|便宜点?的?|平价|实惠|廉价|性价比高?"
)
_DEAR: Final = re.compile(r"\b(?:luxury|premium|high[- ]end|expensive)\b|高端|高档|奢侈|贵一点的?")

_FACTORS: Final = {"k": 1_000.0, "千": 1_000.0, "万": 10_000.0}

Bounds = tuple[float | None, float | None]


@dataclass(frozen=True, slots=True)
class PriceWish:
    """What a query says of the price.

    Attributes:
        low, high: bounds, both included, in the shop's currency; None where there is none.
        band: `low` or `high` where it says "cheap" or "premium".
        rest: the query without those words.
    """

    low: float | None
    high: float | None
    band: str | None
    rest: str

    @property
    def is_bounded(self) -> bool:
        """Whether there is a bound."""
        return self.low is not None or self.high is not None


NO_WISH: Final = PriceWish(None, None, None, "")
"""Of a query that says nothing of the price."""


def _amount(number: str, factor: str | None) -> float:
    return float(number.replace(",", "")) * _FACTORS.get(factor or "", 1.0)


def _between(found: re.Match[str]) -> Bounds:
    low, high = _amount(found[1], found[2] or found[4]), _amount(found[3], found[4])
    return min(low, high), max(low, high)


def _below(found: re.Match[str]) -> Bounds:
    return None, _amount(found[1], found[2])


def _above(found: re.Match[str]) -> Bounds:
    return _amount(found[1], found[2]), None


def _about(found: re.Match[str]) -> Bounds:
    amount = _amount(found[1], found[2])
    return round(amount * (1.0 - AROUND), 2), round(amount * (1.0 + AROUND), 2)


_RULES: Final[tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Bounds]], ...]] = tuple(
    (re.compile(pattern), read)
    for pattern, read in (
        (rf"\b(?:between|from)\s+{_MONEY}\s*(?:and|to|-|~)\s*{_MONEY}{_NO_UNIT}", _between),
        (rf"(?:价格)?{_MONEY}\s?(?:到|至|-|~)\s?{_MONEY}(?:之间|以内)?(?<=[元块钱币间内])", _between),
        (rf"{_SIGN}{_NUMBER}\s?(?:-|to|~)\s?{_SIGN}?{_NUMBER}{_NO_UNIT}", _between),
        (rf"{_NUMBER}\s?(?:-|to|~)\s?{_NUMBER}{_CURRENCY}", _between),
        (rf"(?:价格)?{_ZH_BELOW}\s?{_MONEY}{_ZH_NO_UNIT}", _below),
        (rf"(?:价格)?{_ZH_ABOVE}\s?{_MONEY}{_ZH_NO_UNIT}", _above),
        (rf"(?:价格)?{_MONEY}\s?(?:以下|以内|之内|之下|封顶)", _below),
        (rf"(?:价格)?{_MONEY}\s?(?:以上|起|往上)", _above),
        (rf"(?:价格)?{_MONEY}\s?(?:左右|上下|的样子)", _about),
        (rf"(?<!\w){_BELOW}\s?{_MONEY}{_NO_UNIT}", _below),
        (rf"(?<!\w){_ABOVE}\s?{_MONEY}{_NO_UNIT}", _above),
        (rf"(?<!\w)max(?:imum)?\s?{_SIGN}{_NUMBER}{_NO_UNIT}", _below),
        (rf"(?<!\w)(?:from|starting at|min(?:imum)?)\s+{_SIGN}{_NUMBER}{_NO_UNIT}", _above),
        (rf"(?<!\w)(?:around|about|approximately|~)\s?{_SIGN}{_NUMBER}{_NO_UNIT}", _about),
        (rf"(?<!\w){_NUMBER}{_CURRENCY}\s+(?:or less|or under|max(?:imum)?)\b", _below),
        (rf"{_SIGN}{_NUMBER}\s+(?:or less|or under|max(?:imum)?)\b", _below),
        (rf"{_SIGN}{_NUMBER}\s*(?:\+|and up|or more)(?!\w)", _above),
    )
)


def read_price(query: str) -> PriceWish:
    """Find what a query says of the price; at most 1,000 characters of it are read.

    A bare number is a price only after a word that says so and without a unit of measure behind it: "under 50" is,
    "under 50 inch" is not. Contradictory bounds ("over 100 under 50") are none.
    """
    rest = normalise(query[:1_000])
    low: float | None = None
    high: float | None = None
    for pattern, read in _RULES:
        found = pattern.search(rest)
        if found is None:
            continue
        at_least, at_most = read(found)
        low = at_least if low is None else low
        high = at_most if high is None else high
        rest = f"{rest[: found.start()]} {rest[found.end() :]}"
    if low is not None and high is not None and low > high:
        low = high = None
    band = "low" if _CHEAP.search(rest) else "high" if _DEAR.search(rest) else None
    if band is not None:
        without = (_CHEAP if band == "low" else _DEAR).sub(" ", rest)
        rest = without if any(character.isalnum() for character in without) else rest
    return PriceWish(low, high, band, " ".join(rest.split()))

"""What a query is for, by its words and by what it names: rules that can be read."""

import re
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["navigate", "explore", "compare", "replenish", "help"]

_HELP: Final = re.compile(
    r"\b(?:how (?:do|can|to|much|long)|return(?:s| policy)|refund|exchange|shipping|delivery time|track(?:ing)?|"
    r"order status|my order|customer service|contact|warranty|invoice|cancel)\b"
    r"|怎么|如何|退货|退款|换货|物流|快递|发票|客服|售后|保修|订单|多久到"
)
_COMPARE: Final = re.compile(
    r"\b(?:vs\.?|versus|compare|comparison|difference|best|top \d+|better|reviews?|recommend(?:ed|ations?)?)\b"
    r"|对比|比较|哪个好|哪款|区别|推荐|排行|最好"
)
_REPLENISH: Final = re.compile(
    r"\b(?:refills?|replacement|again|reorder|re-order|buy again|restock|value pack|bulk)\b"
    r"|补充装|替换装|替换芯|再买|回购|囤货|复购"
)
_GIFT: Final = re.compile(
    r"\b(?:gifts?|presents?)\b|\bfor (?:my )?(?:mom|mum|mother|dad|father|her|him|wife|husband|girlfriend|boyfriend|"
    r"kids?|grandma|grandpa)\b|礼物|礼品|送(?:妈妈|爸爸|女友|男友|女朋友|男朋友|老婆|老公|父母|长辈|朋友|孩子|老师|礼)"
)
_RULES: Final[tuple[tuple[Kind, re.Pattern[str]], ...]] = (
    ("help", _HELP),
    ("compare", _COMPARE),
    ("replenish", _REPLENISH),
)


@dataclass(frozen=True, slots=True)
class Intent:
    """What a query is for.

    Attributes:
        is_gift: for somebody else.
    """

    kind: Kind
    confidence: float
    is_gift: bool = False


def read_intent(query: str, *, n_terms: int, n_named: int, has_brand: bool, is_exact: bool) -> Intent:
    """The intent of a query.

    Args:
        query: normalised.
        n_terms: terms asked for. n_named: how many of them name values that the catalogue knows.
        has_brand: whether a brand is among these.
        is_exact: the query is an item's name, id or model number.
    """
    is_gift = _GIFT.search(query) is not None
    for kind, pattern in _RULES:
        if pattern.search(query) and not is_exact:
            return Intent(kind, 0.8, is_gift)
    if is_exact:
        return Intent("navigate", 0.95, is_gift)
    if has_brand and n_terms <= 1:
        return Intent("navigate", 0.7, is_gift)
    said = min(1.0, (n_terms + n_named) / 6.0)
    return Intent("navigate" if has_brand and n_terms >= 4 else "explore", round(0.9 - 0.4 * said, 2), is_gift)

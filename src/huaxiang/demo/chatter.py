"""What the simulated shoppers type: queries, reviews, messages and posts, in English and Chinese.

A text is drawn from the phrases of a known tone, so its sentiment agrees with the hidden one by construction.
"""

from typing import Final

import numpy as np

Phrases = tuple[tuple[str, ...], tuple[str, ...]]

GOOD: Final[Phrases] = (
    (
        "Love this {thing}, even better than I hoped.",
        "Excellent quality for the price.",
        "The {thing} looks great and feels well made.",
        "Arrived early and beautifully packed.",
        "I would happily buy the {thing} again.",
        "My whole family is delighted with it.",
        "Customer service was friendly and quick.",
        "Exactly as described, very pleased.",
    ),
    (
        "这款{thing}太喜欢了，比想象中还好。",
        "质量很好，性价比高。",
        "{thing}做工精致，颜值也高。",
        "物流很快，包装很用心。",
        "已经回购，{thing}值得推荐。",
        "家人都说好，非常满意。",
        "客服态度很好，耐心解答。",
        "和描述一致，很惊喜。",
    ),
)
FINE: Final[Phrases] = (
    (
        "The {thing} is okay, nothing special.",
        "Does what it says, average for the money.",
        "Delivery took the usual time.",
        "Decent, though I expected a little more.",
        "Not bad, not great either.",
    ),
    (
        "{thing}一般般，中规中矩。",
        "还行吧，没有特别的感觉。",
        "物流速度正常。",
        "凑合能用，和预期差一点。",
        "不算差，也谈不上多好。",
    ),
)
BAD: Final[Phrases] = (
    (
        "Very disappointed with this {thing}.",
        "Poor quality, it fell apart within a week.",
        "The {thing} is nothing like the pictures.",
        "Overpriced and badly made.",
        "Terrible packaging, it arrived damaged.",
        "Waste of money, I want a refund.",
        "Customer service was rude and useless.",
    ),
    (
        "对这款{thing}很失望。",
        "质量太差，用了几天就坏了。",
        "{thing}和图片完全不符。",
        "又贵又难用，不值这个价。",
        "包装破损，收到就是坏的。",
        "浪费钱，要求退款。",
        "客服态度恶劣，不解决问题。",
    ),
)
LATE: Final[Phrases] = (
    ("Delivery was far too slow, almost two weeks.", "The parcel came a week late, really annoying."),
    ("物流太慢了，等了快两周，糟糕。", "快递晚了一个星期，很生气。"),
)
COMPLAINT: Final[Phrases] = (
    (
        "My order is still not here and nobody answers, this is unacceptable.",
        "The {thing} I received is broken. I am very unhappy and want my money back.",
        "You sent the wrong {thing}. This is the second time, terrible service.",
    ),
    (
        "订单一直没到，也没人回复，太让人生气了。",
        "收到的{thing}是坏的，非常不满，我要退款。",
        "你们发错{thing}了，已经第二次了，服务太差。",
    ),
)
QUESTION: Final[Phrases] = (
    (
        "Hello, when will my {thing} be shipped?",
        "Can I change the delivery address of my order?",
        "Do you have the {thing} in another size?",
        "Could you send me an invoice for the order?",
    ),
    ("你好，{thing}什么时候发货？", "请问可以修改收货地址吗？", "请问{thing}还有其他规格吗？", "麻烦帮我开一下发票。"),
)
PRAISE: Final[Phrases] = (
    (
        "Really happy with this shop lately, great {thing} and lovely people.",
        "{brand} never lets me down, wonderful stuff.",
        "Best online shop for {thing}, I recommend it to everyone.",
    ),
    (
        "最近在这家店买的{thing}都很棒，开心。",
        "{brand}真的没让我失望，太好用了。",
        "买{thing}就来这家，强烈推荐给大家。",
    ),
)
GRUMBLE: Final[Phrases] = (
    (
        "So fed up with this shop, everything I order goes wrong.",
        "{brand} has become awful, avoid the {thing}.",
        "Bad experience again, I am losing patience.",
    ),
    ("对这家店太失望了，买什么都出问题。", "{brand}越来越差了，{thing}千万别买。", "又一次糟糕的购物体验，没耐心了。"),
)
MUSING: Final[Phrases] = (
    ("Looking at {thing} for the weekend, any ideas?", "Has anyone compared {brand} with the others?"),
    ("周末想看看{thing}，大家有什么建议吗？", "有人对比过{brand}和别家吗？"),
)

_SLIPS: Final = {"的": "得", "茶": "荼", "包": "苞", "裤": "库", "粮": "良", "机": "几", "鞋": "鞵", "咖": "加"}


def pick(rng: np.random.Generator, phrases: Phrases, language: int, *, thing: str, brand: str = "") -> str:
    """One phrase with its blanks filled."""
    choice = phrases[language]
    return choice[int(rng.integers(len(choice)))].format(thing=thing, brand=brand)


def review(rng: np.random.Generator, rating: int, language: int, *, thing: str, is_late: bool) -> str:
    """A review of one to three sentences in the tone of its rating; 3 is lukewarm."""
    tone = GOOD if rating >= 4 else BAD if rating <= 2 else FINE
    order = rng.permutation(len(tone[language]))[: int(rng.integers(1, 4 if tone is not FINE else 3))]
    said = [tone[language][i].format(thing=thing) for i in order]
    if is_late and rating <= 3:
        said.insert(0, pick(rng, LATE, language, thing=thing))
    return ("" if language else " ").join(said)


def typo(rng: np.random.Generator, query: str) -> str:
    """The query as a hasty thumb types it: one letter lost, doubled or swapped, or a look-alike character."""
    for right, wrong in _SLIPS.items():
        if right in query:
            return query.replace(right, wrong, 1)
    at = int(rng.integers(max(1, len(query) - 1)))
    slip = rng.integers(3)
    if slip == 0 and len(query) > 2:
        return query[:at] + query[at + 1 :]
    if slip == 1:
        return query[: at + 1] + query[at:]
    return query[:at] + query[at : at + 2][::-1] + query[at + 2 :]

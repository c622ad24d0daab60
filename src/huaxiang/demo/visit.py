"""One visit to the simulated shop: search, a list, clicks, the cart, the till. Noise is flagged as it is made."""

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.demo import chatter
from huaxiang.demo.diary import Diary
from huaxiang.demo.goods import Goods
from huaxiang.demo.shoppers import Shoppers, price_comfort

DAY: Final = 86_400.0
PAGE: Final = 8
SEARCHES: Final = 0.62
"""Share of lists that a query opens; the others come from browsing the category."""
TYPOS: Final = 0.1
POSITION_CLICKS: Final = 0.16
MISCLICKS: Final = 0.14
POSITION_COST: Final = 0.3
"""Utility that each place further down the list costs."""
TO_CART: Final = 2.6
TO_BUY: Final = 0.62


@dataclass(frozen=True, slots=True)
class Goal:
    """What a visit is for.

    Attributes:
        kind: need, gift, complement, repeat or window (browsing the front page).
        line: sub-category looked for, -1 for window shopping.
        item: for a repeat what was bought, for a complement what it should go with; -1 otherwise.
    """

    kind: str
    line: int
    item: int = -1


@dataclass(slots=True)
class World:
    """What every visit reads and writes.

    Attributes:
        taste: shape `(P, M)`, each person's utility of each item without its price.
        lines: rows of the items of each line.
        goals: session id to what the visit was for.
    """

    rng: np.random.Generator
    goods: Goods
    people: Shoppers
    taste: NDArray[np.float32]
    lines: tuple[NDArray[np.int64], ...]
    diary: Diary
    days: int
    n_visits: int = 0
    goals: dict[str, Goal] = field(default_factory=dict)


@dataclass(slots=True)
class Visit:
    """A session in the making. `clock` is in seconds since the start and moves with every event.

    Attributes:
        person: row of who is there; account: row of whose log-in is used.
        noise: kind that every event of the visit carries, None for an honest visit.
        is_logged_in: events carry the user id; before, only the device.
    """

    world: World
    account: int
    person: int
    clock: float
    device: str
    noise: str | None
    is_logged_in: bool
    session: str = ""
    cart: list[int] = field(default_factory=list)
    bought: list[int] = field(default_factory=list)

    def emit(self, event: str, *, gap: float, noise: str | None = None, **fields: Any) -> None:
        """Let time pass, then write an event."""
        self.clock += float(self.world.rng.exponential(gap)) + 1.0
        said: dict[str, Any] = {"event": event}
        if self.is_logged_in:
            said["user_id"] = user_id(self.account)
        else:
            said["anonymous_id"] = self.device
        said["session_id"] = self.session
        said.update(fields)
        kind = self.noise or (None if self.is_logged_in else "no_login") or noise
        self.world.diary.write(self.clock, said, noise=kind, person=self.person)

    def emit_item(self, event: str, row: int, *, gap: float, noise: str | None = None, **fields: Any) -> None:
        """An event about one item; of an item whose record lacks fields it tells little, and counts as noise."""
        kind = noise or ("missing_attributes" if self.world.goods.missing[row] else None)
        self.emit(event, gap=gap, noise=kind, item_id=item_id(row), **fields)

    def log_in(self) -> None:
        """From here on the events carry the user id; the device is said to be theirs."""
        if self.is_logged_in:
            return
        self.is_logged_in = True
        self.emit("identify", gap=4.0, anonymous_id=self.device)

    def worth(self, rows: NDArray[np.int64], goal: Goal) -> NDArray[np.float64]:
        """Hidden utility of items to the visitor for this goal."""
        people, goods = self.world.people, self.world.goods
        level = people.price_level[self.person]
        if goal.kind == "gift":
            taste: NDArray[np.float64] = 0.3 * self.world.taste[self.person, rows] + goods.popularity[rows]
            level = min(0.95, level + 0.3)
        else:
            taste = self.world.taste[self.person, rows].astype(np.float64)
        if goal.kind == "complement":
            taste = taste + 2.0 * goods.style[rows] @ goods.style[goal.item]
        return taste + price_comfort(goods, rows, level)


def user_id(account: int) -> str:
    """The id that an account's events carry."""
    return f"u{account + 1:04d}"


def item_id(row: int) -> str:
    """The id of an item."""
    return f"P{row + 1:05d}"


def shop_for(visit: Visit, goal: Goal) -> None:
    """Look for something of a line: query or browse, see a list, click, perhaps put the best into the cart."""
    world = visit.world
    rows = world.goods.on_sale(world.lines[goal.line], visit.clock / DAY)
    if len(rows) == 0:
        return
    worth = visit.worth(rows, goal)
    asked, query = _wish(visit, rows, worth)
    ids: dict[str, str] = {}
    if world.rng.random() < SEARCHES and query:
        has_typo = world.rng.random() < TYPOS
        ids["query_id"] = f"q{world.n_visits}-{len(world.diary.entries)}"
        typed = chatter.typo(world.rng, query) if has_typo else query
        visit.emit("search", gap=20.0, noise="typo" if has_typo else None, query=typed, **ids)
        asked = asked * (0.4 if has_typo else 1.0)
    order = np.argsort(-(0.8 * world.goods.popularity[rows] + asked + world.rng.gumbel(0, 0.8, len(rows))))[:PAGE]
    shown, worth = rows[order], worth[order]
    request_id = show(visit, shown, "search" if ids else "category", ids)
    seen = _click(visit, shown, worth, request_id)
    if seen:
        _consider(visit, seen, shown, worth)


def _wish(visit: Visit, rows: NDArray[np.int64], worth: NDArray[np.float64]) -> tuple[NDArray[np.float64], str]:
    """How well each item matches what the visitor has in mind, and the words for it: kind, liked trait or brand."""
    world, lang = visit.world, int(visit.world.people.language[visit.person])
    goods = world.goods
    ideal = int(rows[np.argmax(worth + world.rng.gumbel(0, 1.0, len(rows)))])
    kind = int(goods.kind[ideal])
    match = 1.6 * (goods.kind[rows] == kind) + 1.2 * (goods.language[rows] == lang)
    words = [goods.tables.lines[int(goods.line[ideal])].kinds[kind][lang]]
    roll = world.rng.random()
    if roll < 0.35:
        traits = np.flatnonzero(goods.traits[ideal])
        if len(traits):
            trait = int(traits[np.argmax(world.people.trait_liking[visit.person, traits])])
            match = match + 1.5 * goods.traits[rows, trait]
            words.insert(0, goods.tables.trait_values[trait][1][lang])
    elif roll < 0.55:
        match = match + 2.0 * (goods.brand[rows] == goods.brand[ideal])
        words.insert(0, goods.tables.brands[int(goods.brand[ideal])].name)
    query = " ".join(words)
    return match, query if lang else query.lower()


def show(visit: Visit, shown: NDArray[np.int64], where: str, ids: dict[str, str], noise: str | None = None) -> str:
    """Write the list as it was served; its request id."""
    request_id = f"r{visit.world.n_visits}-{len(visit.world.diary.entries)}"
    items = [{"item_id": item_id(int(row)), "index": place} for place, row in enumerate(shown)]
    visit.emit(
        "view_item_list",
        gap=2.0,
        noise=noise,
        items=items,
        request_id=request_id,
        properties={"item_list_name": where},
        **ids,
    )
    return request_id


def _click(visit: Visit, shown: NDArray[np.int64], worth: NDArray[np.float64], request_id: str) -> list[int]:
    """Click by utility and place; now and then by place alone, or beside the mark. Places honestly looked at."""
    rng = visit.world.rng
    draw = 1.5 * worth - POSITION_COST * np.arange(len(shown)) + rng.gumbel(0, 1, len(shown))
    places = [int(place) for place in np.argsort(-draw)[: 1 + int(rng.poisson(1.0))]]
    for place in places:
        _open(visit, shown, place, request_id, None)
    if rng.random() < POSITION_CLICKS:
        _open(visit, shown, min(int(rng.geometric(0.5)) - 1, len(shown) - 1), request_id, "position")
    if rng.random() < MISCLICKS:
        _open(visit, shown, int(rng.integers(len(shown))), request_id, "misclick")
    return places


def _open(visit: Visit, shown: NDArray[np.int64], place: int, request_id: str, noise: str | None) -> None:
    row = int(shown[place])
    visit.emit_item("select_item", row, gap=8.0, noise=noise, position=place, request_id=request_id)
    visit.emit_item("view_item", row, gap=3.0, noise=noise, properties={"price": _price(visit, row)})
    visit.clock += 3.0 if noise == "misclick" else float(visit.world.rng.gamma(2.0, 20.0))


def _consider(visit: Visit, seen: list[int], shown: NDArray[np.int64], worth: NDArray[np.float64]) -> None:
    """The best of what was looked at may go into the cart or onto the list of wishes; the worst may be disliked."""
    rng = visit.world.rng
    best = max(seen, key=lambda place: worth[place])
    row, good = int(shown[best]), float(worth[best])
    if rng.random() < _chance(good - TO_CART):
        visit.emit_item("add_to_cart", row, gap=15.0, quantity=1, value=_price(visit, row), currency="CNY")
        visit.cart.append(row)
    elif rng.random() < 0.35 * _chance(good - TO_CART + 0.5):
        visit.emit_item("add_to_wishlist", row, gap=10.0)
    if rng.random() < 0.05 * _chance(good):
        visit.emit_item(str(rng.choice(["like", "share"])), row, gap=10.0)
    worst = min(seen, key=lambda place: worth[place])
    if worth[worst] < 0.0 and rng.random() < 0.06:
        visit.emit_item("dislike", int(shown[worst]), gap=10.0)


def check_out(visit: Visit) -> None:
    """Look at the cart, take something out, pay; or leave it all behind."""
    rng = visit.world.rng
    if not visit.cart:
        return
    if rng.random() < 0.5:
        visit.emit("view_cart", gap=20.0, items=_basket(visit))
    if rng.random() < 0.1:
        visit.emit_item("remove_from_cart", visit.cart.pop(), gap=10.0, quantity=1)
    mood = visit.world.people.mood_on(visit.person, visit.clock / DAY)
    if not visit.cart or rng.random() > TO_BUY + 0.15 * mood:
        return
    visit.log_in()
    basket = _basket(visit)
    value = round(sum(line["price"] * line["quantity"] for line in basket), 2)
    visit.emit("begin_checkout", gap=30.0, items=basket, value=value, currency="CNY")
    missing = any(visit.world.goods.missing[row] for row in visit.cart)
    noise = "missing_attributes" if missing else None
    visit.emit("purchase", gap=60.0, noise=noise, items=basket, value=value, currency="CNY")
    visit.bought = list(visit.cart)


def _basket(visit: Visit) -> list[dict[str, Any]]:
    counts: dict[int, int] = {}
    for row in visit.cart:
        counts[row] = counts.get(row, 0) + 1
    return [{"item_id": item_id(row), "price": _price(visit, row), "quantity": n} for row, n in counts.items()]


def _price(visit: Visit, row: int) -> float:
    return visit.world.goods.price_on(row, visit.clock / DAY)


def _chance(x: float) -> float:
    return float(1.0 / (1.0 + np.exp(-x)))


def window_shop(visit: Visit) -> None:
    """The front page: what is popular, clicked by place more than by taste."""
    world = visit.world
    rng, goods = world.rng, world.goods
    rows = goods.on_sale(np.arange(len(goods.line)), visit.clock / DAY)
    order = np.argsort(-(goods.popularity[rows] + rng.gumbel(0, 0.35, len(rows))))[:PAGE]
    shown = rows[order]
    request_id = show(visit, shown, "popular", {}, noise="popularity")
    for _ in range(1 + int(rng.poisson(1.2))):
        _open(visit, shown, min(int(rng.geometric(0.35)) - 1, len(shown) - 1), request_id, "popularity")


def buy_again(visit: Visit, goal: Goal) -> None:
    """Straight to what was bought before, if it is still sold; else look for the like of it."""
    row = goal.item
    if len(visit.world.goods.on_sale(np.array([row]), visit.clock / DAY)) == 0:
        shop_for(visit, goal)
        return
    visit.emit_item("view_item", row, gap=5.0, properties={"price": _price(visit, row)})
    visit.emit_item("add_to_cart", row, gap=10.0, quantity=1, value=_price(visit, row), currency="CNY")
    visit.cart.append(row)

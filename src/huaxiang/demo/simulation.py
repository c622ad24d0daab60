"""The shop that is simulated: 90 days of people with hidden interests, and the noise a real log has.

Everything is drawn from one generator in a fixed order, so a seed gives the same shop to the last byte.
"""

import heapq
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np

from huaxiang.demo.aftermath import Plan, live_with, speak_up
from huaxiang.demo.crawl import crawl
from huaxiang.demo.diary import Diary, in_order
from huaxiang.demo.goods import Goods, stock_shop
from huaxiang.demo.shoppers import draw_shoppers, utility
from huaxiang.demo.tables import read_tables
from huaxiang.demo.truth import Truth
from huaxiang.demo.visit import DAY, Goal, Visit, World, buy_again, check_out, item_id, shop_for, user_id, window_shop
from huaxiang.errors import DataError
from huaxiang.types import check_aware

GIFTS: Final = 0.07
WINDOWS: Final = 0.13
PARTNER_VISITS: Final = 0.4
ANONYMOUS: Final = 0.115
LOGS_IN: Final = 0.3
"""Of the visits without log-in, how many log in halfway."""
DENIALS: Final = 0.03
EDITS: Final = 0.003
HOURS: Final = np.array([4, 3, 2, 1, 1, 1, 2, 3, 4, 5, 6, 6, 7, 7, 6, 5, 4, 3, 3, 2, 2, 2, 3, 4], dtype=np.float64)
"""Traffic by hour of the day in UTC: noon and evening in China, evening in Europe."""

Payload = dict[str, Any]


@dataclass(frozen=True, slots=True)
class DemoShop:
    """A simulated shop.

    Attributes:
        items: one payload for each item: item_id, name, brand, category, description, price, currency, in_stock,
            attributes; the item as it stands when it first appears.
        events: what shoppers did, in time order, in the payloads of CONVENTIONS; aware times in [start, until).
        truth: what nobody sees.
        catalogue: `set_item` and `delete_item` events, in time order.
    """

    items: tuple[Payload, ...]
    events: tuple[Payload, ...]
    truth: Truth
    catalogue: tuple[Payload, ...]
    start: datetime
    until: datetime

    def item_events(self) -> tuple[Payload, ...]:
        """The life of the catalogue as events: items as they appear, fall in price and go."""
        return self.catalogue

    def log(self) -> list[Payload]:
        """Catalogue and shoppers in one, in time order, items before the events that name them."""
        return list(heapq.merge(self.catalogue, self.events, key=lambda event: str(event["timestamp"])))


def simulate(*, seed: int, n_items: int = 3000, n_users: int = 2000, days: int = 90, until: datetime) -> DemoShop:
    """Simulate a shop over the `days` before `until`.

    Args:
        seed: the same seed and sizes give the same shop.
        n_items: from 57 up, one for each sub-category.
        n_users: accounts, bots and shared ones included.
        until: aware; the end of the span, exclusive.

    Raises:
        DataError: a size is too small or the time has no zone.
    """
    until = check_aware("until", until).replace(microsecond=0)
    tables = read_tables()
    if n_items < len(tables.lines) or n_users < 10 or days < 1:
        least = f"{len(tables.lines)} items, 10 users, 1 day"
        raise DataError(f"{n_items} items, {n_users} users, {days} days are too few to simulate; the least is {least}")
    rng = np.random.default_rng(seed)
    start = until - timedelta(days=days)
    goods = stock_shop(rng, tables, n_items=n_items, days=days)
    people = draw_shoppers(rng, tables, n_users=n_users, days=days)
    lines = tuple(goods.of_line(line) for line in range(len(tables.lines)))
    taste = utility(people, goods)
    world = World(rng, goods, people, taste, lines, Diary(days * DAY), days)
    for account in range(n_users):
        live(world, account)
    written = in_order(world.diary, start=start, prefix=f"d{seed}-")
    truth = Truth.of(world, written, start=start)
    items = tuple(goods.payloads)
    return DemoShop(items, written.events, truth, _catalogue(goods, seed, start, days), start, until)


def live(world: World, account: int) -> None:
    """All visits of one account, in time order; purchases lead to further ones."""
    people, rng = world.people, world.rng
    if people.is_bot[account]:
        crawl(world, account)
        return
    joined = float(people.joined[account])
    n_visits = rng.poisson(people.visits_per_day[account] * (world.days - joined))
    plans: list[tuple[float, int, Goal | None]] = [
        (_moment(rng, float(day)), number, None) for number, day in enumerate(rng.uniform(joined, world.days, n_visits))
    ]
    heapq.heapify(plans)
    _introduce(world, account, min(plans)[0] if plans else joined * DAY)
    number = len(plans)
    while plans:
        clock, _, goal = heapq.heappop(plans)
        for when, planned in go_shopping(world, account, clock, goal):
            if when < world.days * DAY:
                heapq.heappush(plans, (when, number := number + 1, planned))


def _moment(rng: np.random.Generator, day: float) -> float:
    """A second of that day, by the hour's traffic."""
    hour = int(np.searchsorted(np.cumsum(HOURS) / HOURS.sum(), rng.random()))
    return (int(day) + (hour + rng.random()) / 24) * DAY


def _introduce(world: World, account: int, first: float) -> None:
    """What the sign-up form says, shortly before the first visit; a few decline something later."""
    rng, language = world.rng, int(world.people.language[account])
    said: Payload = {"country": "CN" if rng.random() < (0.85 if language else 0.25) else "GB"}
    if rng.random() < 0.5:
        said["locale"] = ("en-GB", "zh-CN")[language]
    at = max(first - 60.0, 0.0)
    who = user_id(account)
    world.diary.write(at, {"event": "set_user", "user_id": who, "properties": said}, noise=None, person=account)
    if rng.random() < DENIALS:
        scope = str(rng.choice(["advertising", "training", "analytics", "personalisation"], p=[0.5, 0.25, 0.15, 0.1]))
        choice = {"event": "consent", "user_id": who, "properties": {"scope": scope, "status": "denied"}}
        later = at + float(rng.exponential(10 * DAY))
        world.diary.write(later, choice, noise=None, person=account)


def go_shopping(world: World, account: int, clock: float, goal: Goal | None) -> list[Plan]:
    """One visit from arrival to the door; what it leads to."""
    rng, people = world.rng, world.people
    world.n_visits += 1
    is_partner = people.partner[account] >= 0 and goal is None and rng.random() < PARTNER_VISITS
    person = int(people.partner[account]) if is_partner else account
    goal = goal or _new_goal(world, person, clock / DAY)
    noise = "shared_account" if is_partner else "gift" if goal.kind == "gift" else None
    is_known = bool(rng.random() >= ANONYMOUS)
    session = f"s{world.n_visits}"
    world.goals[session] = goal
    visit = Visit(world, account, person, clock, _device(account), noise, is_logged_in=is_known, session=session)
    if goal.kind == "window":
        window_shop(visit)
        goal = Goal("need", _need(world, person, clock / DAY))
        if rng.random() < 0.6:
            return []
    if goal.kind == "repeat" and rng.random() < 0.7:
        buy_again(visit, goal)
    else:
        shop_for(visit, goal)
        if rng.random() < 0.35:
            shop_for(visit, goal)
    if not is_known and rng.random() < LOGS_IN:
        visit.log_in()
    _add_a_complement(visit)
    check_out(visit)
    if visit.is_logged_in:
        speak_up(visit)
        _edit_profile(visit)
    return live_with(visit)


def _new_goal(world: World, person: int, day: float) -> Goal:
    roll = world.rng.random()
    if roll < WINDOWS:
        return Goal("window", -1)
    if roll < WINDOWS + GIFTS:
        return Goal("gift", int(world.rng.integers(len(world.lines))))
    return Goal("need", _need(world, person, day))


def _need(world: World, person: int, day: float) -> int:
    share_L = np.cumsum(world.people.interest(person, day))
    return min(int(np.searchsorted(share_L, world.rng.random())), len(share_L) - 1)


def _device(account: int) -> str:
    """Every twenty-fifth account uses the device of the account before it."""
    return f"device-{account - (account % 25 == 24) + 1:04d}"


def _add_a_complement(visit: Visit) -> None:
    if visit.cart and visit.world.rng.random() < 0.25:
        row = visit.cart[-1]
        after = visit.world.goods.tables.lines[int(visit.world.goods.line[row])].goes_with
        shop_for(visit, Goal("complement", after[int(visit.world.rng.integers(len(after)))], row))


def _edit_profile(visit: Visit) -> None:
    """A rare shopper opens their own profile and mutes what they care least for, or boosts the most."""
    world = visit.world
    if visit.noise is not None or world.rng.random() > EDITS:
        return
    share = world.people.interest(visit.person, visit.clock / DAY)
    is_mute = world.rng.random() < 0.5
    line = int(np.argmin(share) if is_mute else np.argmax(share))
    edit: Payload = {"op": "mute" if is_mute else "boost", "facet": "category"}
    edit["value"] = world.goods.tables.line_path(line)
    if not is_mute:
        edit["weight"] = 2.0
    visit.emit("profile_edit", gap=30.0, properties=edit)


def _catalogue(goods: Goods, seed: int, start: datetime, days: int) -> tuple[Payload, ...]:
    changes: list[tuple[float, str, int, Mapping[str, Any]]] = []
    for row, payload in enumerate(goods.payloads):
        said = {name: value for name, value in payload.items() if name != "item_id"}
        changes.append((float(goods.born[row]), "set_item", row, said))
        if goods.born[row] < goods.sale_day[row] < min(days, goods.gone[row]):
            day = float(goods.sale_day[row])
            changes.append((day, "set_item", row, {**said, "price": goods.price_on(row, day)}))
        if goods.gone[row] < days:
            changes.append((float(goods.gone[row]), "delete_item", row, {}))
    changes.sort(key=lambda change: (change[0], change[2]))
    return tuple(
        {
            "event_id": f"c{seed}-{number:06d}",
            "timestamp": (start + timedelta(milliseconds=int(day * DAY * 1000))).isoformat(timespec="milliseconds"),
            "event": event,
            "item_id": item_id(row),
            **({"properties": said} if said else {}),
        }
        for number, (day, event, row, said) in enumerate(changes)
    )

"""What follows a purchase in the simulated shop: delivery, mood, reviews, refunds, complaints, and the next goals."""

from typing import Any, Final

import numpy as np

from huaxiang.demo import chatter
from huaxiang.demo.visit import DAY, Goal, Visit, item_id, user_id

LATE_SHARE: Final = 0.12
REVIEWS: Final = 0.45
COMPLEMENTS: Final = 0.4
REPEATS: Final = 0.7
MOOD_STEP: Final = 0.22
"""How much one experience moves the mood at most."""

Plan = tuple[float, Goal]
"""When, in seconds since the start, and what for."""


def live_with(visit: Visit) -> list[Plan]:
    """Write what becomes of each item bought; the visits that it leads to."""
    plans: list[Plan] = []
    goods, rng = visit.world.goods, visit.world.rng
    for row in visit.bought:
        _experience(visit, row)
        line = goods.tables.lines[int(goods.line[row])]
        if line.goes_with and rng.random() < COMPLEMENTS:
            other = line.goes_with[int(rng.integers(len(line.goes_with)))]
            plans.append((visit.clock + DAY * float(rng.uniform(0.5, 9)), Goal("complement", other, row)))
        if line.repeat_days is not None and rng.random() < REPEATS:
            wait = line.repeat_days * float(rng.lognormal(0, 0.2))
            plans.append((visit.clock + DAY * wait, Goal("repeat", int(goods.line[row]), row)))
    return plans


def _experience(visit: Visit, row: int) -> None:
    """Satisfaction is quality, mood, luck and the courier; it moves the mood, and may be put into words."""
    world, rng = visit.world, visit.world.rng
    used = visit.clock + DAY * float(rng.uniform(2, 7))
    day = used / DAY
    mood = world.people.mood_on(visit.person, day)
    is_late = bool(rng.random() < LATE_SHARE)
    pleasure = 0.6 * float(world.goods.quality[row]) + 1.1 * mood + float(rng.normal(0, 0.5)) - 1.3 * is_late
    world.people.shock(visit.person, day, MOOD_STEP * float(np.clip(pleasure, -1.5, 1.0)))
    rating = int(np.clip(round(3.4 + 1.2 * pleasure), 1, 5))
    if rng.random() < REVIEWS + 0.15 * (rating in {1, 5}):
        _review(visit, row, used, rating, is_late=is_late)
    if rating <= 2:
        if rng.random() < 0.45:
            said = chatter.pick(rng, chatter.COMPLAINT, _language(visit), thing=_thing(visit, row))
            _later(visit, "support_message", used + 600, tone=-1.0, text=said, item_id=item_id(row))
        if rng.random() < 0.35:
            _refund(visit, row, used + DAY * float(rng.uniform(0.1, 2)))
        elif rng.random() < 0.3:
            _later(visit, "dislike", used + 900, item_id=item_id(row))
    elif rating == 5 and rng.random() < 0.35:
        _later(visit, str(rng.choice(["like", "share"])), used + 900, item_id=item_id(row))


def _review(visit: Visit, row: int, used: float, rating: int, *, is_late: bool) -> None:
    rng = visit.world.rng
    said = chatter.review(rng, rating, _language(visit), thing=_thing(visit, row), is_late=is_late)
    when = used + DAY * float(rng.uniform(0, 1))
    _later(visit, "review", when, tone=(rating - 3) / 2, item_id=item_id(row), rating=rating, text=said)


def _refund(visit: Visit, row: int, when: float) -> None:
    price = visit.world.goods.price_on(row, visit.clock / DAY)
    line = {"item_id": item_id(row), "price": price, "quantity": 1}
    _later(visit, "refund", when, items=[line], value=price, currency="CNY")


def speak_up(visit: Visit) -> None:
    """Now and then a question to the service, or a post whose tone is the mood of the day."""
    rng, world = visit.world.rng, visit.world
    roll = rng.random()
    if roll > 0.08:
        return
    line = int(rng.choice(len(world.lines), p=world.people.interest(visit.person, visit.clock / DAY)))
    rows = world.goods.on_sale(world.lines[line], visit.clock / DAY)
    if len(rows) == 0:
        return
    row = int(rows[np.argmax(world.taste[visit.person, rows])])
    language, thing = _language(visit), _thing(visit, row)
    if roll < 0.02:
        said = chatter.pick(rng, chatter.QUESTION, language, thing=thing)
        visit.emit("support_message", gap=20.0, text=said)
        return
    feeling = world.people.mood_on(visit.person, visit.clock / DAY) + float(rng.normal(0, 0.15))
    tone, phrases = _tone(feeling)
    brand = world.goods.tables.brands[int(world.goods.brand[row])].name
    said = chatter.pick(rng, phrases, language, thing=thing, brand=brand)
    _later(visit, "post", visit.clock + 30, tone=tone, text=said)


def _tone(feeling: float) -> tuple[float, chatter.Phrases]:
    if feeling > 0.25:
        return 1.0, chatter.PRAISE
    return (-1.0, chatter.GRUMBLE) if feeling < -0.15 else (0.0, chatter.MUSING)


def _later(visit: Visit, event: str, when: float, *, tone: float | None = None, **fields: Any) -> None:
    """An event outside the visit, logged in; a gift or a stranger at the account makes it noise all the same."""
    said = {"event": event, "user_id": user_id(visit.account), **fields}
    visit.world.diary.write(when, said, noise=visit.noise, person=visit.person, tone=tone)


def _language(visit: Visit) -> int:
    return int(visit.world.people.language[visit.person])


def _thing(visit: Visit, row: int) -> str:
    goods, language = visit.world.goods, _language(visit)
    kind = goods.tables.lines[int(goods.line[row])].kinds[int(goods.kind[row])][language]
    return kind if language else kind.lower()

"""How somebody buys, read from a fold's state through today's catalogue: prices, brands, hours, and buying again."""

from datetime import datetime
from typing import Any, Final

from huaxiang.profiles.buying import Bought
from huaxiang.profiles.item_facets import PRICE_BANDS, Goods, ItemFacets
from huaxiang.profiles.state import FoldState, to_micros

HABITS: Final[tuple[str, ...]] = ("price_sensitivity", "loyalty", "repeat_purchase")
"""Habits that are one number, in [0, 1]."""

_FEWEST_PRICED: Final = 5
"""Items with a price band, below which nothing is said of prices."""
_BOUGHT: Final = 3.0
"""Looks that one bought item weighs as."""
_DRAWN: Final = 2.0
"""Looks at the middle band that everybody is taken to have made: a few cheap items are no proof."""
_FEWEST_CHOICES: Final = 5
"""Choices within a category beyond the first one there, below which nothing is said of brands."""
_NO_CHOICE: Final = 1e-6
"""Choices beyond the first that are none: all interest is in one item."""


def habits(state: FoldState, item_facets: ItemFacets, *, now: datetime, goods: Goods | None = None) -> dict[str, Any]:
    """`price_sensitivity`, `loyalty`, `hours` and `repeat_purchase`; None where too little is known.

    Args:
        goods: the state's items, where they have been read anyway.
    """
    return {
        "price_sensitivity": habit("price_sensitivity", state, item_facets, now=now, goods=goods),
        "loyalty": habit("loyalty", state, item_facets, now=now, goods=goods),
        "hours": hours(state),
        "repeat_purchase": habit("repeat_purchase", state, item_facets, now=now),
    }


def habit(
    name: str, state: FoldState, item_facets: ItemFacets, *, now: datetime, goods: Goods | None = None
) -> float | None:
    """One of `HABITS`, to three decimals; None where too little is known."""
    if name == "repeat_purchase":
        value = repeat_purchase(state, item_facets, now=now)
    else:
        value = (loyalty if name == "loyalty" else price_sensitivity)(state, item_facets, goods)
    return None if value is None else round(value, 3)


def price_sensitivity(state: FoldState, item_facets: ItemFacets, goods: Goods | None = None) -> float | None:
    """How far down in the prices of its category what they choose lies: 1 where all of it is in the cheapest third, 0
    where all of it is in the dearest, .5 for somebody who takes prices as they come.

    Each item counts by its price band (thirds within the narrowest category with enough prices), a bought one as three
    that were looked at, and two more in the middle. None below five items.
    """
    top = len(PRICE_BANDS) - 1
    total, weights, n = _DRAWN * 0.5, _DRAWN, 0
    _, known = goods or item_facets.known(state.items)
    for one, tally in zip(known, state.items.values(), strict=True):
        if one is not None and one.band is not None and tally.long > 0.0:
            weight = _BOUGHT if one.item.item_id in state.bought else 1.0
            total += weight * (1.0 - one.band / top)
            weights += weight
            n += 1
    return total / weights if n >= _FEWEST_PRICED else None


def loyalty(state: FoldState, item_facets: ItemFacets, goods: Goods | None = None) -> float | None:
    """How much more often than by chance two different items that they chose within a category are of one brand: 0 as
    the catalogue would give it or less, 1 always.

    Items weigh as their mass of interest does, categories as their choices beyond the first; those with one brand are
    none. With the share A of pairs, and E by chance, it is (A - E) / (1 - E). None below five such choices.
    """
    alike_by_chance = item_facets.brands_alike
    chosen: dict[int, dict[int | None, float]] = {}
    totals: dict[int, float] = {}
    squares: dict[int, float] = {}
    reader, known = goods or item_facets.known(state.items)
    for one, tally in zip(known, state.items.values(), strict=True):
        mass = tally.long
        if one is None or (line := one.line) is None or mass <= 0.0:
            continue
        brands = chosen.get(line)
        if brands is None:
            chosen[line], totals[line], squares[line] = {one.brand: mass}, mass, mass * mass
        else:
            brands[one.brand] = brands.get(one.brand, 0.0) + mass
            totals[line] += mass
            squares[line] += mass * mass
    over = room = n_choices = 0.0
    for line, brands in chosen.items():
        by_chance = alike_by_chance.get(reader.keys[line])
        n = totals[line] ** 2 / squares[line] - 1.0 if squares[line] > 0.0 else 0.0
        if by_chance is not None and n >= _NO_CHOICE:
            alike = (sum([mass * mass for mass in brands.values()]) / squares[line] - 1.0) / n
            over += n * (alike - by_chance)
            room += n * (1.0 - by_chance)
            n_choices += n
    return min(1.0, max(0.0, over / room)) if n_choices >= _FEWEST_CHOICES else None


def hours(state: FoldState) -> dict[str, Any] | None:
    """Events by hour of the day and the three busiest hours, in UTC; None where no event has an hour."""
    if not any(state.hours):
        return None
    busiest = sorted(range(24), key=lambda hour: (-state.hours[hour], hour))[:3]
    return {"zone": "UTC", "counts": list(state.hours), "busiest": [hour for hour in busiest if state.hours[hour]]}


def repeat_purchase(state: FoldState, item_facets: ItemFacets, *, now: datetime) -> float | None:
    """Chance to buy again within thirty days; None who never bought, and where no release has found one that is better
    than recency alone."""
    learned = item_facets.recurrence.buying_again
    bought = Bought.of(state, to_micros(now)) if learned is not None else None
    return learned.chance(bought) if learned is not None and bought is not None else None

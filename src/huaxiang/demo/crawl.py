"""Bots in the simulated shop: accounts that read the catalogue in order, fast and without taste."""

from typing import Final

import numpy as np

from huaxiang.demo.visit import DAY, PAGE, Visit, World, item_id, show

PAGES_PER_VISIT: Final = 12
VISITS: Final = 5


def crawl(world: World, account: int) -> None:
    """Some visits of many pages, about two seconds an event."""
    rng, goods = world.rng, world.goods
    for _ in range(max(1, round(VISITS * world.days / 90))):
        world.n_visits += 1
        clock = float(rng.uniform(0, world.days * DAY))
        visit = Visit(world, account, account, clock, "", "bot", is_logged_in=True, session=f"s{world.n_visits}")
        rows = goods.on_sale(np.arange(len(goods.line)), clock / DAY)
        first = int(rng.integers(len(rows)))
        for page in range(PAGES_PER_VISIT):
            shown = rows[(first + page * PAGE + np.arange(PAGE)) % len(rows)]
            show(visit, shown, "catalogue", {})
            for row in shown[:6]:
                visit.emit("view_item", gap=1.0, item_id=item_id(int(row)))

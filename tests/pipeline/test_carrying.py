"""Which events seem to carry a page: an estimate that agrees with leaving them out, and costs no folding."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Final

import numpy as np

from huaxiang.pipeline.carrying import carried
from huaxiang.pipeline.counterfactual import clues_of
from huaxiang.shop import Shop
from huaxiang.types import Event
from tests.shops import WEIGHTS

NOON: Final = datetime(2026, 5, 1, 12, tzinfo=UTC)
NAMES = (f"carried {n}" for n in count())


def test_looks_at_a_kind_carry_its_goods_and_a_search_is_not_known(still: Shop) -> None:
    user, pipeline = next(NAMES), still.pipeline
    done = [
        Event("view_item", NOON + timedelta(minutes=n), user, f"{'tea' if n % 2 else 'lamp'}-0{n}") for n in range(6)
    ]
    still.store.append([*done, Event("search", NOON + timedelta(minutes=9), user, query="tea")])
    now = NOON + timedelta(hours=1)
    items = pipeline.index.snapshot()
    person = pipeline.read(still.portraits.state(user, before=now), items, now=now, user_id=user)
    clues = clues_of(still.portraits.events(user, before=now))
    order_K = np.array([items.position("tea-09"), items.position("lamp-09")])
    shelf = pipeline.shelf(items)
    tea_C, lamp_C = carried(order_K, person, clues, pipeline.retrievers, WEIGHTS, items, shelf)
    is_tea = np.array([any(name.startswith("tea") for name in clue.item_ids) for clue in clues])
    is_lamp = np.array([any(name.startswith("lamp") for name in clue.item_ids) for clue in clues])
    assert tea_C[is_tea].min() > tea_C[is_lamp].max()
    assert lamp_C[is_lamp].min() > lamp_C[is_tea].max()
    assert tea_C[-1] == lamp_C[-1] == 0.0

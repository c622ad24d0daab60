"""What a person thinks of a few items is what the whole pipeline says of them, part by part."""

from datetime import timedelta

import numpy as np
import pytest

from huaxiang.pipeline.affinity import affinity, popularity, standing
from huaxiang.retrieval.factors import Factors
from huaxiang.retrieval.item_to_item import ItemToItem
from huaxiang.shop import Shop
from tests.pipeline.conftest import NOON

LATER = NOON + timedelta(seconds=1)


@pytest.mark.parametrize("user", ["u00", "u01", "u02", "u03"])
def test_it_is_the_weighted_sum_of_the_parts_standardised_over_these_items(still: Shop, user: str) -> None:
    pipeline = still.pipeline
    items = pipeline.index.snapshot()
    person = pipeline.read(still.portraits.state(user, before=LATER), items, now=LATER, user_id=user)
    at_P = np.arange(5, 45, 3)
    whole = pipeline.parts(person, items)
    asked = {
        name
        for name in pipeline.weights
        if name in {"profile", "content"} or isinstance(pipeline.retrievers.get(name), ItemToItem | Factors)
    }
    wanted = sum(pipeline.weights[name] * standing(whole[name][at_P]) for name in asked)
    assert {"profile", "content", "transitions"} <= asked
    np.testing.assert_allclose(affinity(pipeline, person, items, at_P), wanted, atol=0.05)


def test_a_stranger_thinks_nothing_of_anything(still: Shop) -> None:
    pipeline = still.pipeline
    items = pipeline.index.snapshot()
    person = pipeline.read(still.portraits.state("nobody yet", before=LATER), items, now=LATER, user_id="nobody yet")
    assert affinity(pipeline, person, items, np.arange(10)).tolist() == [0.0] * 10
    assert affinity(pipeline, person, items, np.empty(0, np.int64)).tolist() == []


def test_popularity_is_a_share_of_the_most_met(still: Shop) -> None:
    items = still.pipeline.index.snapshot()
    shares = popularity(still.pipeline, np.arange(len(items)))
    assert shares.max() == pytest.approx(1.0)
    assert shares.min() >= 0.0


def test_standing_is_nothing_where_all_are_alike() -> None:
    assert standing(np.full(14, 0.1, np.float32)).tolist() == [0.0] * 14
    found = standing(np.array([1.0, 2.0, 3.0]))
    assert (found.mean(), found.std()) == (pytest.approx(0.0), pytest.approx(1.0))

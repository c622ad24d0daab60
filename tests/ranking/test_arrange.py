"""The shop's rules, variety and regard for a mood, on pools that fit on a page."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from huaxiang.errors import ConfigError, DataError
from huaxiang.ranking.arrange import Arranger, Rules, boosted, dear, pinned, varied
from huaxiang.types import Item

RED, BLUE, OWN = (
    Item(name, brand=brand, price=price, currency="EUR")
    for name, brand, price in (("red", "Alpina", 10.0), ("blue", "Alpina", 20.0), ("own", "House", 30.0))
)
POOL = [RED, BLUE, OWN]
SCORES = np.array([3.0, 2.0, 1.0])
APART = np.eye(3, dtype=np.float32)


def order(rules: Rules, *, polarity: float | None = None, diversity: float | None = None, **more: object) -> list[int]:
    arranger = Arranger.of(rules, diversity, polarity)
    return arranger.order(SCORES, POOL, APART, 3, **more)  # type: ignore[arg-type]


def test_without_rules_the_score_alone_orders() -> None:
    assert Arranger.of(Rules(), None, None).by_score_alone
    assert order(Rules()) == [0, 1, 2]


def test_a_house_brand_is_lifted_in_standard_deviations() -> None:
    lifted = boosted(SCORES, POOL, Rules.of([{"where": {"brand": "house"}, "weight": 2.0}]).boosts)
    assert lifted.tolist() == pytest.approx([3.0, 2.0, 1.0 + 2.0 * SCORES.std()])
    assert order(Rules.of([{"where": {"brand": "house"}, "weight": 3.0}])) == [2, 0, 1]
    assert order(Rules.of([{"where": {"brand": "alpina"}, "weight": -3.0}])) == [2, 0, 1]


def test_an_item_that_is_gone_from_the_catalogue_is_not_lifted() -> None:
    boosts = Rules.of([{"where": {"brand": {"not": "house"}}, "weight": 1.0}]).boosts
    assert boosted(np.zeros(2), [None, RED], boosts).tolist() == [0.0, 1.0]


def test_a_pinned_item_stands_at_its_place_and_the_others_keep_their_order() -> None:
    assert pinned([0, 1, 2], {1: 2}, 3) == [2, 0, 1]
    assert pinned([0, 1, 2], {3: 0}, 3) == [1, 2, 0]
    assert pinned([0, 1], {5: 7}, 3) == [0, 1]  # there is no fifth place on a page of three


def test_two_pins_at_one_place_are_refused() -> None:
    with pytest.raises(ConfigError, match="two items want place 2"):
        Rules.of(pinned=[{"item_id": "a", "place": 2}, {"item_id": "b", "place": 2}])


def test_a_boost_with_a_filter_of_another_form_is_refused() -> None:
    with pytest.raises(DataError, match="brand"):
        Rules.of([{"where": {"brand": None}, "weight": 1.0}])


def test_a_near_copy_gives_way_to_something_else() -> None:
    alike = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], np.float32)
    assert varied(SCORES, alike, 3, 0.0) == [0, 1, 2]
    assert varied(SCORES, alike, 3, 0.6) == [0, 2, 1]


@settings(max_examples=60, deadline=None)
@given(scores=st.lists(st.floats(-5, 5, width=32), min_size=1, max_size=12), diversity=st.floats(0, 1), data=st.data())
def test_variety_reorders_and_loses_nothing(scores: list[float], diversity: float, data: st.DataObject) -> None:
    seed = data.draw(st.integers(0, 99))
    vectors_PD = np.random.default_rng(seed).normal(size=(len(scores), 3)).astype(np.float32)
    vectors_PD /= np.linalg.norm(vectors_PD, axis=1, keepdims=True)
    found = varied(np.array(sorted(scores, reverse=True)), vectors_PD, len(scores), diversity)
    assert sorted(found) == list(range(len(scores)))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 999))
def test_more_variety_never_makes_a_page_more_alike_at_the_ends(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores, vectors_PD = np.sort(rng.normal(size=30))[::-1], rng.normal(size=(30, 4)).astype(np.float32)
    vectors_PD /= np.linalg.norm(vectors_PD, axis=1, keepdims=True)
    assert _nearest(vectors_PD[varied(scores, vectors_PD, 5, 1.0)]) <= _nearest(vectors_PD[:5]) + 1e-6


def _nearest(vectors_KD: NDArray[np.float32]) -> float:
    """Mean cosine of each item to the nearest one before it."""
    cosines = vectors_KD @ vectors_KD.T
    return float(np.mean([max(cosines[at, :at].max(), 0.0) for at in range(1, len(vectors_KD))]))


def test_in_a_low_mood_nothing_is_promoted_and_what_is_dearer_is_held_back() -> None:
    rules = Rules.of([{"where": {"brand": "house"}, "weight": 5.0}], [{"item_id": "blue", "place": 1}])
    assert order(rules, polarity=0.3, pins={1: 1}) == [1, 2, 0]
    low = Arranger.of(rules, None, -0.5)
    assert (low.calm, low.rules.boosts, low.rules.pins) == (True, (), ())
    nearly = np.array([2.9, 3.0, 0.0])
    assert low.order(nearly, POOL, APART, 3, usual=[]) == [1, 0, 2]
    assert low.order(nearly, POOL, APART, 3, usual=[RED, RED]) == [0, 1, 2]  # red alone is not dear
    assert "nothing is promoted" in low.notes([])[0]


def test_what_is_dear_is_told_in_the_currency_that_is_known() -> None:
    dollars = Item("dollars", price=900.0, currency="USD")
    assert (
        dear([RED, BLUE, OWN, dollars, Item("free"), None], [RED, BLUE]).tolist() == [False, True, True] + [False] * 3
    )
    assert not dear(POOL, []).any()


def test_a_mood_that_is_not_low_changes_nothing() -> None:
    assert Arranger.of(Rules(), None, -0.1).by_score_alone
    assert Arranger.of(Rules(), None, None).by_score_alone
    assert Arranger.of(Rules(calm_below=-1.0), None, -0.9).by_score_alone

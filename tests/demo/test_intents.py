"""Scoring what visits are for: who knows has full marks, who says nothing has none."""

from collections.abc import Callable
from datetime import datetime

import pytest

from huaxiang.demo import DemoShop
from huaxiang.demo.intents import IntentScore, _before_buying, _label, score_intents
from huaxiang.demo.visit import Goal
from huaxiang.types import Facet, Profile


def saying(value: str | None, sure: float = 1.0) -> Callable[[str, datetime], Profile]:
    """Profiles that always say the same."""

    def profile_of(user: str, at: datetime) -> Profile:
        needs = () if value is None else (Facet("intent", value, 1.0, sure, 1.0, (), at),)
        return Profile(user, at, needs=needs)

    return profile_of


def scored(shop: DemoShop, value: str | None, sure: float = 1.0) -> IntentScore:
    return score_intents(saying(value, sure), shop)


def test_always_saying_the_commonest_is_right_about_its_share(shop: DemoShop) -> None:
    found = scored(shop, "comparing")
    assert found.accuracy == pytest.approx(found.usual)
    assert found.right["comparing"] == 1.0
    assert found.right["gift"] == 0.0
    assert found.calibration_error == pytest.approx(1.0 - found.usual)
    assert found.low < found.accuracy < found.high


def test_saying_how_often_one_is_right_is_calibrated(shop: DemoShop) -> None:
    usual = scored(shop, "comparing").usual
    assert scored(shop, "comparing", usual).calibration_error < 0.001


def test_who_says_nothing_is_never_right_and_never_too_sure(shop: DemoShop) -> None:
    found = scored(shop, None)
    assert (found.accuracy, found.calibration_error) == (0.0, 0.0)


def test_what_lies_in_the_cart_makes_the_difference() -> None:
    put, taken = ({"event": event, "item_id": "P1"} for event in ("add_to_cart", "remove_from_cart"))
    need = Goal("need", 1)
    assert (_label(need, [put]), _label(need, [put, taken]), _label(Goal("gift", 1), [put])) == (
        "about to buy",
        "comparing",
        "gift",
    )


def test_nothing_after_the_purchase_is_asked_about() -> None:
    events = [{"event": name} for name in ("search", "add_to_cart", "purchase", "view_item")]
    assert [event["event"] for event in _before_buying(events)] == ["search", "add_to_cart"]

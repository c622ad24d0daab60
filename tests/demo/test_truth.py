from datetime import timedelta

import numpy as np
import pytest

from huaxiang.demo import DemoShop
from huaxiang.errors import DataError


def test_interests_sum_to_one_on_each_level(shop: DemoShop) -> None:
    interests = shop.truth.interests("u0001", at=shop.until)
    assert sum(share for path, share in interests.items() if ">" not in path) == pytest.approx(1.0)
    assert sum(share for path, share in interests.items() if ">" in path) == pytest.approx(1.0)


def test_interests_drift_and_some_shoppers_turn_to_something_else(shop: DemoShop) -> None:
    moved = []
    for user in shop.truth.users:
        early, late = (shop.truth.interests(user, at=moment) for moment in (shop.start, shop.until))
        moved.append(sum(abs(late[path] - early[path]) for path in early if ">" not in path) / 2)
    assert np.mean([share > 0.4 for share in moved]) > 0.15
    assert np.median(moved) < 0.3


def test_a_choice_is_of_an_item_on_sale(shop: DemoShop) -> None:
    choices = shop.truth.choices("u0002", at=shop.start + timedelta(days=1))
    assert choices.sum() == pytest.approx(1.0)
    assert not choices[shop.truth.goods.born > 1.0].any()


def test_brands_share_out_the_choices(shop: DemoShop) -> None:
    assert sum(shop.truth.brands("u0001", at=shop.until).values()) == pytest.approx(1.0)


def test_one_attribute_value_is_one_concept_in_both_languages(shop: DemoShop) -> None:
    concept = shop.truth.concept()
    assert concept["colour", "black"] == concept["颜色", "黑色"]


def test_the_mood_stays_within_its_bounds_and_a_bad_experience_spoils_it(shop: DemoShop) -> None:
    moods = [shop.truth.mood(user, at=shop.until) for user in shop.truth.users]
    assert -1.0 <= min(moods) < max(moods) <= 1.0
    happy = [event["user_id"] for event in shop.events if event["event"] == "review" and event["rating"] == 5]
    angry = [event["user_id"] for event in shop.events if event["event"] == "review" and event["rating"] <= 2]
    mood = dict(zip(shop.truth.users, moods, strict=True))
    assert np.mean([mood[user] for user in happy]) > np.mean([mood[user] for user in angry])


def test_who_was_not_logged_in_is_known_to_the_truth_alone(shop: DemoShop) -> None:
    nameless = [event for event in shop.events if "user_id" not in event]
    assert nameless
    assert all(shop.truth.noise[event["event_id"]] for event in nameless)
    assert sum(event["event_id"] in shop.truth.actor for event in nameless) > len(nameless) / 2


def test_an_unknown_user_is_named(shop: DemoShop) -> None:
    with pytest.raises(DataError, match="nobody"):
        shop.truth.price_band("nobody")

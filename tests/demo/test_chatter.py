import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huaxiang.demo import DemoShop, chatter

FIVE_STARS_EN = {phrase.format(thing="mug") for phrase in chatter.GOOD[0]}
ONE_STAR_ZH = {phrase.format(thing="马克杯") for phrase in (*chatter.BAD[1], *chatter.LATE[1])}


def test_five_stars_in_english_are_praise() -> None:
    said = chatter.review(np.random.default_rng(0), 5, 0, thing="mug", is_late=True)
    assert any(said.startswith(phrase) for phrase in FIVE_STARS_EN)


def test_one_star_in_chinese_is_blame() -> None:
    said = chatter.review(np.random.default_rng(0), 1, 1, thing="马克杯", is_late=False)
    assert any(said.startswith(phrase) for phrase in ONE_STAR_ZH)


def test_no_phrase_is_used_for_two_tones() -> None:
    for language in (0, 1):
        assert not set(chatter.GOOD[language]) & set(chatter.BAD[language])
        assert not set(chatter.PRAISE[language]) & set(chatter.GRUMBLE[language])


def test_reviews_in_the_shop_agree_with_their_rating(shop: DemoShop) -> None:
    reviews = [event for event in shop.events if event["event"] == "review"]
    assert {event["rating"] for event in reviews} >= {2, 3, 4, 5}
    for event in reviews:
        assert shop.truth.tone[event["event_id"]] == (event["rating"] - 3) / 2


def test_shoppers_write_in_their_own_language(shop: DemoShop) -> None:
    for event in shop.events:
        if event["event"] == "review" and shop.truth.noise.get(event["event_id"]) != "shared_account":
            assert (shop.truth.language(event["user_id"]) == "zh") == (not event["text"].isascii())


@pytest.mark.parametrize("query", ["龙井茶", "纯棉 连衣裙", "teapot", "mug"])
@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_typo_keeps_the_length_within_one(query: str, seed: int) -> None:
    assert abs(len(chatter.typo(np.random.default_rng(seed), query)) - len(query)) <= 1

"""What a typing error costs."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huaxiang.text.slips import BESIDE, DOUBLED, FIRST, NEIGHBOURS, SWAPPED, VOWEL, slips


@pytest.mark.parametrize(
    ("typed", "meant", "cost"),
    [
        ("dress", "dress", 0.0),
        ("drss", "dress", 1.0),
        ("dres", "dress", DOUBLED),
        ("dresss", "dress", DOUBLED),
        ("drses", "dress", SWAPPED),
        ("drezs", "dress", BESIDE),
        ("drewss", "dress", BESIDE),
        ("driss", "dress", VOWEL),
        ("dreqss", "dress", 1.0),
        ("dreps", "dress", 1.0),
        ("fress", "dress", BESIDE + FIRST),
        ("ress", "dress", 1.0 + FIRST),
        ("rdess", "dress", SWAPPED + FIRST),
        ("dxexs", "dress", 2.0),
        ("连裙", "连衣裙", 1.0),
    ],
)
def test_cheap_slips_are_those_of_fingers_and_ears(typed: str, meant: str, cost: float) -> None:
    assert slips(typed, meant) == pytest.approx(cost)


def test_the_keyboard_is_the_usual_one() -> None:
    assert NEIGHBOURS["g"] == set("ftyhvb")
    assert all(key in NEIGHBOURS[other] for key in NEIGHBOURS for other in NEIGHBOURS[key])


@given(st.text("abcd", max_size=8), st.text("abcd", max_size=8))
@settings(max_examples=200)
def test_only_what_is_equal_costs_nothing(typed: str, meant: str) -> None:
    assert (slips(typed, meant) == 0.0) == (typed == meant)

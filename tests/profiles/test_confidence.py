"""How sure a facet is: never certain of one item, learned by family, and between 0 and 1 whatever it rests on."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huaxiang.errors import DataError
from huaxiang.profiles.confidence import ANY, Confidence, Evidence

NUMBERS = st.floats(-50.0, 50.0)
WEIGHTS = st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS)
EVIDENCE = st.builds(
    Evidence, st.floats(0.0, 1.0), st.integers(1, 10_000), st.integers(1, 1_000), st.integers(1, 100_000)
)


def test_before_a_release_one_item_makes_a_third_and_eight_days_nearly_all_of_the_share() -> None:
    unlearned = Confidence()
    assert unlearned.of("brand", Evidence(1.0, 1, 1, 1)) == pytest.approx(1 / 3)
    assert unlearned.of("brand", Evidence(0.6, 9, 8, 8)) == pytest.approx(0.48)


def test_before_a_release_a_day_with_four_looks_is_two_chances() -> None:
    assert Confidence().of("brand", Evidence(0.5, 2, 2, 8)) == pytest.approx(1 - 0.75**2)


def test_before_a_release_nine_looks_at_one_item_on_one_day_are_no_certainty() -> None:
    assert Confidence().of("brand", Evidence(1.0, 9, 1, 9)) == pytest.approx(1 - (2 / 3) ** 3)


def test_weights_of_a_family_come_before_those_of_all() -> None:
    learned = Confidence({"brand": (1.0, 0.0, 0.0, 0.0, 0.0), ANY: (0.0, 0.0, 0.0, 0.0, math.log(3.0))})
    assert learned.of("brand", Evidence(0.2, 5, 2, 9)) == pytest.approx(0.2)
    assert learned.of("price_band", Evidence(0.2, 5, 2, 9)) == pytest.approx(0.75)


@given(weights=WEIGHTS, evidence=EVIDENCE)
def test_it_is_a_probability_and_survives_being_written_down(weights: tuple[float, ...], evidence: Evidence) -> None:
    for learned in (Confidence(), Confidence({"brand": weights})):
        sure = learned.of("brand", evidence)
        assert 0.0 <= sure <= 1.0
        assert Confidence.from_json(learned.to_json()).of("brand", evidence) == sure


@given(share=st.floats(0.0, 1.0), n=st.integers(1, 1_000), more=st.integers(0, 1_000))
def test_before_a_release_more_events_make_surer_and_nothing_surer_than_the_share(
    share: float, n: int, more: int
) -> None:
    few, many = (Confidence().of("brand", Evidence(share, events, events, events)) for events in (n, n + more))
    assert few <= many <= share + 1e-9


@pytest.mark.parametrize("weights", [(1.0, 2.0), (0.0, 0.0, 0.0, 0.0, math.nan)])
def test_weights_that_cannot_be_used_are_named(weights: tuple[float, ...]) -> None:
    with pytest.raises(DataError, match="5 finite numbers"):
        Confidence({"brand": weights})

"""How surely people come back: counted by hand, kept in bounds, and never of one person alone."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huaxiang.errors import ReleaseError
from huaxiang.profiles.buying import N_FEATURES as BUYING_FEATURES
from huaxiang.profiles.buying import BuyingAgain
from huaxiang.profiles.confidence import ANY, Confidence, Evidence
from huaxiang.profiles.recurrence import Recurrence, family

Shares = dict[tuple[str, str], float]
UJI, YIXING = ("brand", "Uji"), ("brand", "Yixing")


def test_the_ratio_is_what_came_again_over_what_was_met() -> None:
    days = [(f"p{n}", {UJI: 0.5}, {UJI: 0.5} if n < 4 else {}) for n in range(8)]
    # shares of 4 were met, and of 2 came: the group has the ratio .5, and so has its only value
    assert Recurrence.learn(days).chance(UJI, 0.25) == pytest.approx(0.125)


def test_a_value_that_comes_again_more_surely_than_its_kind_has_a_higher_chance() -> None:
    days = [(f"p{n}", {UJI: 1.0, YIXING: 1.0}, {UJI: 1.0}) for n in range(20)]
    learned = Recurrence.learn(days)
    assert learned.chance(UJI, 1.0) == pytest.approx((20 + 0.5) / 21)
    assert learned.chance(YIXING, 1.0) == pytest.approx(0.5 / 21)


def test_what_fewer_than_five_people_met_is_not_told_apart_from_its_kind() -> None:
    few: list[tuple[str, Shares, Shares]] = [(f"p{n % 4}", {YIXING: 1.0}, {YIXING: 1.0}) for n in range(40)]
    many: list[tuple[str, Shares, Shares]] = [(f"q{n}", {UJI: 1.0}, {}) for n in range(40)]
    learned = Recurrence.learn([*few, *many])
    assert learned.chance(YIXING, 1.0) == pytest.approx(0.5)
    assert len(learned) == 1


def test_categories_of_one_depth_are_of_one_kind() -> None:
    tea, green = ("category", "Tea"), ("category", "Tea > Green")
    learned = Recurrence.learn([(f"p{n}", {tea: 1.0, green: 1.0}, {tea: 1.0}) for n in range(4)])
    assert learned.chance(("category", "Ware"), 1.0) == pytest.approx(1.0)
    assert learned.chance(("category", "Ware > Pots"), 1.0) == pytest.approx(0.0)


SHARES = st.dictionaries(st.sampled_from([UJI, YIXING, ("category", "Tea")]), st.floats(0.0, 1.0), max_size=3)


@given(days=st.lists(st.tuples(st.sampled_from("abcdefgh"), SHARES, SHARES), max_size=30), share=st.floats(-1.0, 1.0))
def test_a_chance_is_a_chance_and_grows_with_the_share(days: list[tuple[str, Shares, Shares]], share: float) -> None:
    learned = Recurrence.learn(days)
    for key in (UJI, YIXING, ("price_band", "low")):
        assert 0.0 <= learned.chance(key, share) <= learned.chance(key, 1.0) <= 1.0


def test_it_is_saved_and_read_back(tmp_path: Path) -> None:
    learned = Recurrence.learn([(f"p{n}", {UJI: 0.5}, {UJI: 0.5}) for n in range(6)])
    learned.save(tmp_path)
    again = Recurrence.load(tmp_path)
    assert (again.chance(UJI, 0.3), again.n_days, len(again)) == (learned.chance(UJI, 0.3), 6, 1)


def test_what_was_found_out_by_the_ratios_is_kept_beside_them(tmp_path: Path) -> None:
    sure = Confidence({ANY: (1.0, 0.0, 0.0, 0.0, 0.0)})
    again = BuyingAgain((*[0.0] * BUYING_FEATURES, 1.0), (0.02, 0.01, 0.03), 300)
    learned = Recurrence.learn([(f"p{n}", {UJI: 0.5}, {UJI: 0.5}) for n in range(6)])
    learned.judged(sure, again).save(tmp_path)
    read = Recurrence.load(tmp_path)
    assert read.chance(UJI, 0.3) == learned.chance(UJI, 0.3)
    assert read.confidence.of("brand", Evidence(0.3, 4, 2, 6)) == pytest.approx(0.3)
    assert read.buying_again is not None
    assert read.buying_again.gain == (0.02, 0.01, 0.03)


def test_a_release_from_before_there_were_ratios_has_none(tmp_path: Path) -> None:
    assert Recurrence.load(tmp_path).chance(UJI, 0.25) == 0.25


def test_a_release_from_before_confidence_was_learned_has_ratios_and_the_rest_as_without_a_release(
    tmp_path: Path,
) -> None:
    (tmp_path / "recurrence.json").write_text('{"groups": {"brand": 0.5}, "values": [], "n_days": 1}')
    read = Recurrence.load(tmp_path)
    assert read.chance(UJI, 0.5) == 0.25
    assert read.confidence.of("brand", Evidence(0.5, 2, 2, 2)) == 0.25
    assert read.buying_again is None


def test_attributes_are_one_family_and_categories_one_for_each_depth() -> None:
    keys = [("attribute:colour", "red"), ("attribute:size", "L"), ("category", "Tea > Green"), UJI]
    assert [family(key) for key in keys] == ["attribute", "attribute", "category 2", "brand"]


@pytest.mark.parametrize(
    "damaged",
    [
        "{",
        "[]",
        '{"groups": {}, "values": [["brand"]], "n_days": 1}',
        '{"groups": {}, "values": [], "n_days": 1, "confidence": {"brand": [1]}}',
        '{"groups": {}, "values": [], "n_days": 1, "buying_again": {"weights": []}}',
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, damaged: str) -> None:
    (tmp_path / "recurrence.json").write_text(damaged)
    with pytest.raises(ReleaseError, match="train a new release"):
        Recurrence.load(tmp_path)

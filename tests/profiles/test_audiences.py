"""What is told of a group: the floor, the steps of a count, and exports that would single somebody out."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huaxiang.profiles.audiences import Exports, Floor, Size

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def named(start: int, stop: int) -> list[str]:
    return [f"u{n}" for n in range(start, stop)]


@pytest.mark.parametrize(
    ("n", "size"),
    [(0, None), (1, None), (49, None), (50, 50), (59, 50), (60, 60), (1234, 1230)],
)
def test_a_count_is_rounded_down_to_tens_and_below_fifty_there_is_none(n: int, size: int | None) -> None:
    assert Floor(50).size(n) == (Size(fewer_than=50) if size is None else Size(count=size))


@given(least=st.integers(1, 500), n=st.integers(0, 10_000))
def test_no_size_tells_of_a_group_below_the_floor(least: int, n: int) -> None:
    size = Floor(least).size(n)
    assert (size.count is None) == (n < least) == (size.fewer_than is not None)
    if size.count is not None:
        assert least <= size.count <= n < size.count + 2 * max(1, least // 5)


@given(least=st.integers(5, 500), n=st.integers(0, 10_000))
def test_all_groups_of_a_step_are_told_of_alike(least: int, n: int) -> None:
    floor = Floor(least)
    start = n - n % floor.step
    sizes = {floor.size(m) for m in range(start, start + floor.step) if m >= least}
    assert len(sizes) <= 1


def test_a_floor_of_one_counts_exactly() -> None:
    assert [Floor(1).size(n).count for n in (0, 1, 7)] == [None, 1, 7]


def test_of_two_exports_nobody_takes_a_small_group() -> None:
    exports, floor = Exports(), Floor(50)
    assert exports.admit("tea", named(0, 200), floor, now=NOON)
    assert not exports.admit("tea but one", named(1, 200), floor, now=NOON)
    assert not exports.admit("tea and one more", named(0, 201), floor, now=NOON)
    assert not exports.admit("49 others", named(49, 249), floor, now=NOON)
    assert exports.admit("the same people", named(0, 200), floor, now=NOON)
    assert exports.admit("50 fewer", named(50, 200), floor, now=NOON)
    assert exports.admit("others", named(500, 600), floor, now=NOON)


def test_the_same_question_may_be_asked_again_and_is_remembered_as_it_was() -> None:
    exports, floor = Exports(), Floor(50)
    assert exports.admit("tea", named(0, 200), floor, now=NOON)
    assert exports.admit("tea", named(0, 203), floor, now=NOON)
    assert not exports.admit("other", named(0, 201), floor, now=NOON)


def test_an_export_that_was_refused_is_not_remembered_and_a_day_later_none_is() -> None:
    exports, floor = Exports(), Floor(50)
    assert exports.admit("tea", named(0, 200), floor, now=NOON)
    assert not exports.admit("refused", named(30, 230), floor, now=NOON)
    assert exports.admit("close to what was refused alone", named(60, 260), floor, now=NOON)
    assert exports.admit("refused", named(30, 230), floor, now=NOON + timedelta(days=1))


@given(
    sets=st.lists(st.frozensets(st.integers(0, 30), min_size=5), min_size=1, max_size=6),
)
def test_no_two_exports_of_other_questions_differ_by_fewer_than_the_floor(sets: list[frozenset[int]]) -> None:
    exports, floor = Exports(), Floor(5)
    let_go = [
        ids for number, ids in enumerate(sets) if exports.admit(str(number), [f"u{n}" for n in ids], floor, now=NOON)
    ]
    for one in let_go:
        for other in let_go:
            assert len(one - other) == 0 or len(one - other) >= 5

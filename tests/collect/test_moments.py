"""Times as shops write them, one by one and in columns."""

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huaxiang.collect.clock import day_stands_first, moments
from huaxiang.collect.moments import parse_moment
from huaxiang.errors import DataError

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("said", "hour", "minute"),
    [
        ("2019-02-14T08:05:00Z", 8, 5),
        ("2019-02-14 08:05:00+08:00", 0, 5),
        ("2019-02-14", 0, 0),
        ("20190214", 0, 0),
        (20190214, 0, 0),
        ("2019/2/14 8:05", 8, 5),
        ("2019年2月14日", 0, 0),
        ("2019年2月14日 8时05分", 8, 5),
        ("2019年02月14日08:05:00", 8, 5),
        (1550131500, 8, 5),
        ("1550131500", 8, 5),
        (1550131500000, 8, 5),
        ("1550131500000", 8, 5),
        (1550131500.0, 8, 5),
        (1550131500000000, 8, 5),
        (datetime(2019, 2, 14, 8, 5), 8, 5),
    ],
)
def test_the_same_day_in_many_ways(said: Any, hour: int, minute: int) -> None:
    assert parse_moment(said, UTC) == datetime(2019, 2, 14, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize("said", ["", "   ", "14/02/2019", "2019-02-30", "2019-13-01", "noon", "1e9", 1e300, -5, "९९"])
def test_what_is_no_moment_is_refused(said: Any) -> None:
    with pytest.raises(DataError, match="timestamp"):
        parse_moment(said, UTC)


def test_where_clocks_go_back_the_earlier_hour_is_meant() -> None:
    assert parse_moment("2026-10-25 02:30", ZoneInfo("Europe/Paris")) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_day_or_month_first_is_told_by_a_day_beyond_twelve() -> None:
    assert day_stands_first(["3/4/2019", "25/12/2019"]) is True
    assert day_stands_first(["3/4/2019 8:26", "12/25/2019 8:26"]) is False
    assert day_stands_first(["3/4/2019", "noon", None, 7]) is None


def test_a_column_of_american_dates() -> None:
    found = moments(pl.Series(["12/1/2010 8:26", "12/25/2010 1:05 PM"]), UTC, False)
    assert found.to_list() == [datetime(2010, 12, 1, 8, 26, tzinfo=UTC), datetime(2010, 12, 25, 13, 5, tzinfo=UTC)]


zones = st.sampled_from([UTC, SHANGHAI, ZoneInfo("Europe/Paris"), timezone(timedelta(hours=-3))])
times = st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1))
written = st.one_of(
    times.map(lambda moment: moment.isoformat()),
    times.map(lambda moment: moment.isoformat(" ", "seconds")),
    times.map(lambda moment: moment.isoformat() + "Z"),
    times.map(lambda moment: moment.isoformat() + "-05:30"),
    times.map(lambda moment: f"{moment.year}年{moment.month}月{moment.day}日"),
    times.map(lambda moment: str(int(moment.replace(tzinfo=UTC).timestamp()))),
    st.text(max_size=12),
)


@settings(deadline=None, max_examples=60)
@given(st.lists(written, min_size=1, max_size=6), zones)
def test_a_column_reads_what_single_values_do(values: list[str], zone: tzinfo) -> None:
    def one(value: str) -> datetime | None:
        try:
            return parse_moment(value, zone)
        except DataError:
            return None

    assert moments(pl.Series(values), zone, None).to_list() == [one(value) for value in values]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(-(10**18), 10**18) | st.integers(0, 2 * 10**9), min_size=1, max_size=6))
def test_a_column_of_epochs_reads_what_single_values_do(values: list[int]) -> None:
    for value, found in zip(values, moments(pl.Series(values), UTC, None), strict=True):
        try:
            alone = parse_moment(value, UTC)
        except DataError:
            assert found is None
        else:
            assert abs(found - alone) <= timedelta(microseconds=200)

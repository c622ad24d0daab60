"""A column of times, in any of the ways that `moments` reads one, to microseconds in UTC."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo

import polars as pl

from huaxiang.collect.moments import EPOCH, parse_moment
from huaxiang.errors import DataError

MOMENT: Final = pl.Datetime("us", "UTC")
_ISO: Final = "%Y-%m-%d %H:%M:%S%.f"
_LATEST: Final = datetime(9999, 1, 1, tzinfo=UTC)
_RULES_END: Final = 2037
"""From here on Polars knows no summer time; such moments are read one by one."""
_DAY_MONTH: Final = re.compile(
    r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})(?:[ T]+(\d{1,2}):(\d{2})(?::(\d{2}))?(?:\.\d+)?\s*([AaPp][Mm])?)?", re.ASCII
)


def day_stands_first(values: Iterable[Any]) -> bool | None:
    """Whether `25/12/2019` (True) or `12/25/2019` (False) is meant by a column; None where its values do not tell."""
    day = month = False
    for value in values:
        if isinstance(value, str) and (found := _DAY_MONTH.fullmatch(value.strip())):
            day |= int(found[1]) > 12
            month |= int(found[2]) > 12
    return day if day != month else None


def moments(raw: pl.Series, timezone: tzinfo, day_first: bool | None) -> pl.Series:
    """The column as `timestamp` of type `MOMENT`; null where a value is no moment or lies before 1970."""
    kind = raw.dtype
    if isinstance(kind, pl.Datetime):
        found = _localised(raw.cast(pl.Datetime("us", kind.time_zone)), timezone)
    elif kind == pl.Date:
        found = _localised(raw.cast(pl.Datetime("us")), timezone)
    elif kind == pl.String:
        found = _iso(raw, timezone)
    elif kind.is_numeric():
        found = _epochs(raw)
    else:
        found = _nothing(len(raw))
    left = raw.is_not_null() & found.is_null()
    if left.any() and (kind == pl.String or kind.is_numeric()):
        read = {value: read_moment(value, timezone, day_first) for value in raw.filter(left).unique()}
        slow = pl.Series([read.get(value) for value in raw], dtype=MOMENT)
        found = slow.zip_with(found.is_null(), found)
    fit = (found >= EPOCH) & (found < _LATEST)
    return found.zip_with(fit.fill_null(False), _nothing(len(raw))).alias("timestamp")


def _nothing(n: int) -> pl.Series:
    return pl.Series([None], dtype=MOMENT).new_from_index(0, n)


def read_moment(value: Any, timezone: tzinfo, day_first: bool | None) -> datetime | None:
    """One value's moment, None where it has none; `3/4/2019` only where the order is known."""
    if isinstance(value, str) and (found := _DAY_MONTH.fullmatch(value.strip())):
        return _day_month(found, timezone, day_first)
    try:
        return parse_moment(value, timezone)
    except DataError:
        return None


def _day_month(found: re.Match[str], timezone: tzinfo, day_first: bool | None) -> datetime | None:
    if day_first is None:
        return None
    first, second, year, hour, minute, seconds, half = found.groups()
    day, month = (first, second) if day_first else (second, first)
    clock = int(hour or 0)
    if half is not None:
        clock = clock % 12 + (12 if half.lower() == "pm" else 0)
    try:
        naive = datetime(int(year), int(month), int(day), clock, int(minute or 0), int(seconds or 0))
        return naive.replace(tzinfo=timezone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _iso(raw: pl.Series, timezone: tzinfo) -> pl.Series:
    text = raw.str.replace("T", " ", literal=True)
    zulu = text.str.ends_with("Z")
    naive = text.str.strip_suffix("Z").str.to_datetime(_ISO, strict=False, time_unit="us")
    in_utc = naive.dt.replace_time_zone("UTC")
    if zulu.all():
        return in_utc
    return in_utc.zip_with(zulu.fill_null(False), _localised(naive, timezone))


def _localised(naive: pl.Series, timezone: tzinfo) -> pl.Series:
    """Naive times of a zone in UTC; the earlier of two where clocks go back, null where they leap over it."""
    kind = naive.dtype
    if isinstance(kind, pl.Datetime) and kind.time_zone is not None:
        return naive.dt.convert_time_zone("UTC")
    if timezone is UTC:
        return naive.dt.replace_time_zone("UTC")
    if isinstance(timezone, ZoneInfo) and timezone.key:
        local = naive.dt.replace_time_zone(timezone.key, ambiguous="earliest", non_existent="null")
        told = local.dt.year() < _RULES_END
        return local.dt.convert_time_zone("UTC").zip_with(told.fill_null(False), _nothing(len(local)))
    offset = timezone.utcoffset(None)
    if offset is None:
        return _nothing(len(naive))
    return (naive - offset).dt.replace_time_zone("UTC")


def _epochs(raw: pl.Series) -> pl.Series:
    """Epochs by their size; eight digits that may be a date are left to the reading of single values."""
    number = raw.cast(pl.Float64)
    size = number.abs()
    frame = pl.select(
        pl.when(number.is_between(19_000_101, 20_991_231) | ~number.is_finite())
        .then(None)
        .when(size < 1e11)
        .then(number * 1e6)
        .when(size < 1e14)
        .then(number * 1e3)
        .when(size < 1e17)
        .then(number)
        .otherwise(number / 1e3)
        .round()
        .alias("micros")
    )
    return frame["micros"].cast(pl.Int64, strict=False).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")

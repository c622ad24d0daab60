"""Moments in the ways shops write them: ISO 8601, year first with slashes or 年月日, and epochs."""

import math
import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any, Final

from huaxiang.errors import DataError

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST_SECONDS: Final = 253_402_214_400.0
"""9999-12-31; later moments cannot be held by a datetime in every zone."""

_YEAR_FIRST: Final = re.compile(
    r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?"
    r"(?:[T\s]*(\d{1,2})\s*[:时點点]\s*(\d{1,2})\s*分?(?:\s*:?\s*(\d{1,2})(?:[.,](\d{1,9}))?\s*秒?)?)?"
    r"\s*(Z|z|UTC|[+-]\d{2}:?\d{2})?",
    re.ASCII,
)
_COMPACT: Final = re.compile(r"(?:19|20)\d{6}", re.ASCII)
_NUMBER: Final = re.compile(r"[+-]?\d+(?:\.\d+)?", re.ASCII)


def parse_moment(value: Any, timezone: tzinfo | None) -> datetime:
    """The moment that a payload's timestamp names, in UTC.

    Args:
        value: ISO 8601 text (`T` or blank, date alone), `2019/2/14 8:05`, `2019年2月14日 8时05分`, a datetime, or an
            epoch as number or text. The size of an epoch tells its unit: below 1e11 seconds, below 1e14 milliseconds,
            below 1e17 microseconds, else nanoseconds. Eight digits from 19000101 to 20991231 are a date.
        timezone: what a time without a zone is taken in; None refuses it. A local time that a change of clocks makes
            ambiguous is the earlier of the two.

    Raises:
        DataError: the value names no moment, names no zone though it must, or lies before 1970.
    """
    try:
        moment = _read(value, timezone)
    except (ValueError, OverflowError) as error:
        raise DataError(f"timestamp {_shown(value)} is no moment: {error}; write 2019-02-14T08:05:00Z") from error
    if moment < EPOCH:
        raise DataError(f"timestamp {_shown(value)} lies before 1970; look for a wrong unit or an empty date")
    return moment


def _read(value: Any, timezone: tzinfo | None) -> datetime:
    if type(value) is str:
        try:
            if len(value) >= 10 and value[4] == "-" and value[7] == "-":
                return _in_zone(datetime.fromisoformat(value), value, timezone)
        except ValueError:
            pass
        return _read_text(value.strip(), timezone)
    if type(value) is int or type(value) is float:
        return _read_number(value, timezone)
    if isinstance(value, datetime):
        return _in_zone(value, value, timezone)
    if isinstance(value, date):
        return _in_zone(datetime(value.year, value.month, value.day), value, timezone)
    raise DataError(f"timestamp is of type {type(value).__name__}; give ISO 8601 text or an epoch")


def _read_text(text: str, timezone: tzinfo | None) -> datetime:
    if found := _YEAR_FIRST.fullmatch(text):
        year, month, day, hour, minute, second, fraction, zone = found.groups()
        micro = int((fraction or "0").ljust(6, "0")[:6])
        naive = datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), micro)
        return _in_zone(naive if zone is None else naive.replace(tzinfo=_zone(zone)), text, timezone)
    if _COMPACT.fullmatch(text):
        return _in_zone(datetime.strptime(text, "%Y%m%d"), text, timezone)
    if _NUMBER.fullmatch(text):
        return _read_number(float(text) if "." in text else int(text), timezone)
    if not text:
        raise ValueError("it is empty")
    if not (text[0].isdigit() and len(text) >= 10):
        raise ValueError("no form of time that is known")
    return _in_zone(datetime.fromisoformat(text), text, timezone)


def _read_number(value: float, timezone: tzinfo | None) -> datetime:
    if not math.isfinite(value):
        raise ValueError("an epoch must be finite")
    if type(value) is int and 19_000_101 <= value <= 20_991_231 and _COMPACT.fullmatch(str(value)):
        return _in_zone(datetime.strptime(str(value), "%Y%m%d"), value, timezone)
    micros_per_unit = epoch_unit(value)
    micros = round(value * micros_per_unit)
    if micros > _LATEST_SECONDS * 1e6:
        raise ValueError("an epoch after the year 9999")
    return EPOCH + timedelta(microseconds=micros)


def epoch_unit(value: float) -> float:
    """Microseconds in one unit of an epoch of this size: seconds, milliseconds, microseconds or nanoseconds."""
    size = abs(value)
    if size < 1e11:
        return 1e6
    if size < 1e14:
        return 1e3
    return 1.0 if size < 1e17 else 1e-3


def _in_zone(moment: datetime, value: Any, timezone: tzinfo | None) -> datetime:
    if moment.tzinfo is None:
        if timezone is None:
            raise DataError(f"timestamp {_shown(value)} has no time zone; add one, such as 'Z' or '+08:00'")
        moment = moment.replace(tzinfo=timezone)
    return moment if moment.tzinfo is UTC else moment.astimezone(UTC)


def _zone(text: str) -> tzinfo:
    if text in {"Z", "z", "UTC"}:
        return UTC
    zone = datetime.strptime(text, "%z").tzinfo
    assert zone is not None
    return zone


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."

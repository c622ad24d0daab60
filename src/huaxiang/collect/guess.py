"""Which column of a file of events is which field: from the header in English or Chinese, and from the values."""

from collections.abc import Mapping

from huaxiang.collect.importers.base import Format, Guess, Sample
from huaxiang.collect.importers.headers import (
    EVENT_FIELDS,
    EVENT_LOOKUP,
    by_name,
    check_given,
    is_time,
    shown_columns,
    values_of,
)
from huaxiang.collect.importers.items import Items, guess_items
from huaxiang.errors import DataError


def guess(chosen: Format, sample: Sample, given: Mapping[str, str], *, event: str | None = None) -> Guess | None:
    """The columns of a file of a format, None where the format's columns are fixed."""
    if not chosen.guesses:
        return None
    return guess_items(sample, given) if chosen.name == Items.name else guess_columns(sample, given, event=event)


def guess_columns(sample: Sample, given: Mapping[str, str], *, event: str | None = None) -> Guess:
    """The columns of a file's beginning; what is given wins.

    A column is taken for a field by its name where its values can be what the field needs; a time also by its values
    alone. `event` as default makes a column of other values than event names a property.

    Raises:
        UnknownNameError: a given field or column does not exist.
        DataError: no time, or neither a kind of event nor a default, or nobody.
    """
    check_given(sample, given, EVENT_FIELDS)
    found = by_name(sample, given, EVENT_LOOKUP)
    columns = {**given, **found}
    why = {**dict.fromkeys(given, "given"), **dict.fromkeys(found, "by its name and values")}
    if "timestamp" not in columns:
        for column in sample.columns:
            if column not in columns.values() and is_time(values_of(sample, column)):
                columns["timestamp"], why["timestamp"] = column, "by its values"
                break
    _check_enough(sample, columns, event)
    others = tuple(column for column in sample.columns if column not in columns.values())
    return Guess(columns, why, dict.fromkeys(others, "(property)"))


def _check_enough(sample: Sample, columns: Mapping[str, str], event: str | None) -> None:
    shown = shown_columns(sample)
    if "timestamp" not in columns:
        raise DataError(
            "no column holds the time of events; name it with --map timestamp=COLUMN, or read a catalogue with "
            f"--format items (columns: {shown})"
        )
    if "event" not in columns and event is None:
        raise DataError(f"no column names the kind of event; give --event purchase, or --map event=COLUMN ({shown})")
    if not {"user_id", "anonymous_id", "session_id"} & set(columns) and not _known_kinds(sample, columns, event):
        raise DataError(f"no column says who; name it with --map user_id=COLUMN (columns: {shown})")


def _known_kinds(sample: Sample, columns: Mapping[str, str], event: str | None) -> bool:
    """Whether the rows may be of kinds that need nobody, such as items."""
    kinds = {event} if event is not None else set(values_of(sample, columns["event"]))
    return bool(kinds & {"set_item", "delete_item", "post"})

"""Files in: one small module per format, told apart by content."""

from collections.abc import Collection
from typing import Final

from huaxiang.collect.importers.amazon import AmazonReviews
from huaxiang.collect.importers.base import BadRow, Batch, Format, Options, Sample
from huaxiang.collect.importers.delimited import Delimited
from huaxiang.collect.importers.files import sample_of
from huaxiang.collect.importers.headers import has_times
from huaxiang.collect.importers.items import ITEM_ONLY, Items, is_of_events
from huaxiang.collect.importers.jsonl import JSONLines
from huaxiang.collect.importers.parquet import Parquet
from huaxiang.collect.importers.retail import OnlineRetail
from huaxiang.collect.importers.sequences import Sequences
from huaxiang.errors import DataError, UnknownNameError

__all__ = ["FORMATS", "BadRow", "Batch", "Format", "Options", "Sample", "find_format", "sample_of"]

FORMATS: Final[tuple[Format, ...]] = (
    AmazonReviews(),
    OnlineRetail(),
    Items(),
    Parquet(),
    JSONLines(),
    Delimited(),
    Sequences(),
)
"""Every format, the particular before the general: the first that matches is taken."""


def find_format(name: str, sample: Sample, *, given: Collection[str] = frozenset(), event: str | None = None) -> Format:
    """The format of that name, or with `auto` the one that a file's beginning matches.

    Args:
        given: fields that the caller has mapped; one that only items have says that the file is a catalogue.
        event: kind of rows that name none, None where the file says it.

    Raises:
        UnknownNameError: no format has this name.
        DataError: the file is empty.
    """
    if name == "auto":
        name = _told(sample, given, event)
    for known in FORMATS:
        if known.name == name:
            return known
    raise UnknownNameError("format", name, ["auto", *(known.name for known in FORMATS)])


def _told(sample: Sample, given: Collection[str], event: str | None) -> str:
    of_items = event in {None, "set_item"}
    said = ITEM_ONLY & set(given) or (event == "set_item" and not is_of_events(sample))
    if sample.kind != "empty" and of_items and said:
        return Items.name
    for known in FORMATS:
        # a kind of event may be meant for other files of the same command: beside it, no column may hold times at all
        if known.matches(sample) and (known.name != Items.name or of_items or not has_times(sample)):
            return known.name
    raise DataError("the file is empty; there is nothing to read in it")

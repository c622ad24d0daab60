"""Files in: one small module per format, told apart by content."""

from typing import Final

from huaxiang.collect.importers.amazon import AmazonReviews
from huaxiang.collect.importers.base import BadRow, Batch, Format, Options, Sample
from huaxiang.collect.importers.delimited import Delimited
from huaxiang.collect.importers.files import sample_of
from huaxiang.collect.importers.jsonl import JSONLines
from huaxiang.collect.importers.parquet import Parquet
from huaxiang.collect.importers.retail import OnlineRetail
from huaxiang.collect.importers.sequences import Sequences
from huaxiang.errors import DataError, UnknownNameError

__all__ = ["FORMATS", "BadRow", "Batch", "Format", "Options", "Sample", "find_format", "sample_of"]

FORMATS: Final[tuple[Format, ...]] = (
    AmazonReviews(),
    OnlineRetail(),
    Parquet(),
    JSONLines(),
    Delimited(),
    Sequences(),
)
"""Every format, the particular before the general: the first that matches is taken."""


def find_format(name: str, sample: Sample) -> Format:
    """The format of that name, or with `auto` the one that a file's beginning matches.

    Raises:
        UnknownNameError: no format has this name.
        DataError: the file is empty.
    """
    if name == "auto":
        for known in FORMATS:
            if known.matches(sample):
                return known
        raise DataError("the file is empty; there is nothing to read in it")
    for known in FORMATS:
        if known.name == name:
            return known
    raise UnknownNameError("format", name, ["auto", *(known.name for known in FORMATS)])

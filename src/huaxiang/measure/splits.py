"""Splits in time: leave one out per user, and one moment for all.

Legend: N users, E interactions in compressed rows: user u owns the slice `indptr[u]:indptr[u + 1]`, oldest first.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from huaxiang.errors import DataError


class LeaveOneOut(NamedTuple):
    """Positions in the interactions, each ascending.

    Attributes:
        train: everything before the validation item; all events of users with fewer than 3.
        validation: the item before the last of each user who has at least 3.
        test: the last item of the same users, in the same order.
        users: those users.
    """

    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]
    users: NDArray[np.int64]


def leave_one_out(indptr: NDArray[np.int64]) -> LeaveOneOut:
    """The last item of a user is the test, the one before it validation."""
    users = np.flatnonzero(np.diff(indptr) >= 3)
    test = indptr[users + 1] - 1
    train = np.setdiff1d(np.arange(indptr[-1]), np.concatenate([test, test - 1]), assume_unique=True)
    return LeaveOneOut(train, test - 1, test, users)


class TimeSplit(NamedTuple):
    """Positions in the interactions, and the two moments between them."""

    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]
    validation_from: float
    test_from: float


def global_time_split(times: NDArray[np.float64], *, validation: float = 0.1, test: float = 0.1) -> TimeSplit:
    """One pair of moments for all users: nothing that comes later is learned from.

    Args:
        times: shape (E,), any unit; need not be sorted. Events of one moment are never parted.
        validation: share of events, about, in the validation part; `test` likewise.
    Raises:
        DataError: the shares leave no training part, or there is no event.
    """
    if not len(times):
        raise DataError("no events to split; give at least one")
    if validation < 0.0 or test < 0.0 or validation + test >= 1.0:
        raise DataError(f"shares {validation} and {test} leave nothing to train on; their sum must be below 1")
    ordered = np.sort(times)
    last = len(times) - 1
    validation_from = float(ordered[min(last, round(len(times) * (1.0 - validation - test)))])
    test_from = float(ordered[min(last, round(len(times) * (1.0 - test)))])
    train = np.flatnonzero(times < validation_from)
    middle = np.flatnonzero((times >= validation_from) & (times < test_from))
    return TimeSplit(train, middle, np.flatnonzero(times >= test_from), validation_from, test_from)

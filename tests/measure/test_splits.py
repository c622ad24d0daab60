"""No split shows the future, none loses an event."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huaxiang.errors import DataError
from huaxiang.measure.splits import global_time_split, leave_one_out


def test_ann_leaves_her_last_two_and_bob_with_two_events_leaves_none() -> None:
    split = leave_one_out(np.array([0, 4, 6]))
    assert split.train.tolist() == [0, 1, 4, 5]
    assert (split.validation.tolist(), split.test.tolist(), split.users.tolist()) == ([2], [3], [0])


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 6), max_size=8))
def test_every_event_is_in_one_part(lengths: list[int]) -> None:
    split = leave_one_out(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))
    parts = np.concatenate([split.train, split.validation, split.test])
    assert sorted(parts.tolist()) == list(range(sum(lengths)))
    assert len(split.users) == sum(length >= 3 for length in lengths)


def test_ten_days_split_at_two_moments() -> None:
    split = global_time_split(np.arange(10.0)[::-1], validation=0.2, test=0.1)
    assert (split.validation_from, split.test_from) == (7.0, 9.0)
    assert sorted(split.train.tolist()) == [3, 4, 5, 6, 7, 8, 9]
    assert split.test.tolist() == [0]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=30), st.floats(0, 0.4), st.floats(0, 0.4))
def test_nothing_learned_from_is_later_than_what_is_asked(times: list[int], validation: float, test: float) -> None:
    moments = np.array(times, dtype=np.float64)
    split = global_time_split(moments, validation=validation, test=test)
    assert sorted(np.concatenate([split.train, split.validation, split.test]).tolist()) == list(range(len(times)))
    assert not set(moments[split.train]) & set(moments[split.validation])
    assert max(moments[split.train], default=-1.0) < min(moments[split.test], default=10.0)
    assert max(moments[split.validation], default=-1.0) < min(moments[split.test], default=10.0)


def test_shares_that_leave_nothing_are_refused() -> None:
    with pytest.raises(DataError, match="below 1"):
        global_time_split(np.arange(3.0), validation=0.5, test=0.5)


def test_no_events_are_refused() -> None:
    with pytest.raises(DataError, match="no events"):
        global_time_split(np.empty(0))

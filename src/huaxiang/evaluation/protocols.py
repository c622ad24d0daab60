"""What is learned from and what is asked, step by step: leave-one-out by position, and one moment for all.

Legend: N users, M items, E interactions. A protocol has three steps, each with what was known before it: the earlier
one teaches a ranker, validation selects, the test is only answered.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.errors import DataError
from huaxiang.evaluation.questions import Questions, questions
from huaxiang.evaluation.sequence_file import Sequences
from huaxiang.measure.splits import global_time_split
from huaxiang.retrieval.base import History, Indices, Interactions
from huaxiang.retrieval.reading import what_is_left

LEAVE_ONE_OUT: Final = (
    "leave-one-out: the last item is the test, the one before it validation; full ranking of the catalogue, seen items "
    "masked, ties in order of first appearance in the file"
)
TIME_SPLIT: Final = (
    "one moment for all: what came after it is asked of everyone who had met something before it, and learned by "
    "nobody; full ranking of the catalogue, seen items masked, ties in catalogue order"
)


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """Questions, and everything that was known before them."""

    known: Interactions
    asked: Questions


@dataclass(frozen=True, slots=True, eq=False)
class Protocol:
    """Three steps in time.

    Attributes:
        said: the rules, as one sentence for people.
        has_clock: whether `days_E` of all users are on one clock, so that what is popular now can be told.
        counts: of what was left out of the questions, by a name for people.
    """

    said: str
    earlier: Step
    validation: Step
    test: Step
    counts: dict[str, int]
    has_clock: bool = False

    @property
    def n_items(self) -> int:
        """M."""
        return self.test.known.n_items


def leave_one_out(sequences: Sequences) -> Protocol:
    """The published protocol on rows in order.

    Raises:
        DataError: no user has 3 items.
    """
    rows = sequences.rows

    def step(from_end: int) -> Step:
        cut = [row[:-from_end] if len(row) >= 3 else row for row in rows]
        asked = questions(rows, from_end, least=max(3, from_end + 1))
        return Step(Interactions.of(sequences.item_ids, cut), asked)

    if not any(len(row) >= 3 for row in rows):
        raise DataError("no user has 3 items: one to learn from, one to validate and one to test; give longer rows")
    short = sum(len(row) < 3 for row in rows)
    return Protocol(LEAVE_ONE_OUT, step(3), step(2), step(1), {"users_with_fewer_than_3_items": short})


def by_time(
    interactions: Interactions,
    *,
    share: float = 0.1,
    days: float | None = None,
    counts_E: NDArray[np.bool_] | None = None,
) -> Protocol:
    """The end of the log is the test, as much before it validation, as much again teaches a ranker.

    Args:
        interactions: with `days_E` on one clock for all users.
        share: of the events in the test. days: length of the test instead, where the log is four times as long.
        counts_E: which events can be an answer, such as purchases only; None: all of weight > 0.
    Raises:
        DataError: nobody who met something before the test took something new in it.
    """
    answers_E = interactions.weights_E > 0.0 if counts_E is None else counts_E & (interactions.weights_E > 0.0)
    steps, strangers = [], 0
    for moment, until in pairwise((*moments_of(interactions.days_E, share, days), np.inf)):
        asked, strangers = asked_between(interactions, answers_E, moment, until)
        steps.append(Step(before(interactions, moment), asked))
    if not len(steps[2].asked):
        raise DataError("nobody who met an item before the test took a new one in it; give a longer log")
    earlier, validation, test = steps
    counts = {"people_of_the_test_without_a_history": strangers}
    return Protocol(TIME_SPLIT, earlier, validation, test, counts, has_clock=True)


def moments_of(days_E: NDArray[np.float64], share: float, days: float | None) -> tuple[float, float, float]:
    """Where the earlier step, validation and the test begin.

    Raises:
        DataError: the events are of too few moments to be parted.
    """
    if len(days_E) and days is not None and days_E.max() - days_E.min() >= 4.0 * days:
        end = float(days_E.max())
        return end - 3.0 * days, end - 2.0 * days, end - days
    parts = global_time_split(days_E, validation=share, test=share)
    learned_E = days_E[days_E < parts.validation_from]
    if not len(learned_E):
        raise DataError("all events are of so few moments that none come before the others; give a longer log")
    earlier_from = global_time_split(learned_E, validation=0.0, test=share).test_from
    return earlier_from, parts.validation_from, parts.test_from


def before(interactions: Interactions, moment: float) -> Interactions:
    """What happened before a moment."""
    kept_E = interactions.days_E < moment
    ends_N1 = np.concatenate([[0], np.cumsum(kept_E)])[interactions.indptr_N1]
    return Interactions(
        interactions.item_ids,
        ends_N1.astype(np.int64),
        interactions.items_E[kept_E],
        interactions.days_E[kept_E],
        interactions.weights_E[kept_E],
    )


def asked_between(
    interactions: Interactions, answers_E: NDArray[np.bool_], moment: float, until: float
) -> tuple[Questions, int]:
    """Everyone's history before a moment, faded as a release reads it, and the new items they took until the next; and
    how many had no history."""
    histories: list[History] = []
    targets: list[Indices] = []
    users: list[int] = []
    strangers = 0
    spans = zip(interactions.indptr_N1[:-1].tolist(), interactions.indptr_N1[1:].tolist(), strict=True)
    for user, (start, end) in enumerate(spans):
        days_L, items_L = interactions.days_E[start:end], interactions.items_E[start:end].astype(np.int64)
        past_L = days_L < moment
        taken = items_L[(days_L >= moment) & (days_L < until) & answers_E[start:end]]
        new = np.setdiff1d(taken, items_L[past_L])
        if not len(new):
            continue
        if not past_L.any():
            strangers += 1
            continue
        ages_L = np.maximum(moment - days_L[past_L], 0.0)
        weights_L = interactions.weights_E[start:end][past_L] * what_is_left(ages_L)
        histories.append(History(items_L[past_L], weights_L.astype(np.float32), ages_L))
        targets.append(new)
        users.append(user)
    return Questions(tuple(histories), tuple(targets), np.array(users, dtype=np.int64)), strangers


def shuffled_ties(
    rows: Sequence[NDArray[np.int32]], days: Sequence[NDArray[np.float64]], *, rng: np.random.Generator
) -> list[NDArray[np.int32]]:
    """Rows whose events of one moment stand in an order of chance: what the order of a file gives away is gone."""
    return [row[np.lexsort((rng.random(len(row)), at))] for row, at in zip(rows, days, strict=True)]

"""What is learned from and what is asked: nothing of a later step is known in an earlier one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huaxiang.errors import DataError
from huaxiang.evaluation.protocols import asked_between, before, by_time, leave_one_out, shuffled_ties
from huaxiang.evaluation.sequence_file import Sequences
from huaxiang.retrieval.base import Interactions

Shop = list[list[tuple[int, int]]]
shops = st.lists(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 7)), max_size=8), min_size=3, max_size=12)


def interactions(shop: Shop) -> Interactions:
    rows = [sorted(user) for user in shop]
    return Interactions.of(
        "abcdefgh", [[i for _, i in row] for row in rows], [[float(t) for t, _ in row] for row in rows]
    )


def sequences(*rows: list[int]) -> Sequences:
    users = tuple(f"u{n}" for n in range(len(rows)))
    return Sequences(tuple("abcdefgh"), users, tuple(np.array(row, np.int32) for row in rows), (), 0)


def test_each_step_of_leave_one_out_knows_one_item_more() -> None:
    protocol = leave_one_out(sequences([0, 1, 2, 3], [4, 5]))
    steps = (protocol.earlier, protocol.validation, protocol.test)
    assert [step.known.history(0).items_L.tolist() for step in steps] == [[0], [0, 1], [0, 1, 2]]
    assert [step.asked.targets[0].tolist() for step in steps] == [[1], [2], [3]]
    assert [step.known.history(1).items_L.tolist() for step in steps] == [[4, 5]] * 3
    assert protocol.counts == {"users_with_fewer_than_3_items": 1}


def test_who_has_three_items_is_not_asked_in_the_earlier_step() -> None:
    protocol = leave_one_out(sequences([0, 1, 2], [0, 1, 2, 3]))
    assert [len(step.asked) for step in (protocol.earlier, protocol.validation, protocol.test)] == [1, 2, 2]
    assert protocol.earlier.asked.users_N.tolist() == [1]


@given(shops)
def test_one_moment_for_all_knows_nothing_of_what_comes_later(shop: Shop) -> None:
    log = interactions(shop)
    if not len(log.items_E):
        return
    try:
        protocol = by_time(log, share=0.2)
    except DataError:
        return
    for step in (protocol.earlier, protocol.validation, protocol.test):
        for user, history, targets in zip(step.asked.users_N, step.asked.histories, step.asked.targets, strict=True):
            known = step.known.history(int(user))
            assert known.items_L.tolist() == history.items_L.tolist()
            assert not set(targets.tolist()) & set(known.items_L.tolist())
            assert (history.ages_L >= 0.0).all()
    lengths = [len(step.known.items_E) for step in (protocol.earlier, protocol.validation, protocol.test)]
    assert lengths == sorted(lengths)


@given(shops, st.integers(0, 100))
def test_what_was_before_a_moment_is_all_that_was(shop: Shop, moment: int) -> None:
    log = interactions(shop)
    kept = before(log, float(moment))
    for user, row in enumerate(shop):
        assert kept.history(user).items_L.tolist() == [item for at, item in sorted(row) if at < moment]


def test_a_purchase_can_be_the_only_answer() -> None:
    log = interactions([[(0, 0), (1, 1), (2, 5), (3, 6), (8, 2), (9, 3)], [(0, 1), (1, 2), (9, 4)]])
    protocol = by_time(log, share=0.3, counts_E=log.items_E == 3)
    assert [right.tolist() for right in protocol.test.asked.targets] == [[3]]


def test_a_history_fades_as_a_release_reads_it_and_not_in_what_is_learned_from() -> None:
    asked, _ = asked_between(interactions([[(0, 0), (30, 1), (60, 2)]]), np.array([True] * 3), 60.0, np.inf)
    assert asked.histories[0].weights_L.tolist() == [0.25, 0.5]
    assert before(interactions([[(0, 0), (30, 1), (60, 2)]]), 60.0).weights_E.tolist() == [1.0, 1.0]


def test_strangers_are_counted_and_not_asked() -> None:
    protocol = by_time(interactions([[(0, 0), (1, 1), (9, 3)], [(9, 4)], [(2, 2), (3, 3), (4, 4)]]), share=0.3)
    assert protocol.counts == {"people_of_the_test_without_a_history": 1}


def test_a_log_in_which_nobody_comes_back_is_refused() -> None:
    with pytest.raises(DataError, match="give a longer log"):
        by_time(interactions([[(0, 0)], [(5, 1)], [(9, 2)]]), share=0.3)


def test_shuffling_moves_only_what_happened_at_one_moment() -> None:
    row, at = np.array([0, 1, 2, 3, 4], np.int32), np.array([1.0, 1.0, 1.0, 2.0, 3.0])
    (mixed,) = shuffled_ties([row], [at], rng=np.random.default_rng(3))
    assert sorted(mixed[:3].tolist()) == [0, 1, 2]
    assert mixed[3:].tolist() == [3, 4]

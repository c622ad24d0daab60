"""Rows of numbers by slot are what was added, whenever it was settled."""

from hypothesis import given
from hypothesis import strategies as st

from huaxiang.retrieval.slot_rows import SlotRows


@given(st.lists(st.lists(st.integers(0, 9), max_size=4), max_size=6), st.lists(st.integers(-1, 7), max_size=9))
def test_rows_are_those_that_were_added_and_none_of_an_unknown_slot(rows: list[list[int]], asked: list[int]) -> None:
    kept = SlotRows()
    for row in rows:
        kept.add(row)
        if len(row) % 2:
            kept.settle()
    kept.settle()
    wanted = [rows[slot] if 0 <= slot < len(rows) else [] for slot in asked]
    numbers, lengths = kept.rows(asked)
    assert numbers.tolist() == [number for row in wanted for number in row]
    assert lengths.tolist() == [len(row) for row in wanted]
    assert [kept.row(slot).tolist() for slot in range(len(rows))] == rows


def test_a_row_that_is_not_settled_is_not_known() -> None:
    kept = SlotRows()
    kept.add([1, 2])
    assert kept.rows([0])[1].tolist() == [0]

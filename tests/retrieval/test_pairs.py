"""What the encoder learns from: a person's history as text, and the item that they met next, by hand."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huaxiang.retrieval import pairs as of_pairs
from huaxiang.retrieval.log import TrainingLog
from huaxiang.retrieval.pairs import NextItems, next_item_pairs, query_item_pairs
from huaxiang.types import Item

ITEMS = [Item(name, name) for name in ("tea", "pot", "cup")]


def log(*said: tuple[str, int, str]) -> TrainingLog:
    """Each is (person, moment, item), or a query where the item begins with "?"."""
    met = [(who, at, item) for who, at, item in said if not item.startswith("?")]
    asked = [(who, at, item[1:]) for who, at, item in said if item.startswith("?")]
    rows = pl.DataFrame(met, schema={"person": pl.String, "at": pl.Int64, "item_id": pl.String}, orient="row")
    queries = pl.DataFrame(asked, schema={"person": pl.String, "at": pl.Int64, "query": pl.String}, orient="row")
    return TrainingLog(rows, queries)


def pairs(*said: tuple[str, int, str], before: int | None = None) -> list[tuple[str, str, str]]:
    return named(next_item_pairs(log(*said), ITEMS, np.random.default_rng(0), before=before))


def named(met: NextItems) -> list[tuple[str, str, str]]:
    return [(who, text, ITEMS[target].item_id) for who, (text, target) in zip(met.people, met.pairs, strict=True)]


def test_each_new_item_is_the_target_of_what_came_before_it() -> None:
    said = (("ann", 1, "tea"), ("ann", 2, "pot"), ("ann", 3, "cup"))
    assert pairs(*said) == [("ann", "tea", "pot"), ("ann", "pot | tea", "cup")]


def test_the_first_item_of_a_person_without_a_query_teaches_nothing() -> None:
    assert pairs(("ann", 1, "tea")) == []


def test_a_second_look_is_no_target() -> None:
    assert pairs(("ann", 1, "tea"), ("ann", 2, "pot"), ("ann", 3, "tea")) == [("ann", "tea", "pot")]


def test_a_query_before_an_item_is_read_and_one_after_it_is_not() -> None:
    assert pairs(("ann", 1, "?green"), ("ann", 2, "tea"), ("ann", 3, "?late")) == [("ann", "green", "tea")]


def test_the_history_of_one_is_not_that_of_another() -> None:
    assert pairs(("ann", 1, "tea"), ("bob", 2, "pot"), ("bob", 3, "cup")) == [("bob", "pot", "cup")]


def test_nothing_at_or_after_the_held_out_days_is_read() -> None:
    said = (("ann", 1, "tea"), ("ann", 2, "pot"), ("ann", 3, "cup"))
    assert pairs(*said, before=3) == [("ann", "tea", "pot")]


def test_items_that_the_shop_no_longer_sells_are_passed_over() -> None:
    assert pairs(("ann", 1, "tea"), ("ann", 2, "ghost"), ("ann", 3, "cup")) == [("ann", "tea", "cup")]


def test_of_many_queries_the_newest_five_are_read() -> None:
    said = [("ann", n, f"?q{n}") for n in range(7)]
    assert pairs(*said, ("ann", 9, "tea")) == [("ann", "q6 | q5 | q4 | q3 | q2", "tea")]


def test_too_many_pairs_are_drawn_in_order_and_by_the_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_pairs, "_MOST_PAIRS", 10)
    said = [(f"p{n:02d}", n, item) for n in range(30) for item in ("tea", "pot")]
    first, again = (next_item_pairs(log(*said), ITEMS, np.random.default_rng(3)).people for _ in range(2))
    other = next_item_pairs(log(*said), ITEMS, np.random.default_rng(4)).people
    assert first == again == sorted(first)
    assert (len(first), first != other) == (10, True)


def queries(*said: tuple[str, int, str]) -> list[tuple[str, str, str]]:
    return named(query_item_pairs(log(*said), ITEMS, np.random.default_rng(0)))


def test_a_query_is_answered_by_the_item_that_its_asker_met_next() -> None:
    said = (("ann", 1, "?green"), ("bob", 2, "pot"), ("ann", 3, "tea"), ("ann", 4, "cup"))
    assert queries(*said) == [("ann", "green", "tea")]


def test_a_query_that_was_asked_again_in_other_words_found_nothing() -> None:
    assert queries(("ann", 1, "?grene"), ("ann", 2, "?green"), ("ann", 3, "tea")) == [("ann", "green", "tea")]


STEPS = st.lists(
    st.tuples(st.sampled_from(["ann", "bob"]), st.integers(0, 9), st.sampled_from(["tea", "pot", "cup", "?a", "?b"])),
    max_size=15,
)


@settings(deadline=None, max_examples=40)
@given(said=STEPS, before=st.integers(0, 10))
def test_a_target_is_in_no_history_and_the_future_changes_nothing(
    said: list[tuple[str, int, str]], before: int
) -> None:
    found = pairs(*said, before=before)
    assert all(target not in text.split(" | ") for _, text, target in found)
    assert found == pairs(*(row for row in said if row[1] < before))


def test_a_log_without_anything_gives_no_pairs() -> None:
    empty = next_item_pairs(log(), ITEMS, np.random.default_rng(0))
    assert empty == NextItems([], [], [])


def test_the_items_of_a_history_are_named_newest_first() -> None:
    said = (("ann", 1, "tea"), ("ann", 2, "?mug"), ("ann", 3, "pot"), ("ann", 4, "cup"))
    assert next_item_pairs(log(*said), ITEMS, np.random.default_rng(0)).before == [(0,), (1, 0)]
    assert query_item_pairs(log(*said), ITEMS, np.random.default_rng(0)).before == [()]

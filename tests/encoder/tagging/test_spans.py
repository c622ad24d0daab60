"""Spans and their labels, and when a predicted span counts."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huaxiang.encoder.tagging.spans import Bounds, Tagged, agreement, bounds_of, label_names, repaired, spelled

LABELS = ("O", "B-brand", "I-brand", "B-type", "I-type")
labels = st.lists(st.sampled_from(LABELS), max_size=8)


def slow_bounds(spelling: Sequence[str]) -> set[Bounds]:
    """Every stretch that begins a span, goes on inside it, and does not go on after it: conlleval's rules."""
    found = set()
    for start in range(len(spelling)):
        name = spelling[start][2:]
        before = spelling[start - 1] if start else "O"
        if not name or (spelling[start][0] == "I" and before[2:] == name):
            continue
        end = start + 1
        while end < len(spelling) and spelling[end] == f"I-{name}":
            end += 1
        found.add((start, end, name))
    return found


@given(labels)
def test_spans_are_those_of_the_slow_definition(spelling: list[str]) -> None:
    assert set(bounds_of(spelling)) == slow_bounds(spelling)


@given(labels)
def test_repairing_changes_no_span_and_leaves_nothing_to_repair(spelling: list[str]) -> None:
    whole, n = repaired(spelling)
    assert bounds_of(whole) == bounds_of(spelling)
    assert repaired(whole) == (whole, 0)
    assert n == sum(a != b for a, b in zip(whole, spelling, strict=True))


@given(labels)
def test_spans_spell_the_labels_they_came_from(spelling: list[str]) -> None:
    assert spelled(bounds_of(spelling), len(spelling)) == repaired(spelling)[0]


@given(st.lists(st.tuples(labels, labels), max_size=4))
def test_agreement_counts_spans_that_are_equal_in_all_three(pairs: list[tuple[list[str], list[str]]]) -> None:
    pairs = [(right[:n], said[:n]) for right, said in pairs for n in [min(len(right), len(said))]]
    hits = sum(len(slow_bounds(right) & slow_bounds(said)) for right, said in pairs)
    found = agreement([right for right, _ in pairs], [said for _, said in pairs])
    n_said, n_right = (
        sum(len(slow_bounds(each)) for each in side) for side in ([p[1] for p in pairs], [p[0] for p in pairs])
    )
    assert (found.hits, found.predicted, found.right) == (hits, n_said, n_right)
    assert sum(each.hits for each in found.per_type.values()) == hits


def test_a_brand_cut_short_is_no_hit_and_a_type_found_is() -> None:
    right = ["B-brand", "I-brand", "O", "B-type"]
    found = agreement([right], [["B-brand", "O", "O", "B-type"]])
    assert (found.precision, found.recall, found.f1) == (0.5, 0.5, 0.5)
    assert found.per_type["brand"].f1 == 0.0
    assert found.per_type["type"].f1 == 1.0


def test_nothing_to_find_and_nothing_found_is_no_division_by_zero() -> None:
    assert agreement([["O"]], [["O"]]).figures() == {"f1": 0.0, "precision": 0.0, "recall": 0.0, "support": 0}


def test_a_title_names_its_spans_by_characters() -> None:
    title = Tagged("Nike 跑鞋", ((0, 4), (5, 6), (6, 7)), ("B-brand", "B-type", "I-type"))
    assert [(span.start, span.end, span.label, span.text) for span in title.spans] == [
        (0, 4, "brand", "Nike"),
        (5, 7, "type", "跑鞋"),
    ]


def test_labels_are_ordered_by_type() -> None:
    assert label_names(["type", "brand", "type"]) == ("O", "B-brand", "I-brand", "B-type", "I-type")


@pytest.mark.parametrize("spelling", [["I-brand"], ["O", "I-brand"], ["B-type", "I-brand"]])
def test_an_inside_that_continues_nothing_begins_a_span(spelling: list[str]) -> None:
    assert repaired(spelling)[0][-1] == "B-brand"
    assert repaired(spelling)[1] == 1

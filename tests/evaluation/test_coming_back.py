"""Which days of a person say how surely they come back."""

from collections.abc import Sequence

from huaxiang.evaluation.coming_back import eves
from huaxiang.types import Event
from tests.profiles.shops import at, event


def items_of(found: Sequence[tuple[list[Event], list[str]]]) -> list[tuple[int, list[str]]]:
    return [(len(before), items) for before, items in found]


def test_each_day_but_the_first_is_asked_about_newest_first() -> None:
    hours = [(1, "sencha"), (2, "pot"), (30, "pot"), (60, "assam"), (61, "matcha")]
    events = [event("view_item", hour, item=item) for hour, item in hours]
    assert items_of(list(eves(events, 8))) == [(3, ["assam", "matcha"]), (2, ["pot"])]
    assert items_of(list(eves(events, 1))) == [(3, ["assam", "matcha"])]
    assert at(60) > events[2].timestamp
    assert list(eves(events[:2], 8)) == []
    assert list(eves([], 8)) == []

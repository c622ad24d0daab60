"""Many folds at once are the folds one by one."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huaxiang.profiles import FoldState
from huaxiang.profiles.fold import FoldConfig, fold, resolve
from huaxiang.profiles.state import Tally
from huaxiang.profiles.thinned import ThinnedFolds
from huaxiang.types import Event, LineItem, Reading
from tests.profiles.shops import at, edit

CONFIG = FoldConfig()
KINDS = ("view_item", "view_item", "add_to_cart", "remove_from_cart", "dislike", "purchase", "review", "search")
ITEMS = ("sencha", "matcha", "pot", "cup")


def one_by_one(events: Sequence[Event]) -> FoldState:
    return fold(FoldState(), events, resolved=resolve(events), config=CONFIG)


@st.composite
def drawn(draw: st.DrawFn, number: int) -> Event:
    """Any event of a person; visits with an id and without, long orders, refunds, a denial now and then."""
    kind = draw(st.sampled_from((*KINDS, *KINDS, "refund", "consent", "set_user")))
    said: dict[str, Any] = {"event_id": f"e{number}", "timestamp": at(0) + timedelta(minutes=draw(st.integers(0, 900)))}
    said |= {"user_id": "ann", "session_id": draw(st.sampled_from((None, None, "s1", "s2"))), "seq": number}
    if kind == "consent":
        status = draw(st.sampled_from(("granted", "denied", "granted")))
        return Event(kind, properties={"scope": "all", "status": status}, **said)
    if kind == "search":
        words = tuple(f"word{n}" for n in range(draw(st.integers(0, 8))))
        return Event(kind, query="clay  pot", reading=Reading("t", "en", keywords=words), **said)
    if kind == "review":
        said |= {"rating": draw(st.sampled_from((None, 1.0, 2.5, 5.0)))}
    if kind == "purchase" and draw(st.booleans()):
        return Event(kind, items=tuple(LineItem(item) for item in draw(st.sets(st.sampled_from(ITEMS)))), **said)
    return Event(kind, item_id=draw(st.sampled_from(ITEMS)), **said)


@st.composite
def logs(draw: st.DrawFn) -> list[Event]:
    events = [draw(drawn(number)) for number in range(draw(st.integers(1, 25)))]
    return sorted(events, key=lambda event: (event.timestamp, event.seq))


def plain(tallies: dict[str, Tally]) -> dict[str, tuple[int, int]]:
    return {name: (tally.at, tally.n) for name, tally in tallies.items()}


def check(events: list[Event], removals: list[set[str]]) -> None:
    found = ThinnedFolds(events, one_by_one, CONFIG).states([frozenset(gone) for gone in removals])
    assert len(found) == len(removals)
    for state, gone in zip(found, removals, strict=True):
        expected = one_by_one([event for event in events if event.event_id not in gone])
        for own, theirs in ((state.items, expected.items), (state.queries, expected.queries)):
            assert plain(own) == plain(theirs)
            for name, tally in own.items():
                assert tally.long == pytest.approx(theirs[name].long, rel=1e-9, abs=1e-12)
        assert [(one.query, one.at) for one in state.searches] == [(one.query, one.at) for one in expected.searches]
        assert state.consents == expected.consents
        assert state.edits == expected.edits


@settings(deadline=None, max_examples=150)
@given(events=logs(), removals=st.lists(st.sets(st.integers(0, 24), max_size=4), max_size=6))
def test_folds_together_are_folds_one_by_one(events: list[Event], removals: list[set[int]]) -> None:
    check(events, [set(), *({f"e{number}" for number in gone} for gone in removals)])


def test_a_log_with_edits_is_folded_as_it_was() -> None:
    looks = [Event("view_item", at(hour), "ann", "sencha", event_id=f"e{hour}") for hour in range(5)]
    check([*looks, edit(6, "remove", facet="brand", value="Uji"), Event("view_item", at(7), "ann", "pot")], [{"e1"}])


def test_a_removed_purchase_leaves_the_refund_to_the_one_before() -> None:
    bought = [Event("purchase", at(hour), "ann", "pot", event_id=f"b{hour}") for hour in (1, 2)]
    check([*bought, Event("refund", at(3), "ann", "pot", event_id="back")], [{"b2"}, {"b1"}, set()])


def test_more_items_than_a_state_keeps_are_forgotten_all_the_same() -> None:
    many = [Event("view_item", at(n / 10), "ann", f"i{n}", event_id=f"e{n}") for n in range(620)]
    check(many, [{"e3"}, {"e619", "e0"}])

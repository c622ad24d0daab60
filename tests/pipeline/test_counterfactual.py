"""The check of reasons: a reason is shown only where folding the log without its events takes more from the score than
folding it without as many others does."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import combinations, count
from typing import Any, Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from huaxiang.pipeline.counterfactual import DRAWS, EPSILON, Draws, Refolded, clues_of, needed, verdicts
from huaxiang.pipeline.scoring import fuse
from huaxiang.profiles import FoldState
from huaxiang.shop import Shop
from huaxiang.types import Event, Reason
from tests.shops import WEIGHTS

NOON: Final = datetime(2026, 5, 1, 12, tzinfo=UTC)
ONE: Final = NOON + timedelta(hours=1)
NAMES = (f"checked {n}" for n in count())


def looks(n: int) -> list[Event]:
    return [Event("view_item", NOON + timedelta(days=at), "ann", f"i{at}", event_id=f"e{at}") for at in range(n)]


def refolded(worths: Sequence[float]) -> Refolded:
    """One item, whose score is the sum of what each event is worth."""
    events = looks(len(worths))
    worth = {event.event_id: own for event, own in zip(events, worths, strict=True)}

    def folds(removals: Sequence[frozenset[str]]) -> list[FoldState]:
        """States that only remember what they read."""
        return [FoldState(counts={name: 1 for name in worth if name not in gone}) for gone in removals]

    def score(states: Sequence[FoldState]) -> NDArray[np.float64]:
        return np.array([[sum(worth[name] for name in state.counts)] for state in states])

    return Refolded(clues_of(events), folds, score)


def passes(worths: Sequence[float], cited: Sequence[int], seed: int = 0) -> bool:
    return verdicts(refolded(worths), Draws(len(worths), seed=seed), [(0, frozenset(cited))])[0]


def test_events_that_carry_the_score_pass_and_others_do_not() -> None:
    worths = [0.0, 5.0, 1.0, 4.0, 0.5, 3.0, *[0.1] * 30]
    assert passes(worths, [1, 3, 5])
    assert passes(worths, [1])
    assert not passes(worths, [0])  # it takes nothing away
    assert not passes(worths, [6, 7, 8])  # no more than others


def test_what_lowers_a_score_is_no_reason_even_where_all_others_lower_it_more() -> None:
    assert not passes([-1.0, -5.0, -5.0, -5.0], [0])


def test_equal_is_not_more() -> None:
    assert not passes([1.0] * 20, [3])


def test_without_other_events_a_fall_is_enough() -> None:
    assert passes([1.0], [0])
    assert passes([1.0, 2.0], [0, 1])
    assert not passes([0.0], [0])


def test_five_of_a_hundred_may_take_as_much_and_six_may_not() -> None:
    # one event is cited, so the hundred draws are the hundred others, each once
    assert passes([1.0, *[1.0] * 5, *[0.0] * 95], [0])
    assert not passes([1.0, *[1.0] * 6, *[0.0] * 94], [0])


def test_of_fewer_draws_the_same_share_must_take_less() -> None:
    assert [needed(n) for n in (100, 99, 20, 19, 10, 1)] == [95, 95, 19, 19, 10, 1]


@settings(deadline=None, max_examples=80)
@given(
    worths=st.lists(st.integers(-4, 8), min_size=1, max_size=40),
    chosen=st.sets(st.integers(0, 39), min_size=1, max_size=3),
    seed=st.integers(0, 5),
)
def test_stopping_early_decides_as_all_draws_do(worths: list[int], chosen: set[int], seed: int) -> None:
    cited = frozenset(at for at in chosen if at < len(worths)) or frozenset([0])
    fall = sum(worths[at] for at in cited)
    beside = Draws(len(worths), seed=seed).beside(cited)
    wins = sum(fall > sum(worths[at] for at in one) + EPSILON for one in beside)
    expected = fall > EPSILON and wins >= needed(len(beside))
    assert passes([float(worth) for worth in worths], list(cited), seed) == expected


@settings(deadline=None, max_examples=60)
@given(n=st.integers(1, 60), first=st.sets(st.integers(0, 59), min_size=1, max_size=3), seed=st.integers(0, 3))
def test_draws_are_other_events_as_many_each_once_and_the_same_again(n: int, first: set[int], seed: int) -> None:
    cited = frozenset(at % n for at in first)
    draws = Draws(n, seed=seed)
    draws.beside(frozenset([0]))
    found = draws.beside(cited)
    assert len(found) == len(set(found)) == min(DRAWS, math.comb(n - len(cited), len(cited)))
    assert all(len(one) == len(cited) and not one & cited and max(one) < n for one in found)
    assert Draws(n, seed=seed).beside(cited) == found  # whatever was asked before


def test_another_seed_draws_others() -> None:
    cited = frozenset([0, 1, 2])
    assert Draws(80, seed=0).beside(cited) != Draws(80, seed=1).beside(cited)


def test_a_removal_is_folded_once_for_all_reasons() -> None:
    known = refolded([3.0, 2.0, *[0.0] * 9])
    draws = Draws(11)
    assert verdicts(known, draws, [(0, frozenset([0])), (0, frozenset([1]))]) == [True, False]
    assert known.n_folds == 12  # each event alone, and nothing


def test_only_what_says_something_of_interests_is_a_clue() -> None:
    def said(event: str, minute: int, **more: Any) -> Event:
        return Event(event, NOON + timedelta(minutes=minute), "ann", event_id=f"{event}{minute}", **more)

    events = [
        said("consent", 0, properties={"scope": "all", "status": "denied"}),
        said("view_item", 1, item_id="unread"),
        said("consent", 2, properties={"scope": "all", "status": "granted"}),
        said("view_item", 3, item_id="tea"),
        said("view_item", 4, item_id="gift"),
        said("search", 5, query="pot"),
        said("view_cart", 6),
        said("profile_edit", 7, properties={"op": "add", "facet": "brand", "value": "Uji"}),
        said("profile_edit", 8, properties={"op": "mute", "facet": "brand", "value": "Lumen"}),
        said("profile_edit", 9, properties={"op": "exclude_event", "event_id": "view_item4"}),
        said("begin_checkout", 10),
    ]
    assert [clue.event_id for clue in clues_of(events)] == ["view_item3", "search5", "profile_edit7"]
    assert clues_of(events)[-1].facets == {("brand", "Uji")}


def page(shop: Shop, user: str, k: int = 6) -> Any:
    state = shop.portraits.state(user, before=ONE)
    return shop.pipeline.rank(state, now=ONE, k=k, user_id=user, explain=True)


def by_hand(shop: Shop, user: str, item_id: str, gone: set[str]) -> float:
    """The item's fused score for the person without some events, the long way."""
    pipeline = shop.pipeline
    events = [event for event in shop.portraits.events(user, before=ONE) if event.event_id not in gone]
    items = pipeline.index.snapshot()
    person = pipeline.read(shop.portraits.state_of(events), items, now=ONE, user_id=user)
    return float(fuse(pipeline.parts(person, items), WEIGHTS)[items.position(item_id)])


def checked(reasons: Sequence[Reason]) -> list[Reason]:
    return [reason for reason in reasons if reason.kind not in {"popular", "elsewhere"}]


def test_what_a_page_says_holds_when_the_log_is_folded_by_hand(still: Shop) -> None:
    shown = page(still, "u02")
    said = [
        (item, reason)
        for item, why in zip(shown.ranked.item_ids, shown.ranked.reasons, strict=True)
        for reason in checked(why)
    ]
    assert said
    clues = [clue.event_id for clue in clues_of(still.portraits.events("u02", before=ONE))]
    for item, reason in said:
        whole = by_hand(still, "u02", item, set())
        fall = whole - by_hand(still, "u02", item, set(reason.evidence))
        others = combinations([name for name in clues if name not in reason.evidence], len(reason.evidence))
        falls = [whole - by_hand(still, "u02", item, set(one)) for one in others]
        assert len(reason.evidence) <= 3
        assert fall > 0.0
        assert sum(fall > other for other in falls) >= needed(len(falls))


def test_a_page_has_one_checked_reason_for_an_item_and_says_what_else_was_tried(still: Shop) -> None:
    shown = page(still, "u03", k=10)
    for why, tried in zip(shown.ranked.reasons, shown.tried, strict=True):
        passed = [one.reason for one in tried if one.passed]
        assert checked(why) == passed
        assert len(passed) <= 1
        assert not any(one.passed for one in tried[:-1])  # the first that passes is the last that is tried


def test_the_same_page_has_the_same_reasons(still: Shop) -> None:
    assert page(still, "u01").ranked.reasons == page(still, "u01").ranked.reasons


def test_an_item_that_owes_nothing_to_a_person_has_no_reason(still: Shop) -> None:
    user = next(NAMES)
    still.store.append([Event("view_item", NOON, user, f"tea-0{n}") for n in range(5)])
    assert checked(still.pipeline.explain(user, "tea-09", now=ONE))
    assert checked(still.pipeline.explain(user, "boot-03", now=ONE)) == []


def test_where_nothing_passes_nothing_personal_is_said(still: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huaxiang.pipeline.why.verdicts", lambda _known, _draws, asked: [False] * len(asked))
    shown = page(still, "u00")
    assert all(len(tried) > 1 for tried in shown.tried)
    assert not any(checked(why) for why in shown.ranked.reasons)


def test_popular_in_its_category_is_said_where_it_is_so(still: Shop) -> None:
    shown = page(still, "a stranger", k=60)
    ranked = zip(shown.ranked.item_ids, shown.ranked.reasons, strict=True)
    texts = {item: [why.text for why in said] for item, said in ranked}
    fronts: dict[str, str] = {}
    for item in shown.ranked.item_ids:  # in the order of popularity
        fronts.setdefault(item.split("-")[0], item)
    for kind, item in fronts.items():
        if texts[item]:
            assert texts[item] == [f"popular in Shop > {kind.capitalize()} now"]
    assert not texts[shown.ranked.item_ids[-1]]  # what hardly anybody takes is not called popular


def test_what_a_person_stated_or_searched_for_is_cited(shop: Shop) -> None:
    edited, asking = next(NAMES), next(NAMES)
    stated = {"op": "add", "facet": "brand", "value": "Uji", "weight": 1.0}
    shop.store.append([Event("profile_edit", NOON, edited, event_id="stated", properties=stated)])
    typed = {"event": "search", "user_id": asking, "query": "desk lamp brass", "event_id": "typed"}
    assert not shop.intake.take([typed | {"timestamp": NOON.isoformat()}]).rejected
    (of_edit,) = checked(shop.pipeline.explain(edited, "tea-03", now=ONE))
    assert (of_edit.facet, of_edit.evidence) == ("brand:Uji", ("stated",))
    (of_search,) = checked(shop.pipeline.explain(asking, "lamp-02", now=ONE))
    assert of_search.evidence == ("typed",)


def test_of_three_looks_at_one_thing_none_matters_alone_and_all_are_cited(still: Shop) -> None:
    user = next(NAMES)
    times = [NOON - timedelta(days=day) for day in (3, 2, 1)]
    still.store.append([Event("view_item", at, user, "tea-01", event_id=f"{user}-{at.day}") for at in times])
    (reason,) = checked(still.pipeline.explain(user, "tea-05", now=ONE))
    assert set(reason.evidence) == {f"{user}-{at.day}" for at in times}


def test_a_page_without_items_has_no_reasons(still: Shop) -> None:
    state = still.portraits.state("u00", before=ONE)
    empty = still.pipeline.rank(state, now=ONE, k=5, user_id="u00", explain=True, item_ids=[])
    assert (empty.ranked.item_ids, empty.ranked.reasons, empty.tried) == ((), (), ())


def test_a_session_is_checked_by_its_own_events(still: Shop) -> None:
    looks = [Event("view_item", NOON, None, f"tea-0{n}", event_id=f"s{n}", anonymous_id="phone") for n in range(3)]
    state = still.portraits.state_of(looks)
    shown = still.pipeline.rank(state, now=ONE, k=3, explain=True, events=looks)
    assert all(set(reason.evidence) <= {"s0", "s1", "s2"} for why in shown.ranked.reasons for reason in why)
    assert any(checked(why) for why in shown.ranked.reasons)

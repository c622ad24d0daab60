"""Judgements from clicks: what is held out, how a click is weighted, and rankings beside each other."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from huaxiang.apps.search.clicks import assumed
from huaxiang.errors import DataError
from huaxiang.evaluation.search_clicks import (
    Judged,
    Judgements,
    as_shown,
    compare,
    judgements_from_clicks,
    ndcg,
)
from huaxiang.store import Store, open_store
from tests.apps.search.visits import at, event, people, visit


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(f"sqlite:///{tmp_path}/shop.db")


def test_the_last_tenth_of_time_is_judged_by(store: Store) -> None:
    for hour in range(100):
        store.append(visit(hour, f"u{hour}", clicked=["assam"] if hour % 2 else []))
    found = judgements_from_clicks(store)
    assert at(88) < found.since < at(90)
    assert [judged.moment for judged in found.lists] == [at(hour + 0.01) for hour in range(91, 100, 2)]
    assert found.left_out == 5
    first = found.lists[0]
    assert (first.query, first.person, first.shown) == ("green tea", "u91", ("sencha", "matcha", "assam"))
    assert (first.clicked, first.bought) == (("assam",), ())
    assert not found.propensities.is_learned
    assert list(first.gains) == pytest.approx([0.0, 0.0, 3.0])  # the third place is assumed to be looked at by a third


def test_a_purchase_counts_four_clicks_and_a_click_at_most_ten(store: Store) -> None:
    many = [f"item-{number}" for number in range(30)]
    store.append([one for hour in range(20) for one in visit(hour, "ann", items=many)])
    store.append(visit(21, "bob", items=many, clicked=["item-0", "item-29"]))
    store.append([event("purchase", 21.1, "bob", item_id="item-0")])
    judged = judgements_from_clicks(store, share=0.01).lists[0]
    assert judged.bought == ("item-0",)
    assert (judged.gains[0], judged.gains[29]) == (4.0, 10.0)


def test_who_denied_training_is_not_judged_by(store: Store) -> None:
    store.append([one for hour in range(10) for one in visit(hour, f"u{hour}", clicked=["assam"])])
    store.append([event("consent", 5, "u9", properties={"scope": "training", "status": "denied"})])
    assert [judged.person for judged in judgements_from_clicks(store, share=0.2).lists] == ["u8"]


def test_places_are_learned_from_before_only(store: Store) -> None:
    rng = np.random.default_rng(0)
    for number, user in enumerate(people(60)):
        order = list(rng.permutation(["sencha", "matcha", "assam"]))
        store.append(visit(number, user, items=order, clicked=[order[0]]))
    found = judgements_from_clicks(store)
    assert found.propensities.is_learned
    assert found.propensities.theta_K[1] < 0.5


def test_a_log_without_searches_or_without_lists_says_so(store: Store) -> None:
    with pytest.raises(DataError, match="nobody searched"):
        judgements_from_clicks(store)
    with pytest.raises(DataError, match="between 0 and 1"):
        judgements_from_clicks(store, share=1.0)
    store.append([one for hour in range(10) for one in visit(hour, "ann")[:1]])
    assert len(judgements_from_clicks(store)) == 0


def judged(person: str, gains: Sequence[float]) -> Judged:
    shown = tuple(f"item-{place}" for place in range(len(gains)))
    clicked = tuple(item for item, gain in zip(shown, gains, strict=True) if gain)
    return Judged("tea", person, at(1), shown, clicked, (), tuple(gains))


def of(*lists: Judged) -> Judgements:
    return Judgements(at(0), assumed(), lists)


def test_ndcg_discounts_the_weighted_clicks() -> None:
    found = ndcg(of(judged("ann", [0.0, 2.0, 0.0]), judged("bob", [3.0, 0.0, 1.0])), as_shown)
    assert found[0] == pytest.approx(1.0 / np.log2(3.0))
    assert found[1] == pytest.approx((3.0 + 1.0 / 2.0) / (3.0 + 1.0 / np.log2(3.0)))


def test_beyond_the_cut_nothing_counts() -> None:
    assert ndcg(of(judged("ann", [0.0, 0.0, 1.0])), as_shown, k=2)[0] == 0.0


def test_a_better_ranking_is_seen_to_be_better() -> None:
    rng = np.random.default_rng(1)
    lists = [judged(f"u{n}", [float(n % 3 == place) for place in range(3)]) for n in range(60)]
    found = compare(of(*lists), lambda one: one.gains, as_shown, rng=rng)
    assert (found.a.mean, found.n_lists, found.n_people) == (1.0, 60, 60)
    assert found.difference.low > 0.0
    same = compare(of(*lists), as_shown, as_shown, rng=rng)
    assert same.difference == (0.0, 0.0, 0.0)


def test_who_searches_often_is_one_person() -> None:
    lists = [judged("bot", [0.0, 1.0])] * 99 + [judged("ann", [1.0, 0.0])]
    found = compare(of(*lists), as_shown, as_shown, rng=np.random.default_rng(0))
    assert found.n_people == 2
    assert found.a.mean == pytest.approx((1.0 / np.log2(3.0) + 1.0) / 2.0)


def test_a_ranking_must_score_what_was_shown() -> None:
    with pytest.raises(DataError, match="2 items were shown"):
        ndcg(of(judged("ann", [0.0, 1.0])), lambda _: [1.0])
    with pytest.raises(DataError, match="2 items were shown"):
        ndcg(of(judged("ann", [0.0, 1.0])), lambda _: [1.0, float("nan")])
    assert ndcg(of(), as_shown).shape == (0,)

"""The way of a request over a small shop of teas, boots, lamps and books."""

import itertools
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huaxiang.errors import DataError, ReleaseError
from huaxiang.pipeline import PARTS, Pipeline, request
from huaxiang.ranking.shelf import Shelf
from huaxiang.shop import Shop
from huaxiang.types import Event
from tests.pipeline.conftest import NOON
from tests.shops import copy_shop, settings_of

NAMES = map("guest-{}".format, itertools.count())
ONE = NOON + timedelta(hours=1)
TEAS = {f"tea-{n:02d}" for n in range(15)}


def seen(user: str, item: str, *, event: str = "view_item", after: timedelta = timedelta(0), **more: Any) -> Event:
    return Event(event=event, timestamp=NOON + after, user_id=user, item_id=item, **more)


def said(user: str, event: str, **properties: Any) -> Event:
    return Event(event=event, timestamp=NOON + timedelta(minutes=5), user_id=user, properties=properties)


def shown(shop: Shop, user: str, k: int = 60, *, now: datetime = ONE, **more: Any) -> tuple[str, ...]:
    return shop.pipeline.recommend([user], now=now, k=k, **more)[0].item_ids


def basis(shop: Shop, user: str) -> str:
    state = shop.portraits.state(user, before=ONE)
    return shop.pipeline.rank(state, now=ONE, k=1).basis


def kinds(items: Sequence[str]) -> set[str]:
    return {item.split("-")[0] for item in items}


def test_a_tea_drinker_is_shown_other_teas_and_not_the_tea_again(still: Shop) -> None:
    user = next(NAMES)
    still.store.append([seen(user, "tea-03", event="purchase")])
    assert set(shown(still, user, 14)) == TEAS - {"tea-03"}


def test_what_was_only_looked_at_stays(still: Shop) -> None:
    user = next(NAMES)
    still.store.append([seen(user, "tea-03")])
    assert "tea-03" in shown(still, user)


def test_what_is_bought_again_and_again_is_shown_again(still: Shop) -> None:
    user = next(NAMES)
    still.store.append([seen(user, "tea-03", event="purchase"), seen(user, "lamp-03", event="purchase")])
    used = still.pipeline
    teas_again = Pipeline(
        "again", used.portraits, used.encoder, used.index, used.retrievers, {"profile": 1.0}, frozenset({"Shop > Tea"})
    )
    found = teas_again.recommend([user], now=ONE, k=60)[0].item_ids
    assert ("tea-03" in found, "lamp-03" in found) == (True, False)


def test_a_refunded_item_may_be_shown_again(still: Shop) -> None:
    user = next(NAMES)
    still.store.append([seen(user, "tea-03", event="purchase", event_id=f"{user}-order")])
    still.store.append([seen(user, "tea-03", event="refund", after=timedelta(minutes=1))])
    assert "tea-03" in shown(still, user)


@pytest.mark.parametrize(
    ("filter_seen", "left"), [("purchased", {"tea-01"}), ("all", set()), ("none", {"tea-01", "tea-02"})]
)
def test_what_was_seen_is_dropped_as_asked(still: Shop, filter_seen: Any, left: set[str]) -> None:
    user = next(NAMES)
    still.store.append([seen(user, "tea-01"), seen(user, "tea-02", event="purchase")])
    assert set(shown(still, user, filter_seen=filter_seen)) & {"tea-01", "tea-02"} == left


def test_a_muted_brand_is_never_shown(still: Shop) -> None:
    user = next(NAMES)
    still.store.append([seen(user, "tea-01"), said(user, "profile_edit", op="mute", facet="brand", value="Uji")])
    assert kinds(shown(still, user)) == {"boot", "lamp", "book"}


def test_a_boosted_brand_rises(still: Shop) -> None:
    user = next(NAMES)
    still.store.append([seen(user, "lamp-01"), seen(user, "lamp-02"), seen(user, "book-01")])
    before = shown(still, user).index("book-05")
    still.store.append([said(user, "profile_edit", op="boost", facet="brand", value="Folio", weight=10.0)])
    assert shown(still, user).index("book-05") < before


def test_denied_personalisation_answers_as_to_a_stranger(still: Shop) -> None:
    user = next(NAMES)
    popular = shown(still, "a stranger", 1)[0]
    still.store.append([seen(user, popular, event="purchase"), seen(user, "book-01")])
    still.store.append([said(user, "consent", scope="personalisation", status="denied")])
    assert basis(still, user) == "consent"
    assert shown(still, user) == shown(still, "a stranger")  # not even the purchase is used


def test_consent_given_again_brings_the_profile_back(still: Shop) -> None:
    user = next(NAMES)
    still.store.append([said(user, "consent", scope="all", status="denied")])
    still.store.append([said(user, "consent", scope="personalisation", status="granted")])
    still.store.append([seen(user, "book-01", after=timedelta(minutes=6))])
    assert basis(still, user) == "profile"


def test_a_denial_leaves_reasons_without_evidence(still: Shop) -> None:
    user = next(NAMES)
    still.store.append([seen(user, "book-01"), said(user, "consent", scope="all", status="denied")])
    popular = shown(still, "a stranger", 1)[0]
    assert {(why.kind, why.evidence) for why in still.pipeline.explain(user, popular, now=ONE)} == {("popular", ())}
    assert still.pipeline.explain(user, "book-02", now=ONE) == ()  # not even popular: nothing can be said of it


def test_a_stranger_is_answered_by_popularity(still: Shop) -> None:
    assert basis(still, "a stranger") == "popularity"
    assert len(shown(still, "a stranger", 7)) == 7


def test_a_search_alone_is_a_profile_and_finds_what_was_meant(still: Shop) -> None:
    user = next(NAMES)
    still.store.append([Event(event="search", timestamp=NOON, user_id=user, query="desk lamp brass")])
    assert basis(still, user) == "profile"
    assert kinds(shown(still, user, 5)) == {"lamp"}


def test_an_answer_as_of_a_moment_knows_nothing_later(still: Shop) -> None:
    user = next(NAMES)
    still.store.append([seen(user, "tea-01"), seen(user, "book-01", event="purchase", after=timedelta(hours=2))])
    assert kinds(shown(still, user, 5)) == {"tea"}
    assert "book-01" in shown(still, user)
    assert "book-01" not in shown(still, user, now=NOON + timedelta(hours=3))


def test_an_event_at_the_very_moment_is_later(still: Shop) -> None:
    user = next(NAMES)
    still.store.append([seen(user, "tea-01", event="purchase")])
    assert "tea-01" in shown(still, user, now=NOON)


def test_candidates_are_ranked_and_nothing_else(still: Shop) -> None:
    user = next(NAMES)
    still.store.append([seen(user, "tea-01")])
    assert shown(still, user, item_ids=["book-01", "no such", "tea-02", "book-01"]) == ("tea-02", "book-01")
    assert shown(still, user, item_ids=[]) == ()


def test_a_filter_leaves_what_passes(still: Shop) -> None:
    state = still.portraits.state("u00", before=ONE)
    where = {"category": "Lamp", "price": {"gte": 12, "lte": 14}}
    ranked = still.pipeline.rank(state, now=ONE, k=60, where=where).ranked
    assert set(ranked.item_ids) == {"lamp-02", "lamp-03", "lamp-04"}


def test_scores_fall_and_ties_keep_the_order_of_the_catalogue(still: Shop) -> None:
    ranked = still.pipeline.recommend(["u00"], now=ONE, k=60)[0]
    pairs = list(
        zip((-ranked.scores).tolist(), map(still.pipeline.index.snapshot().position, ranked.item_ids), strict=True)
    )
    assert pairs == sorted(pairs)


def test_a_longer_page_begins_with_the_shorter_one(still: Shop) -> None:
    assert shown(still, "u01", 30)[:10] == shown(still, "u01", 10)


def test_several_users_are_answered_in_their_order(still: Shop) -> None:
    both = still.pipeline.recommend(["u00", "u01"], now=ONE, k=5)
    assert [ranked.item_ids for ranked in both] == [shown(still, "u00", 5), shown(still, "u01", 5)]
    assert still.pipeline.recommend([], now=ONE) == []


def test_a_block_of_people_is_answered_as_one_by_one(still: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request, "people_at_once", lambda *_: 7)
    people = [f"u{at:02d}" for at in range(20)] + ["nobody", "u03"]
    together = still.pipeline.recommend(people, now=ONE, k=60)
    for person, ranked in zip(people, together, strict=True):
        alone = still.pipeline.recommend([person], now=ONE, k=60)[0]
        assert ranked.item_ids == alone.item_ids
        np.testing.assert_allclose(ranked.scores, alone.scores, rtol=1e-5, atol=1e-6)


def test_the_same_request_twice_gives_the_same_answer_to_the_last_bit(still: Shop) -> None:
    first, second = (still.pipeline.recommend(["u02"], now=ONE, k=60)[0] for _ in range(2))
    assert first.item_ids == second.item_ids
    assert first.scores.tobytes() == second.scores.tobytes()


def test_another_process_gives_the_same_answer(still: Shop, built: Path, tmp_path: Path) -> None:
    other = Shop(settings_of(copy_shop(built, tmp_path / "shop")))
    assert shown(other, "u03") == shown(still, "u03")
    other.close()


def test_a_reason_rests_on_the_persons_own_events(still: Shop) -> None:
    user = next(NAMES)
    still.store.append([seen(user, "tea-01", event_id=f"{user}-a"), seen(user, "tea-02", event_id=f"{user}-b")])
    found = still.pipeline.explain(user, "tea-05", now=ONE)
    assert {why.kind for why in found} & {"interest", "followed"}
    assert {event for why in found for event in why.evidence} <= {f"{user}-a", f"{user}-b"}


def test_an_item_that_would_not_be_shown_is_explained_all_the_same(still: Shop) -> None:
    user = next(NAMES)
    still.store.append([seen(user, "tea-03", event="purchase")])
    assert still.pipeline.explain(user, "tea-03", now=ONE)


def test_an_unknown_item_cannot_be_explained(still: Shop) -> None:
    with pytest.raises(DataError, match="no item 'ghost'"):
        still.pipeline.explain("u00", "ghost", now=ONE)


def test_a_moment_without_a_zone_is_refused(still: Shop) -> None:
    with pytest.raises(DataError, match="time zone"):
        still.pipeline.recommend(["u00"], now=ONE.replace(tzinfo=None))


def test_similar_items_are_of_the_kind_and_without_itself(still: Shop) -> None:
    (near,) = still.pipeline.similar_items(["boot-03"], 5)
    assert kinds(near.item_ids) == {"boot"}
    assert "boot-03" not in near.item_ids


def test_an_unknown_item_has_popular_neighbours(still: Shop) -> None:
    (near,) = still.pipeline.similar_items(["ghost"], 3)
    assert near.item_ids == shown(still, "a stranger", 3)


def test_similar_items_come_one_answer_an_item(still: Shop) -> None:
    assert [len(near.item_ids) for near in still.pipeline.similar_items(["tea-00", "ghost"], 4)] == [4, 4]


def test_a_new_item_is_shown_by_its_text_and_a_deleted_one_no_more(shop: Shop) -> None:
    fresh = {"name": "green tea leaves new", "brand": "Uji", "category": "Shop > Tea"}
    payload = {"event": "set_item", "item_id": "new", "timestamp": NOON.isoformat(), "properties": fresh}
    shop.intake.take([payload])
    assert "new" in shown(shop, "u00", 16)
    shop.intake.take([{"event": "delete_item", "item_id": "new", "timestamp": ONE.isoformat()}])
    assert "new" not in shown(shop, "u00")


def test_a_request_that_began_before_a_new_item_is_answered(shop: Shop) -> None:
    older, pipeline = shop.pipeline.index.snapshot(), shop.pipeline
    shop.intake.take([{"event": "set_item", "item_id": "new", "timestamp": NOON.isoformat()}])
    pipeline._shelf = Shelf.of(pipeline.index.snapshot().item_ids, shop.item_facets)  # as after a thousand changes
    person = pipeline.read(shop.portraits.state("u00", before=ONE), older, now=ONE)
    assert len(pipeline.parts(person, older)["profile"]) == len(pipeline.allowed(person, older)) == 60
    assert "new" in shown(shop, "u00", 61)  # the newer shelf was not lost


def test_many_threads_ask_while_items_come(shop: Shop) -> None:
    failures: list[Exception] = []
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            try:
                shown(shop, "u00", 5)
            except Exception as error:  # noqa: BLE001 - whatever a request may die of
                failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for n in range(20):
        shop.intake.take([{"event": "set_item", "item_id": f"new-{n}", "timestamp": NOON.isoformat()}])
    done.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert {f"new-{n}" for n in range(20)} <= set(shown(shop, "u00", 80))


@pytest.mark.parametrize("name", ["items.json", "vectors.safetensors"])
def test_a_release_with_a_broken_part_says_so(shop: Shop, name: str) -> None:
    release = shop.releases.current
    assert release is not None
    (release.path / PARTS.index / name).write_bytes(b"{")
    with pytest.raises(ReleaseError, match="cannot be opened"):
        Pipeline.open(release, shop.portraits)


LATER = st.lists(
    st.tuples(
        st.sampled_from(["view_item", "purchase", "dislike", "refund", "search", "consent", "mute", "identify"]),
        st.sampled_from(["tea-01", "book-02", "lamp-03"]),
        st.integers(0, 10**6),
    ),
    max_size=6,
)


def later(user: str, kind: str, item: str, seconds: int) -> Event:
    moment = ONE + timedelta(seconds=seconds)
    if kind == "search":
        return Event(event="search", timestamp=moment, user_id=user, query="brass lamp")
    if kind == "identify":
        return Event(event="identify", timestamp=moment, user_id=user, anonymous_id=f"{user}-phone")
    if kind == "consent":
        denied = {"scope": "all", "status": "denied"}
        return Event(event="consent", timestamp=moment, user_id=user, properties=denied)
    if kind == "mute":
        edit = {"op": "mute", "facet": "brand", "value": "Uji"}
        return Event(event="profile_edit", timestamp=moment, user_id=user, properties=edit)
    return Event(event=kind, timestamp=moment, user_id=user, item_id=item)


@settings(deadline=None, max_examples=25)
@given(events=LATER)
def test_nothing_that_happens_later_changes_an_answer(still: Shop, events: list[tuple[str, str, int]]) -> None:
    user = next(NAMES)
    phone = Event(event="view_item", timestamp=NOON, anonymous_id=f"{user}-phone", item_id="boot-04")
    still.store.append([seen(user, "tea-02", event="purchase"), seen(user, "book-03"), phone])
    before = still.pipeline.recommend([user], now=ONE, k=60)[0]
    still.store.append([later(user, *event) for event in events])
    after = still.pipeline.recommend([user], now=ONE, k=60)[0]
    assert after.item_ids == before.item_ids
    assert after.scores.tobytes() == before.scores.tobytes()

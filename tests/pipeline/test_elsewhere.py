"""What people met in another shop: known from its moment on, to whom it may be used for, and gone with the person."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from huaxiang.pipeline import Pipeline
from huaxiang.pipeline.elsewhere import ELSEWHERE, keep, kept
from huaxiang.release import Release
from huaxiang.shop import Shop
from tests.pipeline.conftest import NOON

ONE = NOON + timedelta(hours=1)
ROWS = {"met elsewhere": {"lamp-03": 1.0, "lamp-04": 0.5, "no item of this shop": 0.9}}


def named(release_id: str) -> Release:
    return Release(release_id, Path(), NOON, {}, {})


def knowing(shop: Shop) -> Pipeline:
    """The shop's pipeline as a release with that part opens it."""
    keep(shop.store, "this release", ROWS, at=NOON)
    plain = shop.pipeline
    weights: dict[str, Any] = {"transitions": 1.0, "popular": 0.1, ELSEWHERE: 1.0}
    return Pipeline(
        "this release",
        shop.portraits,
        plain.encoder,
        plain.index,
        plain.retrievers,
        weights,
        frozenset(),
        elsewhere=kept(shop.store, named("this release")),
    )


def page(pipeline: Pipeline, user: str, **more: Any) -> Any:
    return pipeline.rank(pipeline.portraits.state(user, before=ONE), now=ONE, k=3, user_id=user, explain=True, **more)


def test_a_person_whom_this_shop_never_met_is_no_stranger(shop: Shop) -> None:
    pipeline = knowing(shop)
    known, stranger = page(pipeline, "met elsewhere"), page(pipeline, "a stranger")
    assert known.basis == "profile"
    assert known.ranked.item_ids[:2] == ("lamp-03", "lamp-04")
    assert known.ranked.reasons[0][0].kind == "elsewhere"
    assert "another of our shops" in known.ranked.reasons[0][0].text
    assert stranger.basis == "popularity"
    assert "elsewhere" not in {reason.kind for why in stranger.ranked.reasons for reason in why}


def test_many_at_once_are_answered_as_one_alone(shop: Shop) -> None:
    pipeline = knowing(shop)
    (ranked,) = pipeline.recommend(["met elsewhere"], now=ONE, k=3)
    assert ranked.item_ids == page(pipeline, "met elsewhere").ranked.item_ids


def test_a_session_has_no_elsewhere(shop: Shop) -> None:
    pipeline = knowing(shop)
    assert pipeline.rank(pipeline.portraits.state_of([]), now=ONE, k=3).basis == "popularity"


def test_nothing_is_known_before_its_moment_or_for_another_release(shop: Shop) -> None:
    keep(shop.store, "this release", ROWS, at=NOON)
    read = kept(shop.store, named("this release"))
    assert read("met elsewhere", ONE)["lamp-03"] == 1.0
    assert read("met elsewhere", NOON) == {}
    assert kept(shop.store, named("another release"))("met elsewhere", ONE) == {}


def test_who_denies_personalisation_is_answered_without_it(shop: Shop) -> None:
    pipeline = knowing(shop)
    said = {"event": "consent", "user_id": "met elsewhere", "timestamp": NOON.isoformat()}
    denied = said | {"event_id": "no", "properties": {"scope": "personalisation", "status": "denied"}}
    assert not shop.intake.take([denied]).rejected
    answered = page(pipeline, "met elsewhere")
    assert answered.basis == "consent"
    assert answered.ranked.item_ids == page(pipeline, "a stranger").ranked.item_ids


def test_erasing_a_person_takes_it_along(shop: Shop) -> None:
    keep(shop.store, "this release", ROWS, at=NOON)
    assert shop.store.erase("met elsewhere").kinds == {ELSEWHERE: 1}
    assert kept(shop.store, named("this release"))("met elsewhere", ONE) == {}

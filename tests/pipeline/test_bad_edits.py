"""Edits that cannot be, and edits that say the opposite of each other."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from huaxiang.errors import DataError, UnknownNameError
from huaxiang.profiles.facets import muted_by
from huaxiang.shop import Shop

UJI = {"facet": "brand", "value": "Uji"}


def interests(shop: Shop, user: str) -> dict[tuple[str, str], float]:
    profile = shop.portraits.profile(user, now=datetime.now(UTC) + timedelta(seconds=1))
    return {(facet.facet, facet.value): facet.score for facet in profile.interests}


def n_events(shop: Shop, user: str) -> int:
    return len(shop.store.history(user, before=datetime(9999, 1, 1, tzinfo=UTC), limit=1_000))


@pytest.fixture
def tea(shop: Shop) -> str:
    """A shopper who looked at tea just now."""
    now = datetime.now(UTC)
    looks = [
        {
            "event": "view_item",
            "user_id": "mei",
            "item_id": f"tea-{n:02d}",
            "timestamp": (now - timedelta(minutes=n)).isoformat(),
        }
        for n in range(1, 5)
    ]
    assert not shop.intake.take(looks).rejected
    return "mei"


@pytest.mark.parametrize(
    ("edit", "error"),
    [
        ({"op": "mute", "facet": "shoe size", "value": "44"}, "unknown facet 'shoe size'; known: .*brand"),
        ({"op": "paint", **UJI}, "unknown edit 'paint'; known: .*boost"),
        ({"op": "boost", "facet": "brand", "value": "Nobody"}, "which the profile does not have; add it first"),
        ({"op": "mute", "facet": "brand"}, "needs facet and value"),
        ({"op": "undo"}, "needs edit_id"),
        ({"op": "exclude_event"}, "needs event_id"),
        ({"op": "boost", **UJI, "weight": -1.0}, "weight"),
    ],
    ids=lambda said: said["op"] if isinstance(said, dict) else "",
)
def test_an_edit_that_cannot_be_is_named_and_nothing_of_its_batch_is_written(
    shop: Shop, tea: str, edit: dict[str, Any], error: str
) -> None:
    before = n_events(shop, tea)
    with pytest.raises((DataError, UnknownNameError), match=error):
        shop.edit_profile(tea, [{"op": "mute", **UJI}, edit])
    assert n_events(shop, tea) == before
    assert ("brand", "Uji") in interests(shop, tea)


def test_of_edits_that_contradict_each_other_the_last_holds(shop: Shop, tea: str) -> None:
    shop.edit_profile(tea, [{"op": "add", **UJI}, {"op": "mute", **UJI}])
    assert ("brand", "Uji") not in interests(shop, tea)
    assert muted_by(shop.portraits.state(tea, before=datetime.now(UTC) + timedelta(seconds=1)).edits)
    shop.edit_profile(tea, [{"op": "mute", **UJI}, {"op": "add", **UJI}])
    assert ("brand", "Uji") in interests(shop, tea)


def test_undoing_one_of_two_contradicting_edits_leaves_the_other(shop: Shop, tea: str) -> None:
    _, (muting,) = shop.edit_profile(tea, [{"op": "mute", **UJI}])
    assert ("brand", "Uji") not in interests(shop, tea)
    shop.edit_profile(tea, [{"op": "undo", "edit_id": muting}])
    assert ("brand", "Uji") in interests(shop, tea)


def test_an_undo_of_nothing_changes_nothing(shop: Shop, tea: str) -> None:
    before = interests(shop, tea)
    shop.edit_profile(tea, [{"op": "undo", "edit_id": "never-written"}])
    after = interests(shop, tea)
    assert list(after) == list(before)

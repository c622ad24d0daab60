"""An edit is an event, and the next answer changes in the direction it says: over 200 shoppers drawn by chance."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from huaxiang.profiles.editing import edit_events
from huaxiang.shop import Shop
from tests.shops import KINDS, N_EACH, make_release, settings_of, stock

N_DRAWN = 200
ASKED = datetime.now(UTC) + timedelta(hours=1)
"""When every question is asked: after all edits, and at one moment, so that nothing fades between two answers."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("edits")
    stock(folder)
    make_release(folder)
    opened = Shop(settings_of(folder))
    rng = np.random.default_rng(20_261_129)
    payloads = [payload for n in range(N_DRAWN) for payload in drawn(f"d{n:03d}", rng)]
    assert not opened.intake.take(payloads).rejected
    yield opened
    opened.close()


def drawn(user: str, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Three to ten looks and purchases among two or three kinds, over ten days."""
    kinds = rng.choice(list(KINDS), size=int(rng.integers(2, 4)), replace=False)
    start = datetime.now(UTC) - timedelta(days=11)
    return [
        {
            "event": str(rng.choice(["view_item", "view_item", "add_to_cart", "purchase"])),
            "event_id": f"{user}-{n}",
            "user_id": user,
            "item_id": f"{rng.choice(kinds)}-{int(rng.integers(N_EACH)):02d}",
            "timestamp": (start + timedelta(days=float(rng.random()) * 10.0)).isoformat(),
        }
        for n in range(int(rng.integers(3, 11)))
    ]


def edited(shop: Shop, user: str, **edit: Any) -> str:
    """Edit a profile; the name of the edit."""
    now = datetime.now(UTC)
    payloads = edit_events(user, [edit], known=shop.portraits.shares(user, now=now), now=now)
    assert not shop.intake.take(payloads).rejected
    return str(payloads[0]["event_id"])


def answer(shop: Shop, user: str) -> list[str]:
    """All that may be shown, best first."""
    ranked = shop.pipeline.recommend([user], now=ASKED, k=100, filter_seen="none")[0]
    return list(ranked.item_ids)


def place(shown: list[str], kind: str) -> float:
    """The mean place of a kind's goods, from 0; beyond the end where none is shown."""
    places = [at for at, item in enumerate(shown) if item.startswith(kind)]
    return float(np.mean(places)) if places else float(len(shown))


def kinds_of(shop: Shop, user: str) -> list[str]:
    """The kinds that interest a shopper, most first."""
    facets = shop.portraits.profile(user, now=ASKED).interests
    liked = [facet for facet in facets if facet.facet == "category" and " > " in facet.value and facet.score > 0.0]
    return [facet.value.removeprefix("Shop > ").lower() for facet in sorted(liked, key=lambda facet: -facet.score)]


def category(kind: str) -> dict[str, str]:
    return {"facet": "category", "value": f"Shop > {kind.capitalize()}"}


@pytest.mark.parametrize("op", ["mute", "remove", "boost", "add", "exclude_event"])
def test_the_next_answer_follows_an_edit_and_undo_takes_it_back(shop: Shop, op: str) -> None:
    moved = 0
    for n in range(N_DRAWN):
        user = f"d{n:03d}"
        liked = kinds_of(shop, user)
        others = [kind for kind in KINDS if kind not in liked]
        kind = {"boost": liked[-1], "add": others[0]}.get(op, liked[0])
        before = answer(shop, user)
        if op == "exclude_event":
            event = next(e for e in shop.portraits.events(user, before=datetime.now(UTC)) if e.item_ids[:1])
            kind = event.item_ids[0].split("-")[0]
            name = edited(shop, user, op=op, event_id=event.event_id)
        else:
            weight = {"boost": {"weight": 5.0}, "add": {"weight": 1.0}}.get(op, {})
            name = edited(shop, user, op=op, **category(kind), **weight)
        after = answer(shop, user)
        if op == "mute":
            assert not any(item.startswith(kind) for item in after)
        elif op in ("boost", "add"):
            assert place(after, kind) <= place(before, kind), (user, kind)
        else:
            assert place(after, kind) >= place(before, kind) - 1e-9, (user, kind)
        moved += after != before
        edited(shop, user, op="undo", edit_id=name)
        assert answer(shop, user) == before, user
    assert moved >= 0.9 * N_DRAWN

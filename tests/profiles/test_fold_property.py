"""However a log arrives and whenever a profile is read: snapshot and tail give what a fold of everything gives."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from huaxiang.collect.catalogue import Catalogue
from huaxiang.profiles import ItemFacets, Portraits
from huaxiang.profiles import portrait as portrait_module
from huaxiang.types import Event, Reading
from tests.profiles.shops import ITEMS, at, stocked_store

HOURS = st.integers(0, 60)
PLAIN = ("view_item", "add_to_cart", "remove_from_cart", "dislike", "like", "purchase", "view_item_list")


@st.composite
def shop_events(draw: st.DrawFn, number: int) -> Event:
    """Any event of a small household: two people, two devices, everything that reaches back."""
    hour, kind = (
        draw(HOURS),
        draw(st.sampled_from((*PLAIN, "refund", "edit", "consent", "identify", "search", "review"))),
    )
    user = draw(st.sampled_from(("ann", "ann", "ann", "bob", None)))
    said: dict[str, Any] = {"event_id": f"e{number}", "timestamp": at(hour), "user_id": user}
    said["anonymous_id"] = draw(st.sampled_from(("phone", "tablet")))
    said["session_id"] = draw(st.sampled_from((None, "s1", "s2")))
    earlier = f"e{draw(st.integers(0, max(0, number - 1)))}"
    if kind == "edit":
        op = draw(st.sampled_from(("mute", "remove", "boost", "add", "exclude_event", "undo")))
        properties = {
            "op": op,
            "facet": "brand",
            "value": "Uji",
            "weight": 2.0,
            "event_id": earlier,
            "edit_id": earlier,
        }
        return Event(event="profile_edit", properties=properties, **said)
    if kind == "consent":
        status = draw(st.sampled_from(("granted", "denied")))
        return Event(event="consent", properties={"scope": "personalisation", "status": status}, **said)
    if kind == "identify":
        undo = draw(st.sampled_from(({}, {}, {"undo": earlier})))
        return Event(event="identify", properties=undo, **{**said, "user_id": user or "ann"})
    if kind == "search":
        return Event(event="search", query="clay pot", reading=Reading("t", "en", keywords=("clay",)), **said)
    item = draw(st.sampled_from(sorted(ITEMS)))
    reading = Reading("t", "en", polarity=-0.5, strength=0.5) if kind == "review" else None
    return Event(event=kind, item_id=item, reading=reading, value=draw(st.sampled_from((None, 7.1))), **said)


@st.composite
def arrivals(draw: st.DrawFn) -> list[list[Event]]:
    """Batches in the order in which they come in; times are in no order."""
    events = [draw(shop_events(number)) for number in range(draw(st.integers(1, 28)))]
    batches, start = [], 0
    while start < len(events):
        size = draw(st.integers(1, 5))
        batches.append(events[start : start + size])
        start += size
    return batches


@settings(deadline=None, max_examples=60)
@given(arrivals(), st.lists(HOURS, min_size=1, max_size=4))
def test_snapshot_and_tail_equal_the_fold_of_all(batches: list[list[Event]], readings: list[int]) -> None:
    # A window of four makes every household long enough for snapshots; they are read after each batch, at any moment.
    with (
        TemporaryDirectory() as folder,
        patch.object(portrait_module, "_WINDOW", 4),
        patch.object(portrait_module, "_TAIL", 2),
    ):
        store = stocked_store(Path(folder))
        catalogue = Catalogue(store)
        living = Portraits(store, ItemFacets(catalogue))
        for number, batch in enumerate(batches):
            store.append(batch)
            for user in ("ann", "bob"):
                for moment in (at(readings[number % len(readings)]), at(61)):
                    read = living.state(user, before=moment)
                    whole = living.state_of(living.events(user, before=moment))
                    assert read.to_json() == whole.to_json()
                    assert living.profile(user, now=moment) == Portraits(store, ItemFacets(catalogue)).profile(
                        user, now=moment
                    )
        store.close()


def test_snapshots_are_really_used(tmp_path: Path) -> None:
    with patch.object(portrait_module, "_WINDOW", 4), patch.object(portrait_module, "_TAIL", 2):
        store = stocked_store(tmp_path)
        living = Portraits(store, ItemFacets(Catalogue(store)))
        store.append([Event(event="view_item", timestamp=at(hour), user_id="ann", item_id="pot") for hour in range(9)])
        living.state("ann", before=at(20))
        store.append([Event(event="view_item", timestamp=at(10), user_id="ann", item_id="cup")])
        with patch.object(Portraits, "_fold_whole", side_effect=AssertionError("folded from the beginning")):
            state = living.state("ann", before=at(20))
        assert (state.n, state.items["cup"].long) == (10, 1.0)
        store.append([Event(event="view_item", timestamp=at(3.5), user_id="ann", item_id="assam")])
        assert store.get("snapshot", ["ann"]) == {}
        assert living.state("ann", before=at(20)).n == 11
        store.close()

"""What a training read of some people, read again without the others."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from huaxiang.collect.catalogue import Catalogue
from huaxiang.profiles import ItemFacets, Portraits
from huaxiang.retrieval.log import read_log, read_people
from huaxiang.store import open_store
from huaxiang.types import Event, LineItem, anonymous_subject

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
USERS, DEVICES, ITEMS = ("ann", "bob"), ("phone", "tablet"), ("tea", "pot", "cup")


@st.composite
def logs(draw: st.DrawFn) -> list[Event]:
    """Looks, orders of several lines, refunds, links and their undoing, edits and consents, at moments that may tie."""
    events: list[Event] = []
    for at in range(draw(st.integers(1, 14))):
        kind = draw(st.sampled_from(["view_item", "purchase", "refund", "identify", "consent", "profile_edit"]))
        user = draw(st.sampled_from((*USERS, None)))
        device = draw(st.sampled_from((*DEVICES, None)))
        if kind in {"identify", "consent", "profile_edit"} and user is None:
            user = "ann"
        if kind == "identify" or (user is None and device is None):
            device = device or "phone"
        more: dict[str, Any] = {"event_id": f"e{at}"}
        if kind in {"view_item", "refund"}:
            more["item_id"] = draw(st.sampled_from(ITEMS))
        if kind == "purchase":
            more["items"] = tuple(LineItem(item) for item in draw(st.sets(st.sampled_from(ITEMS), min_size=1)))
        if kind == "consent":
            more["properties"] = {"scope": draw(st.sampled_from(["training", "all"])), "status": draw(_STATUS)}
        if kind == "profile_edit":
            more["properties"] = {"op": "exclude_event", "event_id": f"e{draw(st.integers(0, 13))}"}
        if kind == "identify" and draw(st.booleans()):
            more["properties"] = {"undo": f"e{draw(st.integers(0, 13))}"}
        hour = draw(st.integers(0, 6))
        events.append(Event(kind, NOON + timedelta(hours=hour), user_id=user, anonymous_id=device, **more))
    return events


_STATUS = st.sampled_from(["granted", "denied"])


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(log=logs(), later=st.integers(0, 4), user=st.sampled_from(USERS))
def test_people_are_read_as_the_training_read_them(
    log: list[Event], later: int, user: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The last events of the log came after the training; neither reading may heed them."""
    folder: Path = tmp_path_factory.mktemp("log")
    store = open_store(f"sqlite:///{folder}/shop.db")
    appended = store.append(log)
    portraits = Portraits(store, ItemFacets(Catalogue(store)))
    until = max(0, appended.last_seq - later)
    claimed = {event.anonymous_id for event in log if event.event == "identify" and event.user_id == user}
    subjects = [user, *(anonymous_subject(device) for device in sorted(filter(None, claimed)))]
    whole = read_log(store, portraits=portraits, until_seq=until).interactions
    expected = [row for row in whole.iter_rows() if row[0] in subjects]
    found = read_people(store, portraits, subjects, until_seq=until)
    store.close()
    assert sorted(found.iter_rows()) == sorted(expected)

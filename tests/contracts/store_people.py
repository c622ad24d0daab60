"""What every store does for those who are erased, forgotten by age, or given other ids."""

from datetime import UTC, datetime, timedelta

import pytest

from huaxiang.errors import ConflictError, DataError
from huaxiang.store import Record, Store
from huaxiang.store.base import GATE
from huaxiang.types import Event, anonymous_subject

_NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
_FOREVER = datetime(9999, 1, 1, tzinfo=UTC)


def _view(user: str, hour: int, *, device: str | None = None, event_id: str = "") -> Event:
    moment = _NOON + timedelta(hours=hour)
    return Event("view_item", moment, user_id=user, anonymous_id=device, item_id="tea", event_id=event_id)


def _all(store: Store, subject: str) -> list[Event]:
    return store.history(subject, before=_FOREVER, limit=100)


class PeopleContract:
    """Inherited by the contract of stores."""

    def test_an_append_by_outdated_rules_keeps_nothing(self, store: Store) -> None:
        assert store.append([_view("ann", 0)], gate=0).accepted == 1
        store.put(GATE[0], [Record(GATE[1], {})])
        with pytest.raises(ConflictError, match="rules of the gate"):
            store.append([_view("ann", 1)], gate=0)
        assert len(_all(store, "ann")) == 1
        assert store.append([_view("ann", 1)], gate=1).accepted == 1
        assert store.append([_view("ann", 2)]).accepted == 1  # who names no rules is not asked

    def test_an_erasure_leaves_the_gate_and_the_list_of_the_erased(self, store: Store) -> None:
        store.append([_view("rules", 0)])
        store.put(GATE[0], [Record(GATE[1], {})])
        store.erase("rules")
        assert store.get(GATE[0], [GATE[1]])[GATE[1]].version == 1

    def test_old_events_expire_and_what_was_computed_over_them(self, store: Store) -> None:
        store.append([_view("ann", -5), _view("ann", 5), _view("bob", 5)])
        consent = {"scope": "all", "status": "denied"}
        store.append([Event("consent", _NOON - timedelta(hours=9), user_id="ann", properties=consent)])
        for user in ("ann", "bob"):
            store.put("snapshot", [Record(user, {}, at=_NOON + timedelta(hours=5), watches=(user,))])
        store.put("audit", [Record("old", {}, at=_NOON - timedelta(hours=1)), Record("new", {}, at=_NOON)])
        expired = store.expire(before=_NOON, keep=frozenset({"consent"}), kinds=frozenset({"audit"}))
        assert (expired.events, dict(expired.kinds)) == (1, {"snapshot": 1, "audit": 1})
        assert [event.event for event in _all(store, "ann")] == ["consent", "view_item"]
        assert set(store.get("snapshot", ["ann", "bob"])) == {"bob"}
        assert set(store.get("audit", ["old", "new"])) == {"new"}

    def test_a_person_is_renamed_everywhere_at_once(self, store: Store) -> None:
        store.append([_view("ann", 0, device="phone", event_id="e1"), _view("bob", 1, event_id="e2")])
        store.append([Event("identify", _NOON, user_id="ann", anonymous_id="phone", event_id="link")])
        store.put("note", [Record("ann", {"x": 1}, watches=("ann", "bob"), at=_NOON)])
        store.put("snapshot", [Record("ann", {})])
        store.put("item", [Record("ann", {"name": "a tea called ann"})])
        names = {"ann": "anna", anonymous_subject("phone"): anonymous_subject("handset")}
        n = store.rename(names, drop=frozenset({"snapshot"}), add={"person": [Record("anna", {"sealed": "?"})]})
        assert n == 2
        assert [event.event_id for event in _all(store, "anna")] == ["e1", "link"]
        assert [event.event_id for event in _all(store, anonymous_subject("handset"))] == ["link"]
        assert _all(store, "ann") == _all(store, anonymous_subject("phone")) == []
        assert [event.anonymous_id for event in _all(store, "anna")] == ["handset", "handset"]
        assert set(store.get("note", ["ann", "anna"])) == {"anna"}
        assert store.get("note", ["anna"])["anna"].watches == ("anna", "bob")
        assert not store.get("snapshot", ["ann", "anna"])
        assert set(store.get("item", ["ann", "anna"])) == {"ann"}
        assert store.get("person", ["anna"])["anna"].body == {"sealed": "?"}
        store.append([_view("anna", -3)])  # earlier than the record, which watches her under the new name
        assert not store.get("note", ["anna"])

    @pytest.mark.parametrize(
        "names",
        [{"ann": "carl", "bob": "carl"}, {"ann": anonymous_subject("x")}, {"ann": "bob"}, {"ann": ""}],
        ids=["two become one", "a user becomes a device", "the id of another", "no id"],
    )
    def test_a_renaming_that_would_join_people_is_refused(self, store: Store, names: dict[str, str]) -> None:
        store.append([_view("ann", 0), _view("bob", 1)])
        with pytest.raises(DataError):
            store.rename(names)
        assert len(_all(store, "ann")) == len(_all(store, "bob")) == 1

    def test_two_people_may_exchange_their_ids(self, store: Store) -> None:
        store.append([_view("ann", 0), _view("ann", 1), _view("bob", 2)])
        assert store.rename({"ann": "bob", "bob": "ann"}) == 3
        assert (len(_all(store, "ann")), len(_all(store, "bob"))) == (1, 2)

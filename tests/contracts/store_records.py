"""What every store does with records: versions, pages, and what the log outdates."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from huaxiang.errors import ConflictError, DataError
from huaxiang.store import Record, Store
from huaxiang.types import Event, anonymous_subject

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def like(user: str, when: datetime, item: str = "tea") -> Event:
    """A user likes an item."""
    return Event("like", when, user_id=user, item_id=item)


def snapshot(user: str, *watches: str, seen: int | None = None) -> Record:
    """A fold of a user's events up to noon."""
    return Record(user, {"n": 1}, at=NOON, watches=watches or (user,), seen=seen)


class RecordsContract:
    """Inherited through `StoreContract`, which gives `store`."""

    def test_a_record_comes_back_with_its_version(self, store: Store) -> None:
        body = {"名": "茶/壶 😀", "n": 1.5, "deep": {"list": [1, None, True]}}
        store.put("campaign", [Record("a/b 😀", body, at=NOON, watches=("ann",))])
        assert store.get("campaign", ["a/b 😀", "none"]) == {"a/b 😀": Record("a/b 😀", body, 1, NOON, ("ann",))}
        store.put("campaign", [Record("a/b 😀", {"n": 2})])
        assert store.get("campaign", ["a/b 😀"])["a/b 😀"] == Record("a/b 😀", {"n": 2}, 2)

    def test_kinds_do_not_meet(self, store: Store) -> None:
        store.put("alert", [Record("1", {"a": 1})])
        assert store.get("item", ["1"]) == {}

    def test_money_moves_only_from_the_expected_version(self, store: Store) -> None:
        store.put("campaign", [Record("c", {"left": 10})], expect=0)
        store.put("campaign", [Record("c", {"left": 9})], expect=1)
        for stale in (0, 1, 3):
            with pytest.raises(ConflictError, match="campaign"):
                store.put("campaign", [Record("c", {"left": 0})], expect=stale)
        assert store.get("campaign", ["c"])["c"] == Record("c", {"left": 9}, 2)

    def test_one_conflict_stops_all(self, store: Store) -> None:
        store.put("campaign", [Record("b", {})])
        with pytest.raises(ConflictError):
            store.put("campaign", [Record("a", {}), Record("b", {})], expect=0)
        with pytest.raises(ConflictError):
            store.put("campaign", [Record("b", {"new": 1}), Record("z", {})], expect=1)
        with pytest.raises(DataError, match="twice"):
            store.put("campaign", [Record("a", {}), Record("a", {})], expect=0)
        assert store.get("campaign", ["a", "b"]) == {"b": Record("b", {}, 1)}

    def test_two_threads_spend_each_euro_once(self, store: Store) -> None:
        store.put("campaign", [Record("c", {"left": 40})])
        conflicts = []

        def spend() -> None:
            done = 0
            while done < 20:
                now = store.get("campaign", ["c"])["c"]
                try:
                    store.put("campaign", [Record("c", {"left": now.body["left"] - 1})], expect=now.version)
                    done += 1
                except ConflictError as error:
                    conflicts.append(error)

        spenders = [threading.Thread(target=spend) for _ in range(2)]
        for spender in spenders:
            spender.start()
        for spender in spenders:
            spender.join()
        assert store.get("campaign", ["c"])["c"] == Record("c", {"left": 0}, 41)

    def test_a_body_that_json_cannot_say_is_refused(self, store: Store) -> None:
        bodies: list[dict[str, Any]] = [{"a": {1, 2}}, {"a": "\x00"}, {"a": "\ud800"}, {"a": NOON}]
        for body in bodies:
            with pytest.raises(DataError, match="body of alert '1'"):
                store.put("alert", [Record("0", {}), Record("1", body)])
        assert store.get("alert", ["0"]) == {}

    def test_find_pages_in_id_order(self, store: Store) -> None:
        store.put("alert", [Record(name, {}) for name in ("安", "b", "a", "B", "c")])
        first = [record.id for record in store.find("alert", limit=2)]
        assert first == ["B", "a"]
        assert [record.id for record in store.find("alert", after="a", limit=9)] == ["b", "c", "安"]
        assert store.find("alert", limit=0) == []

    def test_find_compares_text_numbers_and_nested_values(self, store: Store) -> None:
        bodies: list[dict[str, Any]] = [
            {"s": "1", "n": 1},
            {"s": 1, "n": 1.0},
            {"s": 'x"', "n": None},
            {"a.b": "x", "n": [1]},
            {"s": "1"},
        ]
        store.put("alert", [Record(str(number), body) for number, body in enumerate(bodies)])

        def found(where: dict[str, object]) -> str:
            return "".join(record.id for record in store.find("alert", where))

        assert found({"s": "1"}) == "04"
        assert found({"s": 1}) == "1"
        assert found({"n": 1}) == "01"
        assert found({"n": None}) == "2"
        assert found({"n": [1]}) == "3"
        assert found({"a.b": "x"}) == "3"
        assert found({"s": "1", "n": 1}) == "0"

    def test_find_fills_its_page_past_what_does_not_match(self, store: Store) -> None:
        store.put("alert", [Record(f"{number:04}", {"odd": number % 2}) for number in range(1_200)])
        found = store.find("alert", {"odd": 1}, limit=580)
        assert [record.id for record in found[:2]] == ["0001", "0003"]
        assert len(found) == 580

    def test_a_late_event_drops_the_snapshot_and_a_new_one_does_not(self, store: Store) -> None:
        store.put("snapshot", [snapshot("ann"), snapshot("bob")])
        store.append([like("ann", NOON + HOUR)])
        assert set(store.get("snapshot", ["ann", "bob"])) == {"ann", "bob"}
        store.append([like("ann", NOON)])
        assert set(store.get("snapshot", ["ann", "bob"])) == {"bob"}

    @pytest.mark.parametrize("event", ["refund", "consent", "profile_edit"])
    def test_an_event_that_reaches_back_drops_it_at_any_time(self, store: Store, event: str) -> None:
        store.put("snapshot", [snapshot("ann"), Record("timeless", {}, watches=("ann",))])
        store.append([like("ann", NOON - HOUR, "x"), Event(event, NOON + HOUR, user_id="ann")])
        assert store.get("snapshot", ["ann", "timeless"]) == {}

    def test_a_timeless_record_waits_for_what_reaches_back(self, store: Store) -> None:
        store.put("snapshot", [Record("timeless", {}, watches=("ann",))])
        store.append([like("ann", NOON)])
        assert set(store.get("snapshot", ["timeless"])) == {"timeless"}

    def test_identify_drops_what_watches_either_id(self, store: Store) -> None:
        device = anonymous_subject("d")
        store.put("snapshot", [snapshot("ann"), snapshot("device", device), snapshot("bob")])
        store.append([Event("identify", NOON + HOUR, user_id="ann", anonymous_id="d")])
        assert set(store.get("snapshot", ["ann", "device", "bob"])) == {"bob"}

    def test_a_duplicate_drops_nothing(self, store: Store) -> None:
        store.append([like("ann", NOON)])
        store.put("snapshot", [snapshot("ann")])
        store.append([like("ann", NOON), like("bob", NOON)])
        assert set(store.get("snapshot", ["ann"])) == {"ann"}

    def test_a_record_no_longer_watches_whom_it_watched(self, store: Store) -> None:
        store.put("snapshot", [snapshot("s", "ann", "bob")])
        store.put("snapshot", [snapshot("s", "bob")])
        store.append([like("ann", NOON)])
        assert set(store.get("snapshot", ["s"])) == {"s"}
        store.append([like("bob", NOON)])
        assert store.get("snapshot", ["s"]) == {}

    def test_a_snapshot_that_was_overtaken_while_it_was_made_is_not_kept(self, store: Store) -> None:
        seen = store.append([like("ann", NOON - HOUR)]).last_seq
        store.append([like("ann", NOON + HOUR, "pot"), like("bob", NOON - HOUR), like("ann", NOON - 2 * HOUR, "cup")])
        store.put("snapshot", [snapshot("ann", seen=seen), snapshot("cid", seen=seen)])
        assert set(store.get("snapshot", ["ann", "cid"])) == {"cid"}
        store.put("snapshot", [snapshot("ann", seen=store.last_seq)])
        assert store.get("snapshot", ["ann"])["ann"].version == 1

    def test_a_snapshot_of_a_device_claimed_meanwhile_is_not_kept(self, store: Store) -> None:
        seen, device = store.last_seq, anonymous_subject("d")
        store.append([Event("identify", NOON + HOUR, user_id="ann", anonymous_id="d")])
        store.put("snapshot", [snapshot("device", device, seen=seen)])
        assert store.get("snapshot", ["device"]) == {}

    def test_erase_takes_the_records_of_a_person_and_no_thing_of_that_name(self, store: Store) -> None:
        store.append([like("42", NOON), like("43", NOON)])
        store.put("snapshot", [snapshot("42"), snapshot("friends", "43", "42"), snapshot("43")])
        store.put("conversation", [Record("42", {"said": "hello"})])
        store.put("item", [Record("42", {"name": "tea"})])
        erased = store.erase("42")
        assert (erased.events, erased.records) == (1, 3)
        assert dict(erased.kinds) == {"snapshot": 2, "conversation": 1}
        assert set(store.get("snapshot", ["42", "43", "friends"])) == {"43"}
        assert set(store.get("item", ["42"])) == {"42"}
        assert store.erase("42").events == 0

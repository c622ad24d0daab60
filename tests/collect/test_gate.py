"""Whose events may come in: the erased, who denied analytics, and under which ids."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from huaxiang.collect.gate import Gate, erased_since
from huaxiang.collect.intake import Intake
from huaxiang.collect.keys import KeyFile, is_pseudonym
from huaxiang.collect.pseudonyms import PERSON
from huaxiang.errors import ConfigError, DataError
from huaxiang.store import EVENT_SCHEMA, Store, open_store
from huaxiang.store.rows import microseconds
from huaxiang.types import Event, anonymous_subject

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
FOREVER = datetime(9999, 1, 1, tzinfo=UTC)
KEPT = frozenset({"purchase"})


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path}/shop.db")
    yield opened
    opened.close()


def gate_of(store: Store, folder: Path, **options: Any) -> Gate:
    return Gate(store, KeyFile(folder), kept_without_analytics=KEPT, **options)


def event(name: str, hour: float, user: str | None = "ann", device: str | None = None, **more: Any) -> Event:
    item = "tea" if name in {"view_item", "purchase"} else None
    moment = NOON + timedelta(hours=hour)
    return Event(name, moment, user_id=user, anonymous_id=device, item_id=item, **more)


def word(
    status: str, hour: float, user: str | None = "ann", scope: Any = "analytics", device: str | None = None
) -> Event:
    return event("consent", hour, user, device, properties={"scope": scope, "status": status})


def kept(store: Store, subject: str) -> list[str]:
    return [each.event for each in store.history(subject, before=FOREVER, limit=100)]


def table_of(events: list[Event]) -> pa.Table:
    columns: dict[str, list[Any]] = {
        "event_id": [each.event_id for each in events],
        "event": [each.event for each in events],
        "user_id": [each.user_id for each in events],
        "anonymous_id": [each.anonymous_id for each in events],
        "session_id": [each.session_id for each in events],
        "item_id": [each.item_id for each in events],
        "timestamp": [each.timestamp for each in events],
        "properties": [None if not each.properties else _json(each.properties) for each in events],
    }
    return pa.table(columns, schema=pa.schema([EVENT_SCHEMA.field(name) for name in columns]))


def _json(said: Any) -> str:
    import json

    return json.dumps(dict(said))


def test_a_shop_without_rules_keeps_everything_and_makes_no_keys(store: Store, tmp_path: Path) -> None:
    gate = gate_of(store, tmp_path)
    assert gate.append([event("view_item", 0)]).refused == {}
    assert gate.append_table(table_of([event("view_item", 1)]))[0].accepted == 1
    assert kept(store, "ann") == ["view_item", "view_item"]
    assert not (tmp_path / "keys").exists()


def test_what_an_erased_person_did_before_does_not_come_back_and_what_they_do_later_does(
    store: Store, tmp_path: Path
) -> None:
    gate = gate_of(store, tmp_path)
    gate.refuse({"ann": microseconds(NOON), anonymous_subject("phone"): microseconds(NOON)})
    old = [event("view_item", -1), event("view_item", 0), event("view_item", -2, None, "phone")]
    new = [event("view_item", 1), event("view_item", 2, None, "phone"), event("view_item", -1, "anna")]
    let = gate.append([*old, *new])
    assert set(let.refused) == {0, 1, 2}
    assert all("erased" in why for why in let.refused.values())
    assert (kept(store, "ann"), kept(store, "anna")) == (["view_item"], ["view_item"])
    appended, reasons = gate.append_table(table_of([*old, event("view_item", 3)]))
    assert (appended.accepted, reasons.total()) == (1, 3)
    assert erased_since(store, NOON) == 2
    assert erased_since(store, NOON + timedelta(seconds=1)) == 0


def test_a_link_of_an_erased_person_or_of_an_erased_device_is_refused(store: Store, tmp_path: Path) -> None:
    gate = gate_of(store, tmp_path)
    gate.refuse({"ann": microseconds(NOON), anonymous_subject("phone"): microseconds(NOON)})
    links = [event("identify", -1, "ann", "tablet"), event("identify", -1, "bob", "phone")]
    assert set(gate.append(links).refused) == {0, 1}
    assert not gate.append([event("view_item", -1, "bob", "phone")]).refused  # his own event, on a shared device


def test_no_process_lets_in_what_another_has_just_forbidden(store: Store, tmp_path: Path) -> None:
    here, there = gate_of(store, tmp_path), gate_of(store, tmp_path)
    there.refuse({"ann": microseconds(NOON)})
    assert here.version == 0  # it has not heard of it
    assert set(here.append([event("view_item", -1), event("view_item", 1)]).refused) == {0}
    there.refuse({"bob": microseconds(NOON)})
    appended, reasons = here.append_table(table_of([event("view_item", -1, "bob"), event("view_item", 1, "bob")]))
    assert (appended.accepted, reasons.total()) == (1, 1)


def test_the_list_of_the_erased_cannot_be_passed_without_its_keys(store: Store, tmp_path: Path) -> None:
    gate_of(store, tmp_path).refuse({"ann": microseconds(NOON)})
    (tmp_path / "keys" / "default.json").unlink()
    with pytest.raises(ConfigError, match="who was erased"):
        gate_of(store, tmp_path).append([event("view_item", 1)])


def test_who_denied_analytics_is_recorded_only_in_what_must_be_kept(store: Store, tmp_path: Path) -> None:
    gate = gate_of(store, tmp_path)
    gate.append([event("view_item", 0), word("denied", 1)])
    let = gate.append(
        [event("view_item", 2), event("purchase", 3), event("profile_edit", 4, properties={"op": "mute"})]
    )
    assert list(let.refused) == [0]
    assert "denied analytics" in let.refused[0]
    late = gate.append([event("view_item", 0.5)])  # done while it was allowed
    assert not late.refused
    gate.append([word("granted", 5, scope="all")])
    assert not gate.append([event("view_item", 6)]).refused
    assert set(gate.append([event("view_item", 4.5)]).refused) == {0}
    other = gate_of(store, tmp_path)
    assert set(other.append_table(table_of([event("view_item", 2), event("view_item", 7)]))[1].values()) == {1}


def test_a_denial_inside_a_batch_holds_for_what_comes_after_it_there(store: Store, tmp_path: Path) -> None:
    gate = gate_of(store, tmp_path)
    batch = [word("denied", 1), event("view_item", 2), event("view_item", 0)]
    assert list(gate.append(batch).refused) == [1]
    fresh = [word("denied", 1, "bob"), event("view_item", 2, "bob"), event("view_item", 0, "bob")]
    appended, reasons = gate.append_table(table_of(fresh))
    assert (appended.accepted, reasons.total()) == (2, 1)


def test_where_consent_is_denied_by_default_a_granted_one_opens(store: Store, tmp_path: Path) -> None:
    gate = gate_of(store, tmp_path, consent_default="denied")
    assert list(gate.append([event("view_item", 0), event("purchase", 0)]).refused) == [0]
    assert not gate.append([word("granted", 1), event("view_item", 2)]).refused
    item = Event("set_item", NOON, item_id="tea", properties={"name": "tea"})
    assert not gate.append([item]).refused


def test_a_denial_holds_on_the_devices_of_the_person(store: Store, tmp_path: Path) -> None:
    gate = gate_of(store, tmp_path)
    gate.append([event("identify", 0, "ann", "phone"), word("denied", 1)])
    assert list(gate.append([event("view_item", 2, None, "phone")]).refused) == [0]
    gate.append([event("identify", 3, "ann", "tablet")])
    assert list(gate.append([event("view_item", 4, None, "tablet")]).refused) == [0]
    assert not gate.append([event("view_item", 4, None, "kiosk")]).refused


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    words=st.lists(
        st.tuples(st.integers(0, 6), st.sampled_from(["granted", "denied"])), max_size=6, unique_by=lambda w: w[0]
    ),
    looks=st.lists(st.integers(0, 6), max_size=6, unique=True),
    order=st.randoms(use_true_random=False),
)
def test_what_is_kept_follows_the_word_at_its_moment(
    words: list[tuple[int, str]], looks: list[int], order: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Words in any order, then looks in any order: a look is kept if the last word before it allows it."""
    folder = tmp_path_factory.mktemp("gate")
    store = open_store(f"sqlite:///{folder}/shop.db")
    gate = gate_of(store, folder)
    shuffled = list(words)
    order.shuffle(shuffled)
    for hour, status in shuffled:
        gate.append([word(status, hour)])
    for hour in looks:
        last = max((w for w in words if w[0] <= hour + 0.5), default=(0, "granted"))
        assert bool(gate.append([event("view_item", hour + 0.5)]).refused) == (last[1] == "denied")
    store.close()


def test_with_pseudonyms_no_id_passes(store: Store, tmp_path: Path) -> None:
    gate = gate_of(store, tmp_path, pseudonyms=True)
    gate.append([event("view_item", 0, "ann", "phone", session_id="visit-1")])
    gate.append_table(table_of([event("view_item", 1), event("view_item", 2, None, "phone")]))
    name = gate.stored_id("ann")
    assert is_pseudonym(name)
    assert kept(store, name) == ["view_item", "view_item"]
    assert kept(store, anonymous_subject(gate.stored_id("phone"))) == ["view_item"]
    assert kept(store, "ann") == []
    content = b"".join(path.read_bytes() for path in tmp_path.glob("shop.db*"))
    assert b"ann" not in content
    assert b"phone" not in content
    assert b"visit-1" not in content
    assert (gate.raw(name), gate.stored_id(name)) == ("ann", name)
    assert len(store.find(PERSON)) == 2
    with pytest.raises(DataError, match="pseudonym of nobody"):
        gate.raw(f"hx1-{'0' * 32}")


def test_a_retry_is_a_duplicate_under_a_pseudonym_too(store: Store, tmp_path: Path) -> None:
    gate = gate_of(store, tmp_path, pseudonyms=True)
    assert gate.append([event("view_item", 0)]).appended.accepted == 1
    assert gate.append([event("view_item", 0)]).appended.duplicates == 1


def test_the_intake_names_the_refused_by_their_place(store: Store, tmp_path: Path) -> None:
    gate = gate_of(store, tmp_path)
    gate.refuse({"ann": microseconds(NOON)})
    intake = Intake(store, None, gate=gate)
    said = [
        {"event": "view_item", "user_id": "ann"},
        {"event": "view_item", "user_id": "bob", "item_id": "tea", "timestamp": NOON.isoformat()},
        {"event": "view_item", "user_id": "ann", "item_id": "tea", "timestamp": NOON.isoformat()},
    ]
    taken = intake.take(said)
    assert (taken.accepted, [bad.index for bad in taken.rejected]) == (1, [0, 2])


def test_whoever_names_people_by_older_keys_does_not_append_by_newer_rules(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The version that an append is judged by is taken over after the keys that belong to it."""
    gate = gate_of(store, tmp_path, pseudonyms=True)
    assert gate.pseudonyms is not None
    seen: list[int] = []
    renew = gate.pseudonyms.renew

    def noting() -> None:
        seen.append(gate.version)
        renew()

    monkeypatch.setattr(gate.pseudonyms, "renew", noting)
    gate_of(store, tmp_path).change()
    gate.renew()
    assert seen == [0]
    assert gate.version == 1

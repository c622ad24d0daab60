"""Erasing a person: nothing is left that named them, and nothing of anybody else is gone."""

import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from huaxiang.apps.recommend import Ask
from huaxiang.collect.gate import Gate
from huaxiang.collect.quarantine import Quarantine
from huaxiang.errors import BusyError, DataError, ReleaseError, StoreError
from huaxiang.pipeline import PARTS
from huaxiang.privacy import Audit, erase
from huaxiang.privacy.traces import search
from huaxiang.retrieval.item_to_item import ItemToItem
from huaxiang.retrieval.kinds import RECIPES, open_retrievers
from huaxiang.retrieval.log import read_log, to_interactions
from huaxiang.shop import Shop
from huaxiang.store import open_store
from huaxiang.store.backup import Backups
from huaxiang.types import Event, anonymous_subject
from tests.shops import make_release, settings_of

FOREVER = datetime(9999, 1, 1, tzinfo=UTC)


def ago(**time: float) -> str:
    return (datetime.now(UTC) - timedelta(**time)).isoformat()


def seen(user: str | None, item: str = "tea-01", *, at: str | None = None, **more: Any) -> dict[str, Any]:
    return {"event": "view_item", "user_id": user, "item_id": item, "timestamp": at or ago(hours=1), **more}


def take(shop: Shop, *payloads: Mapping[str, Any]) -> None:
    taken = shop.intake.take(payloads)
    assert not taken.rejected, taken.rejected


def events_of(shop: Shop, subject: str) -> int:
    return len(shop.store.history(subject, before=FOREVER, limit=1_000))


def test_an_erased_person_is_in_no_file_and_everybody_else_is(shop: Shop) -> None:
    link = {
        "event": "identify",
        "user_id": "margaret-7",
        "anonymous_id": "phone-of-margaret",
        "timestamp": ago(hours=2),
    }
    take(
        shop,
        seen("margaret-7", event_id="her-first-look"),
        seen(None, anonymous_id="phone-of-margaret", session_id="her-session-1"),
        link,
        {"event": "search", "user_id": "margaret-7", "query": "a present", "timestamp": ago(hours=1)},
        seen("margaret-77"),
    )
    shop.portraits.profile("margaret-7", now=datetime.now(UTC))
    before = {user: events_of(shop, user) for user in ("u01", "margaret-77")}
    receipt = erase(shop, "margaret-7")
    assert receipt.removed["events"] == 4
    assert receipt.n_devices == 1
    assert receipt.searched["found"] == []
    assert receipt.searched["n_explained"] >= 1  # her id is the beginning of another's
    receipt.check(shop.gate.keys.read(create=False))
    assert events_of(shop, "margaret-7") == events_of(shop, anonymous_subject("phone-of-margaret")) == 0
    assert {user: events_of(shop, user) for user in before} == before
    content = b"".join(path.read_bytes() for path in shop.settings.data_dir.rglob("*") if path.is_file())
    for trace in (b"her-first-look", b"phone-of-margaret", b"her-session-1", b"margaret-7\x00"):
        assert trace not in content
    assert "margaret" not in repr(receipt)


def test_her_events_from_before_are_refused_and_later_ones_start_a_new_person(shop: Shop) -> None:
    take(shop, seen("margaret-7", event_id="old"))
    erase(shop, "margaret-7")
    again = shop.intake.take([seen("margaret-7", event_id="old"), seen("margaret-7", at=datetime.now(UTC).isoformat())])
    assert (again.accepted, [bad.index for bad in again.rejected]) == (1, [0])
    assert shop.portraits.profile("margaret-7", now=FOREVER).behaviour["n_events"] == 1


def test_a_stranger_is_erased_too_and_gets_a_receipt(shop: Shop) -> None:
    release = shop.release_id
    receipt = erase(shop, "nobody-ever")
    assert (receipt.removed["events"], receipt.release, shop.release_id) == (0, {}, release)


def test_an_id_that_no_log_can_hold_is_refused(shop: Shop) -> None:
    with pytest.raises(DataError, match="user_id is empty"):
        erase(shop, "")


def test_the_memory_of_the_shop_lets_go_too(shop: Shop) -> None:
    take(shop, *(seen("margaret-7", f"tea-{n:02d}") for n in range(5)))
    now = datetime.now(UTC)
    assert shop.recommend(Ask(user_id="margaret-7"), now=now).basis == "profile"
    erase(shop, "margaret-7")
    assert shop.recommend(Ask(user_id="margaret-7"), now=now).basis == "popularity"
    assert shop.portraits.profile("margaret-7", now=now).interests == ()


def test_another_process_lets_go_at_its_next_look(shop: Shop) -> None:
    take(shop, seen("margaret-7"))
    other, now = Shop(shop.settings), datetime.now(UTC)
    assert other.portraits.profile("margaret-7", now=now).interests
    erase(shop, "margaret-7")
    assert other.intake.take([seen("harold-3")]).accepted == 1  # which reads the new rules, before anybody lets go
    other.refresh()
    assert other.portraits.profile("margaret-7", now=now).interests == ()
    assert other.release_id == shop.release_id
    other.close()


def test_the_release_forgets_what_it_can_exactly_and_names_the_rest(shop: Shop) -> None:
    """Equal to a fit without the person, before any pruning, to 1e-5."""
    before = shop.release_id
    others = ["u01", "u02", "u05"]
    receipt = erase(shop, "u00")
    assert receipt.release["before"] == before != receipt.release["after"] == shop.release_id
    assert set(receipt.release["exact"]) == {"popular", "transitions"}
    assert "encoder" in receipt.release["stale"]
    assert "huaxiang train" in receipt.release["stale_until"]
    assert receipt.held_fixed
    release = shop.releases.current
    assert release is not None
    kept = open_retrievers(release.part(PARTS.retrievers))
    item_ids = shop.pipeline.index.snapshot().item_ids
    rows = read_log(shop.store, portraits=shop.portraits).interactions
    assert "u00" not in set(rows["person"])
    fresh = ItemToItem(RECIPES["transitions"]).fit(to_interactions(rows, list(item_ids)))
    graph = kept["transitions"]
    assert isinstance(graph, ItemToItem)
    np.testing.assert_allclose(_dense(graph), _dense(fresh), rtol=1e-5, atol=1e-7)
    assert [page.item_ids for page in shop.pipeline.recommend(others, now=datetime.now(UTC))]
    assert [each.id for each in shop.releases.list()] == [release.id]  # she was in the others
    with pytest.raises(ReleaseError, match="nothing to go back to"):
        shop.releases.rollback()


def _dense(part: ItemToItem) -> Any:
    matrix = part.matrix_MM
    return matrix if isinstance(matrix, np.ndarray) else matrix.toarray()


def test_who_came_after_the_training_changes_no_release(shop: Shop) -> None:
    release = shop.release_id
    take(shop, seen("margaret-7"))
    assert erase(shop, "margaret-7").release == {}
    assert shop.release_id == release


def test_events_that_arrive_while_a_person_is_erased_are_erased_or_new(shop: Shop) -> None:
    """None of before the erasure is left, whatever the order."""
    stop, began = threading.Event(), datetime.now(UTC)
    other = Shop(shop.settings)

    def sends() -> None:
        n = 0
        while not stop.is_set():
            other.intake.take([seen("margaret-7", at=(began - timedelta(seconds=n)).isoformat())])
            n += 1

    sender = threading.Thread(target=sends)
    sender.start()
    try:
        erase(shop, "margaret-7")
    finally:
        stop.set()
        sender.join()
        other.close()
    assert events_of(shop, "margaret-7") == 0


def test_moments_ahead_of_the_clock_are_of_before_the_erasure(shop: Shop) -> None:
    ahead = (datetime.now(UTC) + timedelta(hours=20)).isoformat()
    take(shop, seen("margaret-7", at=ahead, event_id="from-the-future"))
    assert erase(shop, "margaret-7").removed["events"] == 1
    assert shop.intake.take([seen("margaret-7", at=ahead, event_id="from-the-future")]).rejected


def test_of_two_people_on_one_device_the_other_stays(shop: Shop) -> None:
    for user, hours in (("margaret-7", 5), ("harold-3", 3)):
        take(shop, seen(user, at=ago(hours=hours)))
        take(
            shop,
            {"event": "identify", "user_id": user, "anonymous_id": "kitchen-tablet", "timestamp": ago(hours=hours)},
        )
    take(
        shop,
        seen(None, anonymous_id="kitchen-tablet", at=ago(hours=6)),
        seen("harold-3", anonymous_id="kitchen-tablet"),
    )
    receipt = erase(shop, "margaret-7")
    assert receipt.searched["found"] == []
    assert events_of(shop, "harold-3") == 2  # his own; his claim of the device went with the device
    assert events_of(shop, anonymous_subject("kitchen-tablet")) == 0


def test_quarantined_rows_of_the_person_go_and_others_stay(shop: Shop, tmp_path: Path) -> None:
    from huaxiang.collect.importers.base import BadRow

    folder = shop.settings.data_dir / "quarantine"
    rows = [
        BadRow(1, "bad", {"user": "margaret-7", "item": ""}),
        BadRow(2, "bad", {"user": "margaret-77", "item": ""}),
        BadRow(3, "bad", "margaret-7,,2020-01-01"),
        BadRow(4, "bad", {"nested": [{"who": "margaret-7"}]}),
    ]
    with Quarantine(folder, "visits.csv", now=datetime.now(UTC)) as quarantine:
        for row in rows:
            quarantine.keep(row)
        with pytest.raises(BusyError, match="an import is writing"):
            erase(shop, "margaret-7")
    receipt = erase(shop, "margaret-7")
    assert receipt.removed["quarantined"] == 3
    (left,) = folder.iterdir()
    assert [line.count("margaret-77") for line in left.read_text().splitlines()] == [1]


def test_backups_forget_too_and_can_still_be_restored(shop: Shop) -> None:
    take(shop, seen("margaret-7", event_id="her-first-look"))
    backups = Backups(shop.settings.data_dir / "backups")
    name = backups.make(shop.settings.store_url, shop.settings.data_dir / "releases").name
    receipt = erase(shop, "u00")
    assert receipt.removed["backups"] == {name: 8}
    assert erase(shop, "margaret-7").removed["backups"] == {name: 1}
    backups.get(name).verify()
    url = f"sqlite:///{backups.get(name).databases['default']}"
    restored = open_store(url)
    look = Event("view_item", datetime.now(UTC) - timedelta(hours=1), user_id="margaret-7", item_id="tea-01")
    assert Gate(restored, shop.gate.keys).append([look]).refused  # a restored shop refuses her old events too
    restored.close()
    content = b"".join(path.read_bytes() for path in backups.root.rglob("*") if path.is_file())
    assert b"her-first-look" not in content


def test_a_trace_in_a_foreign_file_is_found_and_no_receipt_is_given(shop: Shop) -> None:
    take(shop, seen("margaret-7"))
    (shop.settings.data_dir / "notes.txt").write_text("call margaret-7 back")
    with pytest.raises(StoreError, match=r"notes\.txt: 5"):
        erase(shop, "margaret-7")
    (shop.settings.data_dir / "notes.txt").unlink()
    assert erase(shop, "margaret-7").searched["found"] == []


def test_a_search_tells_an_id_from_a_longer_one_and_finds_it_across_windows(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huaxiang.privacy.traces._WINDOW", 16)
    folder = shop.settings.data_dir / "place"
    folder.mkdir()
    take(shop, seen("margaret-77"))
    (folder / "a").write_bytes(b"0123456789abmargaret-7 and margaret-77")
    found = search(folder, {"margaret-7", "u1"}, shop.store)
    assert (found.found, found.n_explained, found.n_too_short) == (["a: 12"], 1, 1)


def test_the_audit_log_outlives_the_person_and_names_nobody(shop: Shop) -> None:
    audit = Audit(shop.store, shop.gate.keys)
    audit.note("margaret-7", "profile", by="a clerk")
    audit.note("margaret-77", "profile", by="a clerk")
    erase(shop, "margaret-7", by="the person")
    assert [(row.what, row.by) for row in audit.of("margaret-7")] == [("profile", "a clerk"), ("erase", "the person")]
    assert "margaret" not in repr([record.body for record in shop.store.find("audit")])


def test_a_page_that_reads_again_within_a_minute_is_one_reading(shop: Shop) -> None:
    audit = Audit(shop.store, shop.gate.keys)
    for user in ("ann", "ann", "bob", "ann"):
        audit.read(user, "profile", by="console")
    assert (len(audit.of("ann")), len(audit.of("bob"))) == (1, 1)


def test_a_release_that_learned_from_somebody_erased_meanwhile_is_not_used(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last step of a training stands; the slow ones before it are left out."""
    from huaxiang import training

    erase(shop, "u02")
    release = shop.release_id

    monkeypatch.setattr(training, "_keywords", lambda *_: None)
    monkeypatch.setattr(training, "_train_encoder", lambda *_: erase(shop, "u03"))
    for name in ("_encoded", "_order", "_select", "_fit_and_save", "about_of", "unaffordable"):
        monkeypatch.setattr(training, name, _nothing(name))
    with pytest.raises(ReleaseError, match="1 people were erased while this release learned"):
        training.train(shop.portraits, shop.releases, budget_seconds=5.0)
    assert shop.releases.current_id not in {release, None}  # the one that forgot u03
    assert len(shop.releases.list()) == 1


def _nothing(name: str) -> Any:
    from types import SimpleNamespace

    said: dict[str, Any] = {"_order": (None, {}), "about_of": {}, "unaffordable": {}}
    return lambda *_, **__: said.get(name, SimpleNamespace(content={}))


def test_a_second_release_is_made_without_the_person(shop: Shop) -> None:
    erase(shop, "u00")
    folder = shop.settings.data_dir
    release = make_release(folder)
    assert release.about["n_interactions"] == 39 * 8
    assert Shop(settings_of(folder)).release_id == release.id


def test_a_reading_that_cannot_be_noted_waits_and_an_export_fails(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    audit = Audit(shop.store, shop.gate.keys)

    def full(*_: object, **__: object) -> None:
        raise StoreError("no room")

    with monkeypatch.context() as broken:
        broken.setattr(shop.store, "put", full)
        audit.read("ann", "profile", by="console")
        with pytest.raises(StoreError, match="no room"):
            audit.note("ann", "export", by="console")
    assert "1 readings of profiles wait" in caplog.text
    audit.note("bob", "profile", by="console")
    assert [row.what for row in audit.of("ann")] == ["profile"]
    assert audit.n_waiting == 0

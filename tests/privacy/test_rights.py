"""Export, receipts, pseudonyms and their change, retention."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from huaxiang.collect.pseudonyms import PERSON
from huaxiang.errors import ConfigError, DataError
from huaxiang.privacy import Audit, erase, export, open_receipt
from huaxiang.privacy.retention import retain
from huaxiang.privacy.rotation import rotate
from huaxiang.shop import Shop
from huaxiang.store.backup import Backups
from tests.shops import goods, settings_of

FOREVER = datetime(9999, 1, 1, tzinfo=UTC)


def ago(**time: float) -> str:
    return (datetime.now(UTC) - timedelta(**time)).isoformat()


def seen(user: str | None, item: str = "tea-01", *, at: str | None = None, **more: Any) -> dict[str, Any]:
    return {"event": "view_item", "user_id": user, "item_id": item, "timestamp": at or ago(hours=1), **more}


def test_an_export_holds_everything_that_is_known(shop: Shop) -> None:
    shop.intake.take(
        [
            seen("ann", event_id="look"),
            seen(None, anonymous_id="phone", event_id="on-the-phone"),
            {"event": "identify", "user_id": "ann", "anonymous_id": "phone", "timestamp": ago(minutes=5)},
            {
                "event": "review",
                "user_id": "ann",
                "item_id": "tea-01",
                "rating": 5,
                "text": "好茶",
                "timestamp": ago(minutes=4),
            },
            {"event": "consent", "user_id": "ann", "timestamp": ago(minutes=3)}
            | {"properties": {"scope": "advertising", "status": "denied"}},
        ]
    )
    Audit(shop.store, shop.gate.keys).note("ann", "profile", by="a clerk")
    said = json.loads(json.dumps(export(shop, "ann"), default=str))
    assert {event["event_id"] for event in said["events"]} >= {"look", "on-the-phone"}
    assert (said["n_events"], said["devices"]) == (5, ["phone"])
    assert any(event.get("text") == "好茶" and "reading" in event for event in said["events"])
    assert said["consents"]["advertising"] == "denied"
    assert said["profile"]["interests"]
    assert [row["by"] for row in said["read_by"]] == ["a clerk"]


def test_a_receipt_is_signed_by_the_shop_and_breaks_when_it_is_changed(shop: Shop, tmp_path: Path) -> None:
    shop.intake.take([seen("margaret-7")])
    receipt = erase(shop, "margaret-7")
    file = tmp_path / "receipt.json"
    file.write_text(json.dumps(receipt.to_json()))
    again = open_receipt(file)
    assert again == receipt
    again.check(shop.gate.keys.read(create=False))
    for changed in (
        replace(receipt, erased_at="2020-01-01"),
        replace(receipt, signature="x"),
        replace(receipt, n_devices=9),
    ):
        with pytest.raises(DataError, match="changed after it was signed"):
            changed.check()
    other = Shop(settings_of(tmp_path / "other"))
    with pytest.raises(DataError, match="another shop"):
        receipt.check(other.gate.keys.read(create=True))
    other.close()
    file.write_text("{}")
    with pytest.raises(DataError, match="is no receipt"):
        open_receipt(file)


@pytest.fixture
def masked(tmp_path: Path) -> Any:
    opened = Shop(settings_of(tmp_path / "masked", "privacy.pseudonyms=true"))
    opened.intake.take([good | {"timestamp": ago(days=9)} for good in goods()])
    yield opened
    opened.close()


def test_a_change_of_keys_keeps_every_profile_and_fits_no_old_id(masked: Shop) -> None:
    masked.intake.take([seen("ann"), seen("ann", "tea-02"), seen("bob", "boot-01"), seen(None, anonymous_id="phone")])
    masked.intake.take([{"event": "identify", "user_id": "ann", "anonymous_id": "phone", "timestamp": ago(minutes=1)}])
    backups = Backups(masked.settings.data_dir / "backups")
    name = backups.make(masked.settings.store_url, masked.settings.data_dir / "releases").name
    elsewhere, old = Shop(masked.settings), masked.gate.stored_id("ann")
    before = masked.portraits.profile(old, now=datetime.now(UTC)).interests
    assert before
    assert rotate(masked) == 5
    new = masked.gate.stored_id("ann")
    assert new.startswith("hx2-")
    assert [facet.value for facet in masked.portraits.profile(new, now=datetime.now(UTC)).interests] == [
        f.value for f in before
    ]
    assert masked.portraits.profile(old, now=datetime.now(UTC)).interests == ()
    assert elsewhere.intake.take([seen("ann", "tea-03")]).accepted == 1  # with the new key, at its first try
    assert len(masked.store.history(new, before=FOREVER, limit=10)) == 4
    assert len(masked.store.find(PERSON)) == 3
    content = b"".join(path.read_bytes() for path in masked.settings.data_dir.rglob("*") if path.is_file())
    assert old.encode() not in content
    backups.get(name).verify()
    assert erase(masked, "ann").removed["backups"] == {name: 4}
    assert masked.gate.stored_id("bob").encode() in masked.settings.data_dir.joinpath("shop.db").read_bytes()
    elsewhere.close()


def test_a_change_of_keys_that_was_broken_off_is_finished(masked: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed between the log and the key file, and before the log."""
    masked.intake.take([seen("ann"), seen("bob")])

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(masked.store, "rename", killed)
        with pytest.raises(KeyboardInterrupt):
            rotate(masked)
    assert Shop(masked.settings).gate.stored_id("ann").startswith("hx1-")
    with monkeypatch.context() as broken:
        broken.setattr(type(masked.gate.keys), "settle", killed)
        with pytest.raises(KeyboardInterrupt):
            rotate(masked)
    again = Shop(masked.settings)
    assert again.gate.stored_id("ann").startswith("hx2-")
    assert len(again.store.history(again.gate.stored_id("ann"), before=FOREVER, limit=10)) == 1
    assert rotate(again) == 2
    assert again.gate.stored_id("ann").startswith("hx3-")
    again.close()


def test_an_erased_person_stays_erased_after_a_change_of_keys(masked: Shop) -> None:
    masked.intake.take([seen("ann", event_id="old"), seen("bob")])
    name = masked.gate.stored_id("ann")
    erase(masked, name)  # by the pseudonym: the id is sealed under it
    rotate(masked)
    assert masked.intake.take([seen("ann", event_id="old")]).rejected
    with pytest.raises(DataError, match="pseudonym of nobody"):
        erase(masked, name)


def test_keys_can_be_changed_only_where_there_are_pseudonyms(shop: Shop) -> None:
    with pytest.raises(ConfigError, match=r"privacy\.pseudonyms is off"):
        rotate(shop)


def test_retention_removes_by_age_and_keeps_what_people_said_of_their_data(shop: Shop) -> None:
    consent = {"event": "consent", "user_id": "ann", "properties": {"scope": "training", "status": "denied"}}
    shop.intake.take([seen("ann", at=ago(days=400)), seen("ann"), consent | {"timestamp": ago(days=400)}])
    backups = Backups(shop.settings.data_dir / "backups")
    name = backups.make(shop.settings.store_url, shop.settings.data_dir / "releases").name
    Audit(shop.store, shop.gate.keys).note("ann", "profile", by="a clerk")
    n_items = len(shop.catalogue)
    retain(shop, before=datetime.now(UTC) - timedelta(days=4_000))  # nothing is that old
    backups.get(name).verify()
    removed = retain(shop, before=datetime.now(UTC) - timedelta(days=365))
    assert removed == {"events": 1, "audit rows": 0, "quarantine files": 0, "backups": 0}
    left = shop.store.history("ann", before=FOREVER, limit=10)
    assert [event.event for event in left] == ["consent", "view_item"]
    backups.get(name).verify()
    removed = retain(shop, before=datetime.now(UTC) + timedelta(minutes=1))
    assert (removed["audit rows"], removed["backups"]) == (1, 1)
    shop.catalogue.refresh()
    assert len(shop.catalogue) == n_items
    assert shop.portraits.profile("ann", now=FOREVER).consents["training"] == "denied"


def test_personal_data_in_texts_are_hidden_before_they_are_kept(tmp_path: Path) -> None:
    hiding = Shop(settings_of(tmp_path / "hiding", "privacy.mask_text=true"))
    said = {"event": "support_message", "user_id": "ann", "timestamp": ago(minutes=1)}
    hiding.intake.take([said | {"text": "我叫张三，电话13812345678，茶壶漏水"}, said | {"text": "the kettle leaks"}])
    search = {"event": "search", "user_id": "ann", "timestamp": ago(minutes=1)}
    hiding.intake.take([search | {"query": "red shoes john@example.com"}])
    texts = [event.text or event.query or "" for event in hiding.store.history("ann", before=FOREVER, limit=10)]
    assert not any("张三" in text or "138" in text or "john@" in text for text in texts)
    assert any("茶壶漏水" in text for text in texts)
    assert any(text.startswith("red shoes ") for text in texts)
    hiding.close()

"""What a person may ask over HTTP: export, erasure, who read; and consents that are kept at the door."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from huaxiang.privacy import Audit
from huaxiang.privacy.receipt import Receipt
from huaxiang.server.app import Shops
from huaxiang.shop import Shop
from tests.server.running import Running, serving
from tests.shops import copy_shop, settings_of


def ago(**time: float) -> str:
    return (datetime.now(UTC) - timedelta(**time)).isoformat()


def look(user: str, item: str = "tea-03", **more: Any) -> dict[str, Any]:
    return {"event": "view_item", "user_id": user, "item_id": item, "timestamp": ago(minutes=5), **more}


def test_an_erasure_answers_with_a_receipt_and_leaves_a_stranger(fresh: Running) -> None:
    client = fresh.client
    client.post("/v1/events", json=[look("a/b ☺", event_id="her-look")]).raise_for_status()
    assert client.get("/v1/users/a%2Fb%20%E2%98%BA/profile").json()["behaviour"]["n_events"] == 1
    answer = client.delete("/v1/users/a%2Fb%20%E2%98%BA/profile")
    assert answer.status_code == 200
    receipt = Receipt(**{**answer.json(), "not_reached": tuple(answer.json()["not_reached"])})
    receipt.check()
    assert (receipt.removed["events"], receipt.searched["found"]) == (1, [])
    assert client.get("/v1/users/a%2Fb%20%E2%98%BA/profile").json()["behaviour"].get("n_events", 0) == 0
    assert client.post("/v1/recommend", json={"user_id": "a/b ☺"}).json()["basis"] == "popularity"
    again = client.post("/v1/events", json=[look("a/b ☺", event_id="her-look")]).json()
    assert again["accepted"] == 0
    assert "erased" in again["rejected"][0]["reason"]


def test_a_server_follows_an_erasure_by_another_process_in_the_next_answer_but_one_second(fresh: Running) -> None:
    import time

    from huaxiang.privacy import erase

    fresh.client.post("/v1/events", json=[look("margaret-7")]).raise_for_status()
    fresh.client.get("/v1/users/margaret-7/profile")
    elsewhere = Shop(settings_of(fresh.data_dir))
    erase(elsewhere, "margaret-7")
    elsewhere.close()
    until = time.monotonic() + 10.0
    while fresh.client.get("/v1/users/margaret-7/profile").json()["interests"]:
        assert time.monotonic() < until
        time.sleep(0.1)


def test_the_live_events_of_somebody_erased_elsewhere_go_too(built: Any, tmp_path: Any) -> None:
    from huaxiang.privacy import erase

    shops = Shops(settings_of(copy_shop(built, tmp_path / "copy")))
    shop, live = shops.get("default"), shops.live("default")
    shop.intake.take([look("margaret-7")])
    assert b"margaret-7" in b"".join(event for _, event in live.after(0))
    elsewhere = Shop(shop.settings)
    erase(elsewhere, "margaret-7")
    elsewhere.close()
    shop.refresh()
    assert live.after(0) == []
    shops.close()


def test_an_export_is_one_document_and_is_noted(fresh: Running) -> None:
    fresh.client.post("/v1/events", json=[look("margaret-7")]).raise_for_status()
    fresh.client.get("/v1/users/margaret-7/profile/evidence")
    said = fresh.client.get("/v1/users/margaret-7/export").json()
    assert (said["user_id"], said["n_events"]) == ("margaret-7", 1)
    assert [row["what"] for row in said["read_by"]] == ["evidence"]
    fresh.client.patch(
        "/v1/users/margaret-7/profile", json={"edits": [{"op": "mute", "facet": "brand", "value": "Uji"}]}
    ).raise_for_status()
    shop = Shop(settings_of(fresh.data_dir))
    rows = Audit(shop.store, shop.gate.keys).of("margaret-7")
    assert [row.what for row in rows] == ["evidence", "export", "edit"]
    assert {row.by for row in rows} == {"HTTP: tenant default, from 127.0.0.1"}
    shop.close()


def test_without_analytics_a_look_is_refused_and_a_purchase_kept(fresh: Running) -> None:
    denied = {"event": "consent", "user_id": "ann", "properties": {"scope": "analytics", "status": "denied"}}
    bought = look("ann", timestamp=ago(minutes=1)) | {"event": "purchase", "value": 3.0, "currency": "EUR"}
    said = fresh.client.post(
        "/v1/events", json=[denied | {"timestamp": ago(minutes=3)}, look("ann", timestamp=ago(minutes=2)), bought]
    ).json()
    assert (said["accepted"], [bad["index"] for bad in said["rejected"]]) == (2, [1])
    profile = fresh.client.get("/v1/users/ann/profile").json()
    assert profile["consents"]["analytics"] == "denied"
    assert not profile["behaviour"]


def test_without_personalisation_no_profile_is_read_and_the_answer_says_so(fresh: Running) -> None:
    denied = {"event": "consent", "user_id": "u00", "properties": {"scope": "personalisation", "status": "denied"}}
    fresh.client.post("/v1/events", json=[denied | {"timestamp": ago(minutes=3)}]).raise_for_status()
    assert fresh.client.post("/v1/recommend", json={"user_id": "u00"}).json()["basis"] == "consent"
    assert not fresh.client.get("/v1/users/u00/profile").json()["interests"]


def test_people_under_pseudonyms_are_asked_for_by_either_id(built: Any, tmp_path: Any) -> None:
    folder = tmp_path / "masked"
    with serving(settings_of(folder, "privacy.pseudonyms=true")) as running:
        item = {"event": "set_item", "item_id": "tea-03", "timestamp": ago(days=1), "properties": {"name": "tea"}}
        running.client.post("/v1/events", json=[item, look("margaret-7", timestamp=ago(minutes=2))]).raise_for_status()
        profile = running.client.get("/v1/users/margaret-7/profile").json()
        assert profile["behaviour"]["n_events"] == 1
        name = profile["user_id"]
        assert name.startswith("hx1-")
        assert [user["user_id"] for user in running.client.get("/v1/users").json()["users"]] == [name]
        assert running.client.get(f"/v1/users/{name}/profile").json()["behaviour"]["n_events"] == 1
        unknown = running.client.get(f"/v1/users/hx1-{'0' * 32}/profile")
        assert (unknown.status_code, "pseudonym of nobody" in unknown.json()["detail"]) == (422, True)
        assert running.client.get("/v1/users/margaret-7/export").json()["user_id"] == "margaret-7"
        assert running.client.delete("/v1/users/margaret-7/profile").json()["removed"]["events"] == 1


@pytest.mark.parametrize("user", ["", "x" * 513])
def test_an_id_that_cannot_be_is_a_clear_error(fresh: Running, user: str) -> None:
    answer = fresh.client.delete(f"/v1/users/{user}/profile")
    assert answer.status_code in {404, 405, 422}


def test_an_erasure_in_a_copy_changes_nothing_in_the_original(built: Any, tmp_path: Any) -> None:
    """Releases of copies may share their files by links: forgetting writes new ones."""
    copy = copy_shop(built, tmp_path / "copy")
    before = {path: path.read_bytes() for path in built.rglob("*.safetensors")}
    with serving(settings_of(copy)) as running:
        assert running.client.delete("/v1/users/u00/profile").status_code == 200
        assert running.client.post("/v1/recommend", json={"user_id": "u04"}).status_code == 200
    assert {path: path.read_bytes() for path in built.rglob("*.safetensors")} == before

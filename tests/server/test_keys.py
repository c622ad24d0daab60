"""API keys: they decide the tenant, and tenants share nothing."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.server.running import Running, is_problem, seen, send, serving
from tests.shops import copy_shop, settings_of

KEYS = ('server.keys={"default": "house-key", "acme": "acme-key"}',)


@pytest.fixture(scope="module")
def locked(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server that asks for keys: `default` has the small shop, `acme` begins with nothing."""
    folder = copy_shop(built, tmp_path_factory.mktemp("locked") / "shop")
    with serving(settings_of(folder, *KEYS)) as running:
        yield running


@pytest.fixture
def house(locked: Running) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=locked.client.base_url, headers={"x-api-key": "house-key"}, trust_env=False) as client:
        yield client


@pytest.fixture
def acme(locked: Running) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=locked.client.base_url, headers={"x-api-key": "acme-key"}, trust_env=False) as client:
        yield client


@pytest.mark.parametrize("headers", [{}, {"x-api-key": "guess"}, {"x-api-key": ""}, {"x-api-key": "钥匙".encode()}])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/events"),
        ("GET", "/v1/events/live"),
        ("POST", "/v1/recommend"),
        ("GET", "/v1/users"),
        ("GET", "/v1/users/u00/profile"),
        ("PATCH", "/v1/users/u00/profile"),
        ("GET", "/v1/users/u00/profile/evidence"),
        ("GET", "/v1/items/tea-00"),
        ("PUT", "/v1/items/tea-00"),
        ("DELETE", "/v1/items/tea-00"),
        ("GET", "/v1/items/tea-00/similar"),
    ],
)
def test_without_the_right_key_nothing_is_answered(
    locked: Running, headers: dict[str, str], method: str, path: str
) -> None:
    bodies = {"POST": {"user_id": "u00"}, "PUT": {"name": "tea"}, "PATCH": {"edits": [{"op": "undo", "edit_id": "a"}]}}
    answer = locked.client.request(method, path, headers=headers, json=bodies.get(method))
    assert "X-API-Key" in is_problem(answer, 401)


def test_only_tenants_with_a_key_have_a_shop(tmp_path: Path) -> None:
    with serving(settings_of(tmp_path, 'server.keys={"acme": "acme-key"}')) as running:
        assert running.client.get("/health/ready").status_code == 503
        assert running.client.get("/v1/users", headers={"x-api-key": "acme-key"}).status_code == 200
    assert [path.name for path in tmp_path.glob("*.db")] == ["shop.acme.db"]


def test_health_and_metrics_need_no_key(locked: Running) -> None:
    assert locked.client.get("/health/ready").status_code == 200
    assert locked.client.get("/metrics").status_code == 200


def test_tenants_share_no_users_no_items_no_release(house: httpx.Client, acme: httpx.Client) -> None:
    assert house.get("/v1/users/u00/profile").json()["interests"]
    assert acme.get("/v1/users/u00/profile").json()["interests"] == []
    is_problem(acme.get("/v1/items/tea-00"), 404)
    is_problem(acme.post("/v1/recommend", json={"user_id": "u00"}), 503)
    send(acme, seen("acme-only", "anvil"))
    acme.put("/v1/items/anvil", json={"name": "anvil"}).raise_for_status()
    assert [user["user_id"] for user in acme.get("/v1/users").json()["users"]] == ["acme-only"]
    assert house.get("/v1/users/acme-only/profile").json()["behaviour"] == {"n_events": 0}
    is_problem(house.get("/v1/items/anvil"), 404)


def test_the_same_event_id_of_two_tenants_is_two_events(house: httpx.Client, acme: httpx.Client) -> None:
    event = seen("both", "tea-00", event_id="shared-id")
    assert send(house, event)["accepted"] == 1
    assert send(acme, event)["accepted"] == 1


def test_a_payload_of_another_tenant_is_refused(house: httpx.Client, acme: httpx.Client) -> None:
    said = acme.post("/v1/events", json=seen("spy", "tea-00", tenant="default")).json()
    assert said["accepted"] == 0
    assert "tenant" in said["rejected"][0]["reason"]
    assert acme.post("/v1/events", json=seen("own", "tea-00", tenant="acme")).json()["accepted"] == 1
    session = [{"event": "view_item", "item_id": "tea-00", "tenant": "acme"}]
    assert "tenant" in is_problem(house.post("/v1/recommend", json={"session": session}), 422)

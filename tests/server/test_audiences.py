"""Audiences over HTTP: counts, exports, likeness, and what is refused."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given

from tests.server.running import Running, is_problem, seen, send, serving
from tests.server.test_any_json import ANY, CHECKED, near, posted
from tests.shops import copy_shop, settings_of

TEA = {"interests.brand": "Uji"}


@pytest.fixture(scope="module")
def small(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server whose floor is five, for tests that change nothing."""
    folder = copy_shop(built, tmp_path_factory.mktemp("audiences") / "shop")
    with serving(settings_of(folder, "audiences.floor=5")) as running:
        yield running


def audience(client: httpx.Client, **body: Any) -> dict[str, Any]:
    answer = client.post("/v1/audiences", json=body)
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    assert said.pop("took_ms") >= 0
    return said


def test_a_count_has_its_floor_and_who_is_left_out(small: Running) -> None:
    assert audience(small.client, filter=TEA) == {"count": 10, "floor": 5, "excluded_by_consent": {"fewer_than": 5}}


def test_an_export_names_the_members(small: Running) -> None:
    said = audience(small.client, filter=TEA, export=True)
    assert said["members"] == [{"user_id": f"u{n:02d}"} for n in range(0, 40, 4)]


def test_fewer_than_the_floor_is_all_that_is_said_by_default(client: httpx.Client) -> None:
    said = audience(client, filter=TEA, export=True)
    assert said["fewer_than"] == 50
    assert said.keys() == {"fewer_than", "floor", "excluded_by_consent", "withheld"}


def test_a_new_shopper_and_a_no_count_at_once(built: Path, tmp_path: Path) -> None:
    with serving(settings_of(copy_shop(built, tmp_path / "shop"), "audiences.floor=5")) as running:
        assert audience(running.client, filter=TEA)["count"] == 10
        send(running.client, seen("new", "tea-01"))
        assert audience(running.client, filter=TEA)["count"] == 11
        denied = {"scope": "advertising", "status": "denied"}
        send(
            running.client,
            *({**seen(f"u{n:02d}", "x", "consent"), "item_id": None, "properties": denied} for n in (0, 4)),
        )
        assert audience(running.client, filter=TEA)["count"] == 9


@pytest.mark.parametrize("method", ["vector", "classifier"])
def test_the_most_like_some_boot_buyers_are_the_others(small: Running, method: str) -> None:
    like = {"user_ids": [f"u{n:02d}" for n in range(1, 21, 4)], "method": method}
    said = audience(small.client, like=like, k=5, export=True)
    assert sorted(member["user_id"] for member in said["members"]) == [f"u{n}" for n in range(21, 40, 4)]
    assert said["release"] == small.client.get("/health/ready").json()["release"]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"filter": {"brand": "Uji"}}, "filter 'brand': no such field; known fields: interests.brand"),
        ({"filter": {"behaviour.n_orders": "3"}}, "filter 'behaviour.n_orders': it takes a number"),
        ({"like": {"user_ids": ["u00"]}, "k": 10}, "fewer than 5 of the examples"),
        ({"like": {"user_ids": ["u00"], "filter": {}}, "k": 10}, "exactly one of user_ids and filter"),
        ({"like": {"user_ids": []}}, "like.user_ids"),
        ({"like": {"filter": TEA}, "k": 2}, "an audience has at least 5 members"),
        ({"like": {"filter": TEA, "method": "magic"}}, "like.method"),
        ({"fitler": TEA}, "fitler"),
        ({"floor": 1}, "floor"),
    ],
)
def test_what_breaks_a_rule_is_said_as_a_problem(small: Running, body: dict[str, Any], why: str) -> None:
    assert why in is_problem(small.client.post("/v1/audiences", json=body), 422)


def test_likeness_needs_a_release_and_a_filter_does_not(empty: Running) -> None:
    assert audience(empty.client, filter=TEA)["fewer_than"] == 50
    like = {"like": {"filter": {}}, "k": 50}
    assert "huaxiang train" in is_problem(empty.client.post("/v1/audiences", json=like), 503)


def test_a_shop_with_keys_asks_for_one(built: Path, tmp_path: Path) -> None:
    folder = copy_shop(built, tmp_path / "shop")
    with serving(settings_of(folder, 'server.keys={"default": "a long secret"}')) as running:
        is_problem(running.client.post("/v1/audiences", json={}), 401)


def test_the_documentation_names_the_answer(client: httpx.Client) -> None:
    said = client.get("/openapi.json").json()
    answer = said["paths"]["/v1/audiences"]["post"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert answer == {"$ref": "#/components/schemas/AudienceOut"}
    known = said["components"]["schemas"]["AudienceOut"]["properties"].keys()
    assert {"count", "fewer_than", "floor", "excluded_by_consent", "members", "withheld", "took_ms"} <= known


FIELDS = ["filter", "like", "k", "export"]
FILTER_FIELDS = ["interests.brand", "needs.search", "behaviour.n_orders", "behaviour.traits.x", "any", "mood.label"]


@CHECKED
@given(body=ANY | near(FIELDS, filter=TEA) | near(FILTER_FIELDS).map(lambda said: {"filter": said}))
def test_any_json_at_audiences(client: httpx.Client, body: Any) -> None:
    posted(client, "POST", "/v1/audiences", body)

"""Whatever JSON comes in, the answer is never a server error."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.server.running import serving
from tests.shops import copy_shop, settings_of

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats()
    | st.text(st.characters(codec=None), max_size=20)
    | st.sampled_from(["", "u00", "tea-00", "2026-11-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "view_item", "\x1f"])
)
EVENT_FIELDS = [
    "event",
    "event_id",
    "user_id",
    "anonymous_id",
    "session_id",
    "item_id",
    "timestamp",
    "value",
    "quantity",
]
EVENT_FIELDS += ["currency", "rating", "text", "query", "request_id", "position", "items", "properties", "tenant"]
ASK_FIELDS = ["user_id", "session", "k", "filter", "explain", "candidates", "as_of"]
EDIT_FIELDS = ["op", "facet", "value", "weight", "event_id", "edit_id"]
ITEM_FIELDS = ["item_id", "name", "brand", "category", "description", "image", "price", "currency", "offers"]
ITEM_FIELDS += ["availability", "in_stock", "attributes"]
ANY = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=8) | st.sampled_from(EVENT_FIELDS + ASK_FIELDS), inner, max_size=4)
    ),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def client(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a server that no other test reads: whatever is posted here may be about anybody."""
    with serving(settings_of(copy_shop(built, tmp_path_factory.mktemp("any") / "shop"))) as running:
        yield running.client


def near(fields: list[str], **usual: Any) -> st.SearchStrategy[Any]:
    """Objects that are almost right: the usual fields, with a few of them replaced by anything."""
    return st.dictionaries(st.sampled_from(fields), ANY, max_size=4).map(lambda odd: usual | odd)


EVENTS = near(EVENT_FIELDS, event="view_item", user_id="fuzz", item_id="tea-00", timestamp="2026-11-01T00:00:00Z")
ASKS = near(ASK_FIELDS, user_id="u00") | near(ASK_FIELDS, session=[{"event": "view_item", "item_id": "tea-00"}])
EDITS = near(EDIT_FIELDS, op="add", facet="brand", value="Uji")
CHECKED = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


def posted(client: httpx.Client, method: str, path: str, body: Any) -> int:
    """Send a value as the laxest of senders would: NaN and half surrogate pairs as they are."""
    said = json.dumps(body).encode()
    answer = client.request(method, path, content=said, headers={"content-type": "application/json"})
    assert answer.status_code < 500, (answer.text, said[:500])
    orjson.loads(answer.content or b"null")
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code


@CHECKED
@given(body=ANY | EVENTS | st.lists(EVENTS | ANY, max_size=3))
def test_any_json_at_events(client: httpx.Client, body: Any) -> None:
    assert posted(client, "POST", "/v1/events", body) == 200


@CHECKED
@given(body=ANY | ASKS)
def test_any_json_at_recommend(client: httpx.Client, body: Any) -> None:
    posted(client, "POST", "/v1/recommend", body)


@CHECKED
@given(body=ANY | st.lists(EDITS, max_size=3).map(lambda edits: {"edits": edits}))
def test_any_json_as_an_edit(client: httpx.Client, body: Any) -> None:
    posted(client, "PATCH", "/v1/users/fuzz/profile", body)
    assert client.get("/v1/users/fuzz/profile").status_code == 200
    assert client.post("/v1/recommend", json={"user_id": "fuzz", "explain": True}).status_code == 200


@CHECKED
@given(body=ANY | near(ITEM_FIELDS, name="odd tea"))
def test_any_json_as_an_item(client: httpx.Client, body: Any) -> None:
    if posted(client, "PUT", "/v1/items/fuzz", body) == 204:
        assert client.get("/v1/items/fuzz").status_code == 200
        assert client.get("/v1/items/fuzz/similar").status_code == 200
        assert client.delete("/v1/items/fuzz").status_code == 204


@CHECKED
@given(body=st.binary(max_size=60))
def test_any_bytes_at_events(client: httpx.Client, body: bytes) -> None:
    assert client.post("/v1/events", content=body).status_code == 200


@CHECKED
@given(event=EVENTS)
def test_whatever_event_was_kept_can_be_answered_from(client: httpx.Client, event: dict[str, Any]) -> None:
    user = "fuzzed"
    posted(client, "POST", "/v1/events", event | {"user_id": user})
    for path in ("profile", "profile/evidence"):
        assert client.get(f"/v1/users/{user}/{path}").status_code == 200
    assert client.post("/v1/recommend", json={"user_id": user, "explain": True}).status_code == 200

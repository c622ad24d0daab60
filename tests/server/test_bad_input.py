"""What must not come in: each is answered with a clear error, and nothing that was kept before is lost."""

from collections.abc import Iterator
from urllib.parse import quote

import httpx
import pytest

from tests.server.running import Running, is_problem, recommended, seen, send, serving
from tests.shops import copy_shop, settings_of

PNG = b'"\xff\xfe"'
"""Bytes that are no UTF-8, in quotes."""


def rejection(client: httpx.Client, **event: object) -> str:
    """Send one event that must be refused; why it was."""
    answer = client.post("/v1/events", json=seen("bad", "tea-00") | event)
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert said["accepted"] == 0
    assert said["rejected"][0]["index"] == 0
    return str(said["rejected"][0]["reason"])


def test_a_time_without_a_zone_is_refused_everywhere(client: httpx.Client) -> None:
    naive = "2026-11-01T12:00:00"
    assert "zone" in rejection(client, timestamp=naive)
    assert "zone" in is_problem(client.post("/v1/recommend", json={"user_id": "u00", "as_of": naive}), 422)
    assert "zone" in is_problem(client.get("/v1/users/u00/profile", params={"as_of": naive}), 422)
    assert "zone" in is_problem(client.get("/v1/users/u00/profile/evidence", params={"as_of": naive}), 422)


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00Z"])
def test_the_ends_of_time_are_answered(client: httpx.Client, moment: str) -> None:
    for body in ({"user_id": "u00"}, {"session": [{"event": "view_item", "item_id": "tea-00"}]}):
        assert client.post("/v1/recommend", json=body | {"as_of": moment}).status_code in {200, 422}
    for path in ("profile", "profile/evidence"):
        assert client.get(f"/v1/users/u00/{path}", params={"as_of": moment}).status_code in {200, 422}
    assert client.post("/v1/events", json=seen("ends", "tea-00") | {"timestamp": moment}).status_code == 200


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_number_that_is_not_finite_is_refused(client: httpx.Client, number: str) -> None:
    event = b'{"event":"purchase","user_id":"bad","item_id":"tea-00","timestamp":"2026-11-01T12:00:00Z","value":%s}'
    said = client.post("/v1/events", content=event % number.encode()).json()
    assert said["accepted"] == 0
    assert "value" in said["rejected"][0]["reason"]
    headers = {"content-type": "application/json"}
    for field in ("k", "user_id", "as_of"):
        body = f'{{"user_id": "u00", "{field}": {number}}}'
        is_problem(client.post("/v1/recommend", content=body, headers=headers), 422)
    is_problem(client.put("/v1/items/nan", content=f'{{"price": {number}}}', headers=headers), 422)


def test_a_negative_price_is_refused_wherever_it_stands(client: httpx.Client) -> None:
    assert "price" in rejection(client, items=[{"item_id": "tea-00", "price": -1}])
    assert "price" in rejection(client, event="set_item", properties={"price": -1})
    assert "price" in is_problem(client.put("/v1/items/cheap", json={"price": -1}), 422)
    assert "price" in is_problem(client.put("/v1/items/cheap", json={"offers": {"price": "-1"}}), 422)
    assert "price" in is_problem(client.post("/v1/items", json=[{"item_id": "cheap", "price": -1}]), 422)
    is_problem(client.get("/v1/items/cheap"), 404)


def test_a_field_of_ten_megabytes_is_refused_and_its_neighbours_are_kept(client: httpx.Client) -> None:
    huge = "茶" * (10 * 1024 * 1024 // 3)
    batch = [seen("huge", "tea-00"), seen("huge", "tea-00", event="review", text=huge), seen("huge", "tea-01")]
    said = client.post("/v1/events", json=batch).json()
    assert said["accepted"] == 2
    assert "text has" in said["rejected"][0]["reason"]
    answer = client.post("/v1/recommend", json={"user_id": huge})
    is_problem(answer, 422)
    assert len(answer.content) < 5_000
    is_problem(client.put("/v1/items/huge", json={"name": huge}), 422)


def test_broken_utf8_costs_only_the_event_that_holds_it(client: httpx.Client) -> None:
    good = b'{"event":"view_item","user_id":"utf8","item_id":"tea-00","timestamp":"2026-11-01T12:00:00Z"}'
    bad = good.replace(b"view_item", b"search").replace(b"}", b',"query":' + PNG + b"}")
    said = client.post("/v1/events", content=good + b"\n" + bad).json()
    assert said["accepted"] == 1
    assert said["rejected"][0]["index"] == 1
    assert "query" in said["rejected"][0]["reason"]
    headers = {"content-type": "application/json"}
    for method, path in (("POST", "/v1/recommend"), ("PUT", "/v1/items/x"), ("PATCH", "/v1/users/x/profile")):
        answer = client.request(method, path, content=b'{"name":' + PNG + b"}", headers=headers)
        is_problem(answer, answer.status_code)
        assert answer.status_code in {400, 422}


@pytest.mark.parametrize("name", ["\\ud800", "\\u0000", "\\u001fanon"])
def test_text_that_no_store_can_keep_is_refused(client: httpx.Client, name: str) -> None:
    headers = {"content-type": "application/json"}
    said = client.post("/v1/events", content=f'{{"event":"post","text":"a","user_id":"{name}"}}', headers=headers)
    assert said.json()["accepted"] == 0
    is_problem(client.post("/v1/recommend", content=f'{{"{name}": 1}}', headers=headers), 422)
    for body in (f'{{"user_id": "u00", "filter": {{"{name}": "{name}"}}}}', f'{{"user_id": "{name}"}}'):
        assert client.post("/v1/recommend", content=body, headers=headers).status_code in {200, 422}
    is_problem(client.put("/v1/items/nul", content=f'{{"name": "{name}", "item_id": "x"}}', headers=headers), 422)


def test_an_unknown_event_is_named_with_its_nearest(client: httpx.Client) -> None:
    assert "view_item" in rejection(client, event="veiw_item")


def test_unknown_fields_of_a_request_are_refused(client: httpx.Client) -> None:
    assert "size" in is_problem(client.post("/v1/recommend", json={"user_id": "u00", "size": 3}), 422)
    assert "titel" in is_problem(client.put("/v1/items/x", json={"titel": "tea"}), 422)


@pytest.mark.parametrize("k", [0, -1, 1001, 1.5, "many", None])
def test_k_must_be_a_whole_number_from_1_to_1000(client: httpx.Client, k: object) -> None:
    is_problem(client.post("/v1/recommend", json={"user_id": "u00", "k": k}), 422)


@pytest.mark.parametrize("where", [{"price": {"gte": "a"}}, {"price": {"above": 3}}, {"brand": [[]]}, {"brand": None}])
def test_a_filter_of_another_form_is_refused(client: httpx.Client, where: object) -> None:
    is_problem(client.post("/v1/recommend", json={"user_id": "u00", "filter": where}), 422)


def test_nesting_without_end_is_refused(client: httpx.Client) -> None:
    deep = "[" * 100_000 + "]" * 100_000
    headers = {"content-type": "application/json"}
    assert client.post("/v1/events", content=deep).json()["accepted"] == 0
    for depth in (deep, "[" * 900 + "]" * 900):
        body = f'{{"user_id": "u00", "filter": {{"brand": {depth}}}}}'
        answer = client.post("/v1/recommend", content=body, headers=headers)
        is_problem(answer, answer.status_code)
        assert answer.status_code in {400, 422}
    nots = '{"not":' * 500 + "1" + "}" * 500
    body = f'{{"user_id": "u00", "filter": {{"brand": {nots}}}}}'
    assert client.post("/v1/recommend", content=body, headers=headers).status_code in {200, 400, 422}


STRANGE = [
    "🫖🍵",
    "a/b",
    "..",
    ".",
    "../../etc/passwd",
    "100%",
    "%2F",
    "a%2Fb",
    "a b?c#d;e",
    "客户/一",
    "//",
    "\\",
    "a\nb",
]


@pytest.mark.parametrize("name", STRANGE)
def test_any_id_works_in_every_path_percent_encoded_once(shared: Running, name: str) -> None:
    path = quote(name, safe="")
    send(shared.client, seen(name, "tea-00", event_id=f"strange {name}"))
    status, _, profile = shared.raw("GET", f"/v1/users/{path}/profile")
    assert (status, profile["user_id"], profile["behaviour"]["n_events"]) == (200, name, 1)
    status, _, evidence = shared.raw("GET", f"/v1/users/{path}/profile/evidence?limit=5")
    assert evidence["events"][0]["event_id"] == f"strange {name}"
    edits = b'{"edits":[{"op":"mute","facet":"brand","value":"Folio"}]}'
    status, _, edited = shared.raw("PATCH", f"/v1/users/{path}/profile", edits)
    assert (status, edited["user_id"]) == (200, name)
    assert recommended(shared.client, name, k=1)
    item = f"strange {name}"
    item_path = quote(item, safe="")
    assert shared.raw("PUT", f"/v1/items/{item_path}", b'{"name":"green tea"}')[0] == 204
    assert shared.raw("GET", f"/v1/items/{item_path}")[2]["item_id"] == item
    assert shared.raw("GET", f"/v1/items/{item_path}/similar")[0] == 200
    assert shared.raw("DELETE", f"/v1/items/{item_path}")[0] == 204


def test_dots_encoded_by_a_careful_client_are_the_same_id(shared: Running) -> None:
    send(shared.client, seen("..", "tea-00"))
    assert shared.raw("GET", "/v1/users/%2E%2E/profile")[2]["user_id"] == ".."


def test_an_id_over_512_characters_is_refused(shared: Running) -> None:
    is_problem(shared.client.put(f"/v1/items/{'a' * 513}", json={"name": "tea"}), 422)
    assert "512" in rejection(shared.client, user_id="a" * 513)


def test_an_unknown_address_is_a_problem_document(client: httpx.Client) -> None:
    is_problem(client.get("/v2/nothing"), 404)
    is_problem(client.get("/v1/users//profile"), 404)


def test_a_bug_is_answered_as_a_problem_and_the_server_goes_on(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huaxiang.profiles.portrait.Portraits.profile", lambda *_, **__: 1 / 0)
    assert "log" in is_problem(client.get("/v1/users/u00/profile"), 500)
    monkeypatch.undo()
    assert client.get("/v1/users/u00/profile").status_code == 200


@pytest.fixture
def narrow(built: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server that takes bodies of at most one megabyte."""
    folder = copy_shop(built, tmp_path_factory.mktemp("narrow") / "shop")  # type: ignore[arg-type]
    with serving(settings_of(folder, "server.max_body_mb=1")) as running:
        yield running


@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/events"), ("POST", "/v1/recommend"), ("POST", "/v1/items")])
def test_a_body_over_the_limit_is_refused_with_413(narrow: Running, method: str, path: str) -> None:
    answer = narrow.client.request(method, path, content=b" " * 1_100_000)
    assert "over" in is_problem(answer, 413)


def test_an_empty_shop_answers_what_it_can(empty: Running) -> None:
    client = empty.client
    assert client.get("/v1/users").json() == {"users": [], "after": None}
    profile = client.get("/v1/users/ann/profile").json()
    assert (profile["interests"], profile["behaviour"]) == ([], {"n_events": 0})
    assert client.get("/v1/users/ann/profile/evidence").json()["events"] == []
    assert "train" in is_problem(client.post("/v1/recommend", json={"user_id": "ann"}), 503)
    assert "train" in is_problem(client.get("/v1/items/tea/similar"), 503)
    assert client.get("/health/live").json()["status"] == "live"
    assert client.get("/health/ready").status_code == 503
    assert send(client, seen("ann", "tea"))["accepted"] == 1
    assert client.get("/v1/users/ann/profile").json()["behaviour"]["n_events"] == 1

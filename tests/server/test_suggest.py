"""Suggestions over HTTP."""

import time
from urllib.parse import quote

import httpx
import pytest

from tests.server.running import Running, is_problem


def suggested(client: httpx.Client, typed: str, **more: str | int) -> list[dict[str, object]]:
    """The suggestions."""
    answer = client.get("/v1/suggest", params={"q": typed, **more})
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert said["took_ms"] >= 0
    found: list[dict[str, object]] = said["suggestions"]
    return found


def test_brands_categories_and_items_that_begin_so(client: httpx.Client) -> None:
    found = {one["text"]: one for one in suggested(client, "alp")}
    assert found["Alpina"] == {"text": "Alpina", "kind": "brand", "highlight": [[0, 3]], "scope": {"brand": "Alpina"}}
    assert found["Alpina Boot"]["scope"] == {"brand": "Alpina", "category": "Shop > Boot"}
    assert suggested(client, "hiking bo", k=3)[0]["kind"] == "item"


def test_a_scope_is_a_filter_of_a_search(client: httpx.Client) -> None:
    scope = suggested(client, "Boot", k=1)[0]["scope"]
    answer = client.post("/v1/search", json={"query": "leather", "filter": scope, "k": 3}).json()
    assert all(item["item_id"].startswith("boot-") for item in answer["items"])


def test_chinese_is_found_by_its_sound(client: httpx.Client) -> None:
    assert str(suggested(client, "lvcha")[0]["text"]).startswith("绿茶")
    assert str(suggested(client, "lccy")[0]["text"]).startswith("绿茶茶叶")


def test_what_a_shopper_likes_comes_first(client: httpx.Client) -> None:
    wanted = {"u00": ("Uji", "Tea"), "u01": ("Alpina", "Boot"), "u02": ("Lumen", "Lamp"), "u03": ("Folio", "Book")}
    for user, names in wanted.items():
        found = suggested(client, "", user_id=user)
        assert found[0]["text"] in names, found


def test_a_new_item_is_suggested_within_a_second_and_a_deleted_one_at_once_no_more(fresh: Running) -> None:
    client = fresh.client
    assert suggested(client, "samovar") == []
    assert client.put("/v1/items/urn", json={"name": "Samovar of copper", "brand": "Tula"}).status_code == 204
    until = time.monotonic() + 1.0
    while not (found := suggested(client, "samovar")):
        assert time.monotonic() < until
    assert found[0]["text"] == "Samovar of copper"
    assert client.delete("/v1/items/urn").status_code == 204
    assert suggested(client, "samovar") == []


@pytest.mark.parametrize(
    "typed", ["", " ", "💥", "\u202eחולצה", "x" * 10_000, "连" * 3_000, "%00", "a&b=c", "'\"<script>"]
)
def test_whatever_is_typed_is_answered(shared: Running, typed: str) -> None:
    status, kind, said = shared.raw("GET", f"/v1/suggest?q={quote(typed)}")
    assert (status, kind) == (200, "application/json")
    assert set(said) == {"suggestions", "took_ms"}


def test_bytes_that_are_no_text_are_answered(shared: Running) -> None:
    for raw in ("%ff%fe", "%ed%a0%bd", "%00"):
        assert shared.raw("GET", f"/v1/suggest?q={raw}")[0] == 200


def test_a_page_has_from_1_to_50_lines(client: httpx.Client) -> None:
    for k in (0, 51, -1):
        assert "k is" in is_problem(client.get("/v1/suggest", params={"q": "a", "k": k}), 422)
    assert len(suggested(client, "", k=50)) <= 50


def test_nobody_known_is_nobody(client: httpx.Client) -> None:
    assert suggested(client, "alp", user_id="nobody yet") == suggested(client, "alp")


def test_a_shop_without_anything_suggests_nothing(empty: Running) -> None:
    assert suggested(empty.client, "") == suggested(empty.client, "tea") == []

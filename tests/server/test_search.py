"""Search over HTTP, as a shop uses it."""

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.server.running import Running, is_problem


def page(client: httpx.Client, query: str, **more: object) -> dict[str, object]:
    answer = client.post("/v1/search", json={"query": query, **more})
    assert answer.status_code == 200, answer.text
    said: dict[str, object] = answer.json()
    return said


def shown(said: dict[str, object]) -> list[str]:
    items = said["items"]
    assert isinstance(items, list)
    return [item["item_id"] for item in items]


def test_an_answer_has_what_the_conventions_name(shared: Running) -> None:
    said = page(shared.client, "hiking boots under $20", k=3, user_id="u00", explain=True)
    names = {"request_id", "query_id", "understood", "relaxed", "items", "facets", "total", "took_ms", "release"}
    assert names <= said.keys()
    assert said["understood"]["price"] == {"lte": 20.0}  # type: ignore[index]
    assert [item["rank"] for item in said["items"]] == [1, 2, 3]  # type: ignore[attr-defined]
    assert all(item["reasons"] and item["matched"] for item in said["items"])  # type: ignore[attr-defined]
    counts = {facet["field"]: facet["values"] for facet in said["facets"]}  # type: ignore[attr-defined]
    assert counts["brand"][0]["value"] == "Alpina"


def test_ranks_go_on_from_page_to_page(client: httpx.Client) -> None:
    second = page(client, "hiking boots", k=2, offset=2)
    assert [item["rank"] for item in second["items"]] == [3, 4]  # type: ignore[attr-defined]
    assert shown(second) == shown(page(client, "hiking boots", k=4))[2:]


def test_an_item_is_found_within_a_second_and_gone_when_it_is_deleted(fresh: Running) -> None:
    page(fresh.client, "tea")
    fresh.client.put("/v1/items/lute", json={"name": "Renaissance lute", "price": 400})
    wait_for(fresh.client, "lute", is_there=True)
    fresh.client.put("/v1/items/lute", json={"name": "Renaissance lute", "price": 50})
    assert page(fresh.client, "lute under $60", k=1)["items"][0]["price"] == 50.0  # type: ignore[index]
    fresh.client.delete("/v1/items/lute")
    assert "lute" not in shown(page(fresh.client, "lute", k=100))


def wait_for(client: httpx.Client, item: str, *, is_there: bool) -> None:
    """The first answer after a change may be that of a moment before."""
    for _ in range(20):
        if (item in shown(page(client, item, k=1))) == is_there:
            return
    raise AssertionError(f"{item} is not found")


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"query": "tea", "filter": {"colour": "red"}}, "no item has such a field"),
        ({"query": "tea", "filter": {"price": {"above": 3}}}, "use a value"),
        ({"query": "tea", "k": 0}, "k"),
        ({"query": "tea", "personalise": 2}, "personalise"),
        ({"query": "tea", "offset": 100_000}, "offset"),
        ({"query": "tea", "sort": "price"}, "sort"),
        ({}, "query"),
        ({"query": 7}, "query"),
    ],
)
def test_a_wrong_request_is_refused_by_name(client: httpx.Client, body: dict[str, object], why: str) -> None:
    assert why in is_problem(client.post("/v1/search", json=body), 422)


TYPED = st.text(max_size=200) | st.sampled_from(
    [
        "",
        " ",
        "the",
        "🎁" * 50,
        "a" * 10_000,
        "' OR 1=1; --",
        'name:"tea" AND (x OR',
        "+tea -boot ~2 ^3 [1 TO 2]",
        "שלום",
    ]
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TYPED, st.sampled_from([None, "u00", "nobody"]), st.integers(0, 70))
def test_whatever_is_typed_there_is_a_page(client: httpx.Client, query: str, user: str | None, offset: int) -> None:
    said = page(client, query, user_id=user, k=5, offset=offset)
    assert len(shown(said)) == min(5, max(0, said["total"] - offset))  # type: ignore[operator]

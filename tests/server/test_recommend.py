"""Recommendations, profiles and items over HTTP, as a shop uses them."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.server.running import Running, is_problem, recommended, seen, send


def test_a_tea_drinker_is_shown_tea_and_not_what_she_bought(client: httpx.Client) -> None:
    shown = recommended(client, "u00", k=14)  # u00 bought tea-04
    assert set(shown) == {f"tea-{n:02d}" for n in range(15)} - {"tea-04"}


def test_an_answer_names_its_release_its_request_and_its_ranks(shared: Running) -> None:
    said = shared.client.post("/v1/recommend", json={"user_id": "u01", "k": 3}).json()
    assert said["release"] == shared.client.get("/health/ready").json()["release"]
    assert [item["rank"] for item in said["items"]] == [1, 2, 3]
    assert said["request_id"]
    assert said["took_ms"] > 0


def test_every_reason_rests_on_real_events_of_the_person(client: httpx.Client) -> None:
    own = {event["event_id"] for event in client.get("/v1/users/u02/profile/evidence").json()["events"]}
    said = client.post("/v1/recommend", json={"user_id": "u02", "k": 5, "explain": True}).json()
    reasons = [reason for item in said["items"] for reason in item["reasons"]]
    assert {reason["kind"] for reason in reasons} & {"followed", "interest"}
    assert all(len(reason["evidence"]) <= 3 for reason in reasons)
    assert all(set(reason["evidence"]) <= own for reason in reasons)
    assert all(item["reasons"] for item in said["items"])
    assert all(-1 <= reason["effect"] <= 1 for reason in reasons)


def test_without_explain_there_are_no_reasons(client: httpx.Client) -> None:
    said = client.post("/v1/recommend", json={"user_id": "u02", "k": 2}).json()
    assert [item["reasons"] for item in said["items"]] == [[], []]


def test_a_person_never_seen_is_answered_by_popularity(client: httpx.Client) -> None:
    said = client.post("/v1/recommend", json={"user_id": "nobody yet", "k": 5, "explain": True}).json()
    assert said["basis"] == "popularity"
    assert len(said["items"]) == 5
    assert all(item["reasons"][0]["kind"] == "popular" for item in said["items"])


def test_a_session_without_a_person_is_answered_by_its_events(client: httpx.Client) -> None:
    session = [{"event": "view_item", "item_id": f"boot-0{n}"} for n in range(3)]
    said = client.post("/v1/recommend", json={"session": session, "k": 5}).json()
    assert said["basis"] == "profile"
    assert all(item["item_id"].startswith("boot-") for item in said["items"])


def test_a_session_that_names_a_user_and_both_or_neither_are_refused(client: httpx.Client) -> None:
    named = client.post("/v1/recommend", json={"session": [seen("ann", "tea-00")]})
    assert "session[0]" in is_problem(named, 422)
    for body in ({}, {"user_id": "u00", "session": []}):
        assert "exactly one" in is_problem(client.post("/v1/recommend", json=body), 422)


def test_a_filter_leaves_only_what_passes(client: httpx.Client) -> None:
    where = {"category": "Lamp", "price": {"gte": 12, "lte": 14}, "size": {"not": "S"}}
    shown = recommended(client, "u00", k=50, filter=where)  # prices 12, 13, 14; sizes L, S, M
    assert set(shown) == {"lamp-02", "lamp-04"}


def test_candidates_bound_the_answer_and_unknown_ones_are_passed_over(client: httpx.Client) -> None:
    shown = recommended(client, "u00", candidates=["book-01", "tea-09", "no such item", "book-01"])
    assert sorted(shown) == ["book-01", "tea-09"]
    assert recommended(client, "u00", candidates=[]) == []


def test_as_of_answers_with_what_was_known_then(client: httpx.Client) -> None:
    long_ago = (datetime.now(UTC) - timedelta(days=400)).isoformat()
    then = client.post("/v1/recommend", json={"user_id": "u00", "as_of": long_ago}).json()
    assert then["basis"] == "popularity"
    assert client.get("/v1/users/u00/profile", params={"as_of": long_ago}).json()["interests"] == []
    evidence = client.get("/v1/users/u00/profile/evidence", params={"as_of": long_ago}).json()
    assert evidence["events"] == []


def test_denied_consent_leaves_nothing_personal(client: httpx.Client) -> None:
    send(client, *(seen("private", f"tea-0{n}") for n in range(3)))
    assert recommended(client, "private", k=1)[0].startswith("tea-")
    said = {"scope": "personalisation", "status": "denied"}
    send(client, seen("private", "x", event="consent", properties=said) | {"item_id": None})
    answer = client.post("/v1/recommend", json={"user_id": "private", "k": 5, "explain": True}).json()
    stranger = recommended(client, "a stranger to all", k=5)
    assert answer["basis"] == "consent"
    assert [item["item_id"] for item in answer["items"]] == stranger
    assert all(not reason["evidence"] for item in answer["items"] for reason in item["reasons"])
    profile = client.get("/v1/users/private/profile").json()
    assert (profile["interests"], profile["needs"]) == ([], [])
    assert profile["consents"]["personalisation"] == "denied"


def patched(client: httpx.Client, user: str, **edit: object) -> dict[str, list[str]]:
    answer = client.patch(f"/v1/users/{user}/profile", json={"edits": [edit]})
    assert answer.status_code == 200, answer.text
    said: dict[str, list[str]] = answer.json()
    return said


def test_a_muted_category_goes_from_profile_and_answer_and_undo_brings_it_back(client: httpx.Client) -> None:
    send(client, *(seen("editor", f"tea-0{n}", event_id=f"editor-{n}") for n in range(3)))
    muted = patched(client, "editor", op="mute", facet="category", value="Shop > Tea")
    assert "Shop > Tea" not in str(muted["interests"])
    assert not any(item.startswith("tea-") for item in recommended(client, "editor", k=60))
    undone = patched(client, "editor", op="undo", edit_id=muted["edit_ids"][0])
    assert "Shop > Tea" in str(undone["interests"])
    assert recommended(client, "editor", k=1)[0].startswith("tea-")


def test_an_added_interest_is_followed_without_any_event(client: httpx.Client) -> None:
    said = patched(client, "wisher", op="add", facet="category", value="Shop > Lamp", weight=1.0)
    assert [facet["value"] for facet in said["interests"]] == ["Shop > Lamp"]  # type: ignore[index]
    assert all(item.startswith("lamp-") for item in recommended(client, "wisher", k=5))


def test_an_excluded_event_no_longer_counts(client: httpx.Client) -> None:
    send(client, seen("gifter", "tea-00", event_id="a-gift"), seen("gifter", "book-00"))
    said = patched(client, "gifter", op="exclude_event", event_id="a-gift")
    assert [f["value"] for f in said["interests"] if f["facet"] == "brand"] == ["Folio"]  # type: ignore[index]


@pytest.mark.parametrize(
    "edit",
    [{"op": "mute"}, {"op": "exclude_event"}, {"op": "undo"}, {"op": "fly"}, {"op": "add", "facet": "a", "weight": -1}],
)
def test_an_edit_that_says_too_little_is_refused(client: httpx.Client, edit: dict[str, object]) -> None:
    is_problem(client.patch("/v1/users/u03/profile", json={"edits": [edit]}), 422)


def test_a_new_item_is_recommended_by_its_text_at_once(client: httpx.Client) -> None:
    body = {"name": "green tea leaves first flush", "brand": "Uji", "category": ["Shop", "Tea"], "price": 20}
    assert client.put("/v1/items/new-tea", json=body).status_code == 204
    assert client.get("/v1/items/new-tea").json()["price"] == 20.0
    assert "new-tea" in recommended(client, "u04", k=15)
    near = client.get("/v1/items/new-tea/similar", params={"k": 3}).json()["items"]
    assert all(item["item_id"].startswith("tea-") for item in near)
    assert "new-tea" in [item["item_id"] for item in client.get("/v1/items/tea-00/similar?k=15").json()["items"]]
    client.delete("/v1/items/new-tea")


def test_a_deleted_item_is_never_shown_again(fresh: Running) -> None:
    first = recommended(fresh.client, "u00", k=1)[0]
    assert fresh.client.delete(f"/v1/items/{first}").status_code == 204
    assert first not in recommended(fresh.client, "u00", k=60)
    assert first not in recommended(fresh.client, "u00", candidates=[first])
    near = fresh.client.get("/v1/items/tea-00/similar", params={"k": 59}).json()["items"]
    assert first not in [item["item_id"] for item in near]
    is_problem(fresh.client.get(f"/v1/items/{first}"), 404)
    is_problem(fresh.client.delete(f"/v1/items/{first}"), 404)


def test_an_item_out_of_stock_is_not_shown(fresh: Running) -> None:
    first = recommended(fresh.client, "u00", k=1)[0]
    fresh.client.post("/v1/items", json=[{"item_id": first, "in_stock": False}]).raise_for_status()
    assert fresh.client.get(f"/v1/items/{first}").json()["brand"] == "Uji"  # the rest of the item stays
    assert first not in recommended(fresh.client, "u00", k=60)


def test_putting_an_item_replaces_all_of_it(fresh: Running) -> None:
    fresh.client.put("/v1/items/tea-00", json={"name": "plain"}).raise_for_status()
    item = fresh.client.get("/v1/items/tea-00").json()
    assert (item["brand"], item["price"], item["category"]) == (None, None, [])


def test_many_items_at_once_name_the_bad_ones(client: httpx.Client) -> None:
    items = [{"item_id": "bulk-1", "name": "a"}, {"name": "no id"}, {"item_id": "bulk-2", "category": [" "]}]
    said = client.post("/v1/items", json=items).json()
    assert said["accepted"] == 2
    assert [bad["index"] for bad in said["rejected"]] == [1]


def test_an_unknown_item_has_popular_neighbours(client: httpx.Client) -> None:
    said = client.get("/v1/items/never%20heard%20of/similar", params={"k": 4}).json()
    assert len(said["items"]) == 4


def test_users_are_paged_in_order_without_gaps(client: httpx.Client) -> None:
    names: list[str] = []
    after = None
    while True:
        page = client.get("/v1/users", params={"limit": 7} | ({"after": after} if after else {})).json()
        names += [user["user_id"] for user in page["users"]]
        after = page["after"]
        if after is None:
            break
    assert names == sorted(set(names))
    assert {f"u{n:02d}" for n in range(40)} <= set(names)
    first = client.get("/v1/users", params={"limit": 1, "after": "u04~"}).json()["users"][0]
    assert (first["user_id"], first["n_events"]) == ("u05", 8)


def test_evidence_is_newest_first_and_bounded(client: httpx.Client) -> None:
    said = client.get("/v1/users/u07/profile/evidence", params={"limit": 3}).json()
    assert said["n_events"] == 8
    assert [event["event_id"] for event in said["events"]] == ["u07-7", "u07-6", "u07-5"]
    assert "limit" in is_problem(client.get("/v1/users/u07/profile/evidence", params={"limit": 0}), 422)


def test_variety_is_asked_for_and_said(client: httpx.Client) -> None:
    said = client.post("/v1/recommend", json={"user_id": "u00", "k": 6, "diversity": 0.9}).json()
    assert said["arranged"] == ["diversity: 0.9"]
    assert len({item["item_id"].split("-")[0] for item in said["items"]}) > 1
    assert client.post("/v1/recommend", json={"user_id": "u00"}).json()["arranged"] == []
    assert "diversity" in is_problem(client.post("/v1/recommend", json={"user_id": "u00", "diversity": 2}), 422)

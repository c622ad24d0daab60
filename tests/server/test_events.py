"""Events over HTTP: in any of the three forms, once each, and the profile and the answer change at once."""

import httpx
import orjson
import pytest

from tests.server.running import is_problem, recommended, seen, send


def test_one_object_is_one_event(client: httpx.Client) -> None:
    answer = client.post("/v1/events", json=seen("one-object", "tea-00"))
    assert answer.json() | {"took_ms": 0} == {"accepted": 1, "duplicates": 0, "rejected": [], "took_ms": 0}


def test_an_array_is_as_many_events(client: httpx.Client) -> None:
    answer = client.post("/v1/events", json=[seen("array", f"tea-0{n}") for n in range(3)])
    assert answer.json()["accepted"] == 3


@pytest.mark.parametrize("content_type", ["application/x-ndjson", "application/json"])
def test_ndjson_is_one_event_a_line(client: httpx.Client, content_type: str) -> None:
    lines = [orjson.dumps(seen(f"lines {content_type}", f"tea-0{n}")) for n in range(3)]
    answer = client.post("/v1/events", content=b"\n".join(lines), headers={"content-type": content_type})
    assert answer.json()["accepted"] == 3


def test_the_bad_events_of_a_batch_are_named_by_index_and_the_rest_is_kept(client: httpx.Client) -> None:
    batch = [seen("ivy", "tea-00"), seen("ivy", "tea-00", event="viewitem"), seen("ivy", "tea-01"), 7]
    said = client.post("/v1/events", json=batch).json()
    assert said["accepted"] == 2
    assert [bad["index"] for bad in said["rejected"]] == [1, 3]
    assert "view_item" in said["rejected"][0]["reason"]
    assert "object" in said["rejected"][1]["reason"]


def test_a_repeated_id_counts_once_within_a_batch_and_across_batches(client: httpx.Client) -> None:
    event = seen("dup", "tea-00", event_id="dup-1")
    within = client.post("/v1/events", json=[event, event]).json()
    across = client.post("/v1/events", json=event).json()
    assert (within["accepted"], within["duplicates"]) == (1, 1)
    assert (across["accepted"], across["duplicates"]) == (0, 1)
    assert client.get("/v1/users/dup/profile/evidence").json()["n_events"] == 1


def test_an_empty_body_is_no_event(client: httpx.Client) -> None:
    assert client.post("/v1/events", content=b"").json()["accepted"] == 0


def test_an_event_changes_the_next_profile_and_the_next_answer(client: httpx.Client) -> None:
    before = client.get("/v1/users/newcomer/profile").json()
    assert before["interests"] == []
    send(client, *(seen("newcomer", f"lamp-0{n}", event_id=f"newcomer-{n}") for n in range(3)))
    after = client.get("/v1/users/newcomer/profile").json()
    kinds = {facet["value"]: facet for facet in after["interests"] if facet["facet"] == "category"}
    assert set(kinds["Shop > Lamp"]["evidence"]) == {"newcomer-0", "newcomer-1", "newcomer-2"}
    assert after["version"] != before["version"]
    assert all(item.startswith("lamp-") for item in recommended(client, "newcomer", k=5))
    send(client, *(seen("newcomer", f"book-0{n}", event="add_to_cart") for n in range(4)))
    assert recommended(client, "newcomer", k=1)[0].startswith("book-")


def test_what_was_read_of_a_review_is_in_the_mood(client: httpx.Client) -> None:
    send(client, seen("critic", "tea-00", event="review", text="terrible, broken, I hate it", rating=1))
    assert client.get("/v1/users/critic/profile").json()["mood"]["label"] == "negative"


def test_an_anonymous_visitor_becomes_a_person_by_identify(client: httpx.Client) -> None:
    moved = [seen("", f"boot-0{n}") | {"user_id": None, "anonymous_id": "cookie-9"} for n in range(3)]
    send(client, *moved)
    send(client, seen("late-login", "boot-00", event="identify", anonymous_id="cookie-9") | {"item_id": None})
    assert client.get("/v1/users/late-login/profile").json()["behaviour"]["counts"]["view_item"] == 3


def test_the_live_stream_says_what_was_accepted(client: httpx.Client) -> None:
    with client.stream("GET", "/v1/events/live", timeout=10) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        send(client, seen("watched", "tea-00", event_id="watched-1"))
        for line in stream.iter_lines():
            if line.startswith("data: ") and orjson.loads(line[6:])["event_id"] == "watched-1":
                break


def test_a_body_that_is_no_json_is_rejected_by_name(client: httpx.Client) -> None:
    said = client.post("/v1/events", content=b"{not json").json()
    assert said["accepted"] == 0
    assert "JSON" in said["rejected"][0]["reason"]


def test_a_method_that_is_not_served_says_which_are(client: httpx.Client) -> None:
    answer = client.put("/v1/events")
    is_problem(answer, 405)
    assert answer.headers["allow"] == "POST"

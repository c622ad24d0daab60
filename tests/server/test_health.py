"""Health, metrics, documentation, and releases that are switched under a running server."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx

from huaxiang.release import Releases
from tests.server.running import Running, is_problem, recommended, serving
from tests.shops import make_release, settings_of, stock

PATHS = {
    "/v1/events": {"post"},
    "/v1/audiences": {"post"},
    "/v1/events/live": {"get"},
    "/v1/items": {"post"},
    "/v1/items/{item_id}": {"get", "put", "delete"},
    "/v1/items/{item_id}/similar": {"get"},
    "/v1/users": {"get"},
    "/v1/users/{user_id}/export": {"get"},
    "/v1/users/{user_id}/profile": {"delete", "get", "patch"},
    "/v1/users/{user_id}/profile/evidence": {"get"},
    "/v1/recommend": {"post"},
    "/v1/search": {"post"},
    "/v1/suggest": {"get"},
    "/health/live": {"get"},
    "/health/ready": {"get"},
    "/metrics": {"get"},
}


def test_ready_is_503_until_a_release_is_made_and_then_200_without_a_restart(tmp_path: Path) -> None:
    stock(tmp_path / "shop")
    with serving(settings_of(tmp_path / "shop")) as running:
        before = running.client.get("/health/ready")
        assert before.status_code == 503
        assert before.json()["release"] is None
        is_problem(running.client.post("/v1/recommend", json={"user_id": "u00"}), 503)
        made = make_release(tmp_path / "shop")
        assert following(running.client, made.id)["status"] == "ready"
        assert recommended(running.client, "u00", k=1)[0].startswith("tea-")


def following(client: httpx.Client, release: str, seconds: float = 20.0) -> dict[str, str]:
    """Wait until the server has opened a release."""
    until = time.monotonic() + seconds
    while (said := client.get("/health/ready").json())["release"] != release:
        assert time.monotonic() < until, f"still {said}, not {release}"
        time.sleep(0.02)
    return dict(said)


class Asking:
    """Asks for recommendations without end, in threads, until the block is left; notes every answer."""

    def __init__(self, running: Running, threads: int = 2) -> None:
        self._stop = threading.Event()
        self._url = str(running.client.base_url)
        self._threads = [threading.Thread(target=self._ask, args=(n,)) for n in range(threads)]
        self.answers: list[tuple[int, str]] = []

    def _ask(self, number: int) -> None:
        with httpx.Client(base_url=self._url, timeout=30, trust_env=False) as client:
            while not self._stop.is_set():
                answer = client.post("/v1/recommend", json={"user_id": f"u0{number}", "k": 3, "explain": True})
                said = answer.json()
                self.answers.append((answer.status_code, str(said.get("release"))))

    def __enter__(self) -> "Asking":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def test_a_switch_and_a_rollback_fail_no_request(fresh: Running) -> None:
    first = fresh.client.get("/health/ready").json()["release"]
    releases = Releases(fresh.data_dir / "releases")
    with Asking(fresh) as asking:
        second = make_release(fresh.data_dir).id
        following(fresh.client, second)
        assert releases.rollback().id == first
        following(fresh.client, first)
        time.sleep(0.1)
    assert {status for status, _ in asking.answers} == {200}
    assert {release for _, release in asking.answers} == {first, second}
    assert len(asking.answers) > 20


def test_a_release_that_cannot_be_opened_leaves_the_one_before_in_use(fresh: Running) -> None:
    first = fresh.client.get("/health/ready").json()["release"]
    second = make_release(fresh.data_dir)
    following(fresh.client, second.id)
    releases = Releases(fresh.data_dir / "releases")
    releases.rollback()
    following(fresh.client, first)
    (second.path / "encoder" / "model.onnx").write_bytes(b"")  # the disk lost it
    (fresh.data_dir / "releases" / "current").write_text(second.id, encoding="utf-8")
    time.sleep(1.5)
    assert fresh.client.get("/health/ready").json()["release"] == first
    assert recommended(fresh.client, "u00", k=1)
    releases.use(first)
    assert following(fresh.client, first)["status"] == "ready"


def test_the_command_line_lists_switches_and_goes_back(fresh: Running) -> None:
    first = fresh.client.get("/health/ready").json()["release"]
    second = make_release(fresh.data_dir).id

    def said(*command: str) -> str:
        start = "from huaxiang.cli.main import main; main()"
        huaxiang = [sys.executable, "-c", start, "release", *command, "--data-dir", str(fresh.data_dir)]
        return subprocess.run(huaxiang, capture_output=True, text=True, check=True).stdout

    assert f"* {second}" in said("list")
    assert first in said("rollback")
    assert following(fresh.client, first)


def test_metrics_count_answers_by_route_and_never_by_id(fresh: Running) -> None:
    for user in ("a-very-private-id", "u00"):
        fresh.client.get(f"/v1/users/{user}/profile")
    fresh.client.get("/v1/nowhere")
    answer = fresh.client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    assert 'huaxiang_http_answers_total{route="/v1/users/{user_id:id}/profile",status="200"} 2.0' in answer.text
    assert 'status="404"} 1.0' in answer.text
    assert "huaxiang_http_seconds_bucket" in answer.text
    assert "private" not in answer.text


def test_the_documentation_lists_every_route(client: httpx.Client) -> None:
    assert "openapi.json" in client.get("/docs").text
    said = client.get("/openapi.json").json()
    listed = {path: set(methods) for path, methods in said["paths"].items()}
    assert {path.replace(":id}", "}"): methods for path, methods in listed.items()} == PATHS

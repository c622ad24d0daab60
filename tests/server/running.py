"""A server on a free loopback port, in a thread of this process, and a client of it."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import httpx
import orjson
import uvicorn

from huaxiang.config import Settings
from huaxiang.server.app import create_app


@dataclass(frozen=True)
class Running:
    """A server that answers on loopback."""

    port: int
    data_dir: Path
    client: httpx.Client

    def raw(self, method: str, path: str, body: bytes | None = None) -> tuple[int, str, Any]:
        """Send a path byte for byte, as no client library would rewrite it: status, content type, JSON."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path, body, {"content-type": "application/json"} if body else {})
        answer = connection.getresponse()
        said = answer.read()
        connection.close()
        return answer.status, answer.headers.get("content-type", ""), orjson.loads(said) if said else None


def free_port() -> int:
    """A port that nobody holds now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_live(client: httpx.Client, seconds: float = 60.0) -> None:
    """Return as soon as the server answers."""
    until = time.monotonic() + seconds
    while True:
        try:
            client.get("/health/live").raise_for_status()
        except httpx.TransportError:
            if time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return


@contextmanager
def serving(settings: Settings) -> Iterator[Running]:
    """Serve until the block ends."""
    port = free_port()
    config = uvicorn.Config(create_app(settings), port=port, log_level="error", access_log=False, ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as client:
            wait_until_live(client)
            yield Running(port, settings.data_dir, client)
    finally:
        server.should_exit = True
        thread.join(timeout=20)
    assert not thread.is_alive()


def seen(user_id: str, item_id: str, event: str = "view_item", **more: Any) -> dict[str, Any]:
    """An event of a second ago."""
    moment = datetime.now(UTC) - timedelta(seconds=1)
    return {"event": event, "user_id": user_id, "item_id": item_id, "timestamp": moment.isoformat()} | more


def send(client: httpx.Client, *events: dict[str, Any]) -> dict[str, Any]:
    """Send events that must all be kept."""
    answer = client.post("/v1/events", json=list(events))
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    assert not said["rejected"], said
    return said


def recommended(client: httpx.Client, user_id: str, **more: Any) -> list[str]:
    """The recommended item ids."""
    answer = client.post("/v1/recommend", json={"user_id": user_id, **more})
    assert answer.status_code == 200, answer.text
    return [item["item_id"] for item in answer.json()["items"]]


def is_problem(answer: httpx.Response, status: int) -> str:
    """Assert an RFC 9457 problem document of this status; its detail."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    said = answer.json()
    assert said["status"] == status
    assert said["title"]
    assert said["detail"]
    return str(said["detail"])

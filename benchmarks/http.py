"""The service over loopback: durable ingest in batches of 500, and the time to answer of one client in a closed loop.

python -m benchmarks.http [--data-dir DIR] [--events 100000] [--requests 2000] [--warm-up 200] [--json FILE]

DIR is a shop with a release, and is copied; without it the demo shop is built. Server and client share the machine.
Status 1 where a target is missed.
"""

import argparse
import os
import random
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
import psutil

from benchmarks.ingest import make_events
from benchmarks.machine import Figure, commit, judged, load, machine
from huaxiang.store import open_store
from huaxiang.types import Event

BATCH = 500
HUAXIANG = [sys.executable, "-c", "from huaxiang.cli.main import main; main()"]
FIELDS = ("event", "user_id", "item_id", "session_id", "value", "currency", "quantity", "rating", "text", "query")

Ask = tuple[str, str, bytes | None]
"""Method, path, body."""


class Client:
    """One kept connection; the standard library's client costs the least beside the server that is measured."""

    def __init__(self, port: int) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=120)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """The body of an answer that must be 200."""
        self._connection.request(method, path, body, {"content-type": "application/json"} if body else {})
        answer = self._connection.getresponse()
        said = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{method} {path}: {answer.status} {said[:500]!r}")
        return said


@contextmanager
def serving(folder: Path) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """`huaxiang serve` over a data directory, as a process of its own, once it is ready."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [*HUAXIANG, "serve", "--data-dir", str(folder), "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        _wait(port, process)
        yield port, process
    finally:
        process.kill()
        process.wait()


def _wait(port: int, process: subprocess.Popen[bytes], seconds: float = 120.0) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            with Client(port) as client:
                client.ask("GET", "/health/ready")
        except OSError as error:
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError("the server did not start; run `huaxiang serve` to see why") from error
            time.sleep(0.05)
        else:
            return


def fill(folder: Path, data_dir: Path | None) -> None:
    """A copy of a shop, or the demo shop."""
    if data_dir is None:
        subprocess.run([*HUAXIANG, "demo", "--build-only", "--data-dir", str(folder)], check=True)
    else:
        shutil.copytree(data_dir, folder)


def people_of(client: Client) -> list[str]:
    """Every user of the shop."""
    people: list[str] = []
    after = ""
    while True:
        page = orjson.loads(client.ask("GET", f"/v1/users?limit=1000{after}"))
        people += [user["user_id"] for user in page["users"]]
        if page["after"] is None:
            return people
        after = f"&after={quote(page['after'], safe='')}"


def items_of(client: Client) -> list[str]:
    """A thousand items, as a stranger is shown them."""
    said = orjson.loads(client.ask("POST", "/v1/recommend", b'{"user_id":"a stranger","k":1000}'))
    return [item["item_id"] for item in said["items"]]


def timed(
    client: Client, server: psutil.Process, make: Callable[[], Ask], n: int, warm_up: int
) -> tuple[list[float], float]:
    """Milliseconds of each of `n` requests, one after another, after a warm-up; and of the server's CPU for one."""
    for _ in range(warm_up):
        client.ask(*make())
    took: list[float] = []
    spent = sum(server.cpu_times()[:2])
    for _ in range(n):
        asked = make()
        began = time.perf_counter()
        client.ask(*asked)
        took.append((time.perf_counter() - began) * 1_000)
    return took, (sum(server.cpu_times()[:2]) - spent) * 1_000 / n


def latencies(client: Client, server: psutil.Process, n: int, warm_up: int, rng: random.Random) -> list[Figure]:
    """Median and 99th percentile of each route; that of an answer without work is the floor under them.

    The server's CPU time for a request stands beside them, as it is hardly moved by what else the machine does.
    """
    people, items = people_of(client), items_of(client)

    def recommend(*, explain: bool) -> Ask:
        return "POST", "/v1/recommend", orjson.dumps({"user_id": rng.choice(people), "k": 10, "explain": explain})

    routes: dict[str, tuple[Callable[[], Ask], tuple[float, float] | None]] = {
        "recommend": (lambda: recommend(explain=False), (5.0, 20.0)),
        "recommend with reasons": (lambda: recommend(explain=True), None),  # each is checked by a hundred answers more
        "profile": (lambda: ("GET", f"/v1/users/{quote(rng.choice(people), safe='')}/profile", None), None),
        "similar": (lambda: ("GET", f"/v1/items/{quote(rng.choice(items), safe='')}/similar", None), None),
        "floor (health)": (lambda: ("GET", "/health/live", None), None),
    }
    figures = []
    for name, (make, targets) in routes.items():
        took, cpu = timed(client, server, make, n, warm_up)
        figures.append(Figure(f"{name} over HTTP, CPU of the server", round(cpu, 3), "ms", load=load()))
        p50, p99 = statistics.median(took), statistics.quantiles(took, n=100)[98]
        for rank, value, target in (
            ("p50", p50, targets[0] if targets else None),
            ("p99", p99, targets[1] if targets else None),
        ):
            figures.append(Figure(f"{name} over HTTP, {rank}", round(value, 3), "ms", target, False, load()))
    return figures


def payload(number: int, event: Event) -> dict[str, Any]:
    """An event as a shop sends it."""
    said = {name: value for name in FIELDS if (value := getattr(event, name)) is not None}
    return said | {"event_id": f"bench-{number}", "timestamp": event.timestamp.isoformat()}


def ingest(folder: Path, n: int) -> Figure:
    """Events a second, each batch durable before the next is sent; the server is then killed and the log counted."""
    events = [payload(number, event) for number, event in enumerate(make_events(n, 5_000, seed=0))]
    bodies = [orjson.dumps(events[first : first + BATCH]) for first in range(0, n, BATCH)]
    accepted = 0
    with serving(folder) as (port, process), Client(port) as client:
        client.ask("POST", "/v1/events", b"[]")
        began = time.perf_counter()
        for body in bodies:
            accepted += orjson.loads(client.ask("POST", "/v1/events", body))["accepted"]
        took = time.perf_counter() - began
        process.send_signal(signal.SIGKILL)
        process.wait()
    store = open_store(f"sqlite:///{folder / 'shop.db'}")
    kept = sum(
        sum(name.startswith("bench-") for name in batch.column(0).to_pylist())
        for batch in store.scan(columns=["event_id"])
    )
    store.close()
    if not accepted == kept == n:
        raise RuntimeError(f"{n} events sent, {accepted} accepted, {kept} in the log after kill -9")
    return Figure(f"durable ingest over HTTP, batches of {BATCH}", round(n / took), "events/s", 3_000.0, True, load())


def measure(data_dir: Path | None, n_events: int, n_requests: int, warm_up: int) -> list[Figure]:
    """All figures, over a copy of a shop, or over the demo shop that is built here."""
    with tempfile.TemporaryDirectory(prefix="huaxiang-bench-") as work:
        folder = Path(work) / "shop"
        fill(folder, data_dir)
        with serving(folder) as (port, process), Client(port) as client:
            figures = latencies(client, psutil.Process(process.pid), n_requests, warm_up, random.Random(0))
        return [*figures, ingest(folder, n_events)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--requests", type=int, default=2_000)
    parser.add_argument("--warm-up", type=int, default=200)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(arguments)
    about = {"machine": machine(), "commit": commit(), "load": os.getloadavg()}
    figures = measure(asked.data_dir, asked.events, asked.requests, asked.warm_up)
    return judged(figures, about, asked.json)


if __name__ == "__main__":
    sys.exit(main())

"""What was acknowledged over HTTP is there: after kill -9 in mid-ingest, and after the disk was full."""

import os
import random
import resource
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import httpx

from huaxiang.store import open_store
from tests.server.children import MANY, child
from tests.server.running import free_port, is_problem, seen, serving, wait_until_live
from tests.shops import settings_of

RUNS = 20


def batch(name: str, **more: Any) -> list[dict[str, object]]:
    return [seen("ann", "tea", event_id=f"{name}-{at}", **more) for at in range(20)]


def kept_ids(folder: Path) -> Counter[str]:
    """How often the log holds each event id."""
    store = open_store(f"sqlite:///{folder}/shop.db")
    ids = [event_id for part in store.scan(columns=["event_id"]) for event_id in part.column(0).to_pylist()]
    store.close()
    return Counter(ids)


def ingest_until_killed(client: httpx.Client, run: int, acknowledged: set[str], first: threading.Event) -> None:
    """Send batches until the connection breaks, noting those that were answered with 200."""
    for number in range(100_000):
        try:
            answer = client.post("/v1/events", json=batch(f"{run}-{number}"))
        except httpx.TransportError:
            return
        assert answer.status_code == 200
        acknowledged.add(f"{run}-{number}")
        first.set()


def test_kill_9_in_mid_ingest_loses_nothing_acknowledged_and_doubles_nothing(tmp_path: Path) -> None:
    port, rng, acknowledged = free_port(), random.Random(7), set[str]()
    last: str | None = None
    command = [sys.executable, "-c", MANY, str(tmp_path), str(port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as servers:
        assert servers.stdin is not None
        assert servers.stdout is not None
        for run in range(RUNS):
            print(run, file=servers.stdin, flush=True)
            server = int(servers.stdout.readline())
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as client:
                wait_until_live(client)
                if last is not None:  # cut off before it heard the answer, a sender sends again
                    assert client.post("/v1/events", json=batch(last)).json()["duplicates"] == 20
                first = threading.Event()
                sender = threading.Thread(target=ingest_until_killed, args=(client, run, acknowledged, first))
                sender.start()
                assert first.wait(20)
                threading.Event().wait(rng.uniform(0, 0.05))
                os.kill(server, signal.SIGKILL)
                sender.join()
            last = max((name for name in acknowledged if name.startswith(f"{run}-")), default=None)
            assert servers.stdout.readline() == "died of 9\n"
        servers.stdin.close()
    assert len({name.split("-")[0] for name in acknowledged}) == RUNS
    kept = kept_ids(tmp_path)
    assert {f"{name}-{at}" for name in acknowledged for at in range(20)} <= set(kept)
    assert set(kept.values()) == {1}
    assert all(sum(f"{name}-{at}" in kept for at in range(20)) == 20 for name in acknowledged)


def fill(client: httpx.Client) -> tuple[set[str], httpx.Response]:
    """Send batches until one is not taken: the names of those that were, and the answer that was not."""
    acknowledged = set[str]()
    for number in range(2_000):
        answer = client.post("/v1/events", json=batch(f"{number}", properties={"note": "tea " * 400}))
        if answer.status_code != 200:
            return acknowledged, answer
        acknowledged.add(f"{number}")
    raise AssertionError("the store never filled")


def test_a_full_disk_is_said_nothing_acknowledged_is_lost_and_it_goes_on_when_there_is_room(tmp_path: Path) -> None:
    with child(tmp_path) as (process, client):
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (3_000_000, resource.RLIM_INFINITY))
        acknowledged, refused = fill(client)
        assert "room" in is_problem(refused, 507)
        assert acknowledged
        assert client.get("/v1/users/ann/profile").json()["behaviour"]["n_events"] == 20 * len(acknowledged)
        assert client.get("/health/live").status_code == 200
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert client.post("/v1/events", json=batch("afterwards")).json()["accepted"] == 20
    kept = kept_ids(tmp_path)
    assert set(kept) == {f"{name}-{at}" for name in (*acknowledged, "afterwards") for at in range(20)}


def test_a_quota_in_the_address_of_the_store_holds_and_can_be_raised(tmp_path: Path) -> None:
    url = f"store.url=sqlite:///{tmp_path}/shop.db?max_bytes="
    with serving(settings_of(tmp_path, f"{url}1000000")) as running:
        acknowledged, refused = fill(running.client)
        assert "max_bytes" in is_problem(refused, 507)
    with serving(settings_of(tmp_path, f"{url}50000000")) as running:
        assert running.client.post("/v1/events", json=batch("afterwards")).json()["accepted"] == 20
    assert set(kept_ids(tmp_path)) == {f"{name}-{at}" for name in (*acknowledged, "afterwards") for at in range(20)}

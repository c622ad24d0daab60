"""What was acknowledged is there: after kill -9 in mid-ingest, and after the disk was full."""

import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

from huaxiang.store import open_store
from tests.contracts.store import view

# For every line it reads it forks a process that appends batches without end, naming each once it is acknowledged, and
# says when that process died. One start of Python, twenty processes with the store opened anew.
SELLERS = """
import os, sys
from datetime import UTC, datetime
from huaxiang.store import open_store, sqlite  # loaded once, for all who are forked
from huaxiang.types import Event

def sell(run):
    store, when = open_store(sys.argv[1]), datetime.now(UTC)
    for batch in range(100_000):
        events = [Event("like", when, user_id="ann", event_id=f"{run}-{batch}-{n}") for n in range(20)]
        store.append(events)
        os.write(1, f"{run}-{batch}\\n".encode())

for line in sys.stdin:
    seller = os.fork()
    if not seller:
        os.write(1, f"{os.getpid()}\\n".encode())
        sell(line.strip())
    _, status = os.waitpid(seller, 0)
    os.write(1, f"died of {os.WTERMSIG(status)}\\n".encode())
"""

# Appends until the file size limit refuses, says what was acknowledged and with which error.
HOARDER = """
import sys
from datetime import UTC, datetime
from huaxiang.errors import StoreFullError
from huaxiang.store import open_store
from huaxiang.types import Event

store, kept = open_store(sys.argv[1]), 0
when = datetime.now(UTC)
try:
    for batch in range(10_000):
        events = [Event("review", when, user_id="ann", event_id=f"{batch}-{n}", text="tea" * 500) for n in range(20)]
        kept += store.append(events).accepted
except StoreFullError as error:
    assert store.last_seq == kept, (store.last_seq, kept)
    print(kept, error)
"""


def test_kill_9_in_mid_ingest_loses_nothing_acknowledged(tmp_path: Path) -> None:
    url, rng, acknowledged = f"sqlite:///{tmp_path}/shop.db", random.Random(7), set[str]()
    open_store(url).close()
    run_sellers = [sys.executable, "-c", SELLERS, url]
    with subprocess.Popen(run_sellers, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as sellers:
        assert sellers.stdin is not None
        assert sellers.stdout is not None
        for run in range(20):
            print(run, file=sellers.stdin, flush=True)
            seller = int(sellers.stdout.readline())
            acknowledged.add(sellers.stdout.readline().strip())
            time.sleep(rng.uniform(0, 0.05))
            os.kill(seller, signal.SIGKILL)
            while not (line := sellers.stdout.readline()).startswith("died"):
                acknowledged.add(line.strip())
            assert line == "died of 9\n"
        sellers.stdin.close()
    store = open_store(url)
    kept = [event_id for batch in store.scan(columns=["event_id"]) for event_id in batch.column(0).to_pylist()]
    assert len(kept) == len(set(kept))
    assert {f"{batch}-{n}" for batch in acknowledged for n in range(20)} <= set(kept)
    assert len({name.split("-")[0] for name in acknowledged}) == 20
    assert len(kept) % 20 == 0, "a batch is kept whole or not at all"


def test_a_full_disk_loses_nothing_acknowledged_and_the_store_goes_on(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/shop.db"

    def small_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))

    run = [sys.executable, "-c", HOARDER, url]
    said = subprocess.run(run, preexec_fn=small_disk, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    kept, error = said.stdout.split(" ", 1)
    assert "make room" in error
    store = open_store(url)
    assert sum(batch.num_rows for batch in store.scan(columns=["seq"])) == int(kept) > 500
    assert store.append([view("ann", 1, "tea")]).accepted == 1

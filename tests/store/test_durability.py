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

# Appends batches without end and names each once it is acknowledged.
SELLER = """
import sys
from datetime import UTC, datetime
from huaxiang.store import open_store
from huaxiang.types import Event

store, run = open_store(sys.argv[1]), sys.argv[2]
for batch in range(10_000):
    when = datetime.now(UTC)
    events = [Event("like", when, user_id="ann", event_id=f"{run}-{batch}-{n}") for n in range(20)]
    store.append(events)
    print(f"{run}-{batch}", flush=True)
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
    # All children start at once and wait for the line that lets one go: twenty starts would cost half a minute.
    for run in range(20):
        with subprocess.Popen([sys.executable, "-c", SELLER, url, str(run)], stdout=subprocess.PIPE, text=True) as seller:
            assert seller.stdout is not None
            first = seller.stdout.readline().strip()
            time.sleep(rng.uniform(0, 0.05))
            os.kill(seller.pid, signal.SIGKILL)
            acknowledged |= {first, *seller.stdout.read().split("\n")[:-1]}
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

"""How live a profile is: folding, a profile that nothing is kept of, and the time from an event to a changed answer.

python -m benchmarks.profiles [--data-dir DIR] [--people 2000] [--requests 2000] [--json FILE]

`fold` is one core over histories of 200 events in memory. `cold` reads one such shopper of a store, folds and shows the
profile, each shopper once, in this process, whose collector of garbage is set as a server's is. `live` is one client of
`huaxiang serve` in a closed loop: an event is posted, then a recommendation asked for, and the clock stops when the
answer is there; answers with other items or other scores than before are counted. DIR is a shop with a release, and is
copied; without it the demo shop is built.
"""

import argparse
import gc
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import orjson

from benchmarks.http import Client, fill, items_of, people_of, serving
from benchmarks.machine import Figure, commit, judged, load, machine
from huaxiang.collect.catalogue import Catalogue
from huaxiang.profiles import FoldState, ItemFacets, Portraits
from huaxiang.profiles.fold import FoldConfig, fold, resolve
from huaxiang.server.app import COLLECT_AFTER, settle
from huaxiang.store import open_store
from huaxiang.types import Event

_EACH: Final = 200
_ITEMS: Final = 500
_NOW: Final = datetime(2026, 6, 1, tzinfo=UTC)
_ROUNDS: Final = 5


def history(user: int, rng: random.Random) -> list[Event]:
    """A shopper's 200 events in visits of six: looks, searches, carts and orders."""
    events = []
    for at in range(_EACH):
        moment = _NOW - timedelta(minutes=37 * (_EACH - at))
        kind = rng.choices(["view_item", "search", "add_to_cart", "purchase"], [75, 10, 10, 5])[0]
        events.append(
            Event(
                kind,
                moment,
                user_id=f"shopper-{user:05d}",
                item_id=None if kind == "search" else f"item-{rng.randrange(_ITEMS):03d}",
                query="red tea pot" if kind == "search" else None,
                value=9.5 if kind == "purchase" else None,
                currency="EUR" if kind == "purchase" else None,
                session_id=f"visit-{user}-{at // 6}",
                event_id=f"event-{user}-{at}",
                seq=user * _EACH + at + 1,
            )
        )
    return events


def of_fold(rng: random.Random) -> Figure:
    """Events a second of one core, the best of five rounds."""
    histories, config, best = [history(user, rng) for user in range(100)], FoldConfig(), 0.0
    for _ in range(_ROUNDS):
        began = time.process_time()
        for events in histories:
            fold(FoldState(), events, resolved=resolve(events), config=config)
        best = max(best, len(histories) * _EACH / (time.process_time() - began))
    return Figure("fold, one core", round(best), "events/s", 200_000.0, True, load())


def of_cold(n: int, rng: random.Random) -> list[Figure]:
    """Time of a profile whose events are read, folded and shown for the first time."""
    with tempfile.TemporaryDirectory(prefix="huaxiang-bench-") as folder:
        store = open_store(f"sqlite:///{folder}/shop.db")
        store.append([_item(at) for at in range(_ITEMS)])
        for start in range(0, n, 100):
            store.append([event for user in range(start, min(start + 100, n)) for event in history(user, rng)])
        catalogue = Catalogue(store)
        catalogue.refresh()
        portraits = Portraits(store, ItemFacets(catalogue))
        gc.set_threshold(*COLLECT_AFTER)
        settle()
        took = []
        for user in rng.sample(range(n), n):
            began = time.perf_counter()
            portraits.profile(f"shopper-{user:05d}", now=_NOW)
            took.append((time.perf_counter() - began) * 1_000)
        gc.unfreeze()
        store.close()
    took = took[n // 10 :]
    return _ranks("profile of a 200-event shopper, cold", took, 3.0)


def _item(at: int) -> Event:
    said = {
        "name": f"thing {at}",
        "brand": f"Brand {at % 20}",
        "category": ["Shop", f"Kind {at % 30}"],
        "price": 5.0 + at,
    }
    return Event("set_item", _NOW - timedelta(days=90), item_id=f"item-{at:03d}", properties=said)


def of_live(data_dir: Path | None, n: int, rng: random.Random) -> list[Figure]:
    """Milliseconds from sending an event to a recommendation that knows it."""
    with tempfile.TemporaryDirectory(prefix="huaxiang-bench-") as work:
        folder = Path(work) / "shop"
        fill(folder, data_dir)
        with serving(folder) as (port, _), Client(port) as client:
            people, items = people_of(client), items_of(client)
            took, n_same = [], 0
            for at in range(n + n // 10):
                milliseconds, is_same = _changed(client, rng.choice(people), rng.choice(items))
                if at >= n // 10:
                    took.append(milliseconds)
                    n_same += is_same
    changed = Figure("answers that an event changed", round(1.0 - n_same / n, 4), "", 0.98, True, load())
    return [*_ranks("POST of an event to the changed answer", took, 50.0), changed]


def _changed(client: Client, user: str, item: str) -> tuple[float, bool]:
    ask = orjson.dumps({"user_id": user, "k": 10})
    before = orjson.loads(client.ask("POST", "/v1/recommend", ask))["items"]
    said = {"event": "view_item", "user_id": user, "item_id": item, "timestamp": datetime.now(UTC).isoformat()}
    body = orjson.dumps(said)
    began = time.perf_counter()
    client.ask("POST", "/v1/events", body)
    after = client.ask("POST", "/v1/recommend", ask)
    took = (time.perf_counter() - began) * 1_000
    return took, orjson.loads(after)["items"] == before


def _ranks(name: str, took: Sequence[float], limit: float) -> list[Figure]:
    p50, p99 = statistics.median(took), statistics.quantiles(took, n=100)[98]
    return [
        Figure(f"{name}, p50", round(p50, 3), "ms", None, False, load()),
        Figure(f"{name}, p99", round(p99, 3), "ms", limit, False, load()),
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--people", type=int, default=2_000)
    parser.add_argument("--requests", type=int, default=2_000)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(arguments)
    about: dict[str, Any] = {"machine": machine(), "commit": commit(), "load": os.getloadavg()}
    rng = random.Random(0)
    figures = [of_fold(rng), *of_cold(asked.people, rng), *of_live(asked.data_dir, asked.requests, rng)]
    return judged(figures, about, asked.json)


if __name__ == "__main__":
    sys.exit(main())

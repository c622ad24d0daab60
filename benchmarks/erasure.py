"""Erasing one person out of a large shop: how long, and how long each of its steps.

python -m benchmarks.erasure [--events 1000000] [--own 1000] [--json FILE]

A shop of so many events of 20 to a person, 20,000 items, with a release of transitions, popularity and co-purchases
(fitted here, the encoder aside); one person has `--own` of the events, and a device. The limit named in the row is the
one to reach, 5 s for 1,000 of a million. The floor beside it is reading the data folder's bytes once, warm.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from benchmarks.machine import commit, load, machine
from huaxiang.config import load_settings
from huaxiang.pipeline import save_pipeline
from huaxiang.privacy import erasure
from huaxiang.retrieval.kinds import fit_retrievers
from huaxiang.retrieval.log import read_log, to_interactions
from huaxiang.shop import Shop
from huaxiang.store import EVENT_SCHEMA

_LIMIT: Final = 5.0
_EACH: Final = 20
_ITEMS: Final = 20_000
_AT_ONCE: Final = 100_000
_STEPS: Final = ("_told", "_gone", "_removed", "forget_people", "_search", "_receipt")


def main(given: Sequence[str]) -> None:
    """Build, erase, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--own", type=int, default=1_000)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(given)
    print(f"{machine()}; commit {commit()}; load {load():.2f}")
    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder) / "shop"
        build(data_dir, asked.events, asked.own)
        figures = measure(data_dir)
    figures |= {"events": asked.events, "own": asked.own, "limit_seconds": _LIMIT}
    for name, value in figures.items():
        print(f"  {name:24} {value}")
    if asked.json is not None:
        asked.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")


def build(data_dir: Path, n_events: int, own: int) -> None:
    """A shop of random events, and its release."""
    shop = Shop(load_settings(None, ("retrieval.n_candidates=300",), data_dir=data_dir))
    now, rng = datetime.now(UTC), np.random.default_rng(0)
    items = [
        {"event": "set_item", "item_id": f"item-{n:05d}", "properties": {"name": f"thing {n}"}} for n in range(_ITEMS)
    ]
    shop.intake.take([item | {"timestamp": (now - timedelta(days=90)).isoformat()} for item in items])
    for start in range(0, n_events, _AT_ONCE):
        n = min(_AT_ONCE, n_events - start)
        shop.store.append(_events(start, n, own if start == 0 else 0, now, rng))
    item_ids = sorted(item.item_id for item in shop.catalogue)
    met = to_interactions(read_log(shop.store, portraits=shop.portraits).interactions, item_ids)
    with shop.releases.draft() as draft:
        retrievers = fit_retrievers(met, ("transitions", "popular", "together"))
        vectors_MD = np.zeros((len(item_ids), 4), np.float32)
        save_pipeline(draft, item_ids, vectors_MD, retrievers, {"transitions": 1.0}, frozenset())
        draft.about |= {"seq": shop.store.last_seq, "n_people": met.n_users}
    shop.releases.use(draft.id)
    shop.close()


def _events(start: int, n: int, own: int, now: datetime, rng: np.random.Generator) -> pa.Table:
    people = (start + np.arange(n)) // _EACH
    users = [f"shopper-{person:07d}" for person in people]
    users[:own] = ["the-one-who-leaves"] * own
    moments = [now - timedelta(seconds=int(each)) for each in rng.integers(60, 90 * 86_400, n)]
    columns: dict[str, Any] = {
        "event_id": [f"event-{start + at:012d}" for at in range(n)],
        "event": ["view_item"] * n,
        "user_id": users,
        "item_id": [f"item-{item:05d}" for item in (rng.zipf(1.3, n) % _ITEMS)],
        "timestamp": moments,
    }
    return pa.table(columns, schema=pa.schema([EVENT_SCHEMA.field(name) for name in columns]))


def measure(data_dir: Path) -> dict[str, Any]:
    """Seconds of the erasure and of its steps, and of reading the folder once."""
    shop = Shop(load_settings(None, (), data_dir=data_dir))
    taken: dict[str, float] = {}
    for step in _STEPS:
        setattr(erasure, step, _timed(step, getattr(erasure, step), taken))
    started = time.perf_counter()
    receipt = erasure.erase(shop, "the-one-who-leaves", by="benchmark")
    whole = time.perf_counter() - started
    started = time.perf_counter()
    n_bytes = sum(len(path.read_bytes()) for path in data_dir.rglob("*") if path.is_file())
    floor = time.perf_counter() - started
    shop.close()
    steps = {f"seconds of {name.lstrip('_')}": round(seconds, 3) for name, seconds in taken.items()}
    return {
        "seconds": round(whole, 3),
        **steps,
        "bytes": n_bytes,
        "seconds to read them": round(floor, 3),
        "removed": receipt.removed["events"],
        "found": len(receipt.searched["found"]),
        "forgotten by": ", ".join(receipt.release.get("exact", ())),
        "of limit": round(whole / _LIMIT, 3),
    }


def _timed(name: str, step: Callable[..., Any], taken: dict[str, float]) -> Callable[..., Any]:
    def timed(*given: Any, **more: Any) -> Any:
        started = time.perf_counter()
        try:
            return step(*given, **more)
        finally:
            taken[name] = taken.get(name, 0.0) + time.perf_counter() - started

    return timed


if __name__ == "__main__":
    main(sys.argv[1:])

"""Durable ingest beside plain sqlite3: the same rows, the same table and indexes, the same pragmas, in one run.

python -m benchmarks.ingest [--events 200000] [--repeats 5] [--json FILE]
"""

import argparse
import json
import operator
import os
import platform
import random
import sqlite3
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from huaxiang.store import EVENT_SCHEMA, open_store
from huaxiang.store.rows import Row, microseconds, row_of
from huaxiang.store.schema import ROW_COLUMNS
from huaxiang.store.sqlite import SQLiteOptions, connection_pragmas
from huaxiang.types import Event

BATCH = 1_000
START = datetime(2026, 6, 1, tzinfo=UTC)
KINDS = ("view_item", "select_item", "search", "add_to_cart", "purchase", "review")
SHARES = (60, 15, 10, 8, 4, 3)
WORDS = (
    "good",
    "tea",
    "pot",
    "quick delivery",
    "small",
    "broken",
    "gift",
    "好用",
    "物流",
    "很快",
    "质量",
    "不错",
    "有点",
    "贵",
)


def make_events(n: int, n_users: int, seed: int) -> list[Event]:
    """A shop's log of 90 days: `n` events of `n_users`, half of them of the busiest users."""
    rng = random.Random(seed)
    made = []
    for number in range(n):
        kind = rng.choices(KINDS, SHARES)[0]
        user = min(int(rng.paretovariate(0.8)), n_users) if rng.random() < 0.5 else rng.randrange(n_users)
        spent = round(rng.lognormvariate(3, 1), 2) if kind in ("purchase", "add_to_cart") else None
        made.append(
            Event(
                event=kind,
                timestamp=START + timedelta(seconds=number * 90 * 86_400 / n, microseconds=rng.randrange(10**6)),
                user_id=f"user-{user:06d}",
                item_id=None if kind == "search" else f"item-{rng.randrange(3_000):05d}",
                session_id=f"s{rng.getrandbits(40):010x}",
                value=spent,
                currency=None if spent is None else "EUR",
                quantity=None if spent is None else float(rng.randint(1, 3)),
                rating=float(rng.randint(1, 5)) if kind == "review" else None,
                text=" ".join(rng.choices(WORDS, k=20)) if kind == "review" else None,
                query=" ".join(rng.choices(WORDS, k=2)) if kind == "search" else None,
                properties={"device": rng.choice(("phone", "desk")), "page": "/p"} if rng.random() < 0.2 else {},
            )
        )
    return made


def table_of(rows: Sequence[Row]) -> pa.Table:
    """The rows as the table that a file importer makes."""
    columns = dict(zip(ROW_COLUMNS, zip(*rows, strict=True), strict=True))
    columns["user_id"] = columns.pop("subject")
    schema = {field.name: field.type for field in EVENT_SCHEMA}
    arrays = {
        name: pa.array(values, pa.int64() if name == "timestamp" else schema[name]) for name, values in columns.items()
    }
    arrays["timestamp"] = arrays["timestamp"].view(schema["timestamp"])
    return pa.table(arrays)


def raw(path: Path, rows: Sequence[Row], batch: int) -> float:
    """Seconds for `sqlite3.executemany` of the rows into the table that the store makes, one commit a batch."""
    open_store(f"sqlite:///{path}").close()
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in connection_pragmas(SQLiteOptions()):
        connection.execute(f"PRAGMA {pragma}").fetchall()
    names = ", ".join(f'"{name}"' for name in ("seq", "received_at", *ROW_COLUMNS))
    insert = f"INSERT INTO events ({names}) VALUES ({', '.join('?' * (len(ROW_COLUMNS) + 2))})"
    now = microseconds(datetime.now(UTC))
    numbered = [(seq, now, *row) for seq, row in enumerate(rows, 1)]
    began = time.perf_counter()
    for first in range(0, len(numbered), batch):
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(insert, numbered[first : first + batch])
        connection.execute("COMMIT")
    took = time.perf_counter() - began
    connection.close()
    return took


def appended(path: Path, batches: Sequence[Sequence[Event] | pa.Table]) -> float:
    """Seconds for `store.append` of the batches."""
    store = open_store(f"sqlite:///{path}")
    began = time.perf_counter()
    accepted = sum(store.append(batch).accepted for batch in batches)
    took = time.perf_counter() - began
    assert accepted == store.last_seq, f"{accepted} accepted, {store.last_seq} in the log"
    store.close()
    return took


def look_ups(path: Path, users: Sequence[str], n: int = 2_000) -> list[float]:
    """Milliseconds of `n` histories of 50 events, after 200 of warm-up."""
    store = open_store(f"sqlite:///{path}")
    until, took = START + timedelta(days=91), []
    for number in range(n + 200):
        began = time.perf_counter()
        store.history(users[number % len(users)], before=until, limit=50)
        took.append((time.perf_counter() - began) * 1_000)
    store.close()
    return took[200:]


def measure(n: int, n_users: int, repeats: int, folder: Path) -> dict[str, Any]:
    """All rows of the table, alternating, medians over the repetitions."""
    events = make_events(n, n_users, seed=0)
    rows = [row_of(event) for event in events]
    table = table_of(rows)
    by_thousand = [events[first : first + BATCH] for first in range(0, n, BATCH)]
    ways: dict[str, Callable[[Path], float]] = {
        "raw, batches of 1,000": lambda path: raw(path, rows, BATCH),
        "append, events in batches of 1,000": lambda path: appended(path, by_thousand),
        "raw, one batch": lambda path: raw(path, rows, n),
        "append, one table": lambda path: appended(path, [table]),
    }
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for repeat in range(repeats):
        for number, (way, run) in enumerate(ways.items()):
            path = folder / f"{repeat}-{number}.db"
            seconds[way].append(run(path))
            if repeat or number != 1:
                path.unlink()
    rates = {way: n / statistics.median(each) for way, each in seconds.items()}

    def share(way: str, of: str) -> float:
        # Of each repetition by itself: what else the machine does then slows both sides alike.
        return round(float(statistics.median(map(operator.truediv, seconds[of], seconds[way]))), 3)

    took = look_ups(folder / "0-1.db", sorted({event.user_id or "" for event in events[::40]}))
    return {
        "events_per_second": {way: round(rate) for way, rate in rates.items()},
        "append_events_of_raw": share("append, events in batches of 1,000", "raw, batches of 1,000"),
        "append_table_of_raw": share("append, one table", "raw, batches of 1,000"),
        "append_table_of_raw_one_batch": share("append, one table", "raw, one batch"),
        "history_p50_ms": round(statistics.median(took), 3),
        "history_p99_ms": round(statistics.quantiles(took, n=100)[98], 3),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write the figures where `--json` says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--users", type=int, default=5_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(arguments)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    about = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "sqlite": sqlite3.sqlite_version,
        "commit": commit.stdout.strip() or "unknown",
        "data": f"{asked.events:,} simulated events of {asked.users:,} users, median of {asked.repeats}",
    }
    with tempfile.TemporaryDirectory() as folder:
        figures = about | measure(asked.events, asked.users, asked.repeats, Path(folder))
    for name, value in figures.items():
        if isinstance(value, dict):
            for way, rate in value.items():
                print(f"{way:40} {rate:>12,} events/s")
        else:
            print(f"{name:40} {value}")
    if asked.json:
        asked.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()

"""Import of files beside plain sqlite3: the same rows into the same table and indexes, with the same pragmas.

python -m benchmarks.import_files [--rows 300000] [--repeats 3] [--json FILE]
"""

import argparse
import gzip
import json
import os
import platform
import random
import sqlite3
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from huaxiang.collect.importers import Options
from huaxiang.collect.load import Report, load, plan_import
from huaxiang.collect.quarantine import Quarantine
from huaxiang.store import open_store
from huaxiang.store.schema import ROW_COLUMNS
from huaxiang.store.sqlite import SQLiteOptions, connection_pragmas

START = datetime(2026, 6, 1, tzinfo=UTC)
WORDS = (
    "good",
    "tea",
    "pot",
    "broken",
    "gift",
    "lovely",
    "cheap",
    "quality",
    "好用",
    "物流",
    "很快",
    "质量",
    "不错",
    "贵",
)
COLUMNS = ("seq", "received_at", *ROW_COLUMNS)


def make_purchases(n: int, seed: int) -> pl.DataFrame:
    """`n` purchases in time order, without event ids, as a shop would export them."""
    rng = random.Random(seed)
    times = [START + timedelta(seconds=number * 90 * 86_400 // n) for number in range(n)]
    pieces = [rng.randint(1, 3) for _ in range(n)]
    return pl.DataFrame(
        {
            "user_id": [f"user-{min(int(rng.paretovariate(0.8)), 20_000):06d}" for _ in range(n)],
            "session_id": [f"s{rng.getrandbits(40):010x}" for _ in range(n)],
            "item_id": [f"item-{rng.randrange(3_000):05d}" for _ in range(n)],
            "timestamp": [f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in times],
            "value": [round(rng.lognormvariate(3, 1), 2) for _ in range(n)],
            "currency": ["EUR"] * n,
            "quantity": pieces,
        }
    )


def write_reviews(path: Path, n: int, seed: int) -> None:
    """`n` reviews of 5 to 60 words in the fields of the public dumps, packed."""
    rng = random.Random(seed)
    with gzip.open(path, "wt", encoding="utf-8", compresslevel=1) as file:
        for number in range(n):
            row = {
                "overall": float(rng.randint(1, 5)),
                "verified": rng.random() < 0.8,
                "reviewerID": f"A{rng.getrandbits(40):010X}",
                "asin": f"B{rng.randrange(3_000):09d}",
                "reviewText": " ".join(rng.choices(WORDS, k=rng.randint(5, 60))),
                "summary": " ".join(rng.choices(WORDS, k=3)),
                "unixReviewTime": int(START.timestamp()) + number,
            }
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def imported(path: Path, store_path: Path) -> Report:
    """Import a file into a new store."""
    plan = plan_import(path, options=Options(event="purchase"))
    store = open_store(f"sqlite:///{store_path}")
    with Quarantine(store_path.parent, path.name, now=datetime.now(UTC)) as quarantine:
        report = load(plan, store, quarantine)
    store.close()
    return report


def raw(rows: Sequence[tuple[Any, ...]], path: Path) -> float:
    """Seconds for one `sqlite3.executemany` of the rows into the table that the store makes."""
    open_store(f"sqlite:///{path}").close()
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in connection_pragmas(SQLiteOptions()):
        connection.execute(f"PRAGMA {pragma}").fetchall()
    names = ", ".join(f'"{name}"' for name in COLUMNS)
    began = time.perf_counter()
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(f"INSERT INTO events ({names}) VALUES ({', '.join('?' * len(COLUMNS))})", rows)
    connection.execute("COMMIT")
    took = time.perf_counter() - began
    connection.close()
    return took


def rows_of(path: Path) -> list[tuple[Any, ...]]:
    """The rows that a store holds."""
    connection = sqlite3.connect(path)
    names = ", ".join(f'"{name}"' for name in COLUMNS)
    rows = connection.execute(f"SELECT {names} FROM events ORDER BY seq").fetchall()
    connection.close()
    return rows


def measure_file(path: Path, repeats: int, folder: Path) -> dict[str, Any]:
    """Import and raw insert of the same rows, turn by turn; medians, of the ratios too, by the wall and by CPU time."""
    runs: list[tuple[float, ...]] = []
    n = 0
    for repeat in range(repeats):
        ours, theirs = folder / f"{path.name}-{repeat}.db", folder / f"{path.name}-{repeat}-raw.db"
        began = time.process_time()
        report = imported(path, ours)
        cpu = time.process_time() - began
        assert report.accepted == report.rows, report
        rows = rows_of(ours)
        n = len(rows)
        began = time.process_time()
        plain = raw(rows, theirs)
        plain_cpu = time.process_time() - began
        runs.append((report.seconds, report.reading_seconds, cpu, plain, plain_cpu))
        ours.unlink()
        theirs.unlink()
    reading = statistics.median(run[1] for run in runs)
    return {
        "rows": n,
        "rows_per_second": round(n / statistics.median(run[0] for run in runs)),
        "raw_rows_per_second": round(n / statistics.median(run[3] for run in runs)),
        "of_raw": round(statistics.median(run[3] / run[0] for run in runs), 3),
        "of_raw_cpu": round(statistics.median(run[4] / run[2] for run in runs), 3),
        "of_raw_without_reading": round(statistics.median(run[3] / (run[0] - run[1]) for run in runs), 3),
        "texts_read_per_second": round(n / reading) if reading > 0.01 else None,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write the figures where `--json` says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(arguments)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    figures: dict[str, Any] = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "commit": commit.stdout.strip() or "unknown",
        "files": {},
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        purchases = make_purchases(asked.rows, seed=0)
        purchases.write_csv(folder / "purchases.csv")
        purchases.write_ndjson(folder / "purchases.jsonl")
        purchases.with_columns(
            pl.col("timestamp").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_zone="UTC")
        ).write_parquet(folder / "purchases.parquet")
        write_reviews(folder / "reviews.json.gz", asked.rows // 20, seed=0)
        for path in sorted(folder.glob("*.*")):
            figures["files"][path.name] = measure_file(path, asked.repeats, folder)
    print(f"{figures['machine']}, commit {figures['commit']}")
    for name, row in figures["files"].items():
        print(name, *(f"{key}={value}" for key, value in row.items()))
    if asked.json:
        asked.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()

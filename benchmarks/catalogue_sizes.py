"""What a recommendation costs as the catalogue grows: a made shop, a real release, the whole request path.

python -m benchmarks.catalogue_sizes [--sizes 10000 100000] [--people 3000] [--budget 120s] [--svg FILE] [--json FILE]

Items have words, brands, categories and prices drawn by a seed; people walk among items of a few categories. One client
in a closed loop asks for ten items of a known person, without HTTP: 200 answers warm up, 1,000 count. Memory is that of
this process after the last answer. Status 1 where 100,000 items take more than 20 ms at the 99th percentile.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import psutil
from threadpoolctl import threadpool_limits

from benchmarks.machine import Figure, commit, load, machine, table
from benchmarks.sequence_shops import take_all
from huaxiang.cli.train import seconds_of
from huaxiang.config import load_settings
from huaxiang.evaluation.plots import lines
from huaxiang.shop import Shop
from huaxiang.training import train

SEED: Final = 20261128
WARM_UP: Final = 200
COUNTED: Final = 1_000
LIMIT_MS: Final = 20.0
JUDGED_SIZE: Final = 100_000
NOON: Final = datetime(2026, 11, 1, 12, tzinfo=UTC)


def goods(n: int, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    """`set_item` payloads; five words are drawn by Zipf's law, a sixth names the shelf."""
    opening = (NOON - timedelta(days=61)).isoformat()
    n_categories = max(20, n // 500)
    for at in range(n):
        category = at % n_categories
        words = [f"w{int(word)}" for word in np.minimum(rng.zipf(1.3, 5), 9_999)] + [f"kind{category}"]
        yield {
            "event": "set_item",
            "event_id": f"set-{at}",
            "item_id": f"i{at}",
            "timestamp": opening,
            "properties": {
                "name": " ".join(words),
                "brand": f"brand {int(rng.integers(200))}",
                "category": ["Shop", f"Aisle {category % 20}", f"Shelf {category}"],
                "price": float(np.round(np.exp(rng.normal(3.0, 0.8)), 2)),
                "currency": "EUR",
            },
        }


def visits(n_items: int, n_people: int, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    """Twenty views of everybody over sixty days, among three categories, nearer items oftener one after the other."""
    n_categories = max(20, n_items // 500)
    for person in range(n_people):
        shelves = rng.integers(n_categories, size=3)
        for visit in range(20):
            place = int(rng.geometric(0.02)) * n_categories + int(shelves[int(rng.integers(3))])
            yield {
                "event": "purchase" if visit % 7 == 6 else "view_item",
                "event_id": f"v{person}-{visit}",
                "user_id": f"u{person}",
                "item_id": f"i{place % n_items}",
                "timestamp": (NOON - timedelta(days=60 - 3 * visit, minutes=-person % 1440)).isoformat(),
            }


def measured(n_items: int, n_people: int, budget: float, folder: Path) -> dict[str, Any]:
    """Build, train, ask."""
    rng = np.random.default_rng(SEED)
    shop = Shop(load_settings(None, (), data_dir=folder))
    take_all(shop, goods(n_items, rng))
    take_all(shop, visits(n_items, n_people, rng))
    began = time.perf_counter()
    release = train(shop.portraits, shop.releases, budget_seconds=budget, seed=0)
    trained = time.perf_counter() - began
    shop.refresh()
    names = [f"u{int(at)}" for at in rng.integers(n_people, size=WARM_UP + COUNTED)]
    took = []
    with threadpool_limits(1, "blas"):  # as the server has it
        for name in names:
            began = time.perf_counter()
            shop.pipeline.recommend([name], now=NOON + timedelta(days=1), k=10)
            took.append(1_000.0 * (time.perf_counter() - began))
    counted = np.array(took[WARM_UP:])
    shop.close()
    return {
        "n_items": n_items,
        "p50_ms": float(np.quantile(counted, 0.5)),
        "p99_ms": float(np.quantile(counted, 0.99)),
        "train_seconds": trained,
        "memory_mb": psutil.Process().memory_info().rss / 2**20,
        "weights": release.about["weights"],
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", type=int, default=[10_000, JUDGED_SIZE])
    parser.add_argument("--people", type=int, default=3_000)
    parser.add_argument("--budget", default="120s", help="of each training")
    parser.add_argument("--svg", type=Path, help="draw the curve into this file")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(arguments)
    print(f"{machine()}; commit {commit()}; load {load()}")
    rows = []
    for size in asked.sizes:
        with tempfile.TemporaryDirectory() as folder:
            rows.append(measured(size, asked.people, seconds_of(asked.budget), Path(folder) / "shop"))
        print(json.dumps(rows[-1]), flush=True)
    figures = [
        Figure(
            f"{row['n_items']:,} items, p99",
            round(row["p99_ms"], 1),
            "ms",
            LIMIT_MS if row["n_items"] == JUDGED_SIZE else None,
            is_at_least=False,
            load=load(),
        )
        for row in rows
    ]
    print(table(figures))
    if asked.svg:
        spans = [f"{row['n_items']:,}" for row in rows]
        curves = {name: [row[f"{name}_ms"] for row in rows] for name in ("p50", "p99")}
        asked.svg.write_text(lines("Milliseconds to an answer by items in the catalogue", spans, curves), "utf-8")
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    return 0 if all(figure.is_met for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())

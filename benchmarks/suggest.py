"""Suggestions while somebody types, at a large catalogue and many queries; and the errors that spelling undoes.

python -m benchmarks.suggest [--items 100000] [--queries 100000] [--slips 500] [--seed 1] [--json FILE]

Items are named by titles of the public sets and queries are theirs (see `benchmarks.spelling`); brands, shelves and
weights are drawn. Beginnings of queries are asked, a tenth with an error: 200 warm up and 2,000 count, in this process
and over HTTP from a process of its own on the same machine. Status 1 where a suggestion over HTTP takes more than 5 ms
at the 99th percentile, or where `benchmarks.spelling`, which runs first, misses its targets.
"""

import argparse
import multiprocessing
import os
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import numpy as np
import psutil

from benchmarks.http import Client
from benchmarks.machine import Figure, commit, judged, load, machine
from benchmarks.sequence_shops import take_all
from benchmarks.slipping import slip
from benchmarks.spelling import SKIPPED, Texts, data_root, measured, read_all
from huaxiang.apps.search.suggest import Suggester
from huaxiang.config import load_settings
from huaxiang.shop import Shop
from huaxiang.text.segment import normalise

WARM_UP: Final = 200
COUNTED: Final = 2_000
N_BRANDS: Final = 2_000
MOST_MS: Final = 5.0
NOW: Final = datetime(2026, 11, 29, tzinfo=UTC)


@dataclass(frozen=True)
class Known:
    """A query of a log that was not kept."""

    text: str
    weight: float
    items: Mapping[str, float] = field(default_factory=dict)
    last_asked: datetime = NOW
    total: int | None = None


class Log:
    """Queries that enough people typed, as `QueryLog` gives them."""

    version = 1

    def __init__(self, queries: Sequence[Known]) -> None:
        self._queries = queries

    def known(self) -> Sequence[Known]:
        """All."""
        return self._queries


def goods(names: Sequence[str], n: int, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    """`set_item` payloads named by titles, in turn; brands and shelves are drawn."""
    brands = [f"{name.split()[0]} {number}" for number, name in enumerate(names[:N_BRANDS])]
    for at in range(n):
        shelf = int(rng.integers(400))
        again = f" {at // len(names) + 1}" if at >= len(names) else ""
        yield {
            "event": "set_item",
            "event_id": f"set-{at}",
            "item_id": f"i{at}",
            "timestamp": NOW.isoformat(),
            "properties": {
                "name": names[at % len(names)] + again,
                "brand": brands[int(rng.integers(len(brands)))],
                "category": ["Shop", f"Aisle {shelf % 20}", f"Shelf {shelf}"],
            },
        }


def asked_of(texts: Sequence[Texts], n: int, rng: np.random.Generator) -> list[Known]:
    """Queries with the weights of Zipf's law, each leading to a few items."""
    found = list(dict.fromkeys(normalise(query) for part in texts for query in (*part.queries, *part.titles)))
    rng.shuffle(found)
    return [
        Known(query, 20_000.0 / (rank + 1), {f"i{int(item)}": 1.0 for item in rng.integers(50_000, size=3)})
        for rank, query in enumerate(sorted(found[:n], key=len))
    ]


def beginnings(queries: Sequence[Known], n: int, rng: np.random.Generator) -> list[str]:
    """Queries as far as they were typed, the common ones oftener; a tenth with an error."""
    weights = np.array([query.weight for query in queries])
    found = []
    for at in rng.choice(len(queries), n, p=weights / weights.sum()):
        text = queries[int(at)].text
        if rng.random() < 0.1:
            made = slip(text, {}, rng)
            text = text if made is None else made.typed
        found.append(text[: 1 + int(rng.integers(len(text)))])
    return found


def timed(suggester: Suggester, asked: Sequence[str]) -> tuple[list[float], list[float]]:
    """Milliseconds of each, for somebody with tastes; and of CPU, which what else the machine does hardly moves."""
    likes = {("brand", "kohler 3"): 0.4, ("category", "Shop > Aisle 3"): 0.5, ("keyword", "steel"): 0.3}
    likes |= {("category", f"Shop > Aisle {at} > Shelf {at}"): 0.2 for at in range(4)}
    took, spent = [], []
    for typed in asked:
        began, busy = time.perf_counter(), time.thread_time()
        suggester.suggest(typed, 8, likes)
        spent.append(1_000 * (time.thread_time() - busy))
        took.append(1_000 * (time.perf_counter() - began))
    return took, spent


def served(suggester: Suggester, port: int, folder: Path) -> None:
    """The service with this suggester behind its route; in a process of its own."""
    import uvicorn

    from huaxiang.server.app import create_app
    from huaxiang.server.routes import suggest as route
    from huaxiang.server.security import shop_of

    class Box:
        def suggest(self, q: str, k: int, _user_id: str | None) -> Any:
            return suggester.suggest(q, k)

    app = create_app(load_settings(None, (), data_dir=folder))
    if not any(getattr(one, "path", "") == "/v1/suggest" for one in app.routes):
        app.include_router(route.router)
    app.dependency_overrides[shop_of] = Box
    uvicorn.run(app, port=port, log_level="error", access_log=False, ws="none")


def over_http(suggester: Suggester, asked: Sequence[str]) -> tuple[list[float], float]:
    """Milliseconds of each request of one client, and of the server's CPU for one."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with tempfile.TemporaryDirectory() as folder:
        process = multiprocessing.get_context("fork").Process(target=served, args=(suggester, port, Path(folder)))
        process.start()
        try:
            until = time.monotonic() + 60
            while time.monotonic() < until:
                try:
                    Client(port).ask("GET", "/health/live")
                    break
                except OSError:
                    time.sleep(0.05)
            took = []
            server = psutil.Process(process.pid)
            spent = sum(server.cpu_times()[:2])
            with Client(port) as client:
                for typed in asked:
                    began = time.perf_counter()
                    client.ask("GET", f"/v1/suggest?q={quote(typed)}")
                    took.append(1_000 * (time.perf_counter() - began))
            return took, 1_000 * (sum(server.cpu_times()[:2]) - spent) / len(asked)
        finally:
            process.kill()
            process.join()


def suggestions(sets: Sequence[Texts], n_items: int, n_queries: int, seed: int) -> list[Figure]:
    """Build, ask, ask over HTTP."""
    rng = np.random.default_rng(seed)
    names = [title for texts in sets for title in texts.titles if len(title) > 3]
    rng.shuffle(names)
    queries = asked_of(sets, n_queries, rng)
    asked = beginnings(queries, WARM_UP + COUNTED, rng)
    with tempfile.TemporaryDirectory() as folder:
        shop = Shop(load_settings(None, (), data_dir=Path(folder) / "shop"))
        take_all(shop, goods(names, n_items, rng))
        before, began = psutil.Process().memory_info().rss, time.perf_counter()
        suggester = Suggester(shop.catalogue, Log(queries))
        suggester.refresh()
        built = time.perf_counter() - began
        grown = (psutil.Process().memory_info().rss - before) / 2**20
        inside, busy = (np.array(each[WARM_UP:]) for each in timed(suggester, asked))
        answered, served_by = over_http(suggester, asked)
        outside = np.array(answered[WARM_UP:])
        shop.close()
    print(f"{len(suggester):,} entries of {n_items:,} items and {len(queries):,} queries")
    rows: list[tuple[str, float, str, float | None]] = [
        ("suggester: built in", built, "s", None),
        ("suggester: memory, as the process grew", grown, "MB", None),
        ("suggester: memory of its arrays", suggester.n_bytes / 2**20, "MB", None),
        ("suggest in process, p50", float(np.quantile(inside, 0.5)), "ms", None),
        ("suggest in process, p99", float(np.quantile(inside, 0.99)), "ms", None),
        ("suggest in process, CPU, p50", float(np.quantile(busy, 0.5)), "ms", None),
        ("suggest in process, CPU, p99", float(np.quantile(busy, 0.99)), "ms", None),
        ("suggest over HTTP, CPU of the server", served_by, "ms", None),
        ("suggest over HTTP, p50", float(np.quantile(outside, 0.5)), "ms", None),
        ("suggest over HTTP, p99", float(np.quantile(outside, 0.99)), "ms", MOST_MS),
    ]
    return [Figure(name, round(value, 3), unit, target, False, load()) for name, value, unit, target in rows]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=100_000)
    parser.add_argument("--slips", type=int, default=500, help="0: suggestions alone")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(arguments)
    about = {"machine": machine(), "commit": commit(), "load": os.getloadavg()}
    sets = read_all(data_root(), "test")
    if not sets:
        print(SKIPPED)
        return 0
    figures = measured(sets, asked.slips, "test", asked.seed) if asked.slips else []
    figures += suggestions(sets, asked.items, asked.queries, asked.seed)
    return judged(figures, about, asked.json)


if __name__ == "__main__":
    sys.exit(main())

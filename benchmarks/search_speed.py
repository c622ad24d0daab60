"""What search costs: building the index, queries through it, pages over HTTP, memory, at 100,000 items.

python -m benchmarks.search_speed [--items 100000] [--budget 120s] [--requests 2000] [--shop FOLDER] [--json FILE]

Titles and queries are those of Home Depot (HUAXIANG_DATA); a title used again gets a number of its own; people walk as
in `catalogue_sizes`. Counted are: items a second into the index; queries a second through understanding and the index,
in one thread; `POST /v1/search` with a profile, facets and twenty items, one client in a closed loop, 200 warm up.
Memory is what building the index adds to the process, the words that are kept (at most 20,000) too, beside twice the
raw text of the items; what the process had freed before is given back first. Status 1 where one is missed.
"""

import argparse
import gc
import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import psutil
from threadpoolctl import threadpool_limits

from benchmarks.catalogue_sizes import NOON, goods, visits
from benchmarks.http import Client, serving, timed
from benchmarks.machine import Figure, commit, judged, load, machine
from benchmarks.search_titles import queries, titles
from benchmarks.sequence_shops import take_all
from huaxiang.cli.train import seconds_of
from huaxiang.config import load_settings
from huaxiang.retrieval.keyword_document import texts_of
from huaxiang.retrieval.keyword_index import KeywordIndex, give_back
from huaxiang.shop import Shop
from huaxiang.training import train

SEED: Final = 20261129
N_PEOPLE: Final = 3_000


def named(n: int, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    """`goods` with real titles in place of made words."""
    known = titles()
    for at, payload in enumerate(goods(n, rng)):
        again = at // len(known)
        name = known[at % len(known)] + (f" Series {again}{at % 97}" if again else "")
        payload["properties"] |= {"name": name, "brand": name.split()[0]}
        yield payload


def filled(folder: Path, n: int, budget: float) -> None:
    """A shop with a release."""
    rng = np.random.default_rng(SEED)
    shop = Shop(load_settings(None, (), data_dir=folder))
    take_all(shop, named(n, rng))
    take_all(shop, visits(n, N_PEOPLE, rng))
    train(shop.portraits, shop.releases, budget_seconds=budget, seed=0)
    shop.close()


def of_index(folder: Path, typed: Sequence[str]) -> list[Figure]:
    """Without HTTP."""
    shop = Shop(load_settings(None, (), data_dir=folder))
    raw = sum(len(text.encode()) for item in shop.catalogue for text in texts_of(item).values())
    gc.collect()
    give_back()
    before, began = psutil.Process().memory_info().rss, time.perf_counter()
    index = KeywordIndex(shop.catalogue)
    built = time.perf_counter() - began
    added = psutil.Process().memory_info().rss - before
    n = len(index)
    del index
    search = shop.searching
    with threadpool_limits(1, "blas"):
        for query in typed[:200]:
            search.understand(query)
        began = time.perf_counter()
        for query in typed:
            search.index.search(search.index.query(search.understand(query).groups), 20)
        rate = len(typed) / (time.perf_counter() - began)
    shop.close()
    return [
        Figure("items into the index", n / built, "/s", 20_000, True, load()),
        Figure("queries understood and looked up", rate, "/s", 1_000, True, load()),
        Figure("memory of the index over the raw text", added / raw, "x", 2.0, False, load()),
    ]


def of_http(folder: Path, typed: Sequence[str], n: int) -> list[Figure]:
    """Over loopback, with a profile."""
    rng = random.Random(SEED)
    with serving(folder) as (port, process), Client(port) as client:

        def ask(**more: Any) -> tuple[str, str, bytes]:
            said = {"query": rng.choice(typed), **more}
            return "POST", "/v1/search", json.dumps(said).encode()

        client.ask(*ask())  # waits until the index is built
        server, found = psutil.Process(process.pid), []
        for name, more in (("for nobody", {}), ("with a profile", {"user_id": ""})):

            def make(more: dict[str, str] = more) -> tuple[str, str, bytes]:
                return ask(**{key: f"u{rng.randrange(N_PEOPLE)}" for key in more})

            took, cpu = timed(client, server, make, n, 200)
            p50, p99 = np.quantile(took, [0.5, 0.99])
            print(f"  search {name}: p50 {p50:.1f}, p99 {p99:.1f} ms, {cpu:.2f} ms of the server's CPU")
            found += [
                Figure(f"search {name}, p50", float(p50), "ms", 5.0, False, load()),
                Figure(f"search {name}, p99", float(p99), "ms", 20.0, False, load()),
            ]
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--budget", default="120s", help="of the training")
    parser.add_argument("--requests", type=int, default=2_000)
    parser.add_argument("--shop", type=Path, help="keep the shop here, and use it again where it is there")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(arguments)
    about = {"machine": machine(), "commit": commit(), "load": load(), "n_items": asked.items}
    print(f"{about['machine']}; commit {about['commit']}; load {load()}; {asked.items:,} items of {NOON:%Y}")
    typed = queries()
    random.Random(SEED).shuffle(typed)
    with tempfile.TemporaryDirectory(prefix="huaxiang-search-") as folder:
        shop = asked.shop or Path(folder) / "shop"
        if not (shop / "releases" / "current").exists():
            filled(shop, asked.items, seconds_of(asked.budget))
        figures = of_index(shop, typed[:5_000])
        figures += of_http(shop, typed, asked.requests)
    return judged(figures, about, asked.json)


if __name__ == "__main__":
    sys.exit(main())

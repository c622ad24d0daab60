"""Whether a slip of a finger leads to the same first page as what was meant.

python -m benchmarks.search_typos [--slips 250] [--seed 1] [--json FILE]

Two shops without a release, words alone: one with the titles of Home Depot (HUAXIANG_DATA) asked with that set's search
terms (half "test" of `benchmarks.spelling`), one with the demo's goods in two languages asked with its shoppers'
queries. One error is drawn in each query by a seed (`benchmarks.slipping`); queries that find nothing by themselves are
passed over. The first page is the first ten items in their order. Status 1 where under 90 % of both together are the
same.
"""

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.machine import Figure, commit, judged, load, machine
from benchmarks.sequence_shops import take_all
from benchmarks.slipping import Slip, homophones, slip
from benchmarks.spelling import data_root, half_of, read_home_depot
from huaxiang.apps.search.asking import SearchAsk
from huaxiang.config import load_settings
from huaxiang.demo.searches import judged_queries
from huaxiang.demo.simulation import simulate
from huaxiang.shop import Shop

LEAST: Final = 0.9
NOW: Final = datetime(2026, 11, 29, tzinfo=UTC)
_DEMO_SEED: Final = 20_011


def first_page(shop: Shop, query: str) -> tuple[str, ...]:
    """Ten items; none where the page is not an answer to the words."""
    answer = shop.search(SearchAsk(query, k=10), now=NOW)
    return tuple(one.item_id for one in answer.found) if answer.matching else ()


def asked(shop: Shop, queries: Sequence[str], n: int, rng: np.random.Generator) -> tuple[list[Slip], list[Slip]]:
    """Slips whose page is the same, and those whose page is another."""
    alike = homophones(list(queries), least=1)
    same: list[Slip] = []
    other: list[Slip] = []
    for at in rng.permutation(len(queries)):
        if len(same) + len(other) == n:
            break
        drawn = slip(queries[at], alike, rng)
        meant = first_page(shop, queries[at])
        if drawn is not None and meant:
            (same if first_page(shop, drawn.typed) == meant else other).append(drawn)
    return same, other


def filled(folder: Path, names: Iterable[tuple[str, Mapping[str, Any]]]) -> Shop:
    """A shop of goods and nothing else."""
    shop = Shop(load_settings(None, (), data_dir=folder))
    moment = NOW.isoformat()
    take_all(
        shop, ({"event": "set_item", "item_id": n, "timestamp": moment, "properties": dict(said)} for n, said in names)
    )
    shop.searching.refresh()
    return shop


def of_titles(folder: Path) -> tuple[Shop, list[str]]:
    """The shop of titles, and its queries."""
    texts = read_home_depot(data_root())
    shop = filled(folder, ((f"p{at}", {"name": title}) for at, title in enumerate(texts.titles)))
    return shop, [query for query in texts.queries if half_of(query) == "test"]


def of_demo(folder: Path) -> tuple[Shop, list[str]]:
    """The shop of the demo's goods, and what its shoppers would type."""
    demo = simulate(seed=_DEMO_SEED, until=NOW)
    shop = filled(folder, ((item["item_id"], {k: v for k, v in item.items() if k != "item_id"}) for item in demo.items))
    rng = np.random.default_rng(_DEMO_SEED)
    told = judged_queries(demo.truth, demo.truth.users[:600], at=NOW, rng=rng, n_each=1)
    return shop, sorted({one.query.lower() for one in told if one.kind != "exact"})


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slips", type=int, default=250, help="of each shop")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--missed", action="store_true", help="print some that lead elsewhere")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    about = {"machine": machine(), "commit": commit(), "load": load()}
    counts: list[tuple[int, int]] = []
    figures = []
    for name, make in (("titles", of_titles), ("demo", of_demo)):
        with tempfile.TemporaryDirectory(prefix="huaxiang-typos-") as folder:
            shop, queries = make(Path(folder))
            same, other = asked(shop, queries, options.slips, np.random.default_rng(options.seed))
            shop.close()
        counts.append((len(same), len(same) + len(other)))
        figures.append(Figure(f"same first page, {name}", len(same) / (len(same) + len(other)), "", None, True, load()))
        print(f"  {name}: elsewhere by kind {dict(Counter(one.kind for one in other))}")
        for one in other[: 40 if options.missed else 0]:
            print(f"    {one.meant!r} as {one.typed!r}")
    share = sum(n for n, _ in counts) / sum(of for _, of in counts)
    figures.append(Figure("same first page, both", share, "", LEAST, True, load()))
    return judged(figures, about, options.json)


if __name__ == "__main__":
    sys.exit(main())

"""Whether the readable facets of the first 80 % of a person's history say what the last 20 % will be of.

python -m benchmarks.facets [--only scientific grocery beauty] [--people 4000] [--json FILE]

The shop is a public set, filled with the first 80 % of everybody's items: with their days where the set has any
(grocery), else a day apart. Asked is the profile as anybody reads it, just before the first held-out item. Marked is,
over the last 20 %, the share of items whose category, cut at a depth, or brand is among the first K facets of the kind.
Beside it stand the values met oftenest and those met last; where counts tie, both put the newer one first. Differences
are paired over people, 95 %. Status 1 where a profile is not ahead of both.

Legend: N people.
"""

import argparse
import gzip
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.classify import data_root
from benchmarks.machine import commit, load, machine
from benchmarks.quality_data import SETS, moments, sequences_of
from benchmarks.sequence_shops import take_all
from huaxiang.config import load_settings
from huaxiang.evaluation.coming_back import learned
from huaxiang.evaluation.sequence_file import Sequences
from huaxiang.measure.intervals import paired_bootstrap
from huaxiang.shop import Shop

KS: Final = (1, 3)
KNOWN_SHARE: Final = 0.8
CHOSEN_ON: Final = 4_000
"""People, by a seeded draw, on whom the fading of days and the ratios were chosen; they are not asked."""
_END: Final = datetime(2026, 11, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Goods:
    """Sequences, and what each item of the catalogue is.

    Attributes:
        days: of each meeting.
        paths: category path of each item, broadest first; empty where unknown.
        depths: at which the paths are asked about; an item whose path is shorter is passed over.
        brands: None where a set has none.
    """

    read: Sequences
    days: Sequence[np.ndarray]
    paths: Sequence[list[str]]
    brands: Sequence[str] | None
    depths: Sequence[int]


def _a_day_apart(read: Sequences) -> list[np.ndarray]:
    return [np.arange(len(row), dtype=float) for row in read.rows]


def scientific() -> Goods:
    """Brand and category path of the item JSON."""
    folder = data_root() / "amazon2018_scientific_text" / "collisiongenrec"
    with gzip.open(folder / "Scientific.inter.json.gz", "rt") as file:
        met: dict[str, list[int]] = json.load(file)
    with gzip.open(folder / "Scientific.item.json.gz", "rt") as file:
        items: dict[str, dict[str, str]] = json.load(file)
    read = sequences_of((user, [str(item) for item in row]) for user, row in met.items())
    said = [items[item] for item in read.item_ids]
    paths = [[part.strip() for part in one["categories"].split(",") if part.strip()] for one in said]
    return Goods(read, _a_day_apart(read), paths, [one["brand"].strip() for one in said], (2, 3, 4))


def grocery() -> Goods:
    """Days, and one category of each item."""
    read, _ = SETS["grocery"]()
    with gzip.open(data_root() / "amazon2014_grocery_timestamps" / "item_meta.tsv.gz", "rt") as file:
        rows = [line.split("\t") for line in file.readlines()[1:]]
    known = {row[0]: row[1] for row in rows}
    paths = [[f"aisle {known[item]}"] if item in known else [] for item in read.item_ids]
    return Goods(read, moments("grocery", read), paths, None, (1,))


def beauty() -> Goods:
    """The attributes as a path."""
    read, terms = SETS["beauty"]()
    return Goods(read, _a_day_apart(read), [list(tags)[:8] for tags in terms.attributes], None, (1, 2, 3))


GOODS: Final = {"scientific": scientific, "grocery": grocery, "beauty": beauty}


def filled(
    folder: Path, goods: Goods, people: Sequence[int], *, is_whole: bool = False
) -> tuple[Shop, dict[int, datetime]]:
    """A shop that holds what people met before the last fifth, and the moment before that fifth for each.

    Args:
        is_whole: the last fifth is in the shop too.
    """
    shop = Shop(load_settings(None, (), data_dir=folder))
    first = min(float(days[0]) for days in goods.days)
    last = max(float(days[-1]) for days in goods.days)
    start = _END - timedelta(days=last - first)
    asked: dict[int, datetime] = {}
    take_all(shop, _items(goods, start))
    take_all(shop, _met(goods, people, start, first, asked, is_whole=is_whole))
    shop.refresh()
    return shop, asked


def _items(goods: Goods, start: datetime) -> Iterator[dict[str, Any]]:
    for at, item in enumerate(goods.read.item_ids):
        said: dict[str, Any] = {"name": item, "category": goods.paths[at]}
        if goods.brands is not None and goods.brands[at]:
            said["brand"] = goods.brands[at]
        yield {
            "event": "set_item",
            "event_id": f"set-{item}",
            "item_id": item,
            "timestamp": (start - timedelta(days=9)).isoformat(),
            "properties": {name: value for name, value in said.items() if value},
        }


def _met(
    goods: Goods,
    people: Sequence[int],
    start: datetime,
    first: float,
    asked: dict[int, datetime],
    *,
    is_whole: bool,
) -> Iterator[dict[str, Any]]:
    for at in people:
        row, days = goods.read.rows[at], goods.days[at]
        known = known_of(row)
        moments_L = [start + timedelta(days=float(day) - first, seconds=step) for step, day in enumerate(days)]
        asked[at] = moments_L[known] - timedelta(milliseconds=1)
        for step in range(len(row) if is_whole else known):
            yield {
                "event": "purchase",
                "event_id": f"e{at}-{step}",
                "user_id": f"u{at}",
                "item_id": goods.read.item_ids[row[step]],
                "timestamp": moments_L[step].isoformat(),
            }


def known_of(row: np.ndarray) -> int:
    """How many of a history's items are known: at least one is, and one is not."""
    return min(len(row) - 1, max(1, round(KNOWN_SHARE * len(row))))


def by_counts(values: Sequence[str]) -> list[str]:
    """Oftenest first, of equals the newer one."""
    newest = {value: at for at, value in enumerate(values)}
    counts = Counter(values)
    return sorted(counts, key=lambda value: (-counts[value], -newest[value]))


def by_time(values: Sequence[str]) -> list[str]:
    """Newest first."""
    return list(dict.fromkeys(values[::-1]))


def marks(
    goods: Goods, people: Sequence[int], shop: Shop, asked: dict[int, datetime]
) -> dict[str, dict[str, list[float]]]:
    """For each figure and method the share of held-out items that were named, a number a person."""
    kinds = {f"category, depth {depth}": _at_depth(goods, depth) for depth in goods.depths}
    if goods.brands is not None:
        kinds["brand"] = list(goods.brands)
    found: dict[str, dict[str, list[float]]] = {}
    for at in people:
        row, known = goods.read.rows[at], known_of(goods.read.rows[at])
        facets = shop.portraits.profile(f"u{at}", now=asked[at]).interests
        for kind, values in kinds.items():
            before = [values[item] for item in row[:known] if values[item]]
            after = [values[item] for item in row[known:] if values[item]]
            if not before or not after:
                continue
            positive = [facet for facet in facets if facet.facet == kind.split(",")[0] and facet.score > 0.0]
            said = [facet.value for facet in positive if facet.facet == "brand" or facet.value in set(values)]
            named = {"profile": said, "most frequent": by_counts(before), "most recent": by_time(before)}
            for k in KS:
                rows = found.setdefault(f"{kind}, hit rate@{k}", {method: [] for method in named})
                for method, order in named.items():
                    rows[method].append(float(np.mean([value in order[:k] for value in after])))
    return found


def _at_depth(goods: Goods, depth: int) -> list[str]:
    return [" > ".join(path[:depth]) if len(path) >= depth else "" for path in goods.paths]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=list(GOODS), default=list(GOODS))
    parser.add_argument("--people", type=int, default=4_000)
    parser.add_argument("--untaught", action="store_true", help="without the ratios that a release brings")
    parser.add_argument("--json", type=Path)
    asked_for = parser.parse_args(arguments)
    print(f"{machine()}; commit {commit()}; load {load()}")
    kept: dict[str, Any] = {}
    is_ahead = True
    for name in asked_for.only:
        goods = GOODS[name]()
        drawn = np.random.default_rng(0).permutation(len(goods.read.rows))[CHOSEN_ON:]
        people = [int(at) for at in drawn if len(goods.read.rows[at]) >= 2][: asked_for.people]
        with tempfile.TemporaryDirectory() as folder:
            shop, asked = filled(Path(folder) / "shop", goods, range(len(goods.read.rows)))
            if not asked_for.untaught:
                everybody = [f"u{at}" for at in np.random.default_rng(1).permutation(len(goods.read.rows))]
                shop.portraits.item_facets.recurrence = learned(shop.portraits, everybody, now=_END, seconds=120.0)
            found = marks(goods, people, shop, asked)
            shop.close()
        for figure, by_method in found.items():
            means = {method: float(np.mean(values)) for method, values in by_method.items()}
            print(f"{name}, {figure}, {len(by_method['profile']):,} people: " + said_of(means))
            kept[f"{name}, {figure}"] = means
            for other in ("most frequent", "most recent"):
                gain = paired_bootstrap(
                    np.array(by_method["profile"]), np.array(by_method[other]), rng=np.random.default_rng(0)
                )
                is_ahead &= gain.low > 0.0
                kept[f"{name}, {figure} - {other}"] = list(gain)
                print(f"    profile - {other}: {gain.mean:+.4f} [{gain.low:+.4f}, {gain.high:+.4f}]")
    if asked_for.json:
        asked_for.json.write_text(json.dumps(kept, indent=1), encoding="utf-8")
    return 0 if is_ahead else 1


def said_of(means: dict[str, float]) -> str:
    """Means by method, for people."""
    return ", ".join(f"{method} {mean:.4f}" for method, mean in means.items())


if __name__ == "__main__":
    sys.exit(main())

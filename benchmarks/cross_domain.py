"""One shop started from another: what `train --warm-from` adds for people of both shops, and for the others.

python -m benchmarks.cross_domain [--seeds 3] [--budget 3m] [--lent-budget 3m] [--others 3000] [--json FILE]

Beauty is the other shop, Sports and Outdoors the one that is trained, both with made-up times (`sequence_shops`); the
last meeting of everybody is kept out of it and asked for. Three releases of one seed and budget: without the other
shop, from its release alone (its encoder and its ways, by likeness of text), and from its data directory (with what the
shared people met there). Figures are ndcg@10 and recall@10 over the whole catalogue, without what was met before;
differences to the first are paired over people, 95 %.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.machine import commit, load, machine
from benchmarks.quality_data import SETS
from benchmarks.sequence_shops import END, filled
from huaxiang.cli.train import seconds_of
from huaxiang.evaluation.questions import Answers
from huaxiang.evaluation.rows import per_user
from huaxiang.measure.intervals import bootstrap, paired_bootstrap
from huaxiang.pipeline.lender import Lender
from huaxiang.retrieval.log import read_log
from huaxiang.shop import Shop
from huaxiang.training import train

LENDER: Final = "beauty"
BORROWER: Final = "sports"


def lenders(folder: Path, budget: float, seed: int) -> dict[str, Lender | None]:
    """The other shop, trained: not at all, its release alone, and with its log."""
    read, terms = SETS[LENDER]()
    shop = filled(folder, read, terms, [row.tolist() for row in read.rows], seed=seed)
    release = train(shop.portraits, shop.releases, budget_seconds=budget, seed=seed)
    log = read_log(shop.store, portraits=shop.portraits).interactions
    shop.close()
    return {
        "alone": None,
        "from its release": Lender.open(release, None),
        "with its log": Lender.open(release, log),
    }


def answered(shop: Shop, users: Sequence[str], targets: Sequence[str]) -> Answers:
    """The first ten for each, as positions of the index."""
    place = shop.pipeline.index.snapshot().by_id
    pages = shop.pipeline.recommend(users, now=END, k=10, filter_seen="all")
    lists_NK = np.array([[place[item] for item in page.item_ids] for page in pages])
    return Answers.of(lists_NK, [np.array([place[target]]) for target in targets])


def measured(seed: int, budget: float, lent_budget: float, n_others: int, folder: Path) -> dict[str, Any]:
    """One seed: every row for people of both shops and for the others."""
    read, terms = SETS[BORROWER]()
    shop = filled(folder / BORROWER, read, terms, [row[:-1].tolist() for row in read.rows], seed=seed)
    both = set(SETS[LENDER]()[0].user_ids)
    shared = np.array([user in both for user in read.user_ids])
    others = np.random.default_rng(seed).permutation(np.flatnonzero(~shared))[:n_others]
    groups = {"people of both shops": np.flatnonzero(shared), "others": others}
    found: dict[str, dict[str, Any]] = {name: {} for name in groups}
    alone: dict[tuple[str, str], NDArray[np.float64]] = {}
    for row, lender in lenders(folder / LENDER, lent_budget, seed).items():
        began = time.perf_counter()
        release = train(shop.portraits, shop.releases, budget_seconds=budget, lender=lender, seed=seed)
        shop.refresh()
        print(f"  {row}: {time.perf_counter() - began:.0f} s, {release.about['weights']}", flush=True)
        print(f"    lent: {release.about.get('warm_from')}, {release.about['validation'].get('warm_from')}", flush=True)
        for name, people in groups.items():
            users = [read.user_ids[at] for at in people]
            answers = answered(shop, users, [read.item_ids[int(read.rows[at][-1])] for at in people])
            for metric in ("ndcg", "recall"):
                value_N = per_user(answers, metric, 10)
                found[name].setdefault(row, {})[metric] = figures(value_N, alone.get((name, metric)), seed)
                alone.setdefault((name, metric), value_N)
    shop.close()
    return {"seed": seed, "groups": {name: {"n": len(groups[name]), "rows": rows} for name, rows in found.items()}}


def figures(value_N: NDArray[np.float64], alone_N: NDArray[np.float64] | None, seed: int) -> dict[str, Any]:
    """Mean with its interval, and the paired difference to a release without the other shop."""
    said: dict[str, Any] = {"mean": bootstrap(value_N, rng=np.random.default_rng(seed))}
    if alone_N is not None:
        said["gain"] = paired_bootstrap(value_N, alone_N, rng=np.random.default_rng(seed))
    return said


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; exit status 1 where a person of either kind is worse off, beyond chance, in any seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--from-seed", type=int, default=0)
    parser.add_argument("--budget", default="3m", help="of each training")
    parser.add_argument("--lent-budget", default="3m", help="of the other shop's training")
    parser.add_argument("--others", type=int, default=3_000)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(arguments)
    budgets = seconds_of(asked.budget), seconds_of(asked.lent_budget)
    print(f"{machine()}; commit {commit()}; load {load()}; budgets {asked.budget}, {asked.lent_budget}")
    reports, worse = [], 0
    for seed in range(asked.from_seed, asked.from_seed + asked.seeds):
        print(f"\n== seed {seed}", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            reports.append(measured(seed, *budgets, asked.others, Path(folder)))
        for name, group in reports[-1]["groups"].items():
            for row, by_metric in group["rows"].items():
                for metric, said in by_metric.items():
                    mean, low, high = said["mean"]
                    gain = "; gain {:+.4f} [{:+.4f}, {:+.4f}]".format(*said["gain"]) if "gain" in said else ""
                    print(f"  {group['n']} {name}, {row}: {metric}@10 {mean:.4f} [{low:.4f}, {high:.4f}]{gain}")
                    worse += bool(gain) and said["gain"][2] < 0.0
        if asked.json:
            asked.json.write_text(json.dumps(reports, indent=1), encoding="utf-8")
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())

"""Recommendation on public sequences by leave-one-out, ours beside popularity, transitions and the peers of `implicit`.

python -m benchmarks.quality [--only beauty sports ...] [--seeds 3] [--from-seed 0] [--budget 25m] [--peers]
    [--order shuffled] [--json FILE]

The evaluator is that of `huaxiang evaluate sequences`: full ranking of the catalogue, seen items masked, ties in order
of first appearance. Rows are those of its report; "huaxiang" is the strict one, in which nothing is trained on the
validation item. The same settings for every set: none is known by name to the product. Rows of a seed are printed as
soon as they are known. Differences are paired over users, 95 %. `--order shuffled` puts what was met at one moment into
an order of chance (`quality_data.moments`), drawn by the seed: what the order of the file gives away is gone.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.machine import Figure, commit, load, machine
from benchmarks.quality_data import PUBLISHED, SETS, moments
from huaxiang.evaluation.budget import Budget, parse_duration
from huaxiang.evaluation.peers import PEERS
from huaxiang.evaluation.protocols import shuffled_ties
from huaxiang.evaluation.running import MODELS
from huaxiang.evaluation.sequences import evaluate_sequences
from huaxiang.measure.intervals import student

FLOORS: Final = {
    "beauty": (0.1050, 0.0655),
    "sports": (0.0650, 0.0390),
    "scientific": (0.1440, 0.1010),
}
"""recall@10 and ndcg@10 that the strict row has to reach; the other sets are held against the peers of the same run."""
SHOWN: Final = ("recall@10", "ndcg@10")


def measured(name: str, seed: int, budget: str, peers: bool, order: str) -> dict[str, Any]:
    """The report of one run, as JSON."""
    sequences, terms = SETS[name]()
    if order == "shuffled":
        rows = shuffled_ties(sequences.rows, moments(name, sequences), rng=np.random.default_rng(seed))
        sequences = replace(sequences, rows=tuple(rows))
    models = [*MODELS, *(PEERS if peers else ())]
    limits = Budget(parse_duration(budget), lambda said: print(f"    {said}", file=sys.stderr, flush=True))
    return evaluate_sequences(sequences, terms, limits, models=models, seed=seed).json() | {
        "seed": seed,
        "order": order,
    }


def say(report: dict[str, Any]) -> None:
    """A report for people."""
    for row in report["models"]:
        spans = {name: row["intervals"].get(name, (float("nan"),) * 2) for name in SHOWN}
        said = "  ".join(f"{name} {row[name]:.4f} [{low:.4f}, {high:.4f}]" for name, (low, high) in spans.items())
        costs = f"{row['fit_seconds']:.0f} s, {row['peak_mb']:.0f} MB"
        print(f"  {row['model']:<22}{row['n_users']:>7} users  {said}  {costs}")
    for name, (mean, low, high) in report["differences"].items():
        print(f"  {name}: {mean:+.4f} [{low:+.4f}, {high:+.4f}]")
    print(f"  parts {report.get('parts')}")
    print(f"  validation {report.get('validation_ndcg@10')}, ranker {report.get('ranker')}")
    print(f"  {report['seconds']:.0f} s; left out: {report['left_out']}", flush=True)


def figures(reports: Sequence[dict[str, Any]], name: str) -> list[Figure]:
    """The strict row over the seeds, with Student's interval, against what it has to reach."""
    found = []
    for at, metric in enumerate(SHOWN):
        values = [row[metric] for report in reports for row in report["models"] if row["model"] == "huaxiang"]
        mean, low, high = student(values)
        said = f"{name}, {metric}, {len(values)} seeds [{low:.4f}, {high:.4f}]"
        is_judged = name in FLOORS and all(report["order"] == "published" for report in reports)
        target = FLOORS[name][at] if is_judged else None
        found.append(Figure(said, round(mean, 4), "", target, load=load()))
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write; exit status 1 where a floor is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=list(SETS), default=list(PUBLISHED))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--from-seed", type=int, default=0)
    parser.add_argument("--budget", default="25m", help="of each run, for everything")
    parser.add_argument("--peers", action="store_true", help="also ItemKNN, ALS and BPR of `implicit`")
    parser.add_argument("--order", choices=("published", "shuffled"), default="published", help="of what ties in time")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(arguments)
    print(f"{machine()}; commit {commit()}; budget {asked.budget}")
    kept: dict[str, list[dict[str, Any]]] = {}
    if asked.json and asked.json.exists() and asked.from_seed:
        kept = json.loads(asked.json.read_text("utf-8"))
    judged: list[Figure] = []
    for name in asked.only:
        for seed in range(asked.from_seed, asked.from_seed + asked.seeds):
            print(f"\n== {name}, seed {seed}, load {load()}", flush=True)
            try:
                report = measured(name, seed, asked.budget, asked.peers, asked.order)
            except FileNotFoundError as error:
                print(f"skipped: {name} needs {error.filename}")
                break
            say(report)
            kept.setdefault(name, []).append(report)
            if asked.json:
                asked.json.write_text(json.dumps(kept, ensure_ascii=False), encoding="utf-8")
        judged += figures(kept[name], name) if kept.get(name) else []
    print()
    for figure in judged:
        said = "" if figure.target is None else f"; to reach {figure.target}: {'met' if figure.is_met else 'MISSED'}"
        print(f"{figure.name}: {figure.value:.4f}{said}")
    return 0 if all(figure.is_met for figure in judged) else 1


if __name__ == "__main__":
    sys.exit(main())

"""Recommending to many people in one go, through a real release: states from the log, vectors, parts, ranking.

python -m benchmarks.batch [--only beauty] [--people 6000] [--budget 2m] [--json FILE]

The shop is a public set of sequences with made-up times (`sequence_shops`). Counted is `Pipeline.recommend` of ten
items each, in one process of one thread, first for people whose state nobody has read yet ("cold"), then for the same
again ("warm": 4,096 states and 10,000 vectors are kept). Beside it ALS of `implicit` answers the same people from its
factors, which reads no log and no profile. Status 1 below 5,000 a second, warm.
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
from scipy import sparse
from threadpoolctl import threadpool_limits

from benchmarks.machine import Figure, commit, load, machine, table
from benchmarks.quality_data import SETS
from benchmarks.sequence_shops import END, filled
from huaxiang.cli.train import seconds_of
from huaxiang.evaluation.sequence_file import Sequences
from huaxiang.training import train

TARGET: Final = 5_000.0
WITH_TEXT: Final = ("beauty", "sports")


def als_rate(read: Sequences, people: Sequence[int]) -> float:
    """Users a second of `implicit`'s ALS with 64 factors, in batches of 1,000."""
    from implicit.als import AlternatingLeastSquares

    rows_E = np.repeat(np.arange(len(read.rows)), [len(row) for row in read.rows])
    shape = (len(read.rows), len(read.item_ids))
    met_NM = sparse.csr_matrix((np.ones(len(rows_E), np.float32), (rows_E, np.concatenate(read.rows))), shape=shape)
    with threadpool_limits(1, "blas"):
        model = AlternatingLeastSquares(factors=64, iterations=3, num_threads=1, random_state=0)
        model.fit(met_NM, show_progress=False)
        began = time.perf_counter()
        for start in range(0, len(people), 1_000):
            asked = np.asarray(people[start : start + 1_000])
            model.recommend(asked, met_NM[asked], N=10, filter_already_liked_items=True)
        return len(people) / (time.perf_counter() - began)


def measured(name: str, n_people: int, budget: float, folder: Path) -> dict[str, Any]:
    """Build, train, ask."""
    read, terms = SETS[name]()
    assert terms is not None
    shop = filled(folder, read, terms, [row.tolist() for row in read.rows], seed=0)
    release = train(shop.portraits, shop.releases, budget_seconds=budget, seed=0)
    shop.refresh()
    drawn = np.random.default_rng(0).permutation(len(read.rows))[:n_people].tolist()
    users = [read.user_ids[at] for at in drawn]
    rates = {}
    for kind, asked in (("cold", users), ("warm", users[:4_000]), ("warm again", users[:4_000])):
        began = time.perf_counter()
        with threadpool_limits(1, "blas"):
            pages = shop.pipeline.recommend(asked, now=END, k=10, filter_seen="all")
        rates[kind] = len(asked) / (time.perf_counter() - began)
        assert all(len(page.item_ids) == 10 for page in pages)
    shop.close()
    found = {"data": name, "n_people": len(users), "weights": release.about["weights"]}
    found |= {"encoder": release.about["encoder"].get("checkpoint"), "als": als_rate(read, drawn)}
    return found | {"ranker": release.about["validation"].get("ranker"), "rates": rates}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=WITH_TEXT, default=["beauty"])
    parser.add_argument("--people", type=int, default=6_000)
    parser.add_argument("--budget", default="2m", help="of training")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(arguments)
    print(f"{machine()}; commit {commit()}; load {load()}")
    rows, figures = [], []
    for name in asked.only:
        with tempfile.TemporaryDirectory() as folder:
            row = measured(name, asked.people, seconds_of(asked.budget), Path(folder) / "shop")
        rows.append(row)
        print(json.dumps(row), flush=True)
        said = {kind: Figure(f"{name}, {kind}", rate, "users/s", load=load()) for kind, rate in row["rates"].items()}
        said["warm"] = Figure(f"{name}, warm", row["rates"]["warm again"], "users/s", TARGET, load=load())
        figures += [said["cold"], said["warm"], Figure(f"{name}, ALS's factors", row["als"], "users/s", load=load())]
    print(table(figures))
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    return 0 if all(figure.is_met for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())

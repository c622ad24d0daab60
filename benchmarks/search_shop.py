"""Whether search knows its shopper: simulated shoppers' queries, with and without their profiles.

python -m benchmarks.search_shop --data-dir FOLDER [--people 300] [--draws 2] [--json FILE]

The folder is a demo shop with a release: `huaxiang demo FOLDER --seed N` and `huaxiang train`. Settings are chosen on
seed 7; what counts is asked of another. Each query is graded by what its shopper would choose (`demo.searches`); marked
is ndcg@10 (gain 2^grade - 1), personalised and not, the same index and release, paired over queries, 95 %. Status 1
where ambiguous queries gain less than 5 % or exact ones lose.
"""

import argparse
import json
import math
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.machine import commit, load, machine
from huaxiang.apps.search.asking import SearchAsk
from huaxiang.config import load_settings
from huaxiang.demo.searches import JudgedQuery, judged_queries
from huaxiang.demo.simulation import simulate
from huaxiang.measure.intervals import paired_bootstrap
from huaxiang.shop import Shop

K: Final = 10
GAIN: Final = 0.05


def ndcg(shown: Sequence[str], grades: Mapping[str, float]) -> float:
    """Of the first ten."""
    got = sum((2 ** grades.get(name, 0.0) - 1) / math.log2(at + 2) for at, name in enumerate(shown[:K]))
    best = sorted(grades.values(), reverse=True)[:K]
    return got / sum((2**grade - 1) / math.log2(at + 2) for at, grade in enumerate(best))


def asked(shop: Shop, queries: Sequence[JudgedQuery], personalise: float, now: datetime) -> tuple[np.ndarray, float]:
    """Ndcg of each query, and seconds for all."""
    began = time.perf_counter()
    marks = []
    for one in queries:
        answer = shop.search(SearchAsk(one.query, one.user_id, K, personalise=personalise), now=now)
        marks.append(ndcg([found.item_id for found in answer.found], one.grades))
    return np.array(marks), time.perf_counter() - began


def queries_of(shop: Shop, folder: Path, n_people: int, draws: int) -> tuple[list[JudgedQuery], int, datetime]:
    """Queries of people who have a profile, the seed of the shop, and the moment at which they are asked."""
    said = json.loads((folder / "demo.json").read_text())
    seed, until = int(said["seed"]), datetime.fromisoformat(said["until"])
    demo = simulate(seed=seed, until=until)
    rng = np.random.default_rng(seed + 1)
    users = [user for user in demo.truth.users if user not in demo.truth.bots and _has_profile(shop, user, until)]
    picked = [users[at] for at in rng.permutation(len(users))[:n_people]]
    return judged_queries(demo.truth, picked, at=until, rng=rng, n_each=draws), seed, until


def _has_profile(shop: Shop, user: str, now: datetime) -> bool:
    return bool(shop.portraits.state(user, before=now).items)


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--people", type=int, default=300)
    parser.add_argument("--draws", type=int, default=2)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    shop = Shop(load_settings(data_dir=args.data_dir))
    queries, seed, now = queries_of(shop, args.data_dir, args.people, args.draws)
    print(f"{machine()}, load {load():.1f}, commit {commit()}; demo shop of seed {seed}, {len(queries)} queries")
    rows: list[dict[str, Any]] = []
    with threadpool_limits(1, "blas"):
        without, _ = asked(shop, queries, 0.0, now)
        withs, seconds = asked(shop, queries, 1.0, now)
    for kind in ("ambiguous", "narrow", "exact"):
        at = np.array([one.kind == kind for one in queries])
        plain, own = float(without[at].mean()), float(withs[at].mean())
        gain = paired_bootstrap(withs[at], without[at], rng=np.random.default_rng(seed))
        share = own / plain - 1.0
        print(
            f"  {kind:10} n {at.sum():5}  ndcg@10 {plain:.4f} -> {own:.4f}  {share:+.1%}  "
            f"difference {gain.mean:+.4f} [{gain.low:+.4f}, {gain.high:+.4f}]"
        )
        rows.append({"kind": kind, "n": int(at.sum()), "plain": plain, "personalised": own, "gain": share})
    print(f"  {seconds / len(queries) * 1e3:.2f} ms a personalised query")
    if args.json is not None:
        args.json.write_text(json.dumps({"seed": seed, "commit": commit(), "rows": rows}, indent=1))
    ambiguous, exact = rows[0], rows[2]
    shop.close()
    return int(ambiguous["gain"] < GAIN or exact["personalised"] < exact["plain"] - 1e-9)


if __name__ == "__main__":
    sys.exit(main())

"""RecTools' SASRec and eSASRec on Beauty beside ours, by our evaluator in one run: leave-one-out, full ranking.

python -m benchmarks.rectools_peer [--only SASRec eSASRec] [--minutes 60] [--epochs 100] [--budget 25m] [--env DIR]
    [--json FILE]

RecTools holds numpy below 2, so it has an environment of its own, made at the first run (pip, 1.3 GB). It learns from
everything before the test item; the validation item only stops it and chooses its epoch, as in `rectools_inside`. Ours
is the strict row of `evaluate sequences`. A peer that time stopped is shown with its epochs and proves nothing.
Width 64, as ours. Differences are paired over users, 95 %. Intervals of one seed say nothing of other seeds.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.machine import ROOT, commit, load, machine
from benchmarks.quality_data import SETS
from huaxiang.evaluation.budget import Budget, parse_duration
from huaxiang.evaluation.protocols import leave_one_out
from huaxiang.evaluation.questions import Answers
from huaxiang.evaluation.rows import per_user
from huaxiang.evaluation.running import run
from huaxiang.evaluation.sequence_file import Sequences
from huaxiang.measure.intervals import bootstrap, paired_bootstrap

PEERS: Final = ("SASRec", "eSASRec")
PACKAGES: Final = ("rectools[torch]==0.19.0", "torch==2.13.0")
INSIDE: Final = Path(__file__).with_name("rectools_inside.py")


def environment(folder: Path) -> Path:
    """The python of RecTools' own environment, made where it is not there."""
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
    return python


def answered(
    python: Path, kind: str, read: Sequences, seconds: float, epochs: int, users_N: Sequence[int]
) -> tuple[Answers, dict[str, Any]]:
    """A peer's first ten for the users, and what it took."""
    rows = [row[:-1] for row in read.rows]
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        users_E = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
        np.savez(work / "known.npz", users_E=users_E, items_E=np.concatenate(rows), asked_N=np.asarray(users_N))
        command = [str(python), "-P", str(INSIDE), str(work), kind, str(seconds), str(epochs)]
        subprocess.run(command, check=True)
        said = json.loads((work / f"{kind}.json").read_text("utf-8"))
    lists_NK = np.full((len(users_N), 10), -1)
    for row_K, found in zip(lists_NK, said.pop("lists"), strict=True):
        row_K[: len(found)] = found
    return Answers.of(lists_NK, [read.rows[user][-1:].astype(np.int64) for user in users_N]), said


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PEERS, default=list(PEERS))
    parser.add_argument("--minutes", type=float, default=60.0, help="of each peer")
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--budget", default="25m", help="of ours")
    parser.add_argument("--env", type=Path, default=ROOT / "build" / "rectools-env")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(arguments)
    python = environment(asked.env)
    print(f"{machine()}; commit {commit()}; load {load()}; {asked.minutes:g} minutes a peer, {asked.budget} ours")
    read, terms = SETS["beauty"]()
    protocol = leave_one_out(read)
    row = run(protocol, terms, Budget(parse_duration(asked.budget)), models=["huaxiang"], seed=0).row("huaxiang")
    users_N = protocol.test.asked.users_N[: len(row.answers)].tolist()
    found: dict[str, Any] = {"huaxiang": figures(row.answers, None)}
    for kind in asked.only:
        answers, said = answered(python, kind, read, 60.0 * asked.minutes, asked.epochs, users_N)
        found[kind] = figures(answers, row.answers) | said
        print(f"  {kind}: {found[kind]}", flush=True)
    print(f"  huaxiang: {found['huaxiang']}")
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1), encoding="utf-8")
    return 0


def figures(answers: Answers, ours: Answers | None) -> dict[str, Any]:
    """Means with intervals; what ours is ahead by, paired."""
    said: dict[str, Any] = {"n_users": len(answers)}
    for metric in ("recall", "ndcg"):
        value_N = per_user(answers, metric, 10)
        said[f"{metric}@10"] = bootstrap(value_N, rng=np.random.default_rng(0))
        if ours is not None:
            gain = paired_bootstrap(per_user(ours, metric, 10), value_N, rng=np.random.default_rng(0))
            said[f"ours ahead by, {metric}@10"] = gain
    return said


if __name__ == "__main__":
    sys.exit(main())

"""Judged products of Home Depot's queries, ranked with and without grades of other queries, beside BM25 and MiniLM.

python -m benchmarks.search_judgments [--part validation] [--budget 10m] [--untaught] [--json FILE]

Queries are parted by a hash of their text: 60 % teach, 20 % validate, 20 % test. Everything was chosen on the first
two; test is asked at the end. Status 1 where ours is not ahead of BM25 and of MiniLM by a paired interval.
"""

import argparse
import csv
import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.machine import ROOT, commit, load, machine
from benchmarks.search_titles import rows

SEED: Final = "huaxiang"
PARTS: Final = {"train": (0.0, 0.6), "validation": (0.6, 0.8), "test": (0.8, 1.0)}
COLUMNS: Final = {"search_term": "query", "product_title": "product_title", "relevance": "relevance"}


def part_of(query: str) -> str:
    """Which part a query is in, by a hash of its text."""
    place = int(hashlib.sha256(f"{SEED}:{query}".encode()).hexdigest()[:8], 16) / 2**32
    return next(name for name, (low, high) in PARTS.items() if low <= place < high)


def write(part: str, path: Path) -> None:
    """The pairs of a part in the form of the command, in the order of the file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(COLUMNS.values()))
        table.writeheader()
        for row in rows():
            if part_of(row["search_term"]) == part:
                table.writerow({name: row[said] for said, name in COLUMNS.items()})


def measure(part: str, budget: str, *, taught: bool) -> dict[str, Any]:
    """The report of the command itself, run as a user runs it."""
    with tempfile.TemporaryDirectory(prefix="huaxiang-bench-") as folder:
        work = Path(folder)
        write(part, work / "judged.csv")
        words = ["--judgments", str(work / "judged.csv"), "--json", str(work / "out.json"), "--budget", budget]
        if taught:
            write("train", work / "train.csv")
            words += ["--train", str(work / "train.csv")]
        start = "from huaxiang.cli.main import main; main()"
        subprocess.run([sys.executable, "-c", start, "evaluate", "search", *words], cwd=ROOT, check=True)
        report: dict[str, Any] = json.loads((work / "out.json").read_text("utf-8"))
    return report


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=("validation", "test"), default="validation")
    parser.add_argument("--budget", default="10m")
    parser.add_argument("--untaught", action="store_true", help="no grades of other queries")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(arguments)
    about = {"machine": machine(), "commit": commit(), "load": load(), "part": asked.part}
    try:
        report = measure(asked.part, asked.budget, taught=not asked.untaught)
    except FileNotFoundError as error:
        print(f"skipped: {error.filename} is not under HUAXIANG_DATA")
        return 0
    if asked.json:
        asked.json.write_text(json.dumps(about | report, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    gaps = {name: report["differences"].get(f"huaxiang - {name}", {}).get("ndcg@10") for name in ("bm25", "dense")}
    print(f"{about}; {report['seconds']} s; ahead by {gaps}")
    return 0 if all(gap is not None and gap["interval"][0] > 0.0 for gap in gaps.values()) else 1


if __name__ == "__main__":
    sys.exit(main())

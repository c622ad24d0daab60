"""Sequential recommendation on the Beauty set within three minutes: the figure that must not be lost.

Run `python -m benchmarks.sequences`; exit status 1 below the floor or above the memory, 0 with a note without the data.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
BUDGET: Final = "3m"
FLOOR: Final = 0.0535
MEMORY_MB: Final = 4096.0


def measure(folder: Path) -> dict[str, Any]:
    """The report of the command itself, run as a user runs it."""
    with tempfile.TemporaryDirectory() as work:
        out = Path(work) / "sequences.json"
        files = ["--sequences", str(folder / "sequences.txt.gz"), "--items", str(folder / "items.tsv.gz")]
        start = "from huaxiang.cli.main import main; main()"
        command = [sys.executable, "-c", start, "evaluate", "sequences", *files]
        subprocess.run([*command, "--budget", BUDGET, "--json", str(out)], check=True)
        report: dict[str, Any] = json.loads(out.read_text())
    return report


def commit() -> str:
    """Short hash of the code that was measured."""
    asked = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return asked.stdout.strip() or "unknown"


def main() -> int:
    """Measure, print, judge."""
    data = Path(os.environ.get("HUAXIANG_DATA", ROOT / "../shared/data")).resolve()
    folder = data / "amazon2014_seq" / "Beauty"
    if not folder.is_dir():
        print("skipped: amazon2014_seq/Beauty is not under HUAXIANG_DATA")
        return 0
    report = measure(folder)
    ours = next(row for row in report["models"] if row["model"] == "huaxiang")
    peak = max(row["peak_mb"] for row in report["models"])
    low, high = ours["intervals"]["ndcg@10"]
    good = ours["ndcg@10"] >= FLOOR and peak <= MEMORY_MB
    print(f"machine  {os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}")
    print(f"data     amazon2014_seq/Beauty, {report['data']['n_users']} users, {report['data']['n_items']} items")
    print(f"commit   {commit()}")
    print(f"ndcg@10  {ours['ndcg@10']:.4f} [{low:.4f}, {high:.4f}], floor {FLOOR}: {'met' if good else 'LOST'}")
    print(
        f"time     {report['seconds']:.0f} s of {report['budget_seconds']:.0f} s; peak {peak:.0f} of {MEMORY_MB:.0f} MB"
    )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

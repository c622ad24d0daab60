"""What a figure was measured on, and how a list of figures is judged and printed."""

import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Figure:
    """One measured number.

    Attributes:
        target: the value to reach; None where there is none.
        is_at_least: whether more is better; else less is.
        load: the machine's load average over a minute when it was measured.
    """

    name: str
    value: float
    unit: str
    target: float | None = None
    is_at_least: bool = True
    load: float = 0.0

    @property
    def ratio(self) -> float | None:
        """How much of the target was reached: 1 and more is met."""
        if self.target is None:
            return None
        return self.value / self.target if self.is_at_least else self.target / self.value

    @property
    def is_met(self) -> bool:
        """Whether the target was reached; True where there is none."""
        return self.ratio is None or self.ratio >= 1.0


def machine() -> str:
    """Processor, cores, Python."""
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"


def commit() -> str:
    """Short hash of the code that is measured, with a plus where files differ from it."""
    git = ["git", "-C", str(ROOT)]
    head = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    changed = subprocess.run([*git, "diff", "--quiet", "HEAD", "--", "src"], capture_output=True, check=False)
    return (head.stdout.strip() or "unknown") + ("+" if changed.returncode == 1 else "")


def load() -> float:
    """Processes that wanted a core, mean of the last minute."""
    return round(os.getloadavg()[0], 2)


def table(figures: Sequence[Figure]) -> str:
    """A line for each figure: value, target, how much of it was reached."""
    width = max((len(figure.name) for figure in figures), default=6)
    lines = [f"{'figure':{width}} {'value':>12} {'':9} {'target':>12} {'reached':>8} {'':6} {'load':>5}"]
    for figure in figures:
        sign = ">=" if figure.is_at_least else "<="
        target = "" if figure.target is None else f"{sign} {figure.target:,.4g}"
        ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
        word = "" if figure.target is None else "met" if figure.is_met else "MISSED"
        value = f"{figure.value:,.0f}" if figure.value >= 1000 else f"{figure.value:.4g}"
        lines.append(
            f"{figure.name:{width}} {value:>12} {figure.unit:9} {target:>12} {ratio:>8} {word:6} {figure.load:5.2f}"
        )
    return "\n".join(lines)


def judged(figures: Sequence[Figure], about: Mapping[str, Any], out: Path | None) -> int:
    """Print what was measured and write it where asked; the status of a benchmark, 1 where a target is missed."""
    print(f"machine {about['machine']}, commit {about['commit']}, load {about['load']} when it began")
    print(table(figures))
    if out:
        rows = [asdict(figure) | {"ratio": figure.ratio, "is_met": figure.is_met} for figure in figures]
        out.write_text(json.dumps({**about, "figures": rows}, indent=1) + "\n", encoding="utf-8")
    return 0 if all(figure.is_met for figure in figures) else 1

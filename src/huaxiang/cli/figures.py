"""Where a command's answer goes, and how its figures are written."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from huaxiang.errors import ConfigError


def check_folders(*targets: Path | None) -> None:
    """Say before the work, not after it, that an answer could not be written."""
    for target in targets:
        if target is not None and not target.parent.is_dir():
            raise ConfigError(f"{target} cannot be written: there is no folder {target.parent}; make it first")
        if target is not None and target.is_dir():
            raise ConfigError(f"{target} cannot be written: it is a folder; name a file")


def say_comparison(title: str, report: Mapping[str, Any], metrics: Sequence[str]) -> None:
    """A table of the rows of a report with their 95 % intervals, and how far `huaxiang` is ahead by the first metric.

    Args:
        report: rows by name with the metrics and `intervals`, and `differences` of `huaxiang - <row>`.
    """
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title)
    for column in ("", *metrics, f"ours ahead by, {metrics[0]}"):
        table.add_column(column, justify="right" if column else "left")
    for name, row in report.items():
        if isinstance(row, dict) and metrics[0] in row:
            gap = report["differences"].get(f"huaxiang - {name}", {}).get(metrics[0])
            table.add_row(name, *(_of(row[key], row["intervals"][key]) for key in metrics), _gap(gap))
    Console().print(table)


def _of(value: float | None, ends: Sequence[float] | None) -> str:
    return "-" if value is None or ends is None else f"{value:.4f} [{ends[0]:.4f}, {ends[1]:.4f}]"


def _gap(gap: Mapping[str, Any] | None) -> str:
    if gap is None or gap["mean"] is None:
        return ""
    return f"{gap['mean']:+.4f} [{gap['interval'][0]:+.4f}, {gap['interval'][1]:+.4f}]"

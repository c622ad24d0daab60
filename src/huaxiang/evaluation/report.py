"""The report of an evaluation on the terminal and as a page of HTML that needs nothing else."""

import html
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.table import Column, Table
from rich.text import Text

METRICS: Final = ("recall@5", "recall@10", "ndcg@5", "ndcg@10")


def cell(figures: dict[str, Any], metric: str) -> str:
    """A figure with its 95 % interval."""
    low, high = figures["intervals"][metric]
    return f"{figures[metric]:.4f} [{low:.4f}, {high:.4f}]"


def lines(report: dict[str, Any]) -> list[str]:
    """Everything around the table, one statement a line."""
    data = report["data"]
    said = [
        f"{data['n_users']} users, {data['n_items']} items, {data['n_interactions']} interactions; "
        f"{data['users_with_fewer_than_3_items']} users with fewer than 3 items are learned from and not asked.",
        f"Protocol: {report['protocol']}",
        "Brackets: 95 % intervals by bootstrap over users. peak_mb: of the process up to the row.",
    ]
    if data["n_lines_without_items"]:
        some = ", ".join(map(str, data["lines_without_items"]))
        said.append(f"{data['n_lines_without_items']} lines without items were left out: {some}.")
    if data["repeated_items"]:
        said.append(f"{data['repeated_items']} events repeat an item of the same user; such a target counts as missed.")
    for name, (mean, low, high) in report["differences"].items():
        said.append(f"{name}: {mean:+.4f} [{low:+.4f}, {high:+.4f}], paired.")
    for name, part in report.get("parts", {}).items():
        chosen = ", ".join(f"{key} {value:g}" for key, value in part["settings"].items())
        said.append(f"part {name}: weight {part['weight']:.3f}; {chosen}")
    said.extend(f"left out: {what}" for what in report["left_out"])
    return [*said, f"{report['seconds']:.0f} s of a budget of {report['budget_seconds']:.0f} s."]


def terminal(report: dict[str, Any]) -> RenderableType:
    """Two tables and the statements around them."""
    table = Table(Column("model", no_wrap=True), *METRICS, "fit s", "peak MB", "users")
    lengths = Table(Column("ndcg@10 by length", no_wrap=True), *_lengths(report))
    for row in report["models"]:
        figures = [cell(row, metric) for metric in METRICS]
        table.add_row(row["model"], *figures, f"{row['fit_seconds']:.1f}", f"{row['peak_mb']:.0f}", str(row["n_users"]))
        lengths.add_row(row["model"], *_by_length(row, _lengths(report)))
    return Group(table, lengths, *(Text(line) for line in lines(report)))


def page(report: dict[str, Any]) -> str:
    """The same as HTML."""
    head = ["model", *METRICS, "fit s", "peak MB", "users"]
    body = [
        [row["model"], *(cell(row, m) for m in METRICS), row["fit_seconds"], row["peak_mb"], row["n_users"]]
        for row in report["models"]
    ]
    spans = _lengths(report)
    by = [[row["model"], *_by_length(row, spans)] for row in report["models"]]
    said = "".join(f"<p>{html.escape(line)}</p>" for line in lines(report))
    style = "body{font:15px sans-serif;margin:2em}td,th{padding:.3em .8em;text-align:left;border-bottom:1px solid #ddd}"
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Sequences</title><style>{style}</style>'
        f"<h1>Sequential recommendation</h1>{_table(head, body)}<h2>ndcg@10 by history length</h2>"
        f"{_table(['model', *spans], by)}{said}</html>\n"
    )


def _table(head: list[str], body: list[list[Any]]) -> str:
    top = "".join(f"<th>{html.escape(name)}</th>" for name in head)
    rows = "".join("<tr>" + "".join(f"<td>{html.escape(str(v))}</td>" for v in row) + "</tr>" for row in body)
    return f"<table><tr>{top}</tr>{rows}</table>"


def _lengths(report: dict[str, Any]) -> list[str]:
    return list(dict.fromkeys(span for row in report["models"] for span in row["by_history_length"]))


def _by_length(row: dict[str, Any], spans: list[str]) -> list[str]:
    table = row["by_history_length"]
    return [f"{table[span]['ndcg@10']:.4f} ({table[span]['n_users']})" if span in table else "" for span in spans]

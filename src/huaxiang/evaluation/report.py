"""The report of an evaluation on the terminal and as a page of HTML that needs nothing else."""

import html
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.table import Column, Table
from rich.text import Text

from huaxiang.evaluation import plots
from huaxiang.evaluation.plots import bars
from huaxiang.evaluation.rows import spans

METRICS: Final = ("recall@5", "recall@10", "ndcg@5", "ndcg@10")
BESIDE: Final = ("mrr@10", "coverage@10", "gini@10", "novelty@10", "intra_list_diversity@10")
"""Shown on the page only: what lists are like."""


def cell(figures: dict[str, Any], metric: str) -> str:
    """A figure with its 95 % interval."""
    low, high = figures["intervals"][metric]
    return f"{figures[metric]:.4f} [{low:.4f}, {high:.4f}]"


def lines(report: dict[str, Any]) -> list[str]:
    """Everything around the table, one statement a line."""
    data = report["data"]
    said = [
        f"{data['n_users']} users, {data['n_items']} items, {data['n_interactions']} interactions; "
        f"{data['n_questions']} questions.",
        f"Protocol: {report['protocol']}",
        "Brackets: 95 % intervals by bootstrap over users. peak_mb: of the process up to the row.",
    ]
    if short := data.get("users_with_fewer_than_3_items"):
        said.append(f"{short} users with fewer than 3 items are learned from and not asked.")
    if strangers := data.get("people_of_the_test_without_a_history"):
        said.append(f"{strangers} people of the test had no history before it and are not asked.")
    if data.get("n_lines_without_items"):
        some = ", ".join(map(str, data["lines_without_items"]))
        said.append(f"{data['n_lines_without_items']} lines without items were left out: {some}.")
    if data.get("repeated_items"):
        said.append(f"{data['repeated_items']} events repeat an item of the same user; such a target counts as missed.")
    if "ranker" in report:
        said.append(f"Learned ranker: {report['ranker']['why']}.")
    for name, (mean, low, high) in report["differences"].items():
        said.append(f"{name}: {mean:+.4f} [{low:+.4f}, {high:+.4f}], paired.")
    for name, part in report.get("parts", {}).items():
        chosen = ", ".join(f"{key} {value:g}" for key, value in part["settings"].items())
        said.append(f"part {name}: weight {part['weight']:.3f}; {chosen}")
    said.extend(f"left out: {what}" for what in report["left_out"])
    return [*said, f"{report['seconds']:.0f} s of a budget of {report['budget_seconds']:.0f} s."]


def terminal(report: dict[str, Any]) -> RenderableType:
    """Two tables and the statements around them."""
    groups = spans(report["models"], "by_history_length")
    table = Table(Column("model", no_wrap=True), *METRICS, "fit s", "peak MB", "users")
    lengths = Table(Column("ndcg@10 by length", no_wrap=True), *groups)
    for row in report["models"]:
        figures = [cell(row, metric) for metric in METRICS]
        table.add_row(row["model"], *figures, f"{row['fit_seconds']:.1f}", f"{row['peak_mb']:.0f}", str(row["n_users"]))
        lengths.add_row(row["model"], *_by_length(row, groups))
    return Group(table, lengths, *(Text(line) for line in lines(report)))


def page(report: dict[str, Any]) -> str:
    """The same as HTML, with plots."""
    models = report["models"]
    head = ["model", *METRICS, *BESIDE, "fit s", "peak MB", "users"]
    body = [
        [
            row["model"],
            *(cell(row, metric) for metric in METRICS),
            *(f"{row[metric]:.4f}" if metric in row else "" for metric in BESIDE),
            row["fit_seconds"],
            row["peak_mb"],
            row["n_users"],
        ]
        for row in models
    ]
    lengths, kinds = spans(models, "by_history_length"), spans(models, "by_popularity")
    by_length = [[row["model"], *_by_length(row, lengths)] for row in models]
    by_kind = [[row["model"], *_by_kind(row, kinds)] for row in models]
    whole = {row["model"]: (row["ndcg@10"], *row["intervals"]["ndcg@10"]) for row in models}
    shape = {
        row["model"]: [row["by_history_length"].get(span, {}).get("ndcg@10") for span in lengths] for row in models
    }
    said = "".join(f"<p>{html.escape(line)}</p>" for line in lines(report))
    style = "body{font:15px sans-serif;margin:2em}td,th{padding:.3em .8em;text-align:left;border-bottom:1px solid #ddd}"
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Recommendation</title><style>{style}</style>'
        f"<h1>Recommendation</h1>{bars('ndcg@10, 95 % intervals', whole)}{_table(head, body)}"
        f"<h2>By history length</h2>{plots.lines('ndcg@10 by items in the history', lengths, shape)}"
        f"{_table(['model', *lengths], by_length)}<h2>Recall@10 by popularity of what was right</h2>"
        f"{_table(['model', *kinds], by_kind)}{said}</html>\n"
    )


def _table(head: list[str], body: list[list[Any]]) -> str:
    top = "".join(f"<th>{html.escape(name)}</th>" for name in head)
    rows = "".join("<tr>" + "".join(f"<td>{html.escape(str(v))}</td>" for v in row) + "</tr>" for row in body)
    return f"<table><tr>{top}</tr>{rows}</table>"


def _by_length(row: dict[str, Any], groups: list[str]) -> list[str]:
    table = row["by_history_length"]
    return [f"{table[span]['ndcg@10']:.4f} ({table[span]['n_users']})" if span in table else "" for span in groups]


def _by_kind(row: dict[str, Any], groups: list[str]) -> list[str]:
    table = row["by_popularity"]
    return [f"{table[kind]['recall@10']:.4f} ({table[kind]['n_targets']})" if kind in table else "" for kind in groups]

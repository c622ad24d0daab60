"""`huaxiang evaluate search`: how well products are ranked, by judgements or by the clicks in the log."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from huaxiang.cli.evaluate_clicks import evaluate_by_clicks
from huaxiang.cli.figures import check_folders, say_comparison
from huaxiang.cli.serving import ConfigFile, DataDir
from huaxiang.errors import ConfigError


def register(group: typer.Typer) -> None:
    """Add the command to the group `evaluate`."""
    group.command("search")(search)


def search(
    out: Annotated[Path, typer.Option("--json", help="Where the figures go.")],
    judgments: Annotated[
        Path | None,
        typer.Option(
            help="CSV with query, product_title, relevance; nothing is learned of it. None: clicks in the log."
        ),
    ] = None,
    train: Annotated[Path | None, typer.Option(help="The same columns for other queries, whose grades teach.")] = None,
    budget: Annotated[str, typer.Option(help="Wall time for everything: 90s, 10m, 1h.")] = "10m",
    ranker: Annotated[Path | None, typer.Option(help="Keep what --train taught in this new or empty folder.")] = None,
    seed: Annotated[int, typer.Option(help="Of folds, trees and intervals.")] = 0,
    data_dir: DataDir = None,
    config: ConfigFile = None,
) -> None:
    """Rank the judged products of each query, gzip or plain: ndcg@10 and mrr with 95 % intervals.

    Without --judgments the shop of --data-dir is judged by its own clicks: the last tenth of the time in which people
    searched is held out, a release is trained on what was before it (within --budget, in a folder that goes away), and
    the lists that were shown then are ordered again. Rows: huaxiang, huaxiang for nobody (no profile), words alone
    (BM25F), as shown. A click counts the more the less its place is looked at.

    ndcg has the gain 2^relevance - 1, the discount log2(rank + 1), the ideal over the query's judged products, the mean
    over queries, and equal scores keep the order of the file. mrr is one over the rank of the first product whose
    relevance is the highest of its query. product_id and product_description may stand beside the three columns.

    Rows: huaxiang (words, places, amounts and an encoder; with --train taught by its grades), huaxiang without learning
    (beside it with --train), bm25 (bm25s, tuned once on other queries, counts of this file), dense (MiniLM by
    sentence-transformers), naive rank fusion of these two. A row whose package is missing is left out and named.
    """
    from huaxiang.evaluation.budget import parse_duration

    check_folders(out)
    _check_ranker(ranker, train)
    if judgments is None:
        if train is not None:
            raise ConfigError("--train teaches how the products of --judgments are ranked; give both or neither")
        evaluate_by_clicks(data_dir, config, out, parse_duration(budget), seed)
    else:
        _by_judgments(judgments, train, out, ranker, parse_duration(budget), seed)


def _by_judgments(
    judgments: Path, train: Path | None, out: Path, ranker: Path | None, seconds: float, seed: int
) -> None:
    from rich.console import Console

    from huaxiang.evaluation.budget import Budget
    from huaxiang.evaluation.judgment_file import read_judgments
    from huaxiang.evaluation.search_judgments import evaluate_search

    with Console(stderr=True).status("reading") as status:
        clock = Budget(seconds, say=status.update)
        judged = read_judgments(judgments)
        taught = None if train is None else read_judgments(train)
        found = evaluate_search(judged, taught, clock, seed=seed)
    if ranker is not None and found.ranker is not None:
        ranker.mkdir(parents=True, exist_ok=True)
        found.ranker.save(ranker)
    out.write_text(json.dumps(found.report, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    _say(found.report)


def _check_ranker(ranker: Path | None, train: Path | None) -> None:
    if ranker is None:
        return
    if train is None:
        raise ConfigError("--ranker keeps what --train taught; give both or neither")
    if ranker.exists() and (not ranker.is_dir() or any(ranker.iterdir())):
        raise ConfigError(f"{ranker} is not empty; name a new or an empty folder for the ranker")


def _say(report: dict[str, Any]) -> None:
    """The table, for people."""
    from rich.console import Console

    data = report["data"]
    say_comparison(f"{data['n_queries']} queries, {data['n_pairs']} judged products", report, ("ndcg@10", "mrr"))
    for note in (*report["notes"], *report["left_out"]):
        Console().print(f"note: {note}", markup=False, highlight=False)

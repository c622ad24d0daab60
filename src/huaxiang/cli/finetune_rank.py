"""`huaxiang finetune rank`: does this history fit this item, learned from clicks and purchases."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from huaxiang.cli.figures import check_folders
from huaxiang.cli.options import Budget, EncoderName, JsonFile, LearningRate, Prune, Seed, Test, Threads, TrainedBy
from huaxiang.cli.progress import bar
from huaxiang.cli.train import seconds_of

if TYPE_CHECKING:
    from huaxiang.encoder.reranking import Asked, Judgments


def register(group: typer.Typer) -> None:
    """Add the command to the group `finetune`."""
    group.command("rank")(rank)


def rank(
    train: Annotated[Path, typer.Option(help="CSV, TSV or JSONL with a history, an item and a label in each row.")],
    history: Annotated[str, typer.Option(help="Column of the history or query, as text.")],
    item: Annotated[str, typer.Option(help="Column of the item's text.")],
    label: Annotated[str, typer.Option(help="Column of what the pair is worth: click, purchase, or a number.")],
    test: Test = None,
    group: Annotated[
        str | None, typer.Option(help="Column of the person, query or page whose list it is (default: the history).")
    ] = None,
    encoder: EncoderName = "auto",
    method: TrainedBy = "full",
    prune: Prune = True,
    budget: Budget = "10m",
    epochs: Annotated[float | None, typer.Option(min=0.01, help="Passes, at most (default 3).")] = None,
    learning_rate: LearningRate = None,
    batch_size: Annotated[int | None, typer.Option(min=2, help="Pairs of a batch, about (default 64).")] = None,
    seed: Seed = 0,
    threads: Threads = None,
    out: Annotated[Path | None, typer.Option(help="Keep the cross-encoder here; it is served without torch.")] = None,
    json_file: JsonFile = None,
) -> None:
    """Teach a cross-encoder, which reads a history and an item together, to put first what is clicked and bought."""
    from huaxiang.encoder.reranking import Asked, check_out, read_judgments

    seconds = seconds_of(budget)
    check_folders(json_file)
    if out is not None:
        check_out(out)
    learned = read_judgments(train, history, item, label, group)
    asked = None if test is None else read_judgments(test, history, item, label, group)
    how = Asked(encoder, method, prune, epochs, learning_rate, batch_size, seed, threads)
    figures = _run(learned, asked, how, seconds, out)
    if json_file is not None:
        json_file.write_text(json.dumps(figures, ensure_ascii=False, indent=1), encoding="utf-8")
    _say(figures, out)


def _run(
    learned: "Judgments", asked: "Judgments | None", how: "Asked", seconds: float, out: Path | None
) -> dict[str, Any]:
    from huaxiang.encoder.reranking import save_ranker, train_ranker
    from huaxiang.encoder.schedule import Clock

    clock = Clock(seconds)
    with bar() as progress:
        ranker = train_ranker(learned, asked, how, clock, seconds=seconds, progress=progress)
    figures = dict(ranker.figures)
    if out is not None:
        samples = list(zip(learned.histories[:64], learned.items[:64], strict=True))
        figures["fingerprint"] = save_ranker(ranker, out, samples)
    return figures | {"seconds": round(clock.elapsed, 2)}


def _say(figures: dict[str, Any], out: Path | None) -> None:
    """What was reached, for people."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"{figures['encoder']}, {figures['method']}, {figures['steps']} steps, {figures['objective']}")
    for column in ("", "auc", "mrr", "ndcg@10"):
        table.add_column(column, justify="left" if not column else "right")
    for name, row in (("cross-encoder", figures), ("cosine, as it came", figures["baseline"]["cosine"])):
        shown = (row[key] for key in ("auc", "mrr", "ndcg@10"))
        table.add_row(name, *("-" if value is None else f"{value:.4f}" for value in shown))
    console = Console()
    console.print(table)
    for note in figures["notes"]:
        console.print(f"note: {note}", markup=False, highlight=False)
    if out is not None:
        console.print(f"kept in {out}; open it with huaxiang.encoder.cross_encoder.CrossEncoder.load", markup=False)

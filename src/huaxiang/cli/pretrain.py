"""`huaxiang pretrain` makes an encoder from files of text."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from huaxiang.cli.progress import bar
from huaxiang.cli.train import seconds_of
from huaxiang.encoder.texts import read_texts

if TYPE_CHECKING:
    from huaxiang.encoder.report import EncoderReport


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(pretrain)


def pretrain(
    texts: Annotated[list[Path], typer.Option(help="Lines of text, or CSV, TSV, JSONL; plain or gzip. Repeatable.")],
    out: Annotated[Path, typer.Option(help="Folder to write: hf/ for Transformers, serving/ for onnxruntime.")],
    encoder: Annotated[
        str | None,
        typer.Option(help="Begin with this Hugging Face checkpoint: a folder, or a name in the local cache."),
    ] = None,
    column: Annotated[str | None, typer.Option(help="Column of CSV, TSV or JSONL that holds the text.")] = None,
    budget: Annotated[str, typer.Option(help="Wall time for everything: 90s, 5m, 1h.")] = "5m",
    seed: Annotated[int, typer.Option(help="Same seed, same encoder, where the budget cuts nothing.")] = 0,
    threads: Annotated[int, typer.Option(min=1, help="Threads of the training.")] = 1,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures here.")] = None,
) -> None:
    """Pretrain an encoder by masked language modelling on your own text."""
    seconds = seconds_of(budget)
    read = [text for path in texts for text in read_texts(path, column)]
    from huaxiang.encoder.training import train_encoder

    with bar() as progress:
        report = train_encoder(
            read, [], out=out, checkpoint=encoder, budget_seconds=seconds, seed=seed, threads=threads, progress=progress
        )
    _say(report, out)
    if json_file is not None:
        json_file.write_text(json.dumps(report.figures(), ensure_ascii=False, indent=2), encoding="utf-8")


def _say(report: "EncoderReport", out: Path) -> None:
    typer.echo(
        f"{out}: {report.name}, {report.parameters:,} weights, {report.vocabulary:,} pieces, vectors of {report.d}; "
        f"read {report.n_texts:,} texts in {report.seconds:.0f} s"
    )
    if (masked := report.pretrain) is not None:
        typer.echo(
            f"pretraining: {masked.steps} of {masked.planned_steps} steps; held-out perplexity "
            f"{masked.perplexity_before:.1f} before, {masked.perplexity_after:.1f} after"
        )
    for note in report.notes:
        typer.echo(f"note: {note}")

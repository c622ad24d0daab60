"""`huaxiang export` writes an encoder for onnxruntime, for Transformers or as a static one, and checks it first."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from huaxiang.cli.figures import check_folders
from huaxiang.cli.progress import bar
from huaxiang.cli.train import seconds_of
from huaxiang.encoder.texts import read_texts

if TYPE_CHECKING:
    from huaxiang.encoder.shrinking import ExportReport

_FORMAT = "onnx: onnxruntime + tokenizers; hf: Transformers, sentence-transformers; static: a vector for each piece."


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(export)


def export(
    encoder: Annotated[str, typer.Argument(help="Folder that `pretrain` or `train` wrote, checkpoint, or its name.")],
    out: Annotated[Path, typer.Option(help="Folder to write; an earlier export there is replaced.")],
    format_: Annotated[str, typer.Option("--format", help=_FORMAT)] = "onnx",
    precision: Annotated[str, typer.Option(help="Of --format onnx: int8 or fp32.")] = "int8",
    layers: Annotated[int | None, typer.Option(min=1, help="Of --format hf: distil to so many layers.")] = None,
    width: Annotated[int, typer.Option(min=8, help="Of --format static: width of its vectors, at most.")] = 256,
    texts: Annotated[
        list[Path] | None, typer.Option(help="The shop's texts, to check on and to learn from. Repeatable.")
    ] = None,
    column: Annotated[str | None, typer.Option(help="Column of CSV, TSV or JSONL that holds the text.")] = None,
    budget: Annotated[str, typer.Option(help="Wall time of distilling, to fewer layers or static.")] = "10m",
    force: Annotated[bool, typer.Option("--force", help="Ship although it agrees too little with its source.")] = False,
    seed: Annotated[int, typer.Option(help="Of the texts that are drawn, and of distilling.")] = 0,
    threads: Annotated[int, typer.Option(min=1, help="Threads.")] = 1,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures here.")] = None,
) -> None:
    """Make an encoder small and take it elsewhere; refuses what agrees too little with its source."""
    check_folders(json_file)
    from huaxiang.encoder.shrinking import Wish, export_encoder

    wish = Wish(format_, precision, layers, width, force, seconds_of(budget), seed, threads)
    read = (text for path in texts for text in read_texts(path, column)) if texts else None
    with bar() as progress:
        report = export_encoder(encoder, out, wish, texts=read, progress=progress)
    _say(report, out)
    if json_file is not None:
        json_file.write_text(json.dumps(report.figures(), ensure_ascii=False, indent=2), encoding="utf-8")


def _say(report: "ExportReport", out: Path) -> None:
    precision = "" if report.precision is None else f", {report.precision}"
    typer.echo(
        f"{out}: {report.name}, {report.format}{precision}, vectors of {report.d}, {report.megabytes:,.1f} MB "
        f"(its graph in fp32 {report.source_megabytes:,.1f} MB), {report.seconds:.0f} s"
    )
    if (layers := report.layers) is not None:
        typer.echo(
            f"{layers.layers} of {layers.source_layers} layers: mean cosine with the whole on {layers.n_held} held-out "
            f"texts {layers.cosine_before:.4f} before, {layers.cosine_after:.4f} after {layers.steps} of "
            f"{layers.planned_steps} steps in {layers.precision}"
        )
    if (cosines := report.cosines) is not None:
        of = "the file with what was distilled" if layers is not None else "with its source"
        typer.echo(
            f"agreement of {cosines.n_texts} texts {of}: cosine {cosines.mean:.5f}, smallest {cosines.least:.5f}"
        )
    if (likeness := report.likeness) is not None:
        before = report.likeness_of_pieces
        was = "" if before is None else f" (pieces alone {before.spearman:.3f} and {before.recall:.3f})"
        typer.echo(
            f"agreement of {likeness.n_texts} texts with its source: rank correlation of likeness "
            f"{likeness.spearman:.3f}, shared among the ten nearest {likeness.recall:.3f}{was}"
        )
    for note in report.notes:
        typer.echo(f"note: {note}")

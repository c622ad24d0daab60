"""`huaxiang pretrain` makes an encoder, or a decoder, from files of text."""

# ruff: noqa: ARG001  (the options are many and are read by name, from the context)

import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from huaxiang.cli.figures import check_folders
from huaxiang.cli.progress import bar
from huaxiang.cli.train import seconds_of
from huaxiang.encoder.texts import read_texts
from huaxiang.errors import ConfigError

if TYPE_CHECKING:
    from huaxiang.encoder.model import Shape
    from huaxiang.encoder.pretraining.report import RunReport
    from huaxiang.encoder.pretraining.run import Wish

_CHECKS: Final = 8
"""Measurements on held-out texts between the first step and the last, where there is time."""

Texts = Annotated[list[Path], typer.Option(help="Lines of text, or CSV, TSV, JSONL; plain or gzip. Repeatable.")]
Out = Annotated[Path, typer.Option(help="Folder to write: hf/ for Transformers, serving/ for onnxruntime.")]
Checkpoint = Annotated[
    str | None, typer.Option(help="Go on from this checkpoint: auto, e5-small, minilm, a folder, a cached name.")
]
Column = Annotated[str | None, typer.Option(help="Column of CSV, TSV or JSONL that holds the text.")]
Goal = Annotated[
    str, typer.Option(help="masked: an encoder learns hidden words; next-word: a decoder learns to write.")
]
Masking = Annotated[str, typer.Option(help="What is hidden together: whole-word or token.")]
Tokenizer = Annotated[str, typer.Option(help="Of a checkpoint: own, or shop: one trained on the texts.")]
Start = Annotated[str | None, typer.Option(help="transferred (what the checkpoint knows) or random (noise).")]
Prune = Annotated[bool, typer.Option(help="First cut what the texts do not use out of the checkpoint's vocabulary.")]
Size = Annotated[str, typer.Option(help="Layers x width of a new network, such as 2x128 or 4x256.")]
Vocabulary = Annotated[int, typer.Option(min=300, help="Pieces, at most, of a tokenizer trained on the texts.")]
MaxTokens = Annotated[int, typer.Option(min=8, help="Where texts are cut.")]
BatchSize = Annotated[int, typer.Option(min=1, help="Texts of a batch.")]
Accumulate = Annotated[int, typer.Option(min=1, help="Batches whose gradients add up to one step.")]
Epochs = Annotated[int, typer.Option(min=1, help="Passes over the texts, at most.")]
Steps = Annotated[int | None, typer.Option(min=1, help="Steps, at most.")]
Rate = Annotated[
    float | None, typer.Option(help="Peak learning rate (default: 2e-3 at width 128, 1e-4 for a checkpoint).")
]
WarmUp = Annotated[float, typer.Option(min=0, max=1, help="Share of the steps in which the learning rate rises.")]
Packed = Annotated[
    bool | None,
    typer.Option("--packed/--buckets", help="Let short texts share a row, or batch like lengths (default: by speed)."),
]
Precision = Annotated[str, typer.Option(help="fp32, bf16, or auto: whichever is faster on this machine.")]
Memory = Annotated[str | None, typer.Option(help="What the process may hold, such as 800M or 4G (default: any).")]
Resume = Annotated[
    bool | None,
    typer.Option("--resume/--fresh", help="Take up the unfinished run, or drop it (default: take up an equal one)."),
]
KeepSeconds = Annotated[float, typer.Option(min=0, help="Keep the state at least this often, in seconds.")]
KeepSteps = Annotated[int | None, typer.Option(min=1, help="Keep the state after so many steps too.")]
Samples = Annotated[int, typer.Option("--sample", min=0, max=64, help="Texts that a decoder goes on with in the end.")]
Budget = Annotated[str, typer.Option(help="Wall time for everything: 90s, 5m, 1h.")]
Seed = Annotated[int, typer.Option(help="Same seed, same network, where the budget cuts nothing.")]
Threads = Annotated[int, typer.Option(min=1, help="Threads of the training.")]
Json = Annotated[Path | None, typer.Option("--json", help="Write the figures here.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(pretrain)


def pretrain(
    context: typer.Context,
    texts: Texts,
    out: Out,
    encoder: Checkpoint = None,
    column: Column = None,
    objective: Goal = "masked",
    masking: Masking = "token",
    tokenizer: Tokenizer = "own",
    start: Start = None,
    prune: Prune = False,
    size: Size = "2x128",
    vocabulary: Vocabulary = 8_000,
    max_tokens: MaxTokens = 96,
    batch_size: BatchSize = 32,
    accumulate: Accumulate = 1,
    epochs: Epochs = 10,
    steps: Steps = None,
    learning_rate: Rate = None,
    warm_up: WarmUp = 0.1,
    packed: Packed = None,
    precision: Precision = "auto",
    memory: Memory = None,
    resume: Resume = None,
    keep_seconds: KeepSeconds = 60.0,
    keep_steps: KeepSteps = None,
    sample: Samples = 0,
    budget: Budget = "5m",
    seed: Seed = 0,
    threads: Threads = 1,
    json_file: Json = None,
) -> None:
    """Pretrain an encoder or a decoder on your own text, from nothing or from a checkpoint."""
    check_folders(json_file)
    read = (text for path in texts for text in read_texts(path, column))
    report = _run(read, out, context.params)
    if json_file is not None:
        json_file.write_text(json.dumps(report.figures(), ensure_ascii=False, indent=2), encoding="utf-8")


def _run(read: Iterator[str], out: Path, given: Mapping[str, Any]) -> "RunReport":
    """Do it, with a bar, and say what came of it."""
    from huaxiang.encoder.pretraining.run import pretrain_texts

    wish = wish_of(given)
    with bar() as progress:
        report = pretrain_texts(read, out, wish, progress=progress)
    _say(report, out)
    return report


def wish_of(given: Mapping[str, Any]) -> "Wish":
    """What the options ask for."""
    from huaxiang.encoder.pretraining.memory import bytes_of
    from huaxiang.encoder.pretraining.run import Wish
    from huaxiang.encoder.pretraining.settings import Pretraining

    in_settings = ("masking", "batch_size", "accumulate", "epochs", "warm_up", "packed")
    as_they_are = (
        "objective",
        "encoder",
        "tokenizer",
        "start",
        "prune",
        "learning_rate",
        "precision",
        "seed",
        "threads",
    )
    return Wish(
        **{name: given[name] for name in as_they_are},
        settings=Pretraining(**{name: given[name] for name in in_settings}, checks=_CHECKS),
        shape=shape_of(given["size"], given["vocabulary"], given["max_tokens"]),
        seconds=seconds_of(given["budget"]),
        max_steps=given["steps"],
        memory=None if given["memory"] is None else bytes_of(given["memory"]),
        resume=given["resume"],
        keep_seconds=given["keep_seconds"],
        keep_steps=given["keep_steps"],
        samples=given["sample"],
    )


def shape_of(size: str, vocabulary: int, max_tokens: int) -> "Shape":
    """`2x128`: two layers of width 128, with heads of width 32 and an inner width twice as large."""
    from huaxiang.encoder.model import Shape

    found = re.fullmatch(r"([1-9][0-9]?)x([0-9]{2,4})", size)
    if found is None or int(found[2]) % 32:
        raise ConfigError(f"size {size!r} is none; write layers x width, the width a multiple of 32, such as 2x128")
    layers, width = int(found[1]), int(found[2])
    return Shape(width, layers, width // 32, 2 * width, vocabulary, max_tokens)


def _say(report: "RunReport", out: Path) -> None:
    done = report.pretrain
    typer.echo(
        f"{out}: {report.name}, {report.parameters:,} weights, {report.vocabulary:,} pieces, vectors of {report.d}; "
        f"read {report.n_texts:,} texts in {report.seconds:.0f} s"
    )
    judged = f"held-out perplexity {done.perplexity_before:.1f} before, {done.perplexity_after:.1f} after"
    if math.isnan(done.perplexity_after):
        judged = "too little text to hold any out, so nothing says what was learned"
    typer.echo(
        f"pretraining ({done.objective}): {done.steps} of {done.planned_steps} steps in {done.precision}, "
        f"{done.tokens_per_second:,.0f} tokens a second, at most {done.peak_mb:,.0f} MB; {judged}"
    )
    for sample in report.samples:
        typer.echo(f"sample: {sample.prompt} |{sample.continuation}")
    for note in report.notes:
        typer.echo(f"note: {note}")

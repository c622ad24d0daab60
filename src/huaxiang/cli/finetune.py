"""`huaxiang finetune`: an encoder learns a task from labelled files; a task is a sub-command."""

import json
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from huaxiang.cli import finetune_contrast, finetune_generate, finetune_rank, finetune_tag, zero_shot
from huaxiang.cli.figures import check_folders
from huaxiang.cli.options import Budget, Threads
from huaxiang.cli.progress import bar
from huaxiang.cli.train import seconds_of
from huaxiang.encoder.classifying.asked import Asked
from huaxiang.encoder.schedule import Clock
from huaxiang.errors import ConfigError

if TYPE_CHECKING:
    from huaxiang.encoder.classifying.table import Labelled
    from huaxiang.encoder.finetuning.loop import Plan

group = typer.Typer(help="Teach an encoder a task from labelled files, within a budget.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the group with its tasks."""
    finetune_contrast.register(group)
    finetune_generate.register(group)
    finetune_rank.register(group)
    finetune_tag.register(group)
    zero_shot.register(group)
    app.add_typer(group, name="finetune")


@group.callback()
def _group() -> None:
    """Teach an encoder a task from labelled files, within a budget."""


Train = Annotated[Path, typer.Option(help="CSV, TSV or JSONL with a text and a label in each row; plain or gzip.")]
Test = Annotated[Path, typer.Option(help="The same columns; never learned from, never chosen by.")]
TextColumn = Annotated[str, typer.Option("--text", help="Column of the text.")]
LabelColumn = Annotated[str, typer.Option("--label", help="Column of the label; labels are compared as text.")]
JsonFile = Annotated[Path, typer.Option("--json", help="Where the figures go.")]
Method = Annotated[
    str,
    typer.Option(
        help="auto (held-out texts choose), ngrams, frozen, stack, few-shot, "
        "or a way to fine-tune: full, lora, adalora, adapter, prefix, prompt, ia3"
    ),
]
EncoderName = Annotated[str, typer.Option(help="auto, e5-small, minilm, a checkpoint's folder, a cached name.")]
Out = Annotated[Path | None, typer.Option(help="Keep the classifier in this folder; it is served without torch.")]
Many = Annotated[bool, typer.Option("--many", help="A cell holds several labels, with | between them, or none.")]
Balanced = Annotated[bool, typer.Option("--balanced", help="Each class counts alike, however rare it is.")]
Outside = Annotated[str | None, typer.Option(help="The label that says: none of the others; not to be answered.")]
GroupColumn = Annotated[
    str | None,
    typer.Option(
        "--group", help="Column of TRAIN, such as the shop category: judge by groups that nothing was learned from."
    ),
]
PlanFile = Annotated[Path | None, typer.Option(help="Settings that `huaxiang tune` found, as JSON.")]
Precision = Annotated[str, typer.Option(help="auto (what is faster on this machine), fp32, bf16.")]
Track = Annotated[str | None, typer.Option(help="tensorboard, wandb, or both by a comma; off by default.")]
Seed = Annotated[int, typer.Option(help="Same seed, same classifier, where the budget cuts nothing.")]


@group.command("classify")
def classify(
    train: Train,
    test: Test,
    text: TextColumn,
    label: LabelColumn,
    json_file: JsonFile,
    method: Method = "auto",
    encoder: EncoderName = "auto",
    budget: Budget = "10m",
    out: Out = None,
    many: Many = False,
    balanced: Balanced = False,
    outside: Outside = None,
    group: GroupColumn = None,
    plan: PlanFile = None,
    precision: Precision = "auto",
    track: Track = None,
    seed: Seed = 0,
    threads: Threads = None,
) -> None:
    """Teach a classifier on TRAIN, and say how it does on TEST: any CSV, TSV or JSONL, any language.

    `auto` compares TF-IDF over words and characters, a frozen encoder, fine-tuning and their stack on texts held out of
    TRAIN, and says which it took and why.
    """
    from huaxiang.encoder.classifying.table import check_pair, read_labelled

    clock = Clock(seconds_of(budget))
    check_folders(json_file)
    learned = read_labelled(train, text, label, many=many, group=group)
    tables = learned, read_labelled(test, text, label, many=many)
    check_pair(*tables)
    found_plan, tuned_by = read_plan_for(method, plan)
    how = Asked(method, encoder, many, balanced, found_plan, seed, threads, tuned_by, precision, outside)
    found = _run(tables, how, clock, out, track, json_file)
    json_file.write_text(json.dumps(found, ensure_ascii=False, indent=1), encoding="utf-8")
    _say(found, out)


def read_plan_for(method: str, path: Path | None) -> "tuple[Plan | None, str]":
    """The plan of a file and the method that it is for, which `--method` must not contradict."""
    from huaxiang.encoder.finetuning.methods import METHODS
    from huaxiang.encoder.finetuning.plan_file import read_plan

    if path is None:
        return None, "full"
    plan, tuned_by = read_plan(path)
    if method != tuned_by and method in METHODS:
        raise ConfigError(f"{path} is a plan for {tuned_by}, but --method is {method}; leave --method out")
    return plan, tuned_by


def _run(
    tables: "tuple[Labelled, Labelled]", how: Asked, clock: Clock, out: Path | None, track: str | None, near: Path
) -> dict[str, Any]:
    """Train, ask about the test texts, keep; the figures."""
    from huaxiang.encoder.classifying.auto import train_classifier
    from huaxiang.encoder.classifying.report import figures, save_classifier
    from huaxiang.encoder.tracking import open_tracker

    learned, asked = tables
    run = {"task": "classify", "method": how.method, "encoder": how.encoder, "seed": how.seed}
    tracking = open_tracker(track, (out or near).parent / "tracking", run)
    with bar() as progress, tracking or nullcontext() as tracker:
        trained = train_classifier(
            learned,
            how,
            clock,
            n_texts_after=len(asked),
            seconds_after=5.0 if out is None else 30.0,
            progress=progress,
            tracker=tracker,
        )
        found = figures(trained, asked, trained.classifier.probabilities(asked.texts))
    if out is not None:
        save_classifier(trained, out, {name: found[name] for name in ("accuracy", "macro_f1", "method", "why")})
    top = {name: found[name] for name in ("accuracy", "macro_f1", "method")} | {"seconds": round(clock.elapsed, 2)}
    return top | {name: found[name] for name in ("n_train", "n_test")} | found


def _say(found: dict[str, Any], out: Path | None) -> None:
    """The report, for people."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    console.print(
        f"{found['method']}: accuracy {found['accuracy']:.4f}, macro F1 {found['macro_f1']:.4f} on {found['n_test']:,} "
        f"texts; learned from {found['n_train']:,} in {found['seconds']:.0f} s"
    )
    console.print(found["why"])
    table = Table(title="test texts by class")
    for name in ("label", "precision", "recall", "F1", "texts"):
        table.add_column(name, justify="left" if name == "label" else "right")
    rows = sorted(found["classes"], key=lambda row: row["f1"])
    for row in rows if len(rows) <= 20 else rows[:10]:
        table.add_row(
            row["label"][:40],
            f"{row['precision']:.3f}",
            f"{row['recall']:.3f}",
            f"{row['f1']:.3f}",
            str(row["support"]),
        )
    console.print(table)
    if len(rows) > 20:
        console.print(f"the ten weakest of {len(rows)} classes; all are in the JSON file")
    for line in [*_confusions(found), *_unanswered(found)]:
        console.print(line)
    for note in found["notes"]:
        console.print(f"note: {note}", markup=False)
    if out is not None:
        console.print(f"kept in {out}; open it with huaxiang.encoder.classifying.classifier.TextClassifier.load")


def _confusions(found: dict[str, Any], most: int = 5) -> list[str]:
    """What is taken for what, most often."""
    matrix = found.get("confusion")
    if matrix is None:
        return []
    names = [row["label"] for row in found["classes"]]
    pairs = [(n, names[i], names[j]) for i, row in enumerate(matrix) for j, n in enumerate(row) if i != j and n]
    shown = sorted(pairs, key=lambda pair: -pair[0])[:most]
    return [f"{n} texts of {right!r} were taken for {said!r}" for n, right, said in shown]


def _unanswered(found: dict[str, Any]) -> list[str]:
    """What it leaves unanswered, and what that is good for."""
    said = []
    if (sure := found.get("abstention")) is not None and sure["accuracy"] is not None:
        said.append(
            f"where it is at least {sure['threshold']:.2f} sure it answers {sure['coverage']:.0%} of the texts, "
            f"{sure['accuracy']:.1%} of them right; calibration error {found['ece']:.3f}"
        )
    if (beyond := found.get("outside")) is not None and None not in beyond.values():
        said.append(
            f"it leaves {beyond['recall_outside']:.1%} of {beyond['n_outside']:,} texts outside unanswered, and "
            f"answers {beyond['accuracy_inside']:.1%} of the others right"
        )
    return said

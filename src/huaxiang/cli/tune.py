"""`huaxiang tune`: settings of a fine-tuning are searched by held-out rows; a task is a sub-command."""

import json
import time
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from huaxiang.cli.figures import check_folders
from huaxiang.cli.progress import bar
from huaxiang.cli.train import seconds_of

if TYPE_CHECKING:
    from huaxiang.encoder.finetuning.loop import Tracker
    from huaxiang.encoder.tuning import Trial, TuneReport

group = typer.Typer(help="Search the settings of a fine-tuning, within a budget.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the group with its tasks."""
    app.add_typer(group, name="tune")


@group.callback()
def _group() -> None:
    """Search the settings of a fine-tuning, within a budget."""


@group.command("classify")
def classify(
    train: Annotated[Path, typer.Option(help="CSV, TSV or JSONL with a text and a label in each row; plain or gzip.")],
    text: Annotated[str, typer.Option(help="Column of the text.")],
    label: Annotated[str, typer.Option(help="Column of the label; labels are compared as text.")],
    out: Annotated[Path, typer.Option(help="Folder of the search; one that is there is gone on with.")],
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures here.")] = None,
    method: Annotated[
        str, typer.Option(help="full, lora, adalora, adapter, prefix, prompt, ia3; several by commas, usual first.")
    ] = "full",
    encoder: Annotated[
        str, typer.Option(help="auto, e5-small, minilm, a folder of a checkpoint, a name in the local cache.")
    ] = "auto",
    trials: Annotated[
        int | None, typer.Option(min=1, help="In all, with those of before (default: as many as the budget allows).")
    ] = None,
    budget: Annotated[str, typer.Option(help="Wall time for everything: 90s, 10m, 1h.")] = "10m",
    many: Annotated[
        bool, typer.Option("--many", help="A cell holds several labels, with | between them, or none.")
    ] = False,
    balanced: Annotated[bool, typer.Option("--balanced", help="Each class counts alike, however rare it is.")] = False,
    track: Annotated[str | None, typer.Option(help="tensorboard, wandb, or both by a comma; off by default.")] = None,
    seed: Annotated[int, typer.Option(help="Same seed, same trials, where the budget cuts nothing.")] = 0,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Of the training (default: the cores that are idle).")
    ] = None,
) -> None:
    """Search how a classifier is fine-tuned best on TRAIN; OUT/plan.json is for `huaxiang finetune classify --plan`.

    The first trial has the defaults, so what is found is never worse than they are on the held-out texts.
    """
    began = time.monotonic()
    check_folders(json_file)
    seconds = seconds_of(budget)
    from huaxiang.encoder.finetuning.plan_file import write_plan

    methods = [part.strip() for part in method.split(",")]
    files = {"train": train, "text": text, "label": label, "encoder": encoder}
    switches = {"many": many, "balanced": balanced, "seed": seed, "threads": threads}
    report, notes = _search(files, switches, methods, out, trials, track, seconds - (time.monotonic() - began))
    write_plan(out / "plan.json", report.best.plan, report.best.method)
    if json_file is not None:
        figures = report.figures() | {"seconds": round(time.monotonic() - began, 2), "notes": notes}
        json_file.write_text(json.dumps(figures, ensure_ascii=False, indent=1), encoding="utf-8")
    _say(report, notes, out)


def _search(
    files: dict[str, Any],
    switches: dict[str, Any],
    methods: list[str],
    out: Path,
    trials: int | None,
    track: str | None,
    seconds: float,
) -> "tuple[TuneReport, list[str]]":
    """Open the encoder, then try."""
    from huaxiang.encoder.classifying.networks import open_network
    from huaxiang.encoder.classifying.objective import TuneClassify, material_of
    from huaxiang.encoder.classifying.table import read_labelled
    from huaxiang.encoder.optimising import torch_as
    from huaxiang.encoder.schedule import Clock
    from huaxiang.encoder.threads import idle_cores
    from huaxiang.encoder.tracking import open_tracker
    from huaxiang.encoder.tuning import tune

    clock, seed, many = Clock(seconds), switches["seed"], switches["many"]
    learned = read_labelled(files["train"], files["text"], files["label"], many=many)
    material = material_of(learned, clock, seed=seed, many=many, balanced=switches["balanced"])

    def opened_tracker(name: str, run: dict[str, Any]) -> "AbstractContextManager[Tracker | None]":
        return open_tracker(track, out / "tracking" / name, run)

    with torch_as(switches["threads"] or idle_cores(), seed, "huaxiang tune"), bar() as progress:
        opened = open_network(files["encoder"], material, needed=True)
        assert opened is not None
        objective = TuneClassify(opened, material, seed=seed, track=opened_tracker)
        report = tune(
            objective,
            objective.defaults(methods),
            objective.space(),
            folder=out,
            seconds=clock.left,
            seed=seed,
            n_trials=trials,
            about=objective.about(task="classify"),
            progress=progress,
        )
    return report, material.notes


def _say(report: "TuneReport", notes: list[str], out: Path) -> None:
    """The trials, for people."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    shown = sorted(report.trials, key=lambda trial: -(trial.value if trial.value is not None else -1e9))
    table = Table(title=f"{len(report.trials)} trials, best first")
    for name in ("trial", "held-out", "", "method", "rate", "head rate", "epochs", "batch", "decay", "layers", "s"):
        table.add_column(name, justify="right")
    for trial in shown if len(shown) <= 20 else shown[:20]:
        table.add_row(*_row(trial, trial == report.best, trial == report.usual))
    console.print(table)
    if report.importance:
        shares = ", ".join(f"{name.removesuffix('_factor')} {share:.0%}" for name, share in report.importance.items())
        console.print(f"what the differences between trials come from: {shares}")
    else:
        console.print("too few trials are done to say which setting matters")
    gain = report.figures()["gain"]
    beside = "" if gain is None else f", {gain:+.4f} beside the defaults on the same texts"
    console.print(f"best: trial {report.best.number}, {report.best.value:.4f} on held-out texts{beside}")
    if gain:
        console.print("it is the best of several on those texts, so expect somewhat less on others")
    before = f"; {report.taken_up} trials were there from before" if report.taken_up else ""
    console.print(f"{report.stopped}{before}")
    for note in notes:
        console.print(f"note: {note}", markup=False)
    console.print(f"use it: huaxiang finetune classify --method {report.best.method} --plan {out / 'plan.json'} ...")


def _row(trial: "Trial", is_best: bool, is_usual: bool) -> list[str]:
    plan = asdict(trial.plan)
    value = "-" if trial.value is None else f"{trial.value:.4f}"
    state = " ".join(
        word for word, said in (("best", is_best), ("defaults", is_usual), (trial.state, trial.state != "done")) if said
    )
    return [
        str(trial.number),
        value,
        state,
        trial.method,
        f"{plan['learning_rate']:.1e}",
        f"{plan['head_learning_rate']:.1e}",
        f"{plan['epochs']:.1f}",
        str(plan["batch_size"]),
        f"{plan['weight_decay']:.3f}",
        f"{plan['frozen_layers']} frozen, x{plan['layer_decay']:.2f}" if trial.method == "full" else "",
        f"{trial.seconds:.0f}",
    ]

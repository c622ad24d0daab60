"""`huaxiang tune`: settings of a fine-tuning are searched by held-out rows; a task is a sub-command."""

import json
import time
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from huaxiang.cli.figures import check_folders
from huaxiang.cli.options import Budget, Threads
from huaxiang.cli.progress import bar
from huaxiang.cli.train import seconds_of
from huaxiang.encoder.schedule import Clock

if TYPE_CHECKING:
    from huaxiang.encoder.classifying.material import Material
    from huaxiang.encoder.finetuning.loop import Tracker
    from huaxiang.encoder.tuning import Trial, TuneReport

_Train = Annotated[Path, typer.Option(help="CSV, TSV or JSONL with a text and a label in each row; plain or gzip.")]
_Text = Annotated[str, typer.Option(help="Column of the text.")]
_Label = Annotated[str, typer.Option(help="Column of the label; labels are compared as text.")]
_Out = Annotated[Path, typer.Option(help="Folder of the search; one that is there is gone on with.")]
_Json = Annotated[Path | None, typer.Option("--json", help="Write the figures here.")]
_Method = Annotated[
    str, typer.Option(help="full, lora, adalora, adapter, prefix, prompt, ia3; several by commas, the usual first.")
]
_Encoder = Annotated[
    str, typer.Option(help="auto, e5-small, minilm, a folder of a checkpoint, a name in the local cache.")
]
_Trials = Annotated[
    int | None, typer.Option(min=1, help="In all, with those of before (default: as many as the budget allows).")
]
_Many = Annotated[bool, typer.Option("--many", help="A cell holds several labels, with | between them, or none.")]
_Balanced = Annotated[bool, typer.Option("--balanced", help="Each class counts alike, however rare it is.")]
_Track = Annotated[str | None, typer.Option(help="tensorboard, wandb, or both by a comma; off by default.")]
_Seed = Annotated[int, typer.Option(help="Same seed, same trials, where the budget cuts nothing.")]

group = typer.Typer(help="Search the settings of a fine-tuning, within a budget.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the group with its tasks."""
    app.add_typer(group, name="tune")


@group.callback()
def _group() -> None:
    """Search the settings of a fine-tuning, within a budget."""


@group.command("classify")
def classify(
    train: _Train,
    text: _Text,
    label: _Label,
    out: _Out,
    json_file: _Json = None,
    method: _Method = "full",
    encoder: _Encoder = "auto",
    trials: _Trials = None,
    budget: Budget = "10m",
    many: _Many = False,
    balanced: _Balanced = False,
    track: _Track = None,
    seed: _Seed = 0,
    threads: Threads = None,
) -> None:
    """Search how a classifier is fine-tuned best on TRAIN; OUT/plan.json is for `huaxiang finetune classify --plan`.

    The first trial has the defaults, so what is found is never worse than they are on the held-out texts.
    """
    began = time.monotonic()
    check_folders(json_file)
    clock = Clock(seconds_of(budget))
    from huaxiang.encoder.classifying.material import material_of
    from huaxiang.encoder.classifying.table import read_labelled
    from huaxiang.encoder.finetuning.plan_file import write_plan

    learned = read_labelled(train, text, label, many=many)
    material = material_of(learned, clock, seed=seed, many=many, balanced=balanced)
    methods = [part.strip() for part in method.split(",")]
    report = _search(material, encoder, methods, _Course(out, trials, track, seed, threads))
    write_plan(out / "plan.json", report.best.plan, report.best.method)
    if json_file is not None:
        figures = report.figures() | {"seconds": round(time.monotonic() - began, 2), "notes": material.notes}
        json_file.write_text(json.dumps(figures, ensure_ascii=False, indent=1), encoding="utf-8")
    _say(report, material.notes, out)


@dataclass(frozen=True)
class _Course:
    """How the search goes, whatever is searched."""

    out: Path
    trials: int | None
    track: str | None
    seed: int
    threads: int | None


def _search(material: "Material", encoder: str, methods: list[str], course: _Course) -> "TuneReport":
    """Open the encoder, then try."""
    from huaxiang.encoder.classifying.networks import open_networks
    from huaxiang.encoder.classifying.objective import TuneClassify
    from huaxiang.encoder.optimising import torch_as
    from huaxiang.encoder.threads import idle_cores
    from huaxiang.encoder.tracking import open_tracker
    from huaxiang.encoder.tuning import tune

    def tracker(name: str, run: dict[str, Any]) -> "AbstractContextManager[Tracker | None]":
        return open_tracker(course.track, course.out / "tracking" / name, run)

    with torch_as(course.threads or idle_cores(), course.seed, "huaxiang tune"), bar() as progress:
        opened = open_networks(encoder, material, needed=True)[0]
        assert opened is not None
        objective = TuneClassify(opened, material, seed=course.seed, track=tracker)
        return tune(
            objective,
            objective.defaults(methods),
            objective.space(),
            folder=course.out,
            seconds=material.clock.left,
            seed=course.seed,
            n_trials=course.trials,
            about=objective.about(task="classify"),
            progress=progress,
        )


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

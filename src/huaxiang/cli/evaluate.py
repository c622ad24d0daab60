"""`huaxiang evaluate`: protocols on files that nobody prepared."""

import json
from pathlib import Path
from typing import Annotated

import typer

from huaxiang.cli import evaluate_search
from huaxiang.errors import ConfigError

group = typer.Typer(help="Measure on files of your own, by the published protocols.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the group to the command."""
    app.add_typer(group, name="evaluate")
    evaluate_search.register(group)


@group.callback()
def _group() -> None:
    """Measure on files of your own, by the published protocols."""


@group.command("sequences")
def sequences(
    file: Annotated[Path, typer.Option("--sequences", help="A user id and item ids in time order on each line.")],
    out: Annotated[Path, typer.Option("--json", help="Where the figures go.")],
    items: Annotated[Path | None, typer.Option(help="TSV with a header: item id, then text and attributes.")] = None,
    budget: Annotated[str, typer.Option(help="Wall time for everything: 90s, 25m, 1h.")] = "25m",
    models: Annotated[str | None, typer.Option(help="By commas: those below, ItemKNN, ALS, BPR.")] = None,
    html: Annotated[Path | None, typer.Option(help="Where a page of the same goes.")] = None,
    seed: Annotated[int, typer.Option(help="Of samples and intervals.")] = 0,
) -> None:
    """Leave-one-out on sequences, gzip or plain: full ranking, seen items masked, 95 % intervals.

    Rows: popularity, transitions (always), huaxiang (strict: nothing is trained on the validation item, it only
    selects; its ranker is taught one step earlier), huaxiang-popularity (its ranker reads no popularity),
    huaxiang+validation (ranker taught on the validation step), huaxiang+refit (all parts fitted with it too), and peers
    that are asked for and installed. Memory is that of the models: about 4 M^2 bytes for M items while a closed form is
    fitted, which is left out above 2 GB.
    """
    from rich.console import Console

    from huaxiang.evaluation.budget import Budget, parse_duration
    from huaxiang.evaluation.report import page, terminal
    from huaxiang.evaluation.sequence_file import read_items, read_sequences
    from huaxiang.evaluation.sequences import evaluate_sequences

    _check_folders(out, html)
    screen = Console(stderr=True)
    with screen.status("reading") as status:
        clock = Budget(parse_duration(budget), say=status.update)
        read = read_sequences(file)
        terms = None if items is None else read_items(items, read.item_ids)
        names = None if models is None else [name.strip() for name in models.split(",") if name.strip()]
        report = evaluate_sequences(read, terms, clock, models=names, seed=seed).json()
    if terms is not None:
        report["data"] |= {"items_without_a_row": terms.missing, "rows_of_items_nobody_met": terms.strangers}
    out.write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n")
    if html is not None:
        html.write_text(page(report))
    Console().print(terminal(report))


def _check_folders(*targets: Path | None) -> None:
    """Say before the work, not after it, that an answer could not be written."""
    for target in targets:
        if target is not None and not target.parent.is_dir():
            raise ConfigError(f"{target} cannot be written: there is no folder {target.parent}; make it first")

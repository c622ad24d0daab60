"""`huaxiang trial`: any shop's file to an honest verdict, as one page."""

import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from huaxiang.cli.data import confirm, plan_of
from huaxiang.cli.figures import check_folders
from huaxiang.cli.options import Budget, JsonFile, Seed
from huaxiang.errors import ConfigError
from huaxiang.measure.figures import plain

if TYPE_CHECKING:
    from huaxiang.collect.load import Plan, Report
    from huaxiang.evaluation.trial import Trial
    from huaxiang.store import Store


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("trial")(trial)


File = Annotated[Path, typer.Argument(help="Purchases, views, ratings ...: CSV, TSV, JSONL or Parquet, or gzip.")]
Out = Annotated[Path, typer.Option(help="Where the page goes.")]
Items = Annotated[list[Path] | None, typer.Option(help="A file that describes the items. Repeatable.")]
Format = Annotated[str, typer.Option(help="Of the file: auto, or a format's name.")]
Columns = Annotated[str, typer.Option("--map", help="Columns: user_id=客户,item_id=货号.")]
Event = Annotated[str | None, typer.Option(help="What every row is, where no column says it: purchase.")]
Timezone = Annotated[str, typer.Option(help="Of times that name none.")]
Language = Annotated[str, typer.Option(help="Of the page: en or zh.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Take the columns as guessed.")]
Peers = Annotated[bool, typer.Option(help="Run ALS of the package implicit too.")]


def trial(
    file: File,
    out: Out = Path("trial.html"),
    budget: Budget = "3m",
    items: Items = None,
    format: Format = "auto",
    columns: Columns = "",
    event: Event = None,
    timezone: Timezone = "UTC",
    language: Language = "en",
    yes: Yes = False,
    peers: Peers = True,
    seed: Seed = 0,
    json_file: JsonFile = None,
) -> None:
    """Say what FILE is worth: learn from what was known a week before its end, ask about the last week.

    Ours stands beside popularity, transitions and ALS, with 95 % intervals; ten people are shown with their profile,
    what would have been recommended and what they took. The file is read into a folder that is thrown away.
    """
    check_folders(out, json_file)
    if language not in ("en", "zh"):
        raise ConfigError(f"--language {language!r} is unknown; choose en or zh")
    files = [(each, "auto") for each in items or []] + [(file, format)]
    plans = [plan_of(each, kind, columns if each == file else "", event, timezone) for each, kind in files]
    for plan in plans:
        confirm(plan, yes=yes)
    reports, found = _watched(plans, budget, peers=peers, seed=seed)
    _write(found, reports, file.name, language, out, json_file)


def _watched(plans: "list[Plan]", budget: str, *, peers: bool, seed: int) -> "tuple[list[Report], Trial]":
    """Run it, saying what is being done."""
    from rich.console import Console

    from huaxiang.evaluation.budget import Budget, parse_duration

    screen = Console(stderr=True)
    with screen.status("reading") as status, tempfile.TemporaryDirectory(prefix="huaxiang-trial-") as folder:
        clock = Budget(parse_duration(budget), say=status.update)
        return _run(plans, Path(folder), clock, peers=peers, seed=seed)


def _write(
    found: "Trial", reports: "list[Report]", name: str, language: str, out: Path, json_file: Path | None
) -> None:
    """The page, the figures, and the verdict on the terminal."""
    from rich.console import Console

    from huaxiang.evaluation.trial_page import share_found, trial_page, verdict

    spoken: Literal["en", "zh"] = "zh" if language == "zh" else "en"
    bad = [pair for report in reports for pair in report.reasons.most_common()]
    out.write_text(trial_page(found, name, spoken, bad), encoding="utf-8")
    if json_file is not None:
        json_file.write_text(json.dumps(plain(found.json()), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    console = Console()
    console.print(verdict(found, spoken))
    console.print(share_found(found, "recall@10: {ours}, popularity {theirs}"))
    console.print(f"the page is {out}", markup=False, highlight=False)


def _run(plans: "list[Plan]", folder: Path, clock: Any, *, peers: bool, seed: int) -> "tuple[list[Report], Trial]":
    """Read the files into a store of their own, and try."""
    from huaxiang.collect.catalogue import Catalogue
    from huaxiang.collect.shop import open_shop_store
    from huaxiang.evaluation.trial import run_trial

    store = open_shop_store(folder, create=True)
    try:
        catalogue = Catalogue(store)
        reports = [_load(plan, store, catalogue, folder) for plan in plans]
        return reports, run_trial(store, clock, peers=peers, seed=seed)
    finally:
        store.close()


def _load(plan: "Plan", store: "Store", catalogue: Any, folder: Path) -> "Report":
    from huaxiang.collect.load import load
    from huaxiang.collect.quarantine import Quarantine
    from huaxiang.collect.validate import quarantine_folder

    now = datetime.now(UTC)
    with Quarantine(quarantine_folder(folder), plan.path.name, now=now) as quarantine:
        return load(plan, store, quarantine, now=now, catalogue=catalogue)

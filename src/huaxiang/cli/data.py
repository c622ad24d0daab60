"""`huaxiang import`, `validate` and `describe`: a shop's files in, and what is in them."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from huaxiang.errors import ConfigError, DataError

if TYPE_CHECKING:
    from huaxiang.collect.catalogue import Catalogue
    from huaxiang.collect.gate import Gate
    from huaxiang.collect.load import Plan, Report
    from huaxiang.collect.masking import Mask

_Files = Annotated[list[Path], typer.Argument(help="Files, gzip or plain.", metavar="FILE...")]
_Format = Annotated[str, typer.Option("--format", help="auto, or a format's name.")]
_Map = Annotated[
    str, typer.Option("--map", help="Fields and their columns: user_id=客户,item_id=货号; of items name=标题.")
]
_Event = Annotated[str | None, typer.Option("--event", help="Kind of event of rows that name none, such as purchase.")]
_Timezone = Annotated[str, typer.Option("--timezone", help="Zone of times without one, such as Asia/Shanghai.")]
_Ending = Annotated[str, typer.Option("--ending", help="Moment at which plain sequences end; they have no times.")]
_Yes = Annotated[bool, typer.Option("--yes", "-y", help="Take the guessed columns without asking.")]
_DataDir = Annotated[Path, typer.Option("--data-dir", help="Folder of the shop.")]
_MaybeDataDir = Annotated[Path | None, typer.Option("--data-dir", help="Folder of the shop, for the items it knows.")]
_Json = Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")]
_Keywords = Annotated[
    int | None,
    typer.Option("--keywords", min=1, help="So many keywords of the items, or of a file of texts, by three ways."),
]
_Reviews = Annotated[bool, typer.Option("--reviews", help="What the reviews, or a file of them, praise and blame.")]
_Rating = Annotated[
    str | None,
    typer.Option("--rating", help="With --reviews FILE: column of ratings, 1 to 5, that polarity learns from."),
]
_Classifier = Annotated[
    Path | None,
    typer.Option("--classifier", help="With --reviews: what `finetune classify --out` wrote, for the polarity."),
]
_Column = Annotated[str | None, typer.Option("--column", help="Column of a file that holds the text.")]
_Encoder = Annotated[str, typer.Option("--encoder", help="auto, none, a folder, or the name of an installed one.")]

_DEFAULT_DIR = Path("huaxiang-data")
_ENDING = "2020-01-01T00:00:00Z"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("import")(import_files)
    app.command()(validate)
    app.command()(describe)


def import_files(
    files: _Files,
    format: _Format = "auto",
    map: _Map = "",
    event: _Event = None,
    timezone: _Timezone = "UTC",
    ending: _Ending = _ENDING,
    yes: _Yes = False,
    data_dir: _DataDir = _DEFAULT_DIR,
    json: _Json = None,
) -> None:
    """Import files into a shop; exit status 1 when any row went to quarantine."""
    from huaxiang.collect.catalogue import Catalogue
    from huaxiang.collect.masking import Mask
    from huaxiang.collect.shop import open_shop_store
    from huaxiang.config import load_settings
    from huaxiang.shop import open_gate

    plans = [plan_of(file, format, map, event, timezone, ending) for file in files]
    for plan in plans:
        confirm(plan, yes=yes)
    settings = load_settings(data_dir=data_dir)
    mask = Mask() if settings.privacy.mask_text else None
    store = open_shop_store(data_dir, create=True)
    try:
        catalogue = Catalogue(store)
        gate = open_gate(settings, store)
        reports = [_import_one(plan, gate, catalogue, data_dir, mask) for plan in plans]
        catalogue.refresh()  # reads the new items into records, so that the next start need not
    finally:
        store.close()
    _write_json(json, {"files": [report.to_json() for report in reports]})
    if any(report.quarantined for report in reports):
        raise typer.Exit(1)


def validate(
    file: Annotated[Path, typer.Argument(help="A file, gzip or plain.")],
    format: _Format = "auto",
    map: _Map = "",
    event: _Event = None,
    timezone: _Timezone = "UTC",
    ending: _Ending = _ENDING,
    data_dir: _MaybeDataDir = None,
    json: _Json = None,
) -> None:
    """Try a file without keeping anything; exit status 1 when any row is bad."""
    from huaxiang.collect.describe import shown
    from huaxiang.collect.validate import validate as run

    plan = plan_of(file, format, map, event, timezone, ending)
    console = _console()
    _show_columns(plan)
    with _catalogue(data_dir) as catalogue, _progress(plan.path.name) as advance:
        found = run(plan, catalogue, progress=advance)
    _show_report(found.report, dry=True)
    for row in found.bad:
        console.print(f"  line {row.line}: {row.reason}", markup=False, highlight=False)
    figures = found.to_json()
    console.print(shown(figures["figures"]))
    _write_json(json, figures)
    if found.report.quarantined:
        raise typer.Exit(1)


def describe(
    file: Annotated[Path | None, typer.Argument(help="A file; without one, the shop.")] = None,
    format: _Format = "auto",
    map: _Map = "",
    event: _Event = None,
    timezone: _Timezone = "UTC",
    ending: _Ending = _ENDING,
    data_dir: _DataDir = _DEFAULT_DIR,
    json: _Json = None,
    keywords: _Keywords = None,
    reviews: _Reviews = False,
    column: _Column = None,
    rating: _Rating = None,
    classifier: _Classifier = None,
    encoder: _Encoder = "auto",
) -> None:
    """Show what is in a file or in a shop: kinds of events, people, items, time, languages.

    With --keywords the words that carry its texts, by TF-IDF, Word2Vec and an encoder, with the words related to each;
    with --reviews what they judge (delivery, price, quality ...) and how, by what its star ratings teach.
    """
    if reviews:
        from huaxiang.cli.reviews import Source, describe_reviews

        figures = describe_reviews(Source(file, column, rating, data_dir), encoder, classifier)
    elif keywords is not None:
        from huaxiang.cli.keywords import describe_keywords, texts_of

        figures = describe_keywords(texts_of(file, column, data_dir), keywords, encoder)
    else:
        figures = _counted(None if file is None else plan_of(file, format, map, event, timezone, ending), data_dir)
    _write_json(json, figures)


def _counted(plan: "Plan | None", data_dir: Path) -> dict[str, Any]:
    """Print and answer with what is in a file, or in the shop."""
    from huaxiang.collect.describe import describe as count
    from huaxiang.collect.describe import shown
    from huaxiang.collect.shop import open_shop_store
    from huaxiang.collect.validate import validate as run

    if plan is not None:
        with _progress(plan.path.name) as advance:
            figures = run(plan, progress=advance).tally.to_json()
    else:
        store = open_shop_store(data_dir)
        try:
            figures = count(store).to_json()
        finally:
            store.close()
    _console().print(shown(figures))
    return figures


def plan_of(file: Path, format: str, map: str, event: str | None, timezone: str, ending: str = _ENDING) -> "Plan":
    """How a file will be read, as the options ask and its beginning shows."""
    from huaxiang.collect.importers import Options
    from huaxiang.collect.load import plan_import
    from huaxiang.collect.moments import parse_moment

    zone = _zone(timezone)
    options = Options(event=event, timezone=zone, ending=parse_moment(ending, zone))
    try:
        return plan_import(file, format=format, columns=_columns(map), options=options)
    except DataError as error:
        raise DataError(f"{file.name}: {error}") from error


def _zone(name: str) -> tzinfo:
    from zoneinfo import ZoneInfo

    if name.upper() == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError) as error:
        raise ConfigError(f"unknown --timezone {name!r}; give a name such as Asia/Shanghai or UTC") from error


def _columns(text: str) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for part in filter(None, text.split(",")):
        name, sign, column = part.partition("=")
        if not (sign and name.strip() and column.strip()):
            raise ConfigError(f"--map {part!r} is no pair; write FIELD=COLUMN, such as user_id=客户")
        found[name.strip()] = column.strip()
    return found


def confirm(plan: "Plan", *, yes: bool) -> None:
    """Show guessed columns, and go on with `--yes` or a yes at the terminal only."""
    if plan.guess is None:
        return
    _show_columns(plan)
    if yes or all(reason == "given" or plan.guess.columns[name] == name for name, reason in plan.guess.why.items()):
        return
    if not sys.stdin.isatty():
        raise ConfigError("the columns above were guessed; confirm them with --yes, or give them with --map")
    if not typer.confirm("Import with these columns?"):
        raise typer.Exit(2)


def _show_columns(plan: "Plan") -> None:
    if plan.guess is None:
        _console().print(f"{plan.path.name}: format {plan.format.name}", markup=False, highlight=False)
        return
    from rich.table import Table

    table = Table(title=f"{plan.path.name}: format {plan.format.name}", title_justify="left")
    for heading in ("field", "column", "why", "first value"):
        table.add_column(heading)
    first = plan.sample.rows[0] if plan.sample.rows else {}
    for name, column in plan.guess.columns.items():
        table.add_row(name, column, plan.guess.why[name], str(first.get(column, ""))[:40])
    for column, becomes in plan.guess.others.items():
        table.add_row(becomes, column, "", str(first.get(column, ""))[:40])
    _console().print(table)


def _import_one(plan: "Plan", gate: "Gate", catalogue: "Catalogue", data_dir: Path, mask: "Mask | None") -> "Report":
    from huaxiang.collect.load import load
    from huaxiang.collect.quarantine import Quarantine
    from huaxiang.collect.validate import quarantine_folder

    now = datetime.now(UTC)
    folder = quarantine_folder(data_dir)
    with Quarantine(folder, plan.path.name, now=now) as quarantine, _progress(plan.path.name) as advance:
        report = load(plan, gate, quarantine, now=now, catalogue=catalogue, mask=mask, progress=advance)
    _show_report(report)
    return report


def _show_report(report: "Report", *, dry: bool = False) -> None:
    def say(text: str) -> None:
        _console().print(text, markup=False, highlight=False)

    verb = "would be accepted" if dry else "accepted"
    say(
        f"{report.file}: {report.rows:,} rows = {report.accepted:,} {verb} + {report.duplicates:,} duplicates "
        f"+ {report.quarantined:,} quarantined, in {report.seconds:.1f} s"
    )
    if report.refused:
        say(f"  {report.refused:,} rows more are of people who were erased, or denied analytics; they are kept nowhere")
    if report.derived:
        say(f"  {report.derived:,} items described by the rows")
    if report.first is not None and report.last is not None:
        say(f"  times from {report.first:%Y-%m-%d %H:%M} to {report.last:%Y-%m-%d %H:%M} UTC")
    if report.out_of_order:
        say(f"  {report.out_of_order:,} rows were earlier than one before them, and were sorted")
    if report.clock_skew:
        say(f"  {report.clock_skew:,} rows are over a day ahead of the clock")
    for reason, n in report.reasons.most_common():
        say(f"  {n:,} x {reason}")
    if report.quarantine is not None:
        say(f"  bad rows are in {report.quarantine}")
    for note in report.notes:
        say(f"  note: {note}")


@contextmanager
def _progress(name: str) -> Iterator[Callable[[int], None]]:
    """A bar of rows on a terminal, nothing elsewhere."""
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TextColumn("{task.completed:,} rows"))
    console = _console(stderr=True)
    with Progress(*columns, TimeElapsedColumn(), console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(name, total=None)
        yield lambda rows: progress.advance(task, rows)


@contextmanager
def _catalogue(data_dir: Path | None) -> Iterator[Any]:
    from huaxiang.collect.catalogue import Catalogue
    from huaxiang.collect.shop import open_shop_store

    if data_dir is None:
        yield None
        return
    store = open_shop_store(data_dir)
    try:
        yield Catalogue(store)
    finally:
        store.close()


def _console(*, stderr: bool = False) -> Any:
    from rich.console import Console

    return Console(stderr=stderr)


def _write_json(path: Path | None, figures: Mapping[str, Any]) -> None:
    if path is None:
        return
    import orjson

    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(orjson.dumps(figures, option=orjson.OPT_INDENT_2))

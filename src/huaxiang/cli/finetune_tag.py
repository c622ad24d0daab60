"""`huaxiang finetune tag` learns to find brands and product types in texts; `apply-tags` fills a catalogue."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from huaxiang.cli.figures import check_folders
from huaxiang.cli.options import Budget, JsonFile, Seed, Threads
from huaxiang.cli.progress import bar
from huaxiang.cli.train import seconds_of
from huaxiang.errors import ConfigError

if TYPE_CHECKING:
    from huaxiang.encoder.tagging.catalogue import Applied, Found

_EXAMPLES = 8


def register(group: typer.Typer) -> None:
    """Add the commands to the group `finetune`."""
    group.command("tag")(tag)
    group.command("apply-tags")(apply_tags)


Method = Annotated[str, typer.Option(help="auto, ngrams, full, lora, adalora, adapter, prefix, prompt or ia3.")]
Unit = Annotated[str | None, typer.Option(help="Of texts with spans: characters or words (default: what fits).")]


def tag(
    train: Annotated[Path, typer.Option(help="A unit and its BIO label on each line, or JSONL with text and spans.")],
    test: Annotated[Path, typer.Option(help="The same, to be judged on; nothing is chosen by it.")],
    encoder: Annotated[str, typer.Option(help="auto, an installed encoder's name, or a checkpoint's folder.")] = "auto",
    method: Method = "auto",
    budget: Budget = "10m",
    epochs: Annotated[float | None, typer.Option(min=0.01, help="Passes of the network (default: by size).")] = None,
    unit: Unit = None,
    out: Annotated[Path | None, typer.Option(help="Folder to write the tagger to.")] = None,
    seed: Seed = 0,
    threads: Threads = None,
    json_file: JsonFile = None,
) -> None:
    """Learn to find tagged spans, such as the brand and the product type in a title."""
    began = time.monotonic()
    check_folders(json_file)
    from huaxiang.encoder.tagging.files import check_pair, read_tagged
    from huaxiang.encoder.tagging.training import Settings, train_tagger

    taught = read_tagged(train, unit)
    judged = read_tagged(test, unit or taught.unit)
    check_pair(taught, judged)
    if out is not None:
        from huaxiang.encoder.tagging.saving import check_out

        check_out(out)
    with bar() as progress:
        seconds = seconds_of(budget) - (time.monotonic() - began)
        settings = Settings(encoder, method, epochs, seconds, seed, threads, progress=progress)
        trained = train_tagger(taught, settings)
    figures = _figures(trained, taught, judged)
    if out is not None:
        from huaxiang.encoder.tagging.saving import save_tagger

        figures["fingerprint"] = save_tagger(trained.parts, out, [text.text for text in taught.texts[:100]])
    figures["seconds"] = round(time.monotonic() - began, 1)
    _say(figures, out)
    if json_file is not None:
        json_file.write_text(json.dumps(figures, ensure_ascii=False, indent=1), encoding="utf-8")


def apply_tags(
    tagger: Annotated[Path, typer.Option(help="Folder that `huaxiang finetune tag --out` wrote.")],
    data_dir: Annotated[Path, typer.Option("--data-dir", help="Folder of the shop.")],
    map: Annotated[str, typer.Option("--map", help="Labels and what they fill: HPPX=brand,HCCX=type.")],
    min_confidence: Annotated[float, typer.Option(min=0.0, max=1.0, help="Less sure values are not written.")] = 0.8,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be written, and write nothing.")] = False,
    threads: Annotated[int, typer.Option(min=1, help="Threads of the tagger.")] = 1,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures here.")] = None,
) -> None:
    """Fill the brands and product types that a shop's items lack, from their titles."""
    check_folders(json_file)
    fields = _fields(map)
    from huaxiang.collect.shop import open_shop_store
    from huaxiang.encoder.tagger import Tagger
    from huaxiang.encoder.tagging import catalogue

    opened = Tagger.load(tagger, threads=threads)
    store = open_shop_store(data_dir)
    try:
        with bar() as progress:
            applied = catalogue.apply_tags(
                store,
                opened,
                fields,
                now=datetime.now(UTC),
                min_confidence=min_confidence,
                dry_run=dry_run,
                progress=lambda done, n: progress("titles", done, n, 0.0),
            )
    finally:
        store.close()
    _show(applied, min_confidence, dry_run=dry_run)
    if json_file is not None:
        said = {**applied.figures(), "tagger": opened.fingerprint, "min_confidence": min_confidence, "dry_run": dry_run}
        json_file.write_text(json.dumps(said, ensure_ascii=False, indent=1), encoding="utf-8")


def _figures(trained: Any, taught: Any, judged: Any) -> dict[str, Any]:
    from huaxiang.encoder.tagging.report import figures

    return figures(trained, taught, judged)


def _fields(said: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in said.split(","))):
        label, sign, name = (each.strip() for each in part.partition("="))
        if not (sign and label and name):
            raise ConfigError(f"--map {part!r} is no pair; write LABEL=brand or LABEL=type, such as HPPX=brand")
        fields[label] = name
    return fields


def _say(figures: dict[str, Any], out: Path | None) -> None:
    """What was reached, for people."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"spans of {figures['n_test']:,} texts, {figures['encoder']}, {figures['seconds']:.0f} s")
    for column in ("", "f1", "precision", "recall", "spans"):
        table.add_column(column)
    dictionary = figures["baselines"]["dictionary"]
    rows = {
        "all": figures,
        "all, by the models alone": figures["by_models"],
        f"texts not in the training file ({figures['unseen']['n_test']:,})": figures["unseen"],
        "dictionary, all": dictionary,
        "dictionary, not in the training file": dictionary["unseen"],
        **figures["per_type"],
    }
    for name, row in rows.items():
        shares = (f"{row[key]:.4f}" for key in ("f1", "precision", "recall"))
        table.add_row(name, *shares, f"{row['support']:,}")
    console = Console()
    console.print(table)
    sure = figures["confidence"]
    at = ", ".join(
        f"{row['threshold']}: {row['kept']:.0%} at {row['precision']:.0%}"
        for row in sure["at"]
        if row["precision"] is not None
    )
    if sure["ece"] is not None:
        console.print(f"confidence of a span: calibration error {sure['ece']:.3f}; kept and right at least {at}")
    for note in figures["notes"]:
        console.print(f"note: {note}", markup=False, highlight=False)
    if out is not None:
        console.print(f"{out}: tagger {figures['fingerprint']}", markup=False, highlight=False)


def _show(applied: "Applied", least: float, *, dry_run: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"{applied.n_items:,} items")
    for column in ("field", "missing", "would be filled" if dry_run else "filled", f"below {least:g}", "said already"):
        table.add_column(column)
    for name in sorted(applied.missing):
        counts = (applied.missing[name], applied.filled[name], applied.below[name], applied.said[name])
        table.add_row(name, *(f"{count:,}" for count in counts))
    console = Console()
    console.print(table)
    examples = Table(title="examples")
    for column in ("item", "title", "field", "value", "confidence"):
        examples.add_column(column)
    for found in [*applied.examples[:_EXAMPLES], *applied.unsure[:_EXAMPLES]]:
        examples.add_row(*_example(found, least))
    console.print(examples)
    console.print("dry run: nothing was written" if dry_run else f"{applied.written:,} items were set")


def _example(found: "Found", least: float) -> tuple[str, str, str, str, str]:
    from rich.markup import escape

    sure = f"{found.confidence:.2f}" + ("" if found.confidence >= least else " (not written)")
    return escape(found.item_id), escape(found.name[:50]), found.field, escape(found.value), sure

"""`huaxiang finetune contrast`: an encoder learns from who took what after which history or query."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from huaxiang.cli.figures import check_folders
from huaxiang.cli.options import Budget, EncoderName, JsonFile, LearningRate, Prune, Seed, Test, Threads, TrainedBy
from huaxiang.cli.progress import bar
from huaxiang.cli.train import seconds_of
from huaxiang.errors import ConfigError

if TYPE_CHECKING:
    from huaxiang.encoder.taken import Taken


def register(group: typer.Typer) -> None:
    """Add the command to the group `finetune`."""
    group.command("contrast")(contrast)


def contrast(
    out: Annotated[Path, typer.Option(help="Folder for the encoder: hf/ and serving/.")],
    data_dir: Annotated[Path | None, typer.Option("--data-dir", help="Learn from this shop's log.")] = None,
    pairs: Annotated[Path | None, typer.Option(help="Or from this CSV, TSV or JSONL with a pair in each row.")] = None,
    query: Annotated[str | None, typer.Option(help="Column of the query or history.")] = None,
    item: Annotated[str | None, typer.Option(help="Column of the text of the item that was taken.")] = None,
    user: Annotated[str | None, typer.Option(help="Column of the person, whose rows are in order of time.")] = None,
    test: Test = None,
    encoder: EncoderName = "auto",
    method: TrainedBy = "full",
    prune: Prune = True,
    places: Annotated[
        bool, typer.Option(help="Learn first where items belong, if histories name them; else by pairs alone.")
    ] = True,
    hard_negatives: Annotated[int, typer.Option(min=0, help="Per pair, of items that read alike; no places.")] = 0,
    budget: Budget = "10m",
    epochs: Annotated[
        float | None, typer.Option(min=0.01, help="Passes, at most (default 10; 15 to learn places).")
    ] = None,
    learning_rate: LearningRate = None,
    batch_size: Annotated[
        int | None, typer.Option(min=2, help="Pairs of a batch (default 64), texts while places are learned (32).")
    ] = None,
    seed: Seed = 0,
    threads: Threads = None,
    json_file: JsonFile = None,
) -> None:
    """Bring the vectors of histories and queries near those of the items that were taken after them."""
    from huaxiang.encoder.contrasting import Asked
    from huaxiang.encoder.export import check_out

    seconds = seconds_of(budget)
    check_folders(json_file)
    check_out(out)
    taken, asked = _material(data_dir, pairs, query, item, user, test, seed)
    how = Asked(encoder, method, prune, hard_negatives, epochs, learning_rate, batch_size, seed, threads, places=places)
    figures = _run(taken, asked, how, seconds, out)
    if json_file is not None:
        json_file.write_text(json.dumps(figures, ensure_ascii=False, indent=1), encoding="utf-8")
    _say(figures, out)


def _material(
    data_dir: Path | None,
    pairs: Path | None,
    query: str | None,
    item: str | None,
    user: str | None,
    test: Path | None,
    seed: int,
) -> "tuple[Taken, Taken | None]":
    from huaxiang.encoder.taken import read_taken

    if (data_dir is None) == (pairs is None):
        raise ConfigError("give either --data-dir, a shop to learn from, or --pairs, a file")
    named = query is not None and item is not None
    if (pairs is not None or test is not None) and not named:
        raise ConfigError("a file of pairs needs --query and --item, the columns of its texts")
    read = [read_taken(path, query or "", item or "", user) for path in (pairs, test) if path is not None]
    taken = read.pop(0) if pairs is not None else shop_pairs(data_dir or Path(), seed)
    return taken, read[0] if read else None


def shop_pairs(data_dir: Path, seed: int) -> "Taken":
    """What a shop's log says: histories and the item met next, and queries and the item met next."""
    import numpy as np

    from huaxiang.config import load_settings
    from huaxiang.encoder.taken import Pair, Taken
    from huaxiang.retrieval.log import read_log
    from huaxiang.retrieval.pairs import next_item_pairs, query_item_pairs
    from huaxiang.shop import existing_shop
    from huaxiang.text.wording import item_text

    shop = existing_shop(load_settings(None, data_dir=data_dir))
    consent = shop.portraits.config.consent_default
    log = read_log(shop.store, consent_default=consent, portraits=shop.portraits)
    shop.catalogue.refresh()
    items = sorted(shop.catalogue, key=lambda each: each.item_id)
    texts = [item_text(each) for each in items]
    rng = np.random.default_rng(seed)
    rows: list[Pair] = []
    notes: list[str] = []
    for what, find in (("histories", next_item_pairs), ("queries", query_item_pairs)):
        met = find(log, items, rng)
        rows += [
            Pair(text, texts[at], person, tuple(texts[each] for each in before))
            for person, (text, at), before in zip(met.people, met.pairs, met.before, strict=True)
        ]
        notes.append(f"{len(met.pairs):,} pairs of {what} and the item met next")
    return Taken.of(rows, texts, notes)


def _run(taken: "Taken", asked: "Taken | None", how: Any, seconds: float, out: Path) -> dict[str, Any]:
    from huaxiang.encoder.contrasting import train_contrast
    from huaxiang.encoder.export import export
    from huaxiang.encoder.schedule import Clock

    clock = Clock(seconds)
    with bar() as progress:
        trained = train_contrast(taken, asked, how, clock, seconds=seconds, progress=progress)
    cosine = export(trained.network, out, list(taken.items[:64]))
    return {**trained.figures, "export_cosine": cosine, "seconds": round(clock.elapsed, 2)}


def _say(figures: dict[str, Any], out: Path) -> None:
    """What was reached, for people."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"{figures['encoder']}, {figures['method']}, {figures['steps']} steps")
    for column in ("", "recall@10 before", "after", "mrr before", "after", "pairs", "items"):
        table.add_column(column, justify="left" if not column else "right")
    for name, part in (("held-out people", figures["held_out"]), ("test file", figures["test"])):
        if part is not None:
            shown = (part[when][key] for key in ("recall@10", "mrr") for when in ("before", "after"))
            cells = ("-" if value is None else f"{value:.4f}" for value in shown)
            table.add_row(name, *cells, f"{part['n_pairs']:,}", f"{part['n_items']:,}")
    console = Console()
    console.print(table)
    for note in figures["notes"]:
        console.print(f"note: {note}", markup=False, highlight=False)
    console.print(f"{out}: encoder of {figures['n_train']:,} pairs, {figures['seconds']:.0f} s", markup=False)

"""The command `train`: a shop's log to a release."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from huaxiang.cli.figures import check_folders
from huaxiang.cli.serving import ConfigFile, DataDir
from huaxiang.errors import ConfigError, ReleaseError

if TYPE_CHECKING:
    from rich.console import Console

    from huaxiang.pipeline.lender import Lender
    from huaxiang.release import Release


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(train)


def seconds_of(budget: str) -> float:
    """`90`, `90s`, `10m`, `1.5h` in seconds."""
    match = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([smh]?)\s*", budget)
    if match is None or float(match[1]) <= 0.0:
        raise ConfigError(f"budget {budget!r} is no time; write seconds, or such as 90s, 10m, 1.5h")
    return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]]


def train(
    data_dir: DataDir = None,
    budget: Annotated[str | None, typer.Option(help="wall time for everything, such as 90s, 10m (default 5m)")] = None,
    encoder: Annotated[
        str | None,
        typer.Option(
            help="auto, e5-small, minilm, a checkpoint's folder, a cached name (default: the shop's own text)"
        ),
    ] = None,
    warm_from: Annotated[
        Path | None,
        typer.Option(
            "--warm-from",
            help="a release of another shop, or that shop's data directory: start from it where it helps",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="of everything random (default 0)")] = None,
    config: ConfigFile = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="write the figures to this file")] = None,
) -> None:
    """Train a release on everything in the store, and put it in use."""
    from huaxiang.config import load_settings

    check_folders(json_file)
    settings = load_settings(config, data_dir=data_dir)
    about = train_shop(
        settings.data_dir,
        config,
        budget_seconds=seconds_of(budget) if budget else settings.training.budget_seconds,
        encoder=encoder or settings.training.encoder or None,
        seed=settings.training.seed if seed is None else seed,
        warm_from=warm_from,
    )
    if json_file is not None:
        json_file.write_text(json.dumps(about, ensure_ascii=False, indent=1), encoding="utf-8")


def train_shop(
    data_dir: Path,
    config: Path | None,
    *,
    budget_seconds: float,
    encoder: str | None,
    seed: int,
    warm_from: Path | None = None,
) -> dict[str, object]:
    """Train with a progress bar; prints what was reached and answers with the release's figures."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from huaxiang.config import load_settings
    from huaxiang.shop import existing_shop
    from huaxiang.training import train as train_release

    lender = None if warm_from is None else _lender(warm_from, data_dir)
    shop = existing_shop(load_settings(config, data_dir=data_dir))
    console = Console()
    bar = Progress(TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=console, transient=True)
    with bar:
        task = bar.add_task("training", total=1.0)
        release = train_release(
            shop.portraits,
            shop.releases,
            budget_seconds=budget_seconds,
            checkpoint=encoder,
            lender=lender,
            seed=seed,
            progress=lambda step, share: bar.update(task, description=step, completed=share),
        )
        bar.update(task, description="fold long histories", completed=1.0)
        shop.portraits.prepare(now=datetime.now(UTC))
    shop.close()
    _say(console, release)
    return {"release": release.id, **release.about}


def _lender(path: Path, data_dir: Path) -> "Lender":
    """Open another shop's release, and its log where it stands in that shop's data directory.

    Raises:
        ConfigError: it is this shop. ReleaseError: there is no release.
    """
    from huaxiang.config import load_settings
    from huaxiang.pipeline.lender import Lender
    from huaxiang.release import Releases
    from huaxiang.retrieval.log import read_log
    from huaxiang.shop import existing_shop

    is_release = (path / "manifest.json").is_file()
    folder = path.parent.parent if is_release else path
    if folder.resolve() == data_dir.resolve():
        raise ConfigError(f"{path} belongs to the shop that is trained; name another shop's release or data directory")
    releases = Releases(path.parent if is_release else path / "releases")
    release = releases.get(path.name) if is_release else releases.current
    if release is None:
        raise ReleaseError(f"{path} has no release in use; train that shop first, or name one of its releases")
    if not (folder / "shop.db").is_file():
        return Lender.open(release, None)
    other = existing_shop(load_settings(None, data_dir=folder))
    try:
        log = read_log(other.store, consent_default=other.portraits.config.consent_default, portraits=other.portraits)
    finally:
        other.close()
    return Lender.open(release, log.interactions)


def _say(console: "Console", release: "Release") -> None:
    """What was reached, for people."""
    about = dict(release.about)
    console.print(
        f"release {release.id}: {about['n_interactions']:,} interactions, {about['n_items']:,} items, "
        f"{about['seconds']} s"
    )
    validation = about["validation"]
    if "alone" in validation:
        parts = ", ".join(f"{name} {value:.4f}" for name, value in validation["alone"].items())
        console.print(f"ndcg@10 on held-out days (validation): {validation['ndcg@10']:.4f} fused; alone: {parts}")
    else:
        console.print(validation["note"])
    if ranker := validation.get("ranker"):
        console.print(f"ranker: {_of_ranker(ranker)}")
    if warm := about.get("warm_from"):
        console.print(f"warm start: {_of_warm(warm, validation.get('warm_from', {}))}")
    for part, why in about.get("not_tried", {}).items():
        console.print(f"{part} was not tried: {why}")
    for note in about["encoder"].get("notes", ()):
        console.print(f"encoder: {note}")
    if note := about.get("word_vectors", {}).get("note"):
        console.print(note)


def _of_warm(warm: Mapping[str, Any], figures: Mapping[str, Any]) -> str:
    """What became of what another shop lent."""
    weights = ", ".join(f"{name} {weight:.4f}" for name, weight in warm["weights"].items() if weight > 0.0)
    said = [f"{warm['n_shared']:,} people are in both shops; weights: {weights or 'none'}"]
    if figures:
        said.append(f"ndcg@10 {figures['without']:.4f} without, {figures['ndcg@10']:.4f} with it (validation)")
    return "; ".join([*said, *([figures["note"]] if "note" in figures else [])])


def _of_ranker(figures: Mapping[str, Any]) -> str:
    """What became of the learned ranker."""
    reached = ""
    if "trees" in figures:
        reached = (
            f"ndcg@10 {figures['without']:.4f} by the weighted sum, {figures['ndcg@10']:.4f} with {figures['trees']} "
            f"trees taught by {figures['n_taught']:,} people (validation)"
        )
    return "; ".join(said for said in (reached, figures.get("note", "")) if said)

"""The command `demo`: a simulated shop, from nothing to a served release, or its score."""

import json
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Final

import typer

from huaxiang.cli.figures import check_folders

if TYPE_CHECKING:
    from huaxiang.config import Settings
    from huaxiang.demo import DemoShop
    from huaxiang.shop import Shop

_MARK: Final = "demo.json"
_BATCH: Final = 5_000


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(demo)


def demo(
    data_dir: Annotated[Path, typer.Option(help="where the demo shop is kept")] = Path(".demo"),
    port: Annotated[int, typer.Option(min=1, max=65535, help="port to serve at")] = 8000,
    score: Annotated[bool, typer.Option("--score", help="print how well profiles recover the hidden truth")] = False,
    seed: Annotated[int | None, typer.Option(help="of the simulated shop (default: the settings' seed)")] = None,
    budget: Annotated[str, typer.Option(help="wall time for training")] = "150s",
    serve: Annotated[bool, typer.Option("--serve/--build-only", help="serve when built")] = True,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="with --score: write the figures to this file")
    ] = None,
) -> None:
    """Build a simulated bilingual shop, train a release, and serve it with the console.

    2,000 shoppers with hidden interests, 3,000 items, 90 days; a third of the events are noise. The second time it is
    only served. With --score nothing is served: another seed than the one settings were fixed at is simulated and
    profiles are compared with the truth, beside plain counting, recency, and an oracle that knows the generator.
    """
    from huaxiang.cli.serving import check_port, run_server
    from huaxiang.config import load_settings

    check_folders(json_file)
    if score:
        _score(seed, json_file)
        return
    settings = load_settings(None, [f"server.port={port}"], data_dir=data_dir)
    if serve:
        check_port(settings.server.host, port)
    _build(settings, seed, budget)
    if serve:
        _three_things(port)
        run_server(settings)


def _build(settings: "Settings", seed: int | None, budget: str) -> None:
    from huaxiang.cli.train import seconds_of, train_shop
    from huaxiang.demo import SETTINGS_SEED

    mark = settings.data_dir / _MARK
    said = json.loads(mark.read_text("utf-8")) if mark.exists() else {}
    wanted = SETTINGS_SEED if seed is None else seed
    if said.get("seed") not in (None, wanted):
        raise typer.BadParameter(f"{settings.data_dir} holds the demo of seed {said['seed']}; give another --data-dir")
    if not said.get("is_filled"):
        until = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        _fill(settings, wanted, until)
        said = {"seed": wanted, "until": until.isoformat(), "is_filled": True}
        mark.write_text(json.dumps(said), encoding="utf-8")
    if not (settings.data_dir / "releases" / "current").exists():
        train_shop(settings.data_dir, None, budget_seconds=seconds_of(budget), encoder=None, seed=wanted)


def _fill(settings: "Settings", seed: int, until: datetime) -> None:
    """Simulate, and send everything through the intake as a shop would; a second try adds nothing twice."""
    from rich.console import Console

    from huaxiang.demo import simulate
    from huaxiang.shop import Shop

    console = Console()
    with console.status("simulating 90 days of a shop"):
        simulated = simulate(seed=seed, until=until)
    shop = Shop(settings)
    n = _take(shop, simulated)
    shop.close()
    console.print(
        f"demo shop: {n:,} events of {len(simulated.truth.users):,} shoppers with {len(simulated.items):,} items"
    )


def _take(shop: "Shop", simulated: "DemoShop") -> int:
    from rich.progress import track

    from huaxiang.errors import DataError

    payloads = simulated.log()
    accepted = 0
    for start in track(range(0, len(payloads), _BATCH), description="taking events in"):
        taken = shop.intake.take(payloads[start : start + _BATCH])
        if len(taken.rejected) > taken.refused:  # the gate refuses what people do who denied analytics
            raise DataError(f"the simulator made an event that is refused: {taken.rejected[0].reason}")
        accepted += taken.accepted
    return accepted


def _score(seed: int | None, json_file: Path | None) -> None:
    from rich.console import Console
    from rich.table import Table

    from huaxiang.config import load_settings
    from huaxiang.demo import SCORE_SEED, simulate
    from huaxiang.demo.intents import score_intents
    from huaxiang.demo.score import score
    from huaxiang.evaluation.sureness_score import score_sureness
    from huaxiang.shop import Shop

    until = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    simulated = simulate(seed=SCORE_SEED if seed is None else seed, until=until)
    with TemporaryDirectory(prefix="huaxiang-score-") as folder:
        shop = Shop(load_settings(None, data_dir=Path(folder)))
        _take(shop, simulated)
        report = score(lambda user, at: shop.portraits.profile(user, now=at), simulated, at=until)
        intents = score_intents(lambda user, at: shop.portraits.profile(user, now=at), simulated)
        people = [user for user in simulated.truth.users if user not in simulated.truth.bots]
        sureness = score_sureness(shop.portraits, people, at=until)
        shop.close()
    header, *rows = report.table()
    table = Table(*header, title="how well profiles recover the hidden truth, with 95 % intervals")
    for row in rows:
        table.add_row(*row)
    Console(width=200 if not Console().is_terminal else None).print(table)
    typer.echo(intents.sentence())
    if sureness is not None:
        typer.echo(sureness.sentence())
    if json_file is not None:
        said = report.to_json() | {"intents": intents.to_json()}
        said["sureness"] = None if sureness is None else sureness.to_json()
        json_file.write_text(json.dumps(said, indent=1), encoding="utf-8")


def _three_things(port: int) -> None:
    home = f"http://127.0.0.1:{port}"
    body = '\'{"user_id": "u0003", "k": 5, "explain": true}\''
    typer.echo(
        f"""
Three things to try 试三件事
  1. Open {home} : pick a shopper, click an item, watch the profile and the recommendations change
     打开控制台，选一位顾客，点一件商品，看画像与推荐随之变化
  2. curl -s {home}/v1/users/u0003/profile
  3. curl -s {home}/v1/recommend -H 'content-type: application/json' -d {body}
"""
    )

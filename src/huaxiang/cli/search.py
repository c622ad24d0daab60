"""`huaxiang search`: ask the shop's search from a terminal."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from huaxiang.cli.figures import check_folders
from huaxiang.cli.serving import ConfigFile, DataDir
from huaxiang.errors import ConfigError

if TYPE_CHECKING:
    from huaxiang.apps.search.asking import SearchAnswer
    from huaxiang.collect.catalogue import Catalogue

_FACETS = 6
_VALUES = 5


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(search)


def search(
    query: Annotated[str, typer.Argument(help="what a shopper would type")],
    user: Annotated[str | None, typer.Option(help="whose profile orders the page")] = None,
    k: Annotated[int, typer.Option(min=1, max=100, help="how many")] = 10,
    offset: Annotated[int, typer.Option(min=0, help="items passed over")] = 0,
    where: Annotated[str | None, typer.Option("--filter", help='JSON, such as {"price": {"lte": 50}}')] = None,
    personalise: Annotated[float, typer.Option(min=0.0, max=1.0, help="0: the same for everybody")] = 1.0,
    explain: Annotated[bool, typer.Option("--explain/--plain", help="say why")] = True,
    data_dir: DataDir = None,
    config: ConfigFile = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="write the answer to this file")] = None,
) -> None:
    """Search the shop: words, spelling, price and what is not wanted understood; ordered for a person."""
    from huaxiang.apps.search.asking import SearchAsk
    from huaxiang.config import load_settings
    from huaxiang.server.schemas_search import search_out
    from huaxiang.shop import existing_shop

    check_folders(json_file)
    ask = SearchAsk(query, user, k, offset, _filter(where), personalise, explain)
    shop = existing_shop(load_settings(config, data_dir=data_dir))
    try:
        answer = shop.search(ask, now=datetime.now(UTC))
        _show(answer, shop.catalogue, offset)
        if json_file is not None:
            said = search_out(answer, shop.catalogue, offset + 1)
            json_file.write_text(said.model_dump_json(indent=1), encoding="utf-8")
    finally:
        shop.close()


def _filter(said: str | None) -> dict[str, Any]:
    try:
        where = json.loads(said or "{}")
    except ValueError as error:
        raise ConfigError(f"--filter is no JSON: {error}") from error
    if not isinstance(where, dict):
        raise ConfigError('--filter must be an object, such as {"brand": "Acme"}')
    return where


def _show(answer: "SearchAnswer", catalogue: "Catalogue", offset: int) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    by = "words alone: no release yet" if answer.release is None else f"release {answer.release}"
    table = Table(
        title=f"{answer.matching:,} items match, {by}, personalised {answer.personalised:.0%}, {answer.took_ms:.1f} ms"
    )
    for column in ("rank", "item", "name", "price", "score", "because"):
        table.add_column(column)
    for rank, found in enumerate(answer.found, offset + 1):
        item = catalogue.get(found.item_id)
        price = "" if item is None or item.price is None else f"{item.price:g}"
        name = "" if item is None else item.name[:60]
        because = "\n".join(f"{reason.text} [{reason.effect:.0%}]" for reason in found.reasons)
        table.add_row(str(rank), found.item_id, name, price, f"{found.score:.3f}", because)
    console.print("understood", answer.understood.to_json())
    if answer.relaxed:
        console.print("relaxed", list(answer.relaxed))
    console.print(table)
    for field, counts in list(answer.facets.items())[:_FACETS]:
        console.print(f"{field}: " + ", ".join(f"{value} {n}" for value, n in list(counts.items())[:_VALUES]))

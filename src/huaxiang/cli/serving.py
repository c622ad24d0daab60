"""Commands that answer: serve, recommend, profile show, release."""

import json
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from huaxiang.errors import ConfigError

if TYPE_CHECKING:
    from huaxiang.config import Settings
    from huaxiang.release import Releases

DataDir = Annotated[Path | None, typer.Option("--data-dir", help="the shop's folder (default ./huaxiang-data)")]
ConfigFile = Annotated[Path | None, typer.Option("--config", help="settings, TOML (default ./huaxiang.toml if there)")]
Overrides = Annotated[list[str] | None, typer.Option("--set", help="a setting, such as server.port=9000; repeatable")]

profiles = typer.Typer(help="Profiles of people.", no_args_is_help=True)
releases = typer.Typer(help="Releases: list, switch, go back.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(serve)
    app.command()(recommend)
    app.add_typer(profiles, name="profile")
    app.add_typer(releases, name="release")


def serve(
    data_dir: DataDir = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="port (default 8000)")] = None,
    host: Annotated[str | None, typer.Option(help="address (default 127.0.0.1)")] = None,
    config: ConfigFile = None,
    overrides: Overrides = None,
) -> None:
    """Serve events, profiles and recommendations over HTTP, with the console, in the foreground."""
    from huaxiang.config import load_settings

    changed = [*(overrides or ())]
    changed += [f"server.port={port}"] if port is not None else []
    changed += [f"server.host={json.dumps(host)}"] if host is not None else []
    run_server(load_settings(config, changed, data_dir=data_dir))


def run_server(settings: "Settings") -> None:
    """Run until interrupted; a taken port is an error before anything is opened."""
    import uvicorn

    from huaxiang.server.app import create_app

    host, port = settings.server.host, settings.server.port
    check_port(host, port)
    typer.echo(f"huaxiang serves {settings.data_dir} at http://{host}:{port}  (API: /docs, stop: Ctrl-C)")
    typer.echo(f"consent of people who said nothing: {settings.consent.default}")
    uvicorn.run(
        create_app(settings), host=host, port=port, log_level="warning", access_log=False, timeout_graceful_shutdown=3
    )


def check_port(host: str, port: int) -> None:
    """Refuse a port that another process holds."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            way_out = f"choose another with --port {port + 1 if port < 65535 else port - 1}"
            raise ConfigError(f"cannot listen on {host}:{port}: {error.strerror}; {way_out}") from error


def recommend(
    user_id: str,
    k: Annotated[int, typer.Option(min=1, max=1000, help="how many")] = 10,
    explain: Annotated[bool, typer.Option("--explain/--plain", help="say why")] = True,
    as_of: Annotated[datetime | None, typer.Option(help="as known before this moment, UTC (default: now)")] = None,
    data_dir: DataDir = None,
    config: ConfigFile = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="write the answer to this file")] = None,
) -> None:
    """Recommend items to a user, with reasons. A user never seen is answered too."""
    from rich.console import Console
    from rich.table import Table

    from huaxiang.apps.recommend import Ask
    from huaxiang.config import load_settings
    from huaxiang.shop import Shop

    shop = Shop(load_settings(config, data_dir=data_dir))
    now = datetime.now(UTC) if as_of is None else as_of.replace(tzinfo=UTC)
    answer = shop.recommend(Ask(user_id=user_id, k=k, explain=explain), now=now)
    table = Table(title=f"{user_id}: release {answer.release}, by {answer.basis}, {answer.took_ms:.1f} ms")
    for column in ("rank", "item", "name", "score", "because"):
        table.add_column(column)
    rows = []
    reasons = answer.ranked.reasons or ((),) * len(answer.ranked.item_ids)
    for rank, (item_id, score, why) in enumerate(
        zip(answer.ranked.item_ids, answer.ranked.scores, reasons, strict=True), 1
    ):
        item = shop.catalogue.get(item_id)
        name = item.name[:60] if item is not None else ""
        because = "\n".join(f"{reason.text} [{reason.effect:.0%}]" for reason in why)
        table.add_row(str(rank), item_id, name, f"{score:.3f}", because)
        said = [
            {"kind": r.kind, "text": r.text, "facet": r.facet, "evidence": list(r.evidence), "effect": r.effect}
            for r in why
        ]
        rows.append({"item_id": item_id, "name": name, "score": float(score), "rank": rank, "reasons": said})
    Console().print(table)
    if json_file is not None:
        body = {"release": answer.release, "basis": answer.basis, "items": rows, "took_ms": answer.took_ms}
        json_file.write_text(json.dumps(body, ensure_ascii=False, indent=1), encoding="utf-8")


@profiles.command("show")
def show_profile(
    user_id: str,
    as_of: Annotated[datetime | None, typer.Option(help="as known before this moment, UTC (default: now)")] = None,
    data_dir: DataDir = None,
    config: ConfigFile = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="write the profile to this file")] = None,
) -> None:
    """Show a user's profile with the evidence behind it, as of any moment."""
    from rich.console import Console
    from rich.table import Table

    from huaxiang.config import load_settings
    from huaxiang.server.schemas import ProfileOut
    from huaxiang.shop import Shop

    shop = Shop(load_settings(config, data_dir=data_dir))
    now = datetime.now(UTC) if as_of is None else as_of.replace(tzinfo=UTC)
    profile = shop.portraits.profile(user_id, now=now)
    table = Table(title=f"{user_id} as of {profile.as_of:%Y-%m-%d %H:%M} UTC\n{profile.summary}")
    for column in ("kind", "facet", "value", "score", "confidence", "half-life", "last seen", "evidence"):
        table.add_column(column)
    for kind, facets in (("interest", profile.interests), ("need", profile.needs)):
        for facet in facets:
            evidence = ", ".join(facet.evidence[:3]) + (" …" if len(facet.evidence) > 3 else "")
            bar = "█" * round(abs(facet.score) * 10)
            table.add_row(
                kind,
                facet.facet,
                facet.value,
                f"{facet.score:+.2f} {bar}",
                f"{facet.confidence:.2f}",
                f"{facet.half_life_days:g} d",
                f"{facet.last_seen:%m-%d %H:%M}",
                evidence,
            )
    console = Console()
    console.print(table)
    console.print("behaviour", {key: str(value) for key, value in profile.behaviour.items()})
    console.print("mood", dict(profile.mood), "consents", dict(profile.consents))
    if json_file is not None:
        json_file.write_text(ProfileOut.of(profile).model_dump_json(indent=1, exclude_none=True), encoding="utf-8")


@releases.command("list")
def list_releases(data_dir: DataDir = None, config: ConfigFile = None) -> None:
    """All releases, newest first; the one in use has a star."""
    found, current = _releases(data_dir, config)
    for release in found.list():
        star = "*" if current == release.id else " "
        about = release.about
        typer.echo(f"{star} {release.id}  {about.get('n_items')} items, {about.get('n_interactions')} interactions")


@releases.command("use")
def use_release(release_id: str, data_dir: DataDir = None, config: ConfigFile = None) -> None:
    """Switch to a release, after its files were checked; a running server follows within a second."""
    found, _ = _releases(data_dir, config)
    typer.echo(f"in use: {found.use(release_id).id}")


@releases.command("rollback")
def rollback(data_dir: DataDir = None, config: ConfigFile = None) -> None:
    """Go back to the release that was in use before."""
    found, _ = _releases(data_dir, config)
    typer.echo(f"in use: {found.rollback().id}")


def _releases(data_dir: Path | None, config: Path | None) -> "tuple[Releases, str | None]":
    from huaxiang.config import load_settings
    from huaxiang.release import Releases
    from huaxiang.shop import release_root

    found = Releases(release_root(load_settings(config, data_dir=data_dir), "default"))
    current = found.current
    return found, current.id if current is not None else None

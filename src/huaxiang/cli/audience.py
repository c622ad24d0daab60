"""The command `audience`: counts people by a filter or by likeness, and writes who they are, above the floor."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from huaxiang.cli.figures import check_folders
from huaxiang.errors import ConfigError, DataError

if TYPE_CHECKING:
    from huaxiang.apps.audience import Answer, Ask, Like

COLUMNS: Final = {"user_id": "string", "rank": "int32", "score": "float64"}

_Filter = Annotated[
    str | None, typer.Option("--filter", help='JSON, such as {"interests.brand": "Uji"}; default: everybody.')
]
_Like = Annotated[
    Path | None,
    typer.Option("--like", help="The most alike of these: a file of one user id a line.", exists=True, dir_okay=False),
]
_LikeFilter = Annotated[str | None, typer.Option("--like-filter", help="The most alike of whom this filter selects.")]
_Method = Annotated[str, typer.Option("--method", help="Likeness: vector (cosine of U), or classifier (logistic).")]
_K = Annotated[int, typer.Option("--k", min=1, max=1_000_000, help="How many, of an audience with --like.")]
_Out = Annotated[Path | None, typer.Option("--out", help="Write the members: .csv, .jsonl or .parquet.")]
_AsOf = Annotated[datetime | None, typer.Option(help="As known before this moment, UTC (default: now).")]
_Seed = Annotated[int, typer.Option(help="Of the sample that a classifier is taught beside the examples.")]
_DataDir = Annotated[Path | None, typer.Option("--data-dir", help="The shop's folder (default ./huaxiang-data).")]
_Config = Annotated[Path | None, typer.Option("--config", help="Settings, TOML (default ./huaxiang.toml if there).")]
_Overrides = Annotated[
    list[str] | None, typer.Option("--set", help="A setting, such as audiences.floor=100; repeatable.")
]
_Json = Annotated[Path | None, typer.Option("--json", help="Write the count and the time to this file.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(audience)


def audience(
    filter: _Filter = None,
    like: _Like = None,
    like_filter: _LikeFilter = None,
    method: _Method = "vector",
    k: _K = 1_000,
    out: _Out = None,
    as_of: _AsOf = None,
    seed: _Seed = 0,
    data_dir: _DataDir = None,
    config: _Config = None,
    overrides: _Overrides = None,
    json_file: _Json = None,
) -> None:
    """Count the people whom a filter selects, or who are like given people; with --out, write who they are.

    Groups below audiences.floor (50) are neither counted nor written, and who denied advertising or personalisation is
    in none. Fields of a filter and what is protected: docs/how-to/audiences.md.
    """
    from huaxiang.apps.audience import Ask
    from huaxiang.cli.progress import bar
    from huaxiang.cli.row_file import check_ending
    from huaxiang.config import load_settings
    from huaxiang.shop import existing_shop

    check_folders(check_ending(out), json_file)
    ask = Ask(_filter_in("--filter", filter), _likeness(like, like_filter, method), k, out is not None, seed)
    now = datetime.now(UTC) if as_of is None else as_of.replace(tzinfo=UTC)
    shop = existing_shop(load_settings(config, overrides or (), data_dir=data_dir))
    try:
        with bar() as advance:
            answer = shop.audiences.answer(ask, now=now, tell=advance)
    finally:
        shop.close()
    _tell(answer, ask)
    if json_file is not None:
        json_file.write_text(json.dumps(_figures(answer), indent=1), encoding="utf-8")
    if out is not None:
        _write(answer, out)


def _filter_in(option: str, text: str | None) -> dict[str, Any]:
    try:
        said = json.loads(text) if text is not None else {}
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"""{option} is no JSON: {error}; write it as '{{"interests.brand": "Uji"}}', in single quotes"""
        ) from error
    if not isinstance(said, dict):
        raise DataError(f"""{option} must be an object of fields, such as '{{"interests.brand": "Uji"}}'""")
    return said


def _likeness(like: Path | None, like_filter: str | None, method: str) -> "Like | None":
    from huaxiang.apps.audience import METHODS, Like
    from huaxiang.cli.row_file import users_of

    named = next((known for known in METHODS if known == method), None)
    if named is None:
        raise ConfigError(f"unknown method {method!r}; known: {', '.join(METHODS)}")
    if like is not None and like_filter is not None:
        raise ConfigError("give one of --like FILE and --like-filter JSON")
    if like is None and like_filter is None:
        return None
    if like is not None:
        return Like(user_ids=users_of(like), method=named)
    return Like(where=_filter_in("--like-filter", like_filter), method=named)


def _tell(answer: "Answer", ask: "Ask") -> None:
    n = f"fewer than {answer.floor}" if answer.size.count is None else f"{answer.size.count:,}"
    about = "exactly" if answer.members is not None else "rounded down"
    typer.echo(
        f"{n} people"
        + (f" ({about})" if answer.size.count is not None and answer.floor > 1 else "")
        + (f", of the {ask.k:,} most alike" if ask.like is not None else "")
        + f", in {answer.took_ms / 1000:.1f} s"
    )
    excluded = answer.excluded
    no = f"fewer than {answer.floor}" if excluded.count is None else f"about {excluded.count:,}"
    typer.echo(f"left out of everything: {no} people who denied advertising or personalisation")


def _figures(answer: "Answer") -> dict[str, Any]:
    """As `POST /v1/audiences` answers, without the members."""
    sizes = {"count": answer.size.count, "fewer_than": answer.size.fewer_than}
    excluded = {"count": answer.excluded.count, "fewer_than": answer.excluded.fewer_than}
    said = {
        **sizes,
        "floor": answer.floor,
        "excluded_by_consent": {name: n for name, n in excluded.items() if n is not None},
        "withheld": answer.withheld,
        "release": answer.release,
        "took_ms": answer.took_ms,
    }
    return {name: value for name, value in said.items() if value is not None}


def _write(answer: "Answer", out: Path) -> None:
    from huaxiang.cli.row_file import rows_in, whole

    if answer.members is None:
        raise DataError(f"{out} is not written: {answer.withheld}")
    with whole(out, rows_in(out.suffix, COLUMNS)) as write:
        write([(user, rank, score) for rank, (user, score) in enumerate(answer.members, 1)])
    typer.echo(f"written to {out}")

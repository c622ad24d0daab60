"""The command `huaxiang`: gathers the groups, and turns errors meant for users into one clear line."""

import sys

import typer

from huaxiang.cli import (
    audience,
    backup,
    data,
    demo,
    doctor,
    encode,
    evaluate,
    export,
    finetune,
    label,
    pretrain,
    privacy,
    profiles,
    search,
    serving,
    train,
    trial,
    tune,
)
from huaxiang.errors import HuaxiangError

app = typer.Typer(
    name="huaxiang",
    help="画像: living user profiles from a shop's log, and the recommendation that stands on them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _root() -> None:
    """画像: living user profiles from a shop's log, and the recommendation that stands on them."""


for group in (
    trial,
    demo,
    data,
    label,
    train,
    evaluate,
    pretrain,
    finetune,
    tune,
    encode,
    export,
    serving,
    search,
    profiles,
    privacy,
    audience,
    doctor,
    backup,
):
    group.register(app)


def main() -> None:
    """Run the command; exit status 2 for a user's mistake, 1 for a failed check."""
    try:
        app()
    except HuaxiangError as error:
        typer.secho(f"huaxiang: {error}", fg="red", err=True)
        sys.exit(2)

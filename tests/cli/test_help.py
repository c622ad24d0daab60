"""Every command explains itself."""

from collections.abc import Iterator
from typing import Any

import pytest
import typer

from huaxiang.cli.main import app
from tests.cli.conftest import Run


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, group
    for name, below in getattr(group, "commands", {}).items():
        yield from commands(below, (*path, name))


ALL = dict(commands(typer.main.get_command(app)))


def test_the_commands_of_the_walking_shop_are_there() -> None:
    assert {("demo",), ("import",), ("train",), ("serve",), ("recommend",), ("profile", "show")} <= set(ALL)
    assert {("release", name) for name in ("list", "use", "rollback")} <= set(ALL)


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_help_says_what_the_command_does(run: Run, path: tuple[str, ...]) -> None:
    said = run(*path, "--help")
    first = (ALL[path].help or "").split(".")[0].strip()
    assert said.status == 0
    assert len(first) > 15
    assert " ".join(first.split()[:4]) in " ".join(said.out.split())


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_option_says_what_it_is_for(path: tuple[str, ...]) -> None:
    options = [option for option in ALL[path].params if getattr(option, "param_type_name", "") == "option"]
    assert [option.name for option in options if not getattr(option, "help", "")] == []


def test_a_command_that_is_not_there_is_a_mistake(run: Run) -> None:
    said = run("recomend")
    assert (said.status, "No such command" in said.err) == (2, True)

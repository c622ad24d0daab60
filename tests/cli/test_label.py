"""`huaxiang label` at a terminal, from a pipe and by an oracle."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from huaxiang.cli import label as command
from huaxiang.encoder import opening
from huaxiang.encoder.opening import Opened
from tests.cli.conftest import Ran, Run
from tests.encoder.toy import ToyEncoder

Say = Callable[..., Ran]


@pytest.fixture
def goods(tmp_path: Path) -> Path:
    """40 texts of two kinds with their kind in a second column."""
    kinds = ["tea", "boots"]
    rows = [f"{kinds[at % 2]} {kinds[at % 2]} n{at},{kinds[at % 2]}" for at in range(40)]
    path = tmp_path / "goods.csv"
    path.write_text("\n".join(["name,kind", *rows]))
    return path


@pytest.fixture
def say(run: Run, goods: Path, monkeypatch: pytest.MonkeyPatch) -> Say:
    """Run the command with these keys, a line each, then the end of the pipe."""
    monkeypatch.setattr(opening, "open_encoder", lambda *_, **__: Opened(ToyEncoder(), "a toy"))

    def now(*keys: str, more: tuple[str | Path, ...] = ()) -> Ran:
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{key}\n" for key in keys)))
        return run("label", goods, "--text", "name", "--labels", "tea,boots", *more)

    return now


def labels(path: Path = Path("labels.csv")) -> list[tuple[str, str]]:
    """What the file holds."""
    with path.open(newline="") as lines:
        return [(row["text"], row["label"]) for row in csv.DictReader(lines)]


def test_an_oracle_answers_and_what_was_learned_is_measured(say: Say, tmp_path: Path) -> None:
    said = say(
        more=("--oracle", "kind", "--n", "14", "--json", tmp_path / "out.json", "--guesses", tmp_path / "all.csv")
    )
    found = json.loads((tmp_path / "out.json").read_text())
    assert (said.status, found["labels"], found["accuracy"]) == (0, 14, 1.0)
    assert found["low"] <= found["estimate"] <= found["high"]
    assert all(text.startswith(kind) for text, kind in labels())
    with (tmp_path / "all.csv").open() as lines:
        guessed = list(csv.DictReader(lines))
    assert sum(int(row["given"]) for row in guessed) == 14
    assert all(row["text"].startswith(row["label"]) for row in guessed)
    assert "are told right" in said.out


def test_keys_label_skip_and_stop(say: Say) -> None:
    said = say("1", "s", "2", "q")
    assert (said.status, [kind for _, kind in labels()]) == (0, ["tea", "", "boots"])
    assert "2 labels, 1 skipped" in said.out
    assert "guess: tea" in said.out


def test_the_end_of_a_pipe_is_a_stop_and_the_next_call_goes_on(say: Say) -> None:
    say("1", "1")
    first = labels()
    said = say("2")
    assert "going on after 2 labels and 0 skipped" in said.out
    assert labels()[:2] == first
    assert len({text for text, _ in labels()}) == 3


def test_undo_takes_back_the_last_answers_one_after_the_other(say: Say) -> None:
    say("1", "1", "1", "u", "u", "2", "2", "q")
    texts = [text for text, _ in labels()]
    assert [kind for _, kind in labels()] == ["tea", "boots", "boots"]
    assert len(set(texts)) == 3


def test_undo_reaches_into_an_earlier_sitting_and_stops_at_its_beginning(say: Say) -> None:
    say("1")
    said = say("u", "u", "q")
    assert labels() == []
    assert "nothing to undo" in said.out


def test_a_key_that_is_none_is_asked_again(say: Say) -> None:
    said = say("3", "x", "", "²", "2")
    assert [kind for _, kind in labels()] == ["boots"]
    assert "is none of 1 to 2, s, u, q" in said.out


def test_it_ends_when_nothing_is_left(say: Say) -> None:
    said = say(*["s"] * 60, more=("--n", "50"))
    assert (said.status, len(labels())) == (0, 40)
    assert "too few answers to estimate" in said.out


def test_a_text_cannot_move_the_cursor(say: Say, goods: Path) -> None:
    goods.write_text("name,kind\n\x1b[2Jtea\u202e,tea\nboots,boots\n")
    said = say("q")
    assert "\x1b" not in said.out
    assert "\u202e" not in said.out


def test_single_keys_at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = iter(["9", "1", "S", "\x03"])
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.getchar", lambda: next(keys))
    ask = command._terminal(["tea", "boots"])
    assert [ask("a text", "tea") for _ in range(3)] == ["1", "s", "q"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--oracle", "name"), "does not name"),
        (("--oracle", "colour"), "has no column 'colour'"),
        (("--out", "nowhere/labels.csv"), "there is no folder nowhere"),
        (("--labels", "tea"), "two or more"),
    ],
)
def test_a_mistake_is_said_before_anybody_is_asked(say: Say, more: tuple[str, ...], said: str) -> None:
    ended = say("1", more=more)
    assert (ended.status, said in ended.err) == (2, True)
    assert "guess" not in ended.out

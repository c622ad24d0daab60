"""`huaxiang finetune contrast` as a person at a terminal runs it."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from huaxiang.cli.finetune_contrast import register, shop_pairs
from huaxiang.encoder import OnnxEncoder
from huaxiang.encoder.taken import Pair, Taken
from huaxiang.errors import ConfigError, DataError, UnknownNameError
from tests.encoder.conftest import KINDS, small_shop
from tests.encoder.tagging.conftest import saved_network

pytest.importorskip("torch")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of 90 pairs of 30 shoppers, one of test pairs of others, and a tiny checkpoint."""
    shop = small_shop()
    made = tmp_path_factory.mktemp("pairs")
    rows = [(history, shop.items[at], who) for (history, at), who in zip(shop.pairs, shop.users, strict=True)]
    write(made / "pairs.csv", rows)
    write(made / "test.csv", [(history, item, f"new-{who}") for history, item, who in rows[:12]])
    saved_network([text for texts in KINDS.values() for text in texts], made / "tiny")
    return made


def write(path: Path, rows: list[tuple[str, str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("query", "item", "who"), *rows])


def finetune(*words: str | Path) -> str:
    app = typer.Typer()
    register(app)
    done = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def learn(folder: Path, tmp_path: Path, *more: str | Path) -> dict[str, Any]:
    said: list[str | Path] = ["--pairs", folder / "pairs.csv", "--query", "query", "--item", "item", "--user", "who"]
    said += ["--encoder", folder / "tiny", "--out", tmp_path / "out", "--json", tmp_path / "out.json"]
    finetune(*said, "--budget", "60s", "--epochs", "2", *more)
    return dict(json.loads((tmp_path / "out.json").read_text(encoding="utf-8")))


def test_pairs_of_a_file_become_an_encoder_that_is_served_and_a_test_says_how_good(
    folder: Path, tmp_path: Path
) -> None:
    more = ("--test", folder / "test.csv", "--hard-negatives", "1", "--learning-rate", "0.002")
    figures = learn(folder, tmp_path, *more)
    assert (figures["n_pairs"], figures["test"]["n_pairs"], figures["test"]["n_items"]) == (90, 12, 12)
    assert figures["mrr"] == figures["test"]["after"]["mrr"]
    assert figures["n_train"] + figures["held_out"]["n_pairs"] < 90  # others chose the weights
    assert figures["seconds"] < 60
    assert OnnxEncoder.load(tmp_path / "out").encode(["green tea"]).shape == (1, 32)


def test_where_items_belong_is_learned_first_from_the_rows_of_a_user(folder: Path, tmp_path: Path) -> None:
    with (folder / "pairs.csv").open(encoding="utf-8", newline="") as file:
        rows = [tuple(row) for row in csv.reader(file)][1:]
    many = [(query, item, f"{who}-{n}") for n in range(5) for query, item, who in rows]
    write(tmp_path / "many.csv", many)
    figures = learn(folder, tmp_path, "--pairs", tmp_path / "many.csv", "--epochs", "30")
    assert figures["places"]["n_items"] == 12
    assert figures["held_out"]["after"]["mrr"] > figures["held_out"]["before"]["mrr"]
    assert learn(folder, tmp_path, "--pairs", tmp_path / "many.csv", "--no-places")["places"] is None


def test_few_weights_are_trained_where_a_method_says_so(folder: Path, tmp_path: Path) -> None:
    figures = learn(folder, tmp_path, "--method", "lora")
    full = OnnxEncoder.load(tmp_path / "out")
    assert figures["method"] == "lora"
    assert 0 < figures["trained_parameters"] < 10_000
    assert (tmp_path / "out" / "hf" / "config.json").is_file()
    assert full.d == 32


def test_a_shops_log_gives_histories_and_queries(built: Path) -> None:
    taken = shop_pairs(built, 0)
    assert len(taken.items) == 60
    assert any("of histories" in note for note in taken.notes)
    assert len(taken) > 100


def test_a_person_is_on_one_side_and_without_people_a_query_is() -> None:
    taken = Taken.of([Pair("tea", "pot", "ann"), Pair("tea", "cup"), Pair(" ", "cup", "bob")])
    assert taken.people == (("of", "ann"), "tea")
    assert taken.notes == ("1 pairs were left out: query or item has no text",)


@pytest.mark.parametrize(
    ("words", "said"),
    [((), "either --data-dir"), (("--pairs", "p.csv"), "--query and --item")],
)
def test_what_is_missing_is_said_before_any_work(words: tuple[str, ...], said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=said):
        finetune("--out", tmp_path / "out", *words)


def test_a_column_that_is_not_there_is_named_with_those_that_are(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no column 'q'.*query, item, who"):
        finetune("--out", tmp_path / "o", "--pairs", folder / "pairs.csv", "--query", "q", "--item", "item")


def test_an_unknown_method_is_refused_with_those_that_are(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="adalora, adapter, full"):
        learn(folder, tmp_path, "--method", "magic")


def test_a_few_pairs_are_too_few(folder: Path, tmp_path: Path) -> None:
    write(tmp_path / "few.csv", [("tea", "pot", "ann")])
    with pytest.raises(DataError, match="1 pairs to learn from, at least 20"):
        learn(folder, tmp_path, "--pairs", tmp_path / "few.csv")

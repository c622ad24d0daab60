"""`recommend` to many people: three kinds of files, whole or not at all."""

import csv
import json
from pathlib import Path

import polars as pl
import pytest

from huaxiang.pipeline import Pipeline
from tests.cli.conftest import Run


def alone(run: Run, built: Path, user: str, folder: Path) -> list[str]:
    out = folder / "one.json"
    run("recommend", user, "--k", "3", "--plain", "--data-dir", built, "--json", out)
    return [item["item_id"] for item in json.loads(out.read_text("utf-8"))["items"]]


def test_a_file_of_users_is_answered_a_line_each_and_in_order(run: Run, built: Path, tmp_path: Path) -> None:
    (tmp_path / "users.txt").write_text("\ufeffu03\n\nu00\nnobody yet\n", encoding="utf-8")
    out = tmp_path / "pages.jsonl"
    said = run("recommend", "--users", tmp_path / "users.txt", "--k", "3", "--out", out, "--data-dir", built)
    lines = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert said.status == 0
    assert "3 people answered" in said.out
    assert [line["user_id"] for line in lines] == ["u03", "u00", "nobody yet"]
    assert [item["item_id"] for item in lines[1]["items"]] == alone(run, built, "u00", tmp_path)
    assert len(lines[2]["items"]) == 3


def test_everyone_is_every_user_of_the_log(run: Run, built: Path, tmp_path: Path) -> None:
    out = tmp_path / "pages.parquet"
    assert run("recommend", "--everyone", "--k", "2", "--out", out, "--data-dir", built).status == 0
    rows = pl.read_parquet(out)
    assert rows.columns == ["user_id", "rank", "item_id", "score"]
    assert rows["user_id"].n_unique() == 40
    assert rows["rank"].to_list() == [1, 2] * 40


def test_a_table_has_a_row_for_each_item(run: Run, built: Path, tmp_path: Path) -> None:
    (tmp_path / "users.txt").write_text("u00\n", encoding="utf-8")
    out = tmp_path / "pages.csv"
    run("recommend", "--users", tmp_path / "users.txt", "--k", "3", "--out", out, "--data-dir", built)
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["user_id"], row["rank"]) for row in rows] == [("u00", "1"), ("u00", "2"), ("u00", "3")]
    assert [row["item_id"] for row in rows] == alone(run, built, "u00", tmp_path)


def test_what_fails_leaves_the_file_of_before(
    run: Run, built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    out = tmp_path / "pages.jsonl"
    out.write_text("what was there\n", encoding="utf-8")
    monkeypatch.setattr(Pipeline, "recommend", fails)
    said = run("recommend", "--everyone", "--out", out, "--data-dir", built)
    assert (said.status, "no room on the disk" in said.err) == (2, True)
    assert out.read_text("utf-8") == "what was there\n"
    assert [path.name for path in tmp_path.iterdir()] == ["pages.jsonl"]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((), "name one user, or --users FILE, or --everyone"),
        (("u00", "--everyone"), "name one user, or --users FILE, or --everyone"),
        (("--everyone",), "give --out FILE.jsonl, .csv or .parquet"),
        (("--everyone", "--out", "pages.xlsx"), "give a name that ends in .jsonl, .csv, .parquet"),
        (("u00", "--out", "pages.csv"), "give --json FILE for one person's answer"),
        (("--everyone", "--json", "one.json"), "give --out FILE for many"),
    ],
)
def test_what_is_asked_must_be_one_thing(run: Run, built: Path, words: tuple[str, ...], why: str) -> None:
    said = run("recommend", *words, "--data-dir", built)
    assert (said.status, why in said.err) == (2, True)


def test_a_file_that_names_nobody_is_an_error(run: Run, built: Path, tmp_path: Path) -> None:
    for name, body in {"empty.txt": b"\n \n", "no-text.txt": b"\xff\xfe\x00"}.items():
        (tmp_path / name).write_bytes(body)
        said = run("recommend", "--users", tmp_path / name, "--out", tmp_path / "out.csv", "--data-dir", built)
        assert said.status == 2
        assert "one user id on each line" in said.err
        assert not (tmp_path / "out.csv").exists()

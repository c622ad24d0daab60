"""`audience`: what it prints, three kinds of files, and what it refuses."""

import csv
import json
from pathlib import Path

import polars as pl
import pytest

from tests.cli.conftest import Run

TEA = '{"interests.brand": "Uji"}'
FLOOR = ("--set", "audiences.floor=5")
TEA_DRINKERS = [f"u{n:02d}" for n in range(0, 40, 4)]


def test_a_count_and_its_figures(run: Run, built: Path, tmp_path: Path) -> None:
    out = tmp_path / "figures.json"
    said = run("audience", "--filter", TEA, *FLOOR, "--data-dir", built, "--json", out)
    assert said.status == 0
    assert "10 people (rounded down)" in said.out
    assert "fewer than 5 people who denied advertising or personalisation" in said.out
    figures = json.loads(out.read_text("utf-8"))
    assert figures.pop("took_ms") > 0
    assert figures == {"count": 10, "floor": 5, "excluded_by_consent": {"fewer_than": 5}}


def test_everybody_is_fewer_than_fifty_here(run: Run, built: Path) -> None:
    said = run("audience", "--data-dir", built)
    assert (said.status, said.out.startswith("fewer than 50 people, in ")) == (0, True)


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_members_are_written(run: Run, built: Path, tmp_path: Path, ending: str) -> None:
    out = tmp_path / f"tea.{ending}"
    assert run("audience", "--filter", TEA, *FLOOR, "--out", out, "--data-dir", built).status == 0
    if ending == "csv":
        with out.open(encoding="utf-8", newline="") as file:
            found = [(row["user_id"], int(row["rank"])) for row in csv.DictReader(file)]
    elif ending == "jsonl":
        lines = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
        assert all(line.keys() == {"user_id", "rank"} for line in lines)
        found = [(line["user_id"], line["rank"]) for line in lines]
    else:
        rows = pl.read_parquet(out)
        assert rows["score"].null_count() == 10
        found = list(zip(rows["user_id"], rows["rank"], strict=True))
    assert found == list(zip(TEA_DRINKERS, range(1, 11), strict=True))


@pytest.mark.parametrize("method", ["vector", "classifier"])
def test_the_most_alike_are_written_with_their_likeness(run: Run, built: Path, tmp_path: Path, method: str) -> None:
    (tmp_path / "users.txt").write_text("\n".join(TEA_DRINKERS[:5]), encoding="utf-8")
    out = tmp_path / "alike.parquet"
    words = ("--like", tmp_path / "users.txt", "--method", method, "--k", "5", "--out", out)
    said = run("audience", *words, *FLOOR, "--data-dir", built)
    rows = pl.read_parquet(out)
    assert "5 people (exactly), of the 5 most alike" in said.out
    assert sorted(rows["user_id"]) == TEA_DRINKERS[5:]
    assert rows["score"].is_sorted(descending=True)


def test_examples_may_be_selected_by_a_filter(run: Run, built: Path) -> None:
    said = run("audience", "--like-filter", TEA, "--k", "30", *FLOOR, "--data-dir", built)
    assert "30 people" in said.out


def test_too_few_people_are_not_written_and_what_was_there_stays(run: Run, built: Path, tmp_path: Path) -> None:
    out = tmp_path / "tea.csv"
    out.write_text("what was there\n", encoding="utf-8")
    said = run("audience", "--filter", TEA, "--out", out, "--data-dir", built)
    assert said.status == 2
    assert "fewer than 50 people is not exported" in said.err
    assert out.read_text("utf-8") == "what was there\n"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--filter", "{brand: Uji}"), "--filter is no JSON"),
        (("--filter", "[]"), "--filter must be an object of fields"),
        (("--filter", "[" * 100_000), "--filter is no JSON"),
        (("--filter", '{"brand": "Uji"}'), "no such field; known fields: interests.brand"),
        (("--like-filter", TEA, "--method", "magic"), "unknown method 'magic'; known: vector, classifier"),
        (("--like-filter", TEA, "--k", "3"), "an audience has at least 5 members"),
        (("--like", "few.txt"), "fewer than 5 of the examples"),
        (("--like", "few.txt", "--like-filter", TEA), "give one of --like FILE and --like-filter JSON"),
        (("--out", "people.xlsx"), "give a name that ends in .jsonl, .csv, .parquet"),
        (("--out", "nowhere/people.csv"), "there is no folder"),
    ],
)
def test_what_cannot_be_done_says_why(run: Run, built: Path, tmp_path: Path, words: tuple[str, ...], why: str) -> None:
    (tmp_path / "few.txt").write_text("u00\n", encoding="utf-8")
    said = run("audience", *words, *FLOOR, "--data-dir", built)
    assert (said.status, why in said.err) == (2, True), said.err

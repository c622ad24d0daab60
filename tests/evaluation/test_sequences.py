"""The protocol: strict, within the budget, with its floors, on a shop that the test writes."""

import json
import os
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from huaxiang.cli.evaluate import register
from huaxiang.errors import ConfigError, DataError, MissingExtraError, UnknownNameError
from huaxiang.evaluation import running
from huaxiang.evaluation.budget import Budget, parse_duration
from huaxiang.evaluation.questions import full_answers, questions, staged_answers
from huaxiang.evaluation.sequence_file import ItemTerms, Sequences, read_items, read_sequences
from huaxiang.evaluation.sequences import evaluate_sequences
from huaxiang.retrieval.base import Interactions
from huaxiang.retrieval.popular import Popular

KEYS = {"model", "recall@5", "recall@10", "ndcg@5", "ndcg@10", "fit_seconds", "peak_mb", "n_users"}


def walks(n_users: int = 60, n_items: int = 30) -> list[list[str]]:
    """Each shopper walks along a ring of items from a place of their own: what follows is plain from the graph."""
    rng = np.random.default_rng(0)
    starts, lengths = rng.integers(0, n_items, n_users), rng.integers(4, 9, n_users)
    return [[f"p{(s + i) % n_items}" for i in range(n)] for s, n in zip(starts, lengths, strict=True)]


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    lines = [f"u{n} {' '.join(items)}\n" for n, items in enumerate(walks())]
    (tmp_path / "sequences.txt").write_text("".join([*lines, "short p1 p2\n", "empty\n"]))
    rows = [f"p{i}\tword{i // 3} thing\t{i // 5}|{i // 10}\n" for i in range(30)]
    (tmp_path / "items.tsv").write_text("".join(["id\ttext\tattributes\n", *rows]))
    return tmp_path / "sequences.txt", tmp_path / "items.tsv"


@pytest.fixture
def shop(files: tuple[Path, Path]) -> tuple[Sequences, ItemTerms]:
    read = read_sequences(files[0])
    return read, read_items(files[1], read.item_ids)


def test_who_walks_a_ring_is_shown_the_next_step_and_popularity_is_far_behind(
    shop: tuple[Sequences, ItemTerms],
) -> None:
    report = evaluate_sequences(*shop, Budget(12.0))
    ours, floor = report.row("huaxiang").figures, report.row("popularity").figures
    assert ours["ndcg@10"] > 0.8
    assert floor["ndcg@10"] < 0.5
    assert [row.model for row in report.rows][:3] == ["popularity", "transitions", "huaxiang"]


@pytest.fixture
def whatever_the_clock_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that learns for two epochs and trees that are few: with minutes to spare nothing is left to the load
    of the machine."""
    from huaxiang.retrieval import sequence_training

    monkeypatch.setattr(sequence_training, "Sequential", partial(sequence_training.Sequential, epochs=2))


@pytest.mark.usefixtures("whatever_the_clock_says")
def test_the_strict_row_does_not_change_when_only_the_test_items_do(shop: tuple[Sequences, ItemTerms]) -> None:
    rows = tuple(np.append(row[:-1], row[0]) if len(row) >= 3 else row for row in shop[0].rows)
    other = Sequences(shop[0].item_ids, shop[0].user_ids, rows, (), 0)
    chosen = [evaluate_sequences(s, shop[1], Budget(600.0), models=["huaxiang"]).about for s in (shop[0], other)]
    assert chosen[0]["parts"] == chosen[1]["parts"]
    assert chosen[0]["validation_ndcg@10"] == chosen[1]["validation_ndcg@10"]


@pytest.mark.usefixtures("whatever_the_clock_says")
def test_the_same_seed_gives_the_same_table(shop: tuple[Sequences, ItemTerms]) -> None:
    first, second = (evaluate_sequences(*shop, Budget(600.0)) for _ in range(2))
    assert [row.figures["ndcg@10"] for row in first.rows] == [row.figures["ndcg@10"] for row in second.rows]


def test_short_users_are_counted_and_not_asked(shop: tuple[Sequences, ItemTerms]) -> None:
    report = evaluate_sequences(*shop, Budget(12.0), models=["huaxiang"])
    assert report.row("huaxiang").figures["n_users"] == 60
    assert report.about["data"]["users_with_fewer_than_3_items"] == 1
    assert report.about["data"]["n_lines_without_items"] == 1


def test_what_there_was_no_time_for_is_named(shop: tuple[Sequences, ItemTerms]) -> None:
    report = evaluate_sequences(*shop, Budget(1e-9))
    assert any(what.startswith("huaxiang+refit") for what in report.about["left_out"])
    assert {row.model for row in report.rows} >= {"popularity", "transitions", "huaxiang"}


def test_where_time_runs_out_those_who_were_asked_are_drawn_by_chance(
    shop: tuple[Sequences, ItemTerms], monkeypatch: pytest.MonkeyPatch
) -> None:
    late = partial(staged_answers, before=-np.inf, least=20)
    monkeypatch.setattr(running, "staged_answers", lambda *given, **_: late(*given))
    report = evaluate_sequences(*shop, Budget(60.0), seed=1)
    ours, all_N = report.row("huaxiang"), report.row("popularity").asked.users_N
    assert ours.figures["n_users"] == len(ours.answers) == 20
    assert np.isin(ours.asked.users_N, all_N).all()
    assert ours.asked.users_N.tolist() == sorted(ours.asked.users_N) != all_N[:20].tolist()
    for list_K, hits_K, right in zip(ours.answers.lists_NK, ours.answers.hits_NK, ours.asked.targets, strict=True):
        assert np.isin(list_K, right).tolist() == hits_K.tolist()
    assert "huaxiang - popularity, ndcg@10" in report.about["differences"]
    assert any("users not asked" in said for said in report.about["left_out"])


def test_a_rank_counts_who_is_ahead_and_who_ties_earlier_in_the_catalogue() -> None:
    shop = Interactions.of(list("abcd"), [[0], [1, 1], [2, 2], [3, 3]])
    asked = questions([np.array([0, 1, 3], np.int32)], 1)
    # c ties with d and stands before it; a, b are masked
    assert full_answers(Popular().fit(shop), asked).lists_NK[0, :3].tolist() == [2, 3, -1]


def test_a_target_that_was_met_before_is_masked_and_missed() -> None:
    shop = Interactions.of(["tea", "pot"], [[0, 1]])
    asked = questions([np.array([0, 1, 0], np.int32)], 1)
    assert not full_answers(Popular().fit(shop), asked).hits_NK.any()


def test_a_shop_where_nobody_has_three_items_is_refused() -> None:
    rows = (np.array([0, 1], np.int32),)
    with pytest.raises(DataError, match="no user has 3 items"):
        evaluate_sequences(Sequences(("a", "b"), ("ann",), rows, (), 0), None, Budget(9.0))


def test_a_model_nobody_knows_is_named(shop: tuple[Sequences, ItemTerms]) -> None:
    with pytest.raises(UnknownNameError, match="'SASRec'; known: ALS"):
        evaluate_sequences(*shop, Budget(9.0), models=["SASRec"])


def test_a_peer_that_is_not_installed_is_named(
    shop: tuple[Sequences, ItemTerms], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match="peer ALS"):
        evaluate_sequences(*shop, Budget(9.0), models=["ALS"])


def test_what_is_kept_back_is_not_free() -> None:
    budget = Budget(100.0, reserved=40.0)
    assert 50.0 < budget.left <= 60.0
    assert not budget.allows("a closed form", 70.0)
    assert budget.left_out[0].startswith("a closed form: takes about 70 s")


@pytest.mark.parametrize(("text", "seconds"), [("90", 90.0), ("90s", 90.0), ("25m", 1500.0), ("1.5h", 5400.0)])
def test_budgets_are_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "0m", "-3m", "soon", "3d"])
def test_what_is_no_budget_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="no budget"):
        parse_duration(text)


def run(*arguments: str) -> Any:
    app = typer.Typer()
    app.callback()(lambda: None)
    register(app)
    return CliRunner().invoke(app, ["evaluate", "sequences", *arguments], catch_exceptions=False)


def test_the_command_writes_the_agreed_keys(files: tuple[Path, Path], tmp_path: Path) -> None:
    out, page = tmp_path / "out.json", tmp_path / "out.html"
    asked = ["--sequences", str(files[0]), "--items", str(files[1]), "--budget", "12s"]
    result = run(*asked, "--json", str(out), "--html", str(page))
    assert result.exit_code == 0
    written = json.loads(out.read_text())
    assert all(row.keys() >= KEYS for row in written["models"])
    assert {"popularity", "transitions", "huaxiang"} <= {row["model"] for row in written["models"]}
    assert "Protocol: leave-one-out" in result.output
    assert "<table>" in page.read_text()


def test_the_command_needs_no_items(files: tuple[Path, Path], tmp_path: Path) -> None:
    result = run("--sequences", str(files[0]), "--budget", "12s", "--json", str(tmp_path / "out.json"))
    assert result.exit_code == 0


def test_a_folder_that_is_missing_is_said_before_the_work(files: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no folder"):
        run("--sequences", str(files[0]), "--json", str(tmp_path / "nowhere" / "out.json"))


@pytest.mark.data
def test_a_published_set_keeps_its_floor(tmp_path: Path) -> None:
    root = Path(os.environ.get("HUAXIANG_DATA", Path(__file__).parents[2] / "../shared/data"))
    folder = root / "amazon2014_seq" / "Beauty"
    if not folder.is_dir():
        pytest.skip("needs amazon2014_seq/Beauty under HUAXIANG_DATA")
    read = read_sequences(folder / "sequences.txt.gz")
    report = evaluate_sequences(read, None, Budget(20.0), models=["transitions"])
    assert report.row("transitions").figures["ndcg@10"] == pytest.approx(0.0537, abs=0.001)

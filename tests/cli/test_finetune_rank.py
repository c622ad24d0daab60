"""`huaxiang finetune rank` as a person at a terminal runs it."""

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from huaxiang.cli.finetune_rank import register
from huaxiang.encoder.cross_encoder import CrossEncoder
from huaxiang.encoder.reranking import read_judgments
from huaxiang.errors import DataError
from tests.encoder.conftest import KINDS
from tests.encoder.tagging.conftest import saved_network

pytest.importorskip("torch")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("judged")
    write(made / "train.jsonl", 30)
    write(made / "test.jsonl", 9, "later-")
    saved_network([text for texts in KINDS.values() for text in texts], made / "tiny")
    return made


def write(path: Path, n_people: int, prefix: str = "") -> None:
    """Each person was shown two items, and bought the one of their kind."""
    kinds = list(KINDS.values())
    lines = []
    for n in range(n_people):
        for shift, label in ((0, "purchase"), (1, "impression")):
            seen, shown = kinds[n % 3][n % 4], kinds[(n + shift) % 3][(n + 1) % 4]
            lines.append({"seen": seen, "title": shown, "event": label, "who": f"{prefix}u{n}"})
    path.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines), encoding="utf-8")


def finetune(folder: Path, *more: str | Path) -> str:
    app = typer.Typer()
    register(app)
    said: list[str | Path] = ["--train", folder / "train.jsonl", "--history", "seen", "--item", "title"]
    said += ["--label", "event", "--encoder", folder / "tiny", "--budget", "60s", *more]
    done = CliRunner().invoke(app, [str(word) for word in said], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_clicks_become_a_cross_encoder_with_its_figures_beside_cosine(folder: Path, tmp_path: Path) -> None:
    out, figures_file = tmp_path / "ranker", tmp_path / "out.json"
    more: list[str | Path] = [
        "--test",
        folder / "test.jsonl",
        "--group",
        "who",
        "--epochs",
        "2",
        "--out",
        out,
        "--json",
        figures_file,
    ]
    said = finetune(folder, *more)
    figures: dict[str, Any] = json.loads(figures_file.read_text(encoding="utf-8"))
    assert {"auc", "mrr", "ndcg@10", "method", "seconds", "n_train", "n_test"} <= set(figures)
    assert (figures["n_train"], figures["n_test"], figures["method"]) == (60, 18, "full")
    assert figures["objective"] == "softmax within lists"
    assert set(figures["baseline"]["cosine"]) == {"auc", "mrr", "ndcg@10"}
    assert "cosine, as it came" in said
    assert CrossEncoder.load(out).fingerprint == figures["fingerprint"]


def test_rows_that_stand_alone_are_learned_by_themselves(folder: Path, tmp_path: Path) -> None:
    rows = [{"seen": f"green tea {n}", "title": "tea pot", "event": n % 2} for n in range(20)]
    (tmp_path / "alone.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    finetune(folder, "--train", tmp_path / "alone.jsonl", "--epochs", "1", "--json", tmp_path / "out.json")
    figures = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert figures["objective"] == "each row by itself"
    assert (figures["mrr"], figures["n_lists"]) == (None, 0)
    assert any("no test file" in note for note in figures["notes"])


def test_labels_are_events_or_numbers(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("h,i,l\na,b,Purchase\na,c,click\na,d,\na,e,2.5\n", encoding="utf-8")
    assert read_judgments(tmp_path / "a.csv", "h", "i", "l", None).gains_N.tolist() == [2.0, 1.0, 0.0, 2.5]


@pytest.mark.parametrize("label", ["maybe", "-1", "nan"])
def test_a_label_that_is_neither_is_named(label: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"h,i,l\na,b,{label}\n", encoding="utf-8")
    with pytest.raises(DataError, match=f"the label '{label}'.*purchase"):
        read_judgments(tmp_path / "a.csv", "h", "i", "l", None)


def test_pairs_that_are_all_worth_the_same_teach_nothing(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("seen,title,event\na,b,1\na,c,1\n", encoding="utf-8")
    with pytest.raises(DataError, match="same label"):
        finetune(folder, "--train", tmp_path / "a.csv")


def test_a_budget_without_a_step_is_an_error_and_no_ranker_that_guesses(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no step of training"):
        finetune(folder, "--budget", "1s", "--out", tmp_path / "ranker")
    assert not (tmp_path / "ranker").exists()

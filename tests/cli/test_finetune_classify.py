"""`huaxiang finetune classify` on files that nobody prepared, as a person at a terminal runs it."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run

ASKED = ("--text", "评论", "--label", "标签", "--method", "ngrams")


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """40 reviews to learn from and 8 to be asked about: two of them blank or very long."""
    good, bad = ["质量很好", "喜欢 great", "满意"], ["质量很差", "失望 bad", "退货"]
    rows = [f"{(good if i % 2 else bad)[i % 3]} {i},{'好' if i % 2 else 1}" for i in range(40)]
    test = ["质量很好,好", "质量很差,1", ",好", f"{'满意' * 5_000},好", "great,好", "bad,1", "退货,1", "喜欢,好"]
    paths = tmp_path / "train.csv", tmp_path / "test.csv"
    for path, lines in zip(paths, (rows, test), strict=True):
        path.write_text("\n".join(["评论,标签", *lines]) + "\n", encoding="utf-8")
    return paths


def test_the_figures_of_the_convention_stand_on_top(run: Run, files: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    ran = run("finetune", "classify", "--train", files[0], "--test", files[1], *ASKED, "--json", out)
    assert ran.status == 0, ran.err
    found = json.loads(out.read_text(encoding="utf-8"))
    assert list(found)[:6] == ["accuracy", "macro_f1", "method", "seconds", "n_train", "n_test"]
    assert (found["method"], found["n_train"], found["n_test"]) == ("ngrams", 40, 8)
    assert found["accuracy"] >= 7 / 8
    assert {row["label"] for row in found["classes"]} == {"好", "1"}


def test_it_says_what_it_took_and_why(run: Run, files: tuple[Path, Path], tmp_path: Path) -> None:
    ran = run("finetune", "classify", "--train", files[0], "--test", files[1], *ASKED, "--json", tmp_path / "o.json")
    assert "ngrams: accuracy" in ran.out
    assert "held-out texts" in ran.out


def test_a_label_that_only_the_test_file_has_ends_it_before_any_training(
    run: Run, files: tuple[Path, Path], tmp_path: Path
) -> None:
    files[1].write_text("评论,标签\n质量很好,中\n", encoding="utf-8")
    ran = run("finetune", "classify", "--train", files[0], "--test", files[1], *ASKED, "--json", tmp_path / "o.json")
    assert ran.status == 2
    assert "labels that the training file lacks: 中" in ran.err


def test_an_unwritable_answer_is_said_before_the_work(run: Run, files: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "nowhere" / "o.json"
    ran = run("finetune", "classify", "--train", files[0], "--test", files[1], *ASKED, "--json", out)
    assert ran.status == 2
    assert "make it first" in ran.err


def test_a_checkpoint_that_is_none_is_named(run: Run, files: tuple[Path, Path], tmp_path: Path) -> None:
    words = ("--text", "评论", "--label", "标签", "--encoder", tmp_path, "--method", "full")
    ran = run("finetune", "classify", "--train", files[0], "--test", files[1], *words, "--json", tmp_path / "o.json")
    assert ran.status == 2
    assert "holds no config.json" in ran.err

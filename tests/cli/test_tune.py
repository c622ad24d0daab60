"""`huaxiang tune` on a small file: a table, figures, and a plan that fine-tuning takes; killed, it goes on."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from huaxiang.cli.main import app
from huaxiang.encoder.finetuning.loop import Plan
from huaxiang.encoder.finetuning.methods import LEARNING_RATES
from huaxiang.encoder.finetuning.plan_file import read_plan, write_plan
from huaxiang.errors import ConfigError, DataError, UnknownNameError

pytest.importorskip("optuna")
torch = pytest.importorskip("torch")

KINDS = {
    "tea": ("green tea 绿茶", "black tea 红茶", "tea pot 茶壶", "tea cup 茶杯"),
    "boots": ("hiking boots 登山鞋", "rain boots 雨靴", "boot laces 鞋带", "boot wax 鞋油"),
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of one layer, and titles with their kinds."""
    from huaxiang.encoder.checkpoint import quietly
    from huaxiang.encoder.model import Shape, new_network

    folder = tmp_path_factory.mktemp("shop")
    torch.manual_seed(0)
    texts = [text for own in KINDS.values() for text in own]
    made = new_network(texts, Shape(hidden=16, layers=1, heads=2, inner=32, vocabulary=200, max_tokens=16))
    with quietly():
        made.lm.save_pretrained(folder / "tiny")
        made.tokenizer.save_pretrained(folder / "tiny")
    with (folder / "titles.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["title", "kind"])
        rows.writerows([f"{text} {n}", kind] for kind, own in KINDS.items() for text in own for n in range(6))
    return folder


def read(shop: Path) -> list[str]:
    return ["--train", str(shop / "titles.csv"), "--text", "title", "--label", "kind", "--encoder", str(shop / "tiny")]


def arguments(shop: Path, out: Path, *more: str) -> list[str]:
    return ["tune", "classify", *read(shop), "--out", str(out), "--threads", "1", *more]


def finetuning(shop: Path, out: Path, *more: str) -> list[str]:
    test = ["--test", str(shop / "titles.csv"), "--json", str(out), "--threads", "1"]
    return ["finetune", "classify", *read(shop), *test, *more]


def run(*given: str) -> str:
    ended = CliRunner().invoke(app, list(given), catch_exceptions=False)
    assert ended.exit_code == 0, ended.output
    return ended.output


def test_a_table_figures_and_a_plan(shop: Path, tmp_path: Path) -> None:
    said = run(*arguments(shop, tmp_path / "search", "--trials", "4", "--json", str(tmp_path / "figures.json")))
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert len(figures["trials"]) == 4
    assert figures["usual"]["number"] == 0
    assert figures["best"]["value"] >= figures["usual"]["value"]
    assert "4 trials, best first" in said
    assert "all 4 trials are done" in said
    plan, method = read_plan(tmp_path / "search" / "plan.json")
    assert method == "full"
    assert plan.learning_rate == figures["best"]["plan"]["learning_rate"]


def test_methods_begin_with_their_own_rates_and_trials_are_tracked(shop: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    run(
        *arguments(shop, tmp_path / "search", "--trials", "2", "--method", "lora,prompt", "--track", "tensorboard"),
        "--json",
        str(tmp_path / "figures.json"),
    )
    trials: list[dict[str, Any]] = json.loads((tmp_path / "figures.json").read_text())["trials"]
    assert [(trial["method"], trial["plan"]["learning_rate"]) for trial in trials] == [
        (method, LEARNING_RATES[method]) for method in ("lora", "prompt")
    ]
    assert list((tmp_path / "search" / "tracking" / "trial-001" / "tensorboard").glob("events*"))


def test_fine_tuning_takes_the_plan_with_its_learning_rates(shop: Path, tmp_path: Path) -> None:
    accuracies = []
    for rate in (1e-2, 1e-9):
        write_plan(tmp_path / "plan.json", Plan(learning_rate=rate, head_learning_rate=10 * rate, epochs=40.0), "lora")
        run(*finetuning(shop, tmp_path / "figures.json", "--method", "lora", "--plan", str(tmp_path / "plan.json")))
        accuracies.append(json.loads((tmp_path / "figures.json").read_text())["accuracy"])
    assert accuracies[0] > 0.9 > accuracies[1]


def test_a_plan_for_another_method_is_refused(shop: Path, tmp_path: Path) -> None:
    write_plan(tmp_path / "plan.json", Plan(), "lora")
    given = finetuning(shop, tmp_path / "o.json", "--method", "full", "--plan", str(tmp_path / "plan.json"))
    with pytest.raises(ConfigError, match="is a plan for lora, but --method is full"):
        run(*given)


@pytest.mark.slow
def test_a_killed_search_goes_on(shop: Path, tmp_path: Path) -> None:
    search = tmp_path / "search"
    command = [str(Path(sys.executable).with_name("huaxiang")), *arguments(shop, search)]
    with subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"}) as running:
        wait_for_trials(search / "trials.jsonl", 2)
        running.send_signal(signal.SIGKILL)
    done = finished(search / "trials.jsonl")
    said = run(*arguments(shop, search, "--trials", str(done + 1)))
    assert f"{done} trials were there from before" in said


def finished(journal: Path) -> int:
    """Trials that ended with a value or were pruned, by Optuna's journal."""
    lines = [json.loads(line) for line in journal.read_text().splitlines() if line.endswith("}")]
    return sum(line["op_code"] == 6 and line["state"] in {1, 2} for line in lines)


def wait_for_trials(journal: Path, n: int) -> None:
    for _ in range(600):
        if journal.exists() and finished(journal) >= n:
            return
        time.sleep(0.1)
    pytest.fail("no trial ended within a minute")


def test_another_file_is_another_search(shop: Path, tmp_path: Path) -> None:
    run(*arguments(shop, tmp_path, "--trials", "1"))
    with pytest.raises(DataError, match="balanced differ"):
        run(*arguments(shop, tmp_path, "--trials", "1", "--balanced"))


def test_a_method_that_does_not_exist_is_named_before_any_trial(shop: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="unknown method 'dora'"):
        run(*arguments(shop, tmp_path / "search", "--method", "full,dora"))
    assert not (tmp_path / "search").exists()


def test_texts_that_cannot_be_divided_are_refused(shop: Path, tmp_path: Path) -> None:
    (tmp_path / "two.csv").write_text("title,kind\ngreen tea,tea\nrain boots,boots\n")
    given = arguments(shop, tmp_path / "search", "--trials", "1")
    given[given.index(str(shop / "titles.csv"))] = str(tmp_path / "two.csv")
    with pytest.raises(DataError, match="nothing can be held out"):
        run(*given)

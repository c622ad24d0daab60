"""Search of settings, on objectives whose best is known: no worse than the defaults, pruned, killed, gone on with."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from huaxiang.encoder.finetuning.loop import Plan, fit
from huaxiang.encoder.model import new_network
from huaxiang.encoder.optimising import DivergedError
from huaxiang.encoder.tasks.base import Score
from huaxiang.encoder.tuning import JOURNAL, Objective, PrunedError, Space, TuneReport, Watch, Watching, tune
from huaxiang.errors import DataError, MissingExtraError
from tests.encoder.conftest import TINY

pytest.importorskip("optuna")

USUAL = Plan(epochs=2.0, batch_size=32, learning_rate=1e-4)
SPACE = Space(layers=2)


def good_at(rate: float) -> Objective:
    """An objective that is best at one learning rate, by how many powers of ten a plan is from it."""
    return lambda plan, _method, _watch: 1.0 - abs(math.log10(plan.learning_rate / rate))


def search(objective: Objective, folder: Path, n_trials: int | None = 8, seed: int = 3) -> TuneReport:
    return tune(objective, {"full": USUAL}, SPACE, folder=folder, seconds=60, seed=seed, n_trials=n_trials)


def test_the_first_trial_is_the_defaults_and_the_best_is_better(tmp_path: Path) -> None:
    report = search(good_at(3e-4), tmp_path, n_trials=12)
    assert report.trials[0].plan == USUAL
    assert report.usual == report.trials[0]
    assert (report.usual.value or 0.0) == pytest.approx(1.0 - math.log10(3.0))
    assert (report.best.value or 0.0) > (report.usual.value or 0.0)
    assert report.figures()["gain"] == pytest.approx((report.best.value or 0.0) - (report.usual.value or 0.0))
    assert len(report.trials) == 12
    assert "all 12 trials" in report.stopped


def test_defaults_that_are_best_remain(tmp_path: Path) -> None:
    report = search(lambda plan, _method, _watch: float(plan == USUAL), tmp_path)
    assert report.best.plan == USUAL
    assert report.figures()["gain"] == 0.0


def test_what_is_tried_lies_in_the_space(tmp_path: Path) -> None:
    for trial in search(good_at(1e-4), tmp_path).trials:
        assert 0.2e-4 <= trial.plan.learning_rate <= 5e-4
        assert 1.0 <= trial.plan.epochs <= 4.0
        assert trial.plan.batch_size in {16, 32, 64}
        assert trial.plan.frozen_layers in {0, 1, 2}
        assert 0.7 <= trial.plan.layer_decay <= 1.0


def test_the_usual_plan_of_each_method_comes_first(tmp_path: Path) -> None:
    lora = replace(USUAL, learning_rate=1e-3)

    def only_lora_works(plan: Plan, method: str, _watch: Watch) -> float:
        return float(method == "lora") - abs(math.log10(plan.learning_rate / 1e-3))

    report = tune(
        only_lora_works, {"full": USUAL, "lora": lora}, SPACE, folder=tmp_path, seconds=60, seed=0, n_trials=6
    )
    assert [(trial.method, trial.plan) for trial in report.trials[:2]] == [("full", USUAL), ("lora", lora)]
    assert report.best.method == "lora"
    assert all(trial.plan.frozen_layers == 0 for trial in report.trials if trial.method == "lora")


def test_the_same_seed_tries_the_same(tmp_path: Path) -> None:
    one, two, other = (search(good_at(3e-4), tmp_path / str(at), seed=seed) for at, seed in enumerate((1, 1, 2)))
    assert [trial.plan for trial in one.trials] == [trial.plan for trial in two.trials]
    assert [trial.plan for trial in one.trials] != [trial.plan for trial in other.trials]


def test_a_search_that_stops_between_trials_goes_on_as_if_it_had_not(tmp_path: Path) -> None:
    whole = search(good_at(3e-4), tmp_path / "whole", n_trials=9)
    search(good_at(3e-4), tmp_path / "parts", n_trials=4)
    parts = search(good_at(3e-4), tmp_path / "parts", n_trials=9)
    assert parts.taken_up == 4
    assert [trial.plan for trial in parts.trials] == [trial.plan for trial in whole.trials]


KILLED = """
import sys, time
from pathlib import Path
from tests.encoder.test_tuning import good_at, search
objective = good_at(3e-4)
def slow(plan, method, watch):
    if watch.number >= 3:
        print("in the middle", flush=True)
        time.sleep(60)
    return objective(plan, method, watch)
search(slow, Path(sys.argv[1]), n_trials=9)
"""


def test_a_search_that_was_killed_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    command = [sys.executable, "-c", textwrap.dedent(KILLED), str(tmp_path / "killed")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": "."}) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "in the middle\n"
        run.send_signal(signal.SIGKILL)
    with (tmp_path / "killed" / JOURNAL).open("a") as journal:
        journal.write('{"op_code":6,"half a li')  # as if it had been killed while writing
    (tmp_path / "killed" / f"{JOURNAL}.lock").symlink_to(JOURNAL)
    began = time.monotonic()
    after = search(good_at(3e-4), tmp_path / "killed", n_trials=9)
    assert time.monotonic() - began < 20  # Optuna waits half a minute for a lock that nobody holds
    assert after.taken_up == 3
    assert [trial.plan for trial in after.trials] == [
        trial.plan for trial in search(good_at(3e-4), tmp_path / "whole", n_trials=9).trials
    ]


def test_the_journal_is_lines_of_json(tmp_path: Path) -> None:
    search(good_at(3e-4), tmp_path, n_trials=2)
    lines = (tmp_path / JOURNAL).read_text().splitlines()
    assert all(isinstance(json.loads(line), dict) for line in lines)
    assert {path.name for path in tmp_path.iterdir()} == {JOURNAL, ".lock"}


def test_another_search_is_not_taken_up(tmp_path: Path) -> None:
    def on(data: str) -> None:
        tune(
            good_at(1e-4), {"full": USUAL}, SPACE, folder=tmp_path, seconds=60, seed=0, n_trials=1, about={"data": data}
        )

    on("reviews")
    with pytest.raises(DataError, match=r"holds trials of another search \(data differ\)"):
        on("titles")


def test_two_searches_at_once_in_one_folder_are_refused(tmp_path: Path) -> None:
    def inside(_plan: Plan, _method: str, _watch: Watch) -> float:
        search(good_at(1e-4), tmp_path)
        return 1.0

    with pytest.raises(DataError, match="another search is running"):
        search(inside, tmp_path)


def test_a_trial_that_is_behind_is_given_up(tmp_path: Path) -> None:
    heard: list[int] = []

    def slowly_bad(plan: Plan, _method: str, watch: Watch) -> float:
        worth = 1.0 if watch.number < 4 else 0.0
        for check in range(1, 6):
            heard.append(watch.number)
            if watch(check, worth * check):
                raise PrunedError
        return worth * 5.0

    report = search(slowly_bad, tmp_path, n_trials=6)
    assert [trial.state for trial in report.trials] == ["done"] * 4 + ["pruned"] * 2
    assert heard.count(5) == 2  # not at the first check, at the second
    assert report.best.number == 0


def test_a_trial_that_diverges_is_one_trial_and_not_the_end(tmp_path: Path) -> None:
    def breaks_at_large_rates(plan: Plan, _method: str, _watch: Watch) -> float:
        if plan.learning_rate > 1e-4:
            raise DivergedError("the loss was nan")
        return plan.learning_rate

    report = search(breaks_at_large_rates, tmp_path)
    assert {trial.state for trial in report.trials} == {"done", "diverged"}
    assert report.best.plan.learning_rate <= 1e-4


def test_nothing_that_can_be_finished_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no trial could be finished"):
        search(lambda *_: math.nan, tmp_path, n_trials=2)


def test_the_time_ends_the_search_before_a_trial_that_it_would_cut(tmp_path: Path) -> None:
    def slow(_plan: Plan, _method: str, _watch: Watch) -> float:
        time.sleep(0.3)
        return 1.0

    began = time.monotonic()
    report = tune(slow, {"full": USUAL}, SPACE, folder=tmp_path, seconds=1.0, seed=0)
    assert time.monotonic() - began < 1.6
    assert 1 <= len(report.trials) <= 3
    assert "a trial takes about 0 s" in report.stopped


def test_a_trial_that_time_cut_cannot_be_the_best_unless_it_is_the_defaults(tmp_path: Path) -> None:
    def cut_is_better(plan: Plan, _method: str, watch: Watch) -> float:
        watch.was_cut = True
        return 0.5 if plan == USUAL else 0.9

    report = search(cut_is_better, tmp_path, n_trials=3)
    assert report.best.plan == USUAL
    assert {trial.state for trial in report.trials} == {"cut"}


def test_the_setting_that_decides_is_the_important_one(tmp_path: Path) -> None:
    report = search(good_at(1e-4), tmp_path, n_trials=25)
    assert max(report.importance, key=lambda name: report.importance[name]) == "learning_rate_factor"
    assert sum(report.importance.values()) == pytest.approx(1.0)


def test_a_missing_package_names_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingExtraError, match=r"huaxiang tune needs packages .*huaxiang\[tune\]"):
        search(good_at(1e-4), tmp_path)


def test_checks_of_a_real_training_reach_the_watch(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")

    class Bias:
        """Wants one number to be 1."""

        name, lengths = "bias", (1,) * 8

        def __init__(self) -> None:
            self.head = torch.nn.Linear(1, 1)

        def loss(self, _network: Any, _rows: Any) -> Any:
            return (self.head.bias - 1.0).square().mean()

        def validate(self, network: Any) -> Score:
            return Score(-float(self.loss(network, ())))

    heard: list[tuple[int, float]] = []

    class Noting(Watch):
        def __init__(self) -> None: ...

        def __call__(self, step: int, value: float) -> bool:
            heard.append((step, value))
            return step == 2

    plan = Plan(epochs=4, batch_size=2, checks=4)
    network, watching = new_network(["tea"], TINY), Watching(Noting())
    with pytest.raises(PrunedError):
        fit(network, Bias(), plan, seconds=60, rng=np.random.default_rng(0), tracker=watching)
    assert [step for step, _ in heard] == [1, 2]
    assert heard[1][1] > heard[0][1]

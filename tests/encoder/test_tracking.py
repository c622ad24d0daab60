"""Trackers: what was logged can be read back by their own readers, and nothing leaves the folder."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from huaxiang.encoder.finetuning.loop import Plan, fit
from huaxiang.encoder.model import new_network
from huaxiang.encoder.tasks.base import Score
from huaxiang.encoder.tracking import Tracking, open_tracker
from huaxiang.errors import ConfigError, MissingExtraError, UnknownNameError
from tests.encoder.conftest import TINY

torch = pytest.importorskip("torch")
pytest.importorskip("tensorboard")
pytest.importorskip("wandb")


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the machine, a home of its own, and a network that fails the test."""
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    connect = socket.socket.connect

    def only_here(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and address[0] not in {"127.0.0.1", "localhost", "::1"}:
            pytest.fail(f"reached for {address}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", only_here)


def opened(spec: str, folder: Path) -> Tracking:
    tracker = open_tracker(spec, folder, {"task": "classify", "rate": 1e-4})
    assert isinstance(tracker, Tracking)
    return tracker


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    read: Any = EventAccumulator(str(folder))
    read.Reload()
    return {tag: [(event.step, event.value) for event in read.Scalars(tag)] for tag in read.Tags()["scalars"]}


class Bias:
    """A task that wants one number to be 1."""

    name = "bias"
    lengths = (1, 1)

    def __init__(self) -> None:
        self.head = torch.nn.Linear(1, 1)

    def loss(self, _network: Any, _rows: Any) -> Any:
        return (self.head.bias - 1.0).square().mean()

    def validate(self, _network: Any) -> Score:
        return Score(-float(self.loss(None, ())), {"accuracy": 0.5})


def test_tensorboard_reads_what_a_training_logged(tmp_path: Path) -> None:
    torch.manual_seed(0)
    with opened("tensorboard", tmp_path) as tracker:
        plan = Plan(epochs=3, batch_size=2, checks=1)
        fit(new_network(["tea"], TINY), Bias(), plan, seconds=60, rng=np.random.default_rng(0), tracker=tracker)
    read = scalars(tmp_path / "tensorboard")
    assert [step for step, _ in read["loss"]] == [1, 2, 3]
    assert read["loss"][2][1] < read["loss"][0][1]
    assert read["validation/accuracy"] == [(3, 0.5)]


def test_both_at_once_and_closed_by_an_error(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    both = opened("tensorboard, wandb", tmp_path / "runs")

    def train() -> None:
        with both:
            both.log(1, {"loss": 2.0})
            both.log(2, {"loss": 1.0})
            raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError, match="the disk is full"):
        train()
    import wandb

    assert wandb.run is None
    assert scalars(tmp_path / "runs" / "tensorboard") == {"loss": [(1, 2.0), (2, 1.0)]}
    (kept,) = (tmp_path / "runs" / "wandb").glob("offline-run-*/run-*.wandb")
    assert kept.stat().st_size > 0
    assert not (tmp_path / "home").exists()
    assert capfd.readouterr() == ("", "")
    assert not [name for name in os.environ if name.startswith("WANDB_")]


def test_tracking_is_off_by_default(tmp_path: Path) -> None:
    for nothing in (None, " "):
        with open_tracker(nothing, tmp_path / "runs", {}) as tracker:
            assert tracker is None
    assert not (tmp_path / "runs").exists()


def test_an_unknown_tracker_is_named_before_any_is_opened(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="unknown tracker 'mlflow'; known: tensorboard, wandb"):
        open_tracker("tensorboard,mlflow", tmp_path / "runs", {})
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(("spec", "package"), [("tensorboard", "torch.utils.tensorboard"), ("wandb", "wandb")])
def test_a_missing_package_names_its_extra(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, spec: str, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=rf"--track {spec} needs packages .*huaxiang\[track\]"):
        open_tracker(spec, tmp_path, {})


def test_a_mode_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WANDB_MODE", "ofline")
    with pytest.raises(ConfigError, match="WANDB_MODE is 'ofline'"):
        open_tracker("wandb", tmp_path, {})

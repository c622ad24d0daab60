"""Which networks are fine-tuned within a time."""

from pathlib import Path
from typing import Any, cast

import pytest

from huaxiang.encoder.checkpoint import open_checkpoint
from huaxiang.encoder.classifying import networks
from huaxiang.encoder.classifying.asked import Asked
from huaxiang.encoder.classifying.auto import train_classifier
from huaxiang.encoder.classifying.jobs import Job, affordable, allotted
from huaxiang.encoder.classifying.networks import Opened
from huaxiang.encoder.classifying.tuned import Settings
from huaxiang.encoder.finetuning.loop import Plan
from huaxiang.encoder.schedule import Clock
from huaxiang.encoder.sources import Choice, Source
from tests.encoder.classifying.conftest import reviews


def job(name: str, needed: float) -> Job:
    return Job(name, cast(Opened, None), Settings(), needed)


@pytest.mark.parametrize(
    ("needed", "seconds", "kept"),
    [
        ((100, 50), 200, ["a", "b"]),
        ((100, 50), 130, ["a", "b"]),  # b has 30 s, more than half of what it needs
        ((100, 50), 110, ["a"]),
        ((100, 50), 60, ["b"]),  # the better one does not fit
        ((100, 50), 5, ["b"]),  # neither fits: the faster one gets farthest
        ((), 5, []),
    ],
)
def test_as_many_plans_as_there_is_time_for(needed: tuple[float, ...], seconds: float, kept: list[str]) -> None:
    jobs = [job(name, each) for name, each in zip("ab", needed, strict=False)]
    assert [each.name for each in affordable(jobs, seconds)] == kept


def test_while_others_wait_a_job_gets_little_more_than_its_plan_takes() -> None:
    first, second, third = job("a", 100), job("b", 50), job("c", 500)
    assert allotted(first, [], [first], 900.0, 1.0) == 900.0
    assert allotted(first, [third], [first], 900.0, 1.0) == 150.0
    assert allotted(first, [third], [first], 900.0, 2.0) == 300.0
    assert allotted(first, [second, third], [first, second], 120.0, 1.0) == 80.0


def test_a_second_encoder_is_fine_tuned_too_and_can_answer(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [cast(Source, type("Found", (), {"name": name})) for name in ("first", "second")]
    choice = cast(Choice, type("Chosen", (), {"fitting": found, "why": "both read it"}))
    monkeypatch.setattr(networks, "choose_by_language", lambda _: choice)

    def opened(name: str, max_tokens: int) -> Any:
        network = open_checkpoint(str(checkpoint), max_tokens)
        network.name = name
        return network

    monkeypatch.setattr(networks, "open_checkpoint", opened)
    plan = Plan(epochs=1.0, batch_size=8, learning_rate=1e-3, head_learning_rate=1e-2, checks=1)
    trained = train_classifier(reviews(160), Asked(threads=1, precision="fp32", plan=plan), Clock(600))
    assert {"ngrams", "frozen", "full"} < set(trained.models)
    assert {name for name in trained.models if name.startswith("full-")} <= {"full-first", "full-second"}
    assert len(trained.models) == 4
    answering = {trained.models[name].network.name for name in trained.choice.weights if name != "ngrams"}
    assert answering <= set(trained.encoder.split(", "))

"""Plans in files: what is written comes back, and what is no plan is refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from huaxiang.encoder.finetuning.loop import Plan
from huaxiang.encoder.finetuning.methods import METHODS
from huaxiang.encoder.finetuning.plan_file import read_plan, write_plan
from huaxiang.errors import ConfigError, UnknownNameError

positive = st.floats(min_value=1e-12, max_value=1e6)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    plan=st.builds(
        Plan,
        epochs=positive,
        batch_size=st.integers(1, 4096),
        learning_rate=positive,
        weight_decay=st.floats(0.0, 1.0),
        frozen_layers=st.integers(0, 48),
        layer_decay=st.floats(0.01, 1.0),
    ),
    method=st.sampled_from(METHODS),
    ending=st.sampled_from(("toml", "json")),
)
def test_what_is_written_comes_back(tmp_path: Path, plan: Plan, method: str, ending: str) -> None:
    write_plan(tmp_path / f"plan.{ending}", plan, method)
    assert read_plan(tmp_path / f"plan.{ending}") == (plan, method)


def test_what_a_file_does_not_say_is_as_by_default(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text('method = "lora"\n[plan]\nlearning_rate = 1\n')
    assert read_plan(tmp_path / "plan.toml") == (Plan(learning_rate=1.0), "lora")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[plan]\nlearning_rat = 1e-4", "sets 'learning_rat', which no plan has; it has: epochs"),
        ("[plan]\nbatch_size = 1.5", "batch_size is 1.5; give a whole number"),
        ("[plan]\nbatch_size = true", "batch_size is True; give a whole number"),
        ('[plan]\nepochs = "3"', "epochs is '3'; give a number"),
        ("[plan]\nlearning_rate = 0.0", "learning_rate is 0.0; it is above 0"),
        ("[plan]\nlearning_rate = nan", "learning_rate is nan; it is above 0"),
        ("[plan]\nepochs = inf", "epochs is inf; it is above 0"),
        ("[plan]\nlayer_decay = 1.5", "layer_decay is 1.5; it is above 0, at most 1"),
        ("[plan]\nfrozen_layers = -1", "frozen_layers is -1; it is 0 or more"),
        ("plan = 3", "is no plan"),
        ("epochs = 3", "has 'epochs', which is no part of a plan"),
        ("[plan", "is no toml"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "plan.toml").write_text(text)
    with pytest.raises(ConfigError, match=said):
        read_plan(tmp_path / "plan.toml")


def test_an_unknown_method_is_named(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text('{"method": "dora"}')
    with pytest.raises(UnknownNameError, match="unknown method 'dora'"):
        read_plan(tmp_path / "plan.json")


def test_no_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no plan can be read at .*plan.toml: No such file"):
        read_plan(tmp_path / "plan.toml")

"""A plan and a method as a file: what `huaxiang tune` finds and `huaxiang finetune --plan` takes."""

from __future__ import annotations

import json
import math
import tomllib
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from huaxiang.encoder.finetuning.loop import Plan
from huaxiang.encoder.finetuning.methods import METHODS
from huaxiang.errors import ConfigError, UnknownNameError

_MAY_BE_ZERO: Final = {"weight_decay", "frozen_layers"}


def write_plan(path: Path, plan: Plan, method: str) -> None:
    """Write it as TOML, or as JSON where the name ends so; every setting is there, the defaults too."""
    if path.suffix == ".json":
        path.write_text(json.dumps({"method": method, "plan": asdict(plan)}, indent=1), encoding="utf-8")
        return
    lines = [f'method = "{method}"', "", "[plan]", *(f"{name} = {value!r}" for name, value in asdict(plan).items())]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def read_plan(path: Path) -> tuple[Plan, str]:
    """The plan and the method of a file; what it does not say is as by default, method `full`.

    Raises:
        ConfigError: no such file, no TOML or JSON, an unknown setting, or one out of its range.
        UnknownNameError: no such method.
    """
    try:
        text = path.read_text(encoding="utf-8")
        said = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise ConfigError(f"no plan can be read at {path}: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"{path} is no {path.suffix.removeprefix('.') or 'toml'}: {error}") from error
    if not isinstance(said, dict) or not isinstance(said.get("plan", {}), dict):
        raise ConfigError(f"{path} is no plan: it has `method` and a table `plan`")
    if unknown := sorted(said.keys() - {"method", "plan"}):
        raise ConfigError(f"{path} has {unknown[0]!r}, which is no part of a plan; it has `method` and a table `plan`")
    method = said.get("method", "full")
    if method not in METHODS:
        raise UnknownNameError("method", str(method), METHODS)
    return _checked(path, said.get("plan", {})), method


def _checked(path: Path, said: dict[str, Any]) -> Plan:
    kinds: dict[str, type[int] | type[float]] = {name: type(value) for name, value in asdict(Plan()).items()}
    values: dict[str, Any] = {}
    for name, value in said.items():
        if name not in kinds:
            raise ConfigError(f"{path} sets {name!r}, which no plan has; it has: {', '.join(kinds)}")
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not is_number or (kinds[name] is int and not isinstance(value, int)):
            kind = "whole number" if kinds[name] is int else "number"
            raise ConfigError(f"{path}: {name} is {value!r}; give a {kind}")
        is_fit = value >= 0 if name in _MAY_BE_ZERO else value > 0
        if not is_fit or not math.isfinite(value) or (name == "layer_decay" and value > 1):
            allowed = "0 or more" if name in _MAY_BE_ZERO else "above 0" + (", at most 1" * (name == "layer_decay"))
            raise ConfigError(f"{path}: {name} is {value!r}; it is {allowed}")
        values[name] = kinds[name](value)
    return Plan(**values)

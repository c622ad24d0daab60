"""Plans in files: what `huaxiang tune` found, given back to `huaxiang finetune`."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

from huaxiang.encoder.finetuning.loop import Plan
from huaxiang.errors import ConfigError


def read_plan(path: Path) -> Plan:
    """A plan from a JSON object of its settings, or from one that holds it under `plan`.

    Raises:
        ConfigError: no such file, no JSON, or a setting that a plan does not have.
    """
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"no plan can be read from {path}: {error}") from error
    said = said.get("plan", said) if isinstance(said, dict) else said
    known = {field.name for field in fields(Plan)}
    if not isinstance(said, dict) or (unknown := sorted(set(said) - known)):
        what = f"unknown settings {', '.join(unknown)}" if isinstance(said, dict) else "no JSON object"
        raise ConfigError(f"{path} holds {what}; a plan has {', '.join(sorted(known))}")
    return Plan(**said)

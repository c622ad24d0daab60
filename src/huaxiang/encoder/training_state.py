"""The state of an unfinished training in one safetensors file: after `kill -9` it goes on as if nothing had happened.

A state is the weights, the optimiser's moments, the generators and whatever the caller counts, such as steps and
losses. The last is JSON in the file's header, so that the file is the whole state and is replaced as a whole: written
beside the old one, forced to the disk, and renamed over it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from huaxiang.errors import DataError, is_full

if TYPE_CHECKING:
    import numpy as np
    import torch

FORMAT: Final = 1
_TORCH: Final = "generator.torch"


@dataclass(frozen=True, slots=True)
class Parts:
    """What a training consists of; given to `save_state`, and filled by `load_state`.

    Attributes:
        modules: networks by name; their trained and frozen weights are kept, tied ones once.
        optimiser: its moments are kept; rates and decays are the caller's.
        rngs: numpy's generators by name; torch's own is always kept.
    """

    modules: Mapping[str, Any]
    optimiser: torch.optim.Optimizer
    rngs: Mapping[str, np.random.Generator] = field(default_factory=dict)


def save_state(
    path: Path, parts: Parts, said: Mapping[str, Any], extra: Mapping[str, torch.Tensor] | None = None
) -> None:
    """Replace the state at `path`, all or nothing.

    Args:
        said: what the caller counts, JSON values; floats come back exactly.
        extra: more tensors to keep, such as the best weights so far.

    Raises:
        DataError: the disk is full or cannot be written; the state that was there is untouched.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    tensors = {
        **_weights(parts),
        **_moments(parts),
        **{f"extra.{name}": value for name, value in (extra or {}).items()},
    }
    tensors[_TORCH] = torch.get_rng_state()
    generators = {name: rng.bit_generator.state for name, rng in parts.rngs.items()}
    header = {"format": FORMAT, "generators": generators, "said": dict(said)}
    partial = path.with_name(f".{path.name}.partial")
    try:
        save_file({name: value.detach().contiguous() for name, value in tensors.items()}, partial, _packed(header))
        _force(partial)
        os.replace(partial, path)
        _force(path.parent)
    except (OSError, SafetensorError) as error:
        partial.unlink(missing_ok=True)
        raise DataError(_why(path, error)) from error


def load_state(path: Path, parts: Parts) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """Put the state at `path` into `parts` and torch's generator; answers with `said` and `extra`.

    Raises:
        DataError: no such file, damaged, or of a training with other weights.
    """
    import torch
    from safetensors import safe_open

    header = read_header(path)
    with safe_open(path, framework="pt") as opened:
        names = set(opened.keys())
        weights = _weights(parts)
        if names ^ weights.keys() != {n for n in names if not n.startswith("module.")}:
            raise DataError(f"{path} holds the state of another network; begin anew in another folder")
        with torch.no_grad():
            for name, value in weights.items():
                _fill(path, name, value, opened.get_tensor(name))
        _put_moments(parts.optimiser, {n: opened.get_tensor(n) for n in names if n.startswith("optimiser.")})
        torch.set_rng_state(opened.get_tensor(_TORCH))
        extra = {n.removeprefix("extra."): opened.get_tensor(n) for n in names if n.startswith("extra.")}
    for name, rng in parts.rngs.items():
        rng.bit_generator.state = header["generators"][name]
    return header["said"], extra


def read_header(path: Path) -> dict[str, Any]:
    """What the state says of itself: `format`, `generators` and the caller's `said`; cheap, reads no weights."""
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise DataError(f"no state of a training at {path}; begin without resuming")
    try:
        with safe_open(path, framework="pt") as opened:
            header: dict[str, Any] = json.loads((opened.metadata() or {})["state"])
    except (OSError, SafetensorError, KeyError, json.JSONDecodeError) as error:
        raise DataError(f"{path} is no state of a training or is damaged: {error}; delete it and begin anew") from error
    if header.get("format") != FORMAT:
        raise DataError(f"{path} has format {header.get('format')}, this version reads {FORMAT}; begin anew")
    return header


def _packed(header: Mapping[str, Any]) -> dict[str, str]:
    return {"state": json.dumps(header, ensure_ascii=False, allow_nan=True)}


def _weights(parts: Parts) -> dict[str, Any]:
    """Each weight once: `named_parameters` leaves tied ones out; buffers that the network itself would save."""
    found: dict[str, Any] = {}
    for module_name, module in parts.modules.items():
        saved = set(module.state_dict())
        found |= {f"module.{module_name}.{name}": p for name, p in module.named_parameters()}
        found |= {f"module.{module_name}.{name}": b for name, b in module.named_buffers() if name in saved}
    return found


def _moments(parts: Parts) -> dict[str, Any]:
    """The optimiser's tensors as `optimiser.PARAMETER.NAME`."""
    state = parts.optimiser.state_dict()["state"]
    return {f"optimiser.{at}.{name}": value for at, each in state.items() for name, value in each.items()}


def _put_moments(optimiser: torch.optim.Optimizer, tensors: Mapping[str, torch.Tensor]) -> None:
    state: dict[int, dict[str, torch.Tensor]] = {}
    for name, value in tensors.items():
        _, at, part = name.split(".", 2)
        state.setdefault(int(at), {})[part] = value
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})


def _fill(path: Path, name: str, into: torch.Tensor, value: torch.Tensor) -> None:
    if into.shape != value.shape:
        raise DataError(
            f"{path} holds {name} of shape {tuple(value.shape)}, the network's is {tuple(into.shape)}; begin anew"
        )
    into.copy_(value)


def _force(path: Path) -> None:
    """Wait until the disk has it; of a folder, its names."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _why(path: Path, error: Exception) -> str:
    kept = "the last good state is kept there" if path.is_file() else "none was written before"
    if is_full(error):
        return f"no room on the disk for the training's state at {path}: {error}; {kept}; free some space and resume"
    return f"the training's state could not be written to {path}: {error}; {kept}"

"""How much memory a training takes, and how large a batch may be within a cap.

Legend: P places asked for, V pieces.
"""

from __future__ import annotations

import os
import re
import resource
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from huaxiang.encoder.pretraining.settings import Pretraining
from huaxiang.errors import ConfigError, DataError

if TYPE_CHECKING:
    from huaxiang.encoder.model import Network

_UNITS: Final = {"M": 2**20, "G": 2**30}
_FLOAT: Final = 4
_COPIES: Final = 3
"""Beside the weights: gradients and Adam's two moments."""
_HIDDEN, _LOGITS = 1.75, 1.1
"""What was measured at the peak over what is counted below: 1.5 to 1.7 and 1.1, shapes 2x128 and 4x256, 32 to 128 rows
(masks of dropout, the backward pass, the allocator)."""


def bytes_of(said: str) -> int:
    """Bytes of `800M`, `4G`, `1.5G`."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([MG])i?B?\s*", said, re.IGNORECASE | re.ASCII)
    if found is None or float(found[1]) == 0:
        raise ConfigError(f"memory {said!r} is no size; write it like 800M or 4G")
    return int(float(found[1]) * _UNITS[found[2].upper()])


def held_bytes() -> int:
    """What the process holds now."""
    try:
        with open("/proc/self/statm", encoding="ascii") as said:
            return int(said.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except FileNotFoundError:  # no Linux
        return int(peak_mb() * 2**20)


def peak_mb() -> float:
    """The most that the process has held so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0


def row_bytes(network: Network, asked: float) -> int:
    """What a row of the longest text adds while it is trained on: hidden states that the backward pass needs, and
    logits.

    Counted for a Transformer layer of width h, inner width i, a heads and L tokens: 9 h + 2 i for inputs of products,
    norms and the activation, 3 a L for attention weights with dropout (Korthikanti et al. 2022, in float32).

    Args:
        asked: share of the places that the vocabulary is asked at; logits, their softmax and its gradient are held.
    """
    config = network.lm.config
    width = int(config.hidden_size)
    inner = int(getattr(config, "intermediate_size", None) or getattr(config, "n_inner", None) or 4 * width)
    length = network.tokens.max_tokens
    each_layer = 9 * width + 2 * inner + 3 * int(config.num_attention_heads) * length
    hidden = length * (int(config.num_hidden_layers) * each_layer + 4 * width)
    logits = 3 * asked * length * int(config.vocab_size)
    return int(_FLOAT * (_HIDDEN * hidden + _LOGITS * logits))


def fit_to(cap: int, network: Network, settings: Pretraining, asked: float) -> Pretraining:
    """The same settings with smaller batches, more of them for one step, so that the estimate stays within `cap`.

    Raises:
        DataError: not even one text at a time would fit.
    """
    n_weights = sum(p.numel() for p in network.lm.parameters())
    fixed = held_bytes() + _COPIES * _FLOAT * n_weights
    each = row_bytes(network, asked)
    if (fits := (cap - fixed) // each) < 1:
        raise DataError(
            f"{cap / 2**20:,.0f} MB are too little: {n_weights:,} weights with gradients and moments and what is held "
            f"already take {fixed / 2**20:,.0f} MB, and each text {each / 2**20:,.0f} more; give more memory, "
            "a smaller encoder, a smaller vocabulary or fewer tokens"
        )
    wanted = settings.batch_size * settings.accumulate
    accumulate = -(-wanted // min(settings.batch_size, int(fits)))
    return replace(settings, batch_size=-(-wanted // accumulate), accumulate=accumulate)


def check_within(cap: int) -> None:
    """Stop where the process holds more than the cap."""
    if (held := held_bytes()) > cap:
        raise DataError(
            f"the process holds {held / 2**20:,.0f} MB, more than the {cap / 2**20:,.0f} MB that were allowed; "
            "give more memory or a smaller --batch-size"
        )

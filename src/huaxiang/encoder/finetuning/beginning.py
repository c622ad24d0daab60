"""The network that a task begins with, by what a person calls it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from huaxiang.encoder.finetuning.methods import Applied, apply_method, check_fits
from huaxiang.encoder.model import Network, Shape, new_network
from huaxiang.encoder.precision import is_faster_in_bf16

NEW: Final = "new"
_COUNTED: Final = 5_000
"""Texts that the rarity of words is counted in."""
_SHAPE: Final = Shape()


@dataclass(frozen=True, slots=True)
class Begun:
    """A network to fine-tune.

    Attributes:
        taught: whether it was taught before; False for one that is made of these texts.
        bf16: whether this machine multiplies its matrices faster in bfloat16.
    """

    network: Network
    taught: bool
    bf16: bool


def begin(
    encoder: str,
    texts: Sequence[str],
    rng: np.random.Generator,
    notes: list[str],
    *,
    max_tokens: int,
    cut: bool,
    shape: Shape = _SHAPE,
) -> Begun:
    """The encoder of this name or folder; `new`: a small network of `shape`, made of these texts; `auto`: what is
    installed and reads them, else a new one, which is said.

    Args:
        cut: whether a checkpoint's vocabulary is cut to these texts.
    """
    from huaxiang.encoder.checkpoint import open_checkpoint
    from huaxiang.encoder.sources.choice import settle
    from huaxiang.encoder.sources.prune import prune
    from huaxiang.encoder.start import start_as_bag_of_words

    named, said = (None, ()) if encoder == NEW else settle(encoder, texts)
    notes += said
    if named is None:
        network = new_network(texts, shape)
        counted = network.tokens.ids([texts[i] for i in rng.permutation(len(texts))[:_COUNTED]])
        start_as_bag_of_words(network.lm, counted, network.tokenizer.all_special_ids, rng)
        return Begun(network, taught=False, bf16=False)
    network = open_checkpoint(named, max_tokens)
    if cut:
        notes.append(f"{network.name}: {prune(network, texts).note}")
    return Begun(network, taught=True, bf16=is_faster_in_bf16(network, texts))


def put_on(begun: Begun, method: str, total_steps: int, seed: int) -> Applied | None:
    """A method that trains few weights, on the network; None for `full`.

    Raises:
        UnknownNameError, DataError: no such method, or one that does not fit the network.
    """
    check_fits(begun.network, method)
    return None if method == "full" else apply_method(begun.network, method, total_steps=total_steps, seed=seed)

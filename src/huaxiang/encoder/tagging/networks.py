"""The encoder that a tagger begins with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from tokenizers import Tokenizer

from huaxiang.encoder.finetuning.beginning import Begun, begin
from huaxiang.encoder.model import Network, Shape
from huaxiang.encoder.tokens import Tokens
from huaxiang.errors import DataError

MAX_TOKENS: Final = 192
"""Of a text; titles have 30 on average, and what is short costs nothing more."""


def open_network(encoder: str, texts: Sequence[str], rng: np.random.Generator, notes: list[str]) -> Begun:
    """The encoder of this name or folder, its vocabulary cut to these texts; `auto` and `new` as `begin` says."""
    begun = begin(encoder, texts, rng, notes, max_tokens=MAX_TOKENS, cut=True, shape=Shape(max_tokens=MAX_TOKENS))
    network = _without_prefix(begun.network)
    if not any(network.tokens.ids(texts)):
        raise DataError("the encoder reads nothing in these texts; give one that was taught their language")
    return replace(begun, network=network)


def _without_prefix(network: Network) -> Network:
    """A prefix tells a question from a passage, which tags do not ask, and would cost a tenth of a title's tokens."""
    network.tokens = Tokens(Tokenizer.from_str(network.tokenizer.backend_tokenizer.to_str()), network.tokens.max_tokens)
    network.prefix = ""
    return network

"""The encoder that a tagger begins with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from tokenizers import Tokenizer

from huaxiang.encoder.batches import Rows
from huaxiang.encoder.model import Network, Shape, new_network
from huaxiang.encoder.precision import autocast, choose_precision
from huaxiang.encoder.tokens import Tokens
from huaxiang.errors import DataError

MAX_TOKENS: Final = 192
"""Of a text; titles have 30 on average, and what is short costs nothing more."""
_CHARACTERS: Final = 8_000
"""Single characters that stay when the vocabulary is cut: every Chinese one that multilingual-e5 knows, since titles to
come hold others."""
_TIMED_ROWS: Final = 16


@dataclass(frozen=True, slots=True)
class Opened:
    """An encoder ready to be fine-tuned, and whether this machine multiplies faster in bfloat16."""

    network: Network
    bf16: bool


def open_network(encoder: str, texts: Sequence[str], rng: np.random.Generator, notes: list[str]) -> Opened:
    """The encoder of this name or folder, its vocabulary cut to these texts.

    `auto`: what is installed and reads their language; a new small network where there is none, which is said.
    """
    network = _begin(encoder, texts, rng, notes)
    rows = [row for row in network.tokens.ids(texts[:_TIMED_ROWS]) if row]
    if not rows:
        raise DataError("the encoder reads nothing in these texts; give one that was taught their language")
    return Opened(network, choose_precision(training_step(network, rows), trials=2).bf16)


def training_step(network: Network, rows: Rows) -> Callable[[bool], None]:
    """A step forward and backward on these rows that moves nothing, to time precisions with."""

    def step(bf16: bool) -> None:
        with autocast(bf16):
            loss = network.hidden(rows)[0].float().square().mean()
        loss.backward()  # type: ignore[no-untyped-call]
        network.lm.zero_grad(set_to_none=True)

    return step


def _begin(encoder: str, texts: Sequence[str], rng: np.random.Generator, notes: list[str]) -> Network:
    from huaxiang.encoder.checkpoint import open_checkpoint
    from huaxiang.encoder.sources.choice import AUTO, choose
    from huaxiang.encoder.sources.prune import prune
    from huaxiang.encoder.start import start_as_bag_of_words

    if encoder == AUTO:
        choice = choose(texts)
        notes.append(choice.why)
        if choice.source is None:
            network = new_network(texts, Shape(max_tokens=MAX_TOKENS))
            special = network.tokenizer.all_special_ids
            start_as_bag_of_words(network.lm, network.tokens.ids(texts), special, rng)
            return network
        encoder = choice.source.name
    network = _without_prefix(open_checkpoint(encoder, MAX_TOKENS))
    notes.append(f"{network.name}: {prune(network, texts, characters=_CHARACTERS).note}")
    return network


def _without_prefix(network: Network) -> Network:
    """A prefix tells a question from a passage, which tags do not ask, and would cost a tenth of a title's tokens."""
    network.tokens = Tokens(Tokenizer.from_str(network.tokenizer.backend_tokenizer.to_str()), network.tokens.max_tokens)
    network.prefix = ""
    return network

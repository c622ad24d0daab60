"""A prediction head for a checkpoint that came without one, such as a sentence encoder.

Legend: N tokens, D width, V pieces.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np

from huaxiang.encoder.batches import pad
from huaxiang.encoder.model import Network
from huaxiang.encoder.optimising import adamw, descend
from huaxiang.encoder.pretraining.asking import Asker

_READ: Final = 2_000
"""Texts that the frequency of pieces is counted in."""
_PROBED: Final = 16
_SPREAD: Final = 1.0
"""Standard deviation of a token's logits at the beginning."""
_RATE: Final = 1e-3


def begin_head(network: Network, texts: Sequence[str], rng: np.random.Generator) -> None:
    """Begin as a guess by frequency that leans to pieces near the hidden state; changes the head in place.

    The decoder is tied to the embeddings, dense layers are the identity, the bias is the log frequency of each piece in
    a sample of `texts`, and the norm's scale gives logits a deviation of 1. Drawn from noise instead, a head first
    teaches the encoder noise.
    """
    import torch

    lm = network.lm
    if (decoder := lm.get_output_embeddings()) is None:
        return
    decoder.weight = lm.get_input_embeddings().weight
    lm.config.tie_word_embeddings = True
    sample = [texts[i] for i in rng.permutation(len(texts))[:_READ].tolist()]
    rows = [row for row in network.tokens.ids(sample) if row]
    counts = np.bincount([piece for row in rows for piece in row], minlength=decoder.weight.shape[0]) + 0.1
    with torch.no_grad():
        norms = _plain_head(lm)
        if decoder.bias is not None:
            decoder.bias.zero_()
        spread = _spread(network, rows[:_PROBED])
        for norm in norms:
            norm.weight.fill_(_SPREAD / max(spread, 1e-6) if norm is norms[-1] else 1.0)
        if decoder.bias is not None:
            share = torch.from_numpy(np.log(counts / counts.sum()).astype(np.float32))
            decoder.bias.copy_(share - share.mean())


def warm_up_head(
    asker: Asker, texts: Sequence[str], *, steps: int, batch_size: int, seconds: float, rng: np.random.Generator
) -> int:
    """Teach the head alone: a head that knows nothing would pull at the encoder.

    Returns:
        Steps made: `steps`, or what fits into the seconds.
    """
    ends = time.monotonic() + seconds
    lm = asker.network.lm
    base = list(lm.base_model.parameters())
    for weight in base:
        weight.requires_grad_(False)
    optimiser = adamw(lm, _RATE, 0.0)
    lm.train()
    made = 0
    while made < steps and time.monotonic() < ends:
        made += 1
        at = rng.permutation(len(texts))[:batch_size].tolist()
        batch = asker.batch([texts[i] for i in at], rng)
        if batch.n_asked:
            descend(asker.loss(batch) / batch.n_asked, lm, optimiser, _RATE)
    for weight in base:
        weight.requires_grad_(True)
    lm.eval()
    return made


def _plain_head(lm: Any) -> list[Any]:
    """Every square layer of the head the identity, every norm one; answers with the norms."""
    import torch

    norms = []
    for module in _outside_base(lm):
        if isinstance(module, torch.nn.Linear) and module.in_features == module.out_features:
            torch.nn.init.eye_(module.weight)
            if module.bias is not None:
                module.bias.zero_()
        elif isinstance(module, torch.nn.LayerNorm):
            torch.nn.init.ones_(module.weight)
            if module.bias is not None:
                module.bias.zero_()
            norms.append(module)
    return norms


def _outside_base(lm: Any) -> Iterator[Any]:
    inside = set(map(id, lm.base_model.modules()))
    return (module for module in lm.modules() if id(module) not in inside and module is not lm)


def _spread(network: Network, rows: Sequence[Sequence[int]]) -> float:
    """Standard deviation of the logits of a token, on average."""
    if not rows:
        return 1.0
    was_training = network.lm.training
    network.lm.eval()
    ids_BL, mask_BL = pad(rows, network.pad_id)
    logits_BLV = network.lm(input_ids=ids_BL[:, :32], attention_mask=mask_BL[:, :32]).logits
    network.lm.train(was_training)
    return float(logits_BLV[mask_BL[:, :32] == 1].std(dim=-1).mean())

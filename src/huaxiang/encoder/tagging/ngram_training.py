"""Training the n-grams: a conditional random field by stochastic gradients.

Legend: B texts of a batch, U units of the longest, K labels, F features.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from huaxiang.encoder.batches import shuffled
from huaxiang.encoder.tagging.chain import Chain
from huaxiang.encoder.tagging.ngrams import Ngrams, features_of
from huaxiang.encoder.tagging.spans import Tagged

EPOCHS: Final = 6
"""Twice as many were worse beside a network, .653 F1 against .656 on held-out titles."""
LEARNING_RATE: Final = 0.03
"""Falls to 0. Adagrad at .05 and .1 reached .634 and .640 alone, AdamW at .02 .674."""
DECAY: Final = 0.01
DROPOUT: Final = 0.3
"""Share of the features of a unit that a step does not see: names that occur once would else explain everything.
Half of them gave .649 beside a network, this .656."""
_BATCH: Final = 32
_LEAST_STEPS: Final = 120
"""Of a small file, which is read more often; they take a second or two."""
_LEAST: Final = 2
"""Texts in which a feature must occur; 1 gained a thousandth for five times the vocabulary."""


def fit_ngrams(
    texts: Sequence[Tagged], labels: Sequence[str], *, rng: np.random.Generator, seconds: float, epochs: int = EPOCHS
) -> tuple[Ngrams, Chain]:
    """Learn scores of units and of labels that follow; time may cut the epochs, of which there is at least one."""
    import torch

    from huaxiang.encoder.tagging.crf import chain_of, path_loss, transitions

    ends = time.monotonic() + seconds
    found = [list(features_of(text.text, text.units)) for text in texts]
    vocabulary = _vocabulary(found)
    rows = [[[vocabulary[f] for f in unit if f in vocabulary] for unit in text] for text in found]
    index = {name: at for at, name in enumerate(labels)}
    weights = torch.nn.EmbeddingBag(len(vocabulary), len(labels), mode="sum")
    torch.nn.init.zeros_(weights.weight)
    chain = transitions(labels)
    optimiser = torch.optim.AdamW([*weights.parameters(), *chain.parameters()], lr=LEARNING_RATE, weight_decay=DECAY)
    lengths = [len(text.units) for text in texts]
    batches = shuffled(lengths, _BATCH, rng)
    per_epoch = max(-(-len(texts) // _BATCH), 1)
    planned = max(per_epoch * epochs, _LEAST_STEPS)
    for step in range(planned):
        for group in optimiser.param_groups:
            group["lr"] = LEARNING_RATE * (1.0 - step / planned)
        if step >= per_epoch and time.monotonic() > ends:
            break
        batch = next(batches)
        emissions_BUK = _emissions(weights, [rows[i] for i in batch], rng)
        targets_BU = _targets([[index[label] for label in texts[i].labels] for i in batch])
        optimiser.zero_grad()
        path_loss(chain, emissions_BUK, targets_BU).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    weights_FK = (weights.weight.detach() * (1.0 - DROPOUT)).numpy().astype(np.float32)
    return Ngrams(vocabulary, weights_FK), chain_of(chain, labels)


def _vocabulary(found: Sequence[Sequence[Sequence[str]]]) -> dict[str, int]:
    counts = Counter(feature for text in found for feature in {f for unit in text for f in unit})
    kept = sorted(feature for feature, n in counts.items() if n >= _LEAST)
    return {feature: row for row, feature in enumerate(kept)}


def _emissions(weights: Any, rows: Sequence[Sequence[Sequence[int]]], rng: np.random.Generator) -> Any:
    """Scores `(B, U, K)`, of the features that dropout leaves."""
    import torch

    width = max(len(text) for text in rows)
    counts = [len(unit) for text in rows for unit in [*text, *[[]] * (width - len(text))]]
    flat = np.fromiter((f for text in rows for unit in text for f in unit), dtype=np.int64)
    kept = rng.random(len(flat)) >= DROPOUT
    unit_of = np.repeat(np.arange(len(counts)), counts)[kept]
    offsets = np.searchsorted(unit_of, np.arange(len(counts)))
    said = weights(torch.from_numpy(flat[kept]), torch.from_numpy(offsets))
    return said.view(len(rows), width, -1)


def _targets(labels: Sequence[Sequence[int]]) -> Any:
    import torch

    targets_BU = np.full((len(labels), max(map(len, labels))), -1, dtype=np.int64)
    for row, each in enumerate(labels):
        targets_BU[row, : len(each)] = each
    return torch.from_numpy(targets_BU)

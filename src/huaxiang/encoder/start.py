"""Where a network made from nothing starts: as a bag of words whose rare words weigh more, not as noise.

A random Transformer mixes every token alike, and a minute on a CPU is too short to unlearn that. This start gives each
piece a random direction (random projection keeps angles, Johnson & Lindenstrauss 1984), scaled by its rarity, and
lets every layer begin as the identity. What a layer norm takes away, the differing lengths, is kept as a share of
one common direction that the last norm drops.

Legend: V pieces, D width.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.encoder.batches import Rows

if TYPE_CHECKING:
    from transformers import BertForMaskedLM

_SPECIAL: Final = 0.1
"""Weight of special pieces. With none they would be the common direction alone, two numbers: in one of a hundred tokens
dropout takes both, a norm divides by nothing, and the gradient of the whole batch is lost (11 of 12 batches)."""


def start_as_bag_of_words(lm: BertForMaskedLM, rows: Rows, special: Iterable[int], rng: np.random.Generator) -> None:
    """Set the weights of a fresh BERT in place.

    Args:
        rows: token ids of the texts that the rarity of a piece is counted in.
        special: ids that say nothing of a text and get hardly any weight.
    """
    import torch

    config: Any = lm.config
    n_pieces, width = int(config.vocab_size), int(config.hidden_size)
    seen_V = _texts_with(rows, n_pieces)
    weight_V = _rarity(seen_V, len(rows), special)
    length = config.initializer_range * math.sqrt(width)
    vectors_VD = torch.from_numpy((_directions(weight_V, width, rng) * length).astype(np.float32))
    with torch.no_grad():
        base: Any = lm.base_model
        base.embeddings.word_embeddings.weight.copy_(vectors_VD)
        base.embeddings.position_embeddings.weight.zero_()
        base.embeddings.token_type_embeddings.weight.zero_()
        for layer in base.encoder.layer:
            layer.attention.output.dense.weight.zero_()
            layer.output.dense.weight.zero_()
        base.encoder.layer[-1].output.LayerNorm.weight[:2] = 0.0
        share_V = (seen_V + 0.1) / (seen_V + 0.1).sum()
        lm.cls.predictions.bias.copy_(torch.from_numpy(np.log(share_V).astype(np.float32)))


def _texts_with(rows: Rows, n_pieces: int) -> NDArray[np.float64]:
    seen_V = np.zeros(n_pieces)
    for row in rows:
        seen_V[np.unique(np.asarray(row, dtype=np.int64))] += 1.0
    return seen_V


def _rarity(seen_V: NDArray[np.float64], n_texts: int, special: Iterable[int]) -> NDArray[np.float64]:
    """Inverse document frequency brought to [0, 1]; `_SPECIAL` for special pieces."""
    idf_V = np.log((1.0 + n_texts) / (1.0 + seen_V)) + 1.0
    weight_V = idf_V / idf_V.max()
    weight_V[list(special)] = _SPECIAL
    return np.asarray(weight_V, dtype=np.float64)


def _directions(weight_V: NDArray[np.float64], width: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Unit rows of mean zero: random in all places but the first two, which hold what the weight leaves over."""
    own_VD = np.zeros((len(weight_V), width))
    own_VD[:, 2:] = rng.normal(size=(len(weight_V), width - 2))
    own_VD[:, 2:] -= own_VD[:, 2:].mean(axis=1, keepdims=True)
    own_VD *= (weight_V / np.linalg.norm(own_VD, axis=1))[:, None]
    rest_V = np.sqrt((1.0 - weight_V**2) / 2.0)
    own_VD[:, 0], own_VD[:, 1] = rest_V, -rest_V
    return own_VD

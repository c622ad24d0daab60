"""Padded tensors of token ids, and the order in which training meets them.

Legend: B rows of a batch, L tokens of its longest row.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from huaxiang.encoder.tokens import padded

if TYPE_CHECKING:
    import torch

Rows = Sequence[Sequence[int]]


def pad(rows: Rows, pad_id: int) -> "tuple[torch.Tensor, torch.Tensor]":
    """`tokens.padded` as tensors."""
    import torch

    ids_BL, mask_BL = padded(rows, pad_id)
    return torch.from_numpy(ids_BL), torch.from_numpy(mask_BL)


def cut(rows: Rows, max_tokens: int) -> Rows:
    """Rows of at most `max_tokens`, each still ending in its own last token, the end mark."""
    return [row if len(row) <= max_tokens else [*row[: max_tokens - 1], row[-1]] for row in rows]


def shuffled(lengths: Sequence[int], size: int, rng: np.random.Generator, window: int = 16) -> Iterator[list[int]]:
    """Batches of `size` indices without end: each epoch in a new order, sorted by length within windows of batches.

    Sorting within a window keeps padding small while who meets whom stays random. The last, smaller batch of an
    epoch is kept unless it is a single row beside larger ones.
    """
    while lengths:
        order = rng.permutation(len(lengths))
        batches: list[list[int]] = []
        for start in range(0, len(order), size * window):
            chunk = sorted(order[start : start + size * window].tolist(), key=lambda i: lengths[i])
            batches += [chunk[i : i + size] for i in range(0, len(chunk), size)]
        for k in rng.permutation(len(batches)):
            if len(batches[k]) > 1 or len(batches) == 1:
                yield batches[k]

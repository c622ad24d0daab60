"""Padded tensors of token ids, and the order in which training meets them.

Legend: B rows of a batch, L tokens of its longest row.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

Rows = Sequence[Sequence[int]]


def pad(rows: Rows, pad_id: int) -> "tuple[torch.Tensor, torch.Tensor]":
    """Token ids and their mask, both int64 of shape `(B, L)`; an empty row becomes one masked token."""
    import torch

    width = max((len(row) for row in rows), default=1) or 1
    ids_BL = np.full((len(rows), width), pad_id, dtype=np.int64)
    mask_BL = np.zeros((len(rows), width), dtype=np.int64)
    for i, row in enumerate(rows):
        ids_BL[i, : len(row)] = row
        mask_BL[i, : len(row)] = 1
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

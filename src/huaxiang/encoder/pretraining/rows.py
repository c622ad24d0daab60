"""Texts as rows of a batch: one text a row, or several that share a row and do not see each other.

Legend: B rows of a batch, L tokens of its longest row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from huaxiang.encoder.pretraining.words import NO_WORD

if TYPE_CHECKING:
    import torch

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Example:
    """A text as token ids, and the number of the word that each stands in (`NO_WORD`: none)."""

    ids: Sequence[int]
    words: Sequence[int]


@dataclass(frozen=True, slots=True)
class Rows:
    """Padded rows, all of shape `(B, L)`.

    Attributes:
        text_BL: the number of the text in its row, counted from 1; 0 is padding.
        place_BL: the place in its text, counted from 0.
        word_BL: the number of the word in its row; `NO_WORD` where there is none.
    """

    ids_BL: Ints
    text_BL: Ints
    place_BL: Ints
    word_BL: Ints

    @property
    def n_tokens(self) -> int:
        """Tokens, padding not counted."""
        return int((self.text_BL > 0).sum())

    @property
    def shared(self) -> bool:
        """Whether some row holds more than one text."""
        return bool(self.text_BL.size) and int(self.text_BL.max()) > 1


def lay(rows: Sequence[Sequence[Example]], pad_id: int) -> Rows:
    """Put texts into rows, one after the other."""
    shape = (len(rows), max((sum(len(each.ids) for each in row) for row in rows), default=1) or 1)
    ids_BL = np.full(shape, pad_id, dtype=np.int64)
    text_BL, place_BL = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    word_BL = np.full(shape, NO_WORD, dtype=np.int64)
    for b, row in enumerate(rows):
        at = n_words = 0
        for number, each in enumerate(row, 1):
            here = slice(at, at + len(each.ids))
            words = np.asarray(each.words, dtype=np.int64)
            ids_BL[b, here] = each.ids
            text_BL[b, here] = number
            place_BL[b, here] = np.arange(len(each.ids))
            word_BL[b, here] = np.where(words == NO_WORD, NO_WORD, words + n_words)
            at += len(each.ids)
            n_words = max(n_words, int(word_BL[b].max()) + 1)
    return Rows(ids_BL, text_BL, place_BL, word_BL)


def pack(examples: Sequence[Example], max_tokens: int) -> list[list[Example]]:
    """Fill rows of `max_tokens`: the longest text first, each into the first row that has room for it."""
    rows: list[list[Example]] = []
    room: list[int] = []
    for each in sorted(examples, key=lambda each: -len(each.ids)):
        at = next((i for i, free in enumerate(room) if free >= len(each.ids)), len(rows))
        if at == len(rows):
            rows.append([])
            room.append(max_tokens)
        rows[at].append(each)
        room[at] -= len(each.ids)
    return rows


def sight(rows: Rows, *, causal: bool) -> torch.Tensor:
    """What each token may look at, for `attention_mask`.

    Where each row is one text, which tokens are real, `(B, L)`: the network knows the rest. Where texts share rows,
    which token sees which, True or False of shape `(B, 1, L, L)`: those of its own text, and no later one if `causal`.
    Padding sees padding, since nothing at all to look at would give NaN.
    """
    import torch

    text_BL = torch.from_numpy(rows.text_BL)
    if not rows.shared:
        return (text_BL > 0).long()
    seen_BLL = text_BL.unsqueeze(1) == text_BL.unsqueeze(2)
    return (seen_BLL.tril() if causal else seen_BLL).unsqueeze(1)

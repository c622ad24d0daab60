"""What a network learns from text by itself: words that are hidden from it, or the word that comes next.

Legend: B rows of a batch, L tokens of its longest row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np

from huaxiang.encoder.model import Network
from huaxiang.encoder.pretraining.rows import Example, Ints, Rows
from huaxiang.encoder.pretraining.words import NO_WORD, words_of_pieces
from huaxiang.errors import DataError

NOT_ASKED: Final = -100


class Objective(Protocol):
    """Texts in, questions out. `causal`: whether a token sees none that comes after it."""

    @property
    def name(self) -> str:
        """What it is called on the command line."""
        ...

    @property
    def causal(self) -> bool:
        """Whether a token sees only those before it."""
        ...

    def read(self, texts: Sequence[str]) -> list[Example]:
        """The texts that something can be asked about; others are left out."""
        ...

    def ask(self, rows: Rows, rng: np.random.Generator) -> tuple[Ints, Ints]:
        """Ids as they are shown, and labels that are `NOT_ASKED` where nothing is asked; both `(B, L)`."""
        ...


class HiddenWords:
    """Masked language modelling (Devlin et al. 2019), drawn anew for each batch: of what is asked for 80 % is masked,
    10 % replaced by a random piece, 10 % left as it is."""

    name = "masked"
    causal = False

    def __init__(self, network: Network, share: float, *, whole_words: bool) -> None:
        """Ask for this share of the pieces; `whole_words` asks for all pieces of a word (Cui et al. 2021)."""
        if network.tokenizer.mask_token_id is None:
            raise DataError(
                f"encoder {network.name!r} has a tokenizer without a mask token, which hidden words need; "
                "give it one of its own with --tokenizer shop"
            )
        self._tokens, self._share, self._whole_words = network.tokens, share, whole_words
        self._mask_id = int(network.tokenizer.mask_token_id)
        self._special = frozenset(network.tokenizer.all_special_ids)
        self._vocabulary = len(network.tokenizer)

    def read(self, texts: Sequence[str]) -> list[Example]:
        """See `Objective`; a text of special tokens alone, such as unknown ones, is left out."""
        n_prefix = len(self._tokens.prefix)
        found: list[tuple[list[int], list[int]]]
        if self._whole_words:
            found = [(ids, words_of_pieces(text, at, n_prefix)) for text, ids, at in self._tokens.spans(texts)]
        elif n_prefix:
            read = self._tokens.spans(texts)
            found = [(ids, [i if end > n_prefix else NO_WORD for i, (_, end) in enumerate(at)]) for _, ids, at in read]
        else:
            found = [(ids, list(range(len(ids)))) for ids in self._tokens.ids(texts)]
        open_words = ((ids, self._without_special(ids, words)) for ids, words in found)
        return [Example(ids, words) for ids, words in open_words if any(word != NO_WORD for word in words)]

    def _without_special(self, ids: Sequence[int], words: Sequence[int]) -> list[int]:
        return [NO_WORD if piece in self._special else word for piece, word in zip(ids, words, strict=True)]

    def ask(self, rows: Rows, rng: np.random.Generator) -> tuple[Ints, Ints]:
        """See `Objective`; each batch asks for one word at least."""
        ids_BL = rows.ids_BL.copy()
        draws = rng.random((len(ids_BL), max(int(rows.word_BL.max(initial=0)) + 1, 1)))
        open_BL = rows.word_BL != NO_WORD
        draw_BL = np.where(open_BL, np.take_along_axis(draws, np.maximum(rows.word_BL, 0), axis=1), 2.0)
        asked_BL = draw_BL < max(self._share, float(draw_BL.min()) + 1e-12)
        labels_BL = np.where(asked_BL, ids_BL, NOT_ASKED)
        how_BL = rng.random(ids_BL.shape)
        ids_BL[asked_BL & (how_BL < 0.8)] = self._mask_id
        replaced = asked_BL & (how_BL >= 0.9)
        ids_BL[replaced] = rng.integers(0, self._vocabulary, int(replaced.sum()))
        return ids_BL, labels_BL


class NextWord:
    """Causal language modelling (Radford et al. 2018): every piece is asked for, with those before it to go by."""

    name = "next-word"
    causal = True

    def __init__(self, network: Network) -> None:
        self._tokens = network.tokens
        self._end = network.tokenizer.eos_token_id

    def read(self, texts: Sequence[str]) -> list[Example]:
        """See `Objective`; a text ends in the end mark unless it was cut, so that the end is learned too."""
        found = []
        for ids in self._tokens.ids(texts):
            whole = self._end is not None and len(ids) < self._tokens.max_tokens and ids[-1:] != [self._end]
            found.append([*ids, int(self._end)] if ids and whole else ids)
        return [Example(ids, [NO_WORD] * len(ids)) for ids in found if len(ids) > 1]

    def ask(self, rows: Rows, rng: np.random.Generator) -> tuple[Ints, Ints]:  # noqa: ARG002
        """See `Objective`; nothing is drawn. The first piece of a text has none before it and is not asked for."""
        labels_BL = np.full_like(rows.ids_BL, NOT_ASKED)
        follows = (rows.text_BL[:, 1:] > 0) & (rows.text_BL[:, 1:] == rows.text_BL[:, :-1])
        labels_BL[:, :-1] = np.where(follows, rows.ids_BL[:, 1:], NOT_ASKED)
        return rows.ids_BL, labels_BL

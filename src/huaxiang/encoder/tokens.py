"""Text to token ids, by one function for training and serving. Imports no training library."""

from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from huaxiang.errors import DataError

_CHARACTERS_PER_TOKEN = 16
"""A text is cut to this many characters per token before it is tokenised: a 10 MB field must cost no more than a
title. English averages 4 to 5 characters a token, so the cut falls beyond the last token that is kept."""


class Tokens:
    """A tokenizer with its cut-off and the prefix its encoder was taught to expect. Safe to call from many threads."""

    def __init__(self, tokenizer: Tokenizer, max_tokens: int, prefix: str = "") -> None:
        """Take over `tokenizer`: whatever padding and truncation it was saved with is replaced."""
        tokenizer.no_padding()
        tokenizer.enable_truncation(max_tokens)
        self._tokenizer = tokenizer
        self.max_tokens, self.prefix = max_tokens, prefix
        self.n_special = tokenizer.num_special_tokens_to_add(False)
        self._nothing: list[int] = tokenizer.encode(prefix).ids

    @classmethod
    def load(cls, path: Path, max_tokens: int, prefix: str = "") -> "Tokens":
        """Open a `tokenizer.json`."""
        if not path.is_file():
            raise DataError(
                f"no tokenizer at {path}; an encoder's folder holds model.onnx, tokenizer.json, config.json"
            )
        return cls(Tokenizer.from_file(str(path)), max_tokens, prefix)

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text, prefix and special tokens included, at most `max_tokens`; `[]` for a blank text."""
        found = (self._tokenizer.encode(self.prefix + self._clip(text)).ids for text in texts)
        return [ids if len(ids) > self.n_special and ids != self._nothing else [] for ids in found]

    def pair_ids(self, first: Sequence[str], second: Sequence[str]) -> list[list[int]]:
        """Token ids of each two texts in one row, as the tokenizer puts pairs together, at most `max_tokens`: the
        longer of the two is cut. Without the prefix, which tells apart texts that are read alone."""
        both = zip(first, second, strict=True)
        return [self._tokenizer.encode(self._clip(one), self._clip(other)).ids for one, other in both]

    def spans(self, texts: Sequence[str]) -> list[tuple[str, list[int], list[tuple[int, int]]]]:
        """Each text as it is read, prefix included; its ids as `ids` gives them; and from where to where in it each id
        was read, `(0, 0)` for special tokens."""
        found: list[tuple[str, list[int], list[tuple[int, int]]]] = []
        for text in texts:
            whole = self.prefix + self._clip(text)
            read = self._tokenizer.encode(whole)
            ids: list[int] = read.ids
            blank = len(ids) <= self.n_special or ids == self._nothing
            found.append((whole, [], []) if blank else (whole, ids, read.offsets))
        return found

    def flat(self, texts: Sequence[str]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Ids of all texts one after another, without prefix and special tokens, and how many each text has.

        A batch is read by all cores, unless TOKENIZERS_PARALLELISM is `false`.
        """
        read = self._tokenizer.encode_batch_fast([self._clip(text) for text in texts], add_special_tokens=False)
        ids: list[list[int]] = [each.ids for each in read]
        lengths_N = np.fromiter(map(len, ids), np.int64, len(ids))
        return np.fromiter(chain.from_iterable(ids), np.int32, int(lengths_N.sum())), lengths_N

    def framed(self, pieces: Sequence[int]) -> list[list[int]]:
        """Ids of texts that consist of one piece each, prefix and special tokens included."""
        whole: list[int] = self._tokenizer.encode(self.prefix + "a").ids
        inner: list[int] = self._tokenizer.encode(self.prefix + "a", add_special_tokens=False).ids
        before: list[int] = self._tokenizer.encode(self.prefix, add_special_tokens=False).ids
        at = next(i for i in range(len(whole)) if whole[i : i + len(inner)] == inner)
        return [[*whole[:at], *before, piece, *whole[at + len(inner) :]] for piece in pieces]

    def text(self, ids: Sequence[int]) -> str:
        """The text that these ids stand for, special tokens left out."""
        return str(self._tokenizer.decode(list(ids)))

    def save(self, path: Path) -> None:
        """Write a `tokenizer.json` without cut-off or padding, as other tools expect it."""
        plain = Tokenizer.from_str(self._tokenizer.to_str())
        plain.no_truncation()
        plain.save(str(path))

    @property
    def n_pieces(self) -> int:
        """Size of the vocabulary: ids are below it."""
        return 1 + max(self._tokenizer.get_vocab(with_added_tokens=True).values())

    @property
    def special(self) -> frozenset[int]:
        """Ids that stand for no text: padding, beginning, end, mask; the unknown piece is none of them."""
        added = self._tokenizer.get_added_tokens_decoder()
        unknown = getattr(self._tokenizer.model, "unk_token", None) or "<unk>"
        return frozenset(i for i, token in added.items() if token.special and token.content != unknown)

    def _clip(self, text: str) -> str:
        clipped = text.strip()[: self.max_tokens * _CHARACTERS_PER_TOKEN]
        # Half a surrogate pair, as broken JSON escapes give, is no Unicode text and the tokenizer would refuse it.
        return clipped.encode("utf-8", "replace").decode("utf-8")


def padded(rows: Sequence[Sequence[int]], pad_id: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Token ids and their mask, both of shape `(B, L)`; an empty row becomes one masked token."""
    width = max((len(row) for row in rows), default=1) or 1
    ids_BL = np.full((len(rows), width), pad_id, dtype=np.int64)
    mask_BL = np.zeros((len(rows), width), dtype=np.int64)
    for i, row in enumerate(rows):
        ids_BL[i, : len(row)] = row
        mask_BL[i, : len(row)] = 1
    return ids_BL, mask_BL


def batches_by_length(lengths: Sequence[int], max_batch_tokens: int, max_rows: int = 64) -> list[list[int]]:
    """Indices grouped so that texts of like length share a batch and little is padded; zero lengths are left out.

    Args:
        max_batch_tokens: rows times the longest row of a batch stay within it (a single longer row stands alone).
    """
    order = sorted((i for i, length in enumerate(lengths) if length > 0), key=lambda i: (lengths[i], i))
    batches: list[list[int]] = []
    for i in order:
        if batches and (len(batches[-1]) + 1) * lengths[i] <= max_batch_tokens and len(batches[-1]) < max_rows:
            batches[-1].append(i)
        else:
            batches.append([i])
    return batches

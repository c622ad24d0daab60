"""Text to token ids, by one function for training and serving. Imports no training library."""

from collections.abc import Sequence
from pathlib import Path

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

    def _clip(self, text: str) -> str:
        clipped = text.strip()[: self.max_tokens * _CHARACTERS_PER_TOKEN]
        # Half a surrogate pair, as broken JSON escapes give, is no Unicode text and the tokenizer would refuse it.
        return clipped.encode("utf-8", "replace").decode("utf-8")


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

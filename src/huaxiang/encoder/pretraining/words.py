"""Which pieces make up one word: jieba's words in Chinese, runs of letters and digits elsewhere."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from huaxiang.text.segment import HAN, segment

NO_WORD: Final = -1
_RUN: Final = re.compile(rf"(?P<han>[{HAN}]+)|[^\W_{HAN}]+")


def words_of_pieces(text: str, spans: Sequence[tuple[int, int]], n_prefix: int = 0) -> list[int]:
    """The number of the word that each piece stands in, counted from 0; `NO_WORD` for special tokens and the prefix.

    A piece that reaches over the end of a word joins both: pieces that know something of each other go together.

    Args:
        spans: from where to where in `text` each piece was read; `(0, 0)` for special tokens.
        n_prefix: so many characters at the beginning are no text of the shop.
    """
    starts = word_starts(text)
    numbers: list[int] = []
    number, last = -1, -1
    for start, end in spans:
        if end <= n_prefix:
            numbers.append(NO_WORD)
            last = -1
            continue
        while start < end - 1 and text[start].isspace():  # SentencePiece counts the blank before a word to it
            start += 1  # noqa: PLW2901
        number += starts[start] != last
        numbers.append(number)
        last = starts[end - 1]
    return numbers


def word_starts(text: str) -> list[int]:
    """For each character where its word begins; whatever is neither letter nor digit is a word by itself."""
    starts = list(range(len(text)))
    for run in _RUN.finditer(text):
        at, end = run.span()
        for length in _lengths(run.group()) if run.lastgroup == "han" else [end - at]:
            starts[at : at + length] = [at] * length
            at += length
    return starts


def _lengths(run: str) -> list[int]:
    """Lengths of the words of a run of Chinese characters; single characters where normalising changed the length."""
    lengths = [len(word) for word in segment(run)]
    return lengths if sum(lengths) == len(run) else [1] * len(run)

"""What reviews judge, clause by clause: aspects by the lexicon and by nearness to descriptions, with their polarity.

Legend: N clauses, A aspects, D width.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from huaxiang.encoder.base import Encoder
from huaxiang.encoder.polarity import Polarity
from huaxiang.text import english
from huaxiang.text.chinese import clauses_of
from huaxiang.text.segment import HAN, normalise
from huaxiang.text.sentiment import aspects_by_word, sentiment
from huaxiang.text.word_vectors import unit_rows
from huaxiang.types import Vectors

Described = Mapping[str, tuple[str, ...]]

DESCRIPTIONS: Final[Mapping[str, Described]] = {
    "zh": {
        "delivery": ("快递和物流的速度", "发货送货"),
        "price": ("价格和性价比", "贵还是便宜", "有优惠折扣"),
        "quality": ("质量和做工", "材质和耐用"),
        "service": ("服务员的态度和服务", "客服和售后", "等了很久才有人理"),
        "packaging": ("包装和盒子",),
        "size": ("分量和大小", "尺码合不合身"),
        "taste": ("味道和口感", "好吃不好吃，新鲜"),
        "appearance": ("外观和样子好看", "颜色和款式设计"),
        "function": ("功能和性能", "用起来方便，速度快，待机时间长"),
    },
    "en": {
        "delivery": ("speed of delivery and shipping", "when the parcel arrived"),
        "price": ("price and value for money", "cheap or expensive", "a discount"),
        "quality": ("quality and workmanship", "material and how long it lasts"),
        "service": ("staff and customer service", "support, refund and warranty"),
        "packaging": ("packaging and the box",),
        "size": ("size and fit", "too big or too small"),
        "taste": ("taste and flavour", "fresh and delicious"),
        "appearance": ("how it looks", "colour and design"),
        "function": ("features and performance", "easy to use, fast, long battery life"),
    },
}
"""What an encoder compares a clause with; `function` has no words of its own in the lexicon."""

NEAR: Final = 2.5
"""Deviations above an aspect's mean nearness over all clauses from which a clause without a word for it may be one."""
AS_NEAR_AS: Final = 0.7
"""Share of the clauses with a word for the aspect that such a clause must be nearer than as well, so that a shop of
tablets does not find taste. With both, .82 of the aspects of development reviews (micro F1) against .79 by the lexicon
alone; shares from .5 to .9 and 2 to 2.5 deviations gave .81 to .82 (experiments/LOG.md)."""
_FEWEST: Final = 50
"""Clauses from which a mean nearness can be told."""
_FEWEST_WITH_WORD: Final = 10
"""Clauses with a word for an aspect from which it is known how near they are; an aspect with fewer is left to words."""

_CLAUSE: Final = re.compile(
    r"[。！？；，!?;…~\n]+|,\s|\.(?!\w)|\b(?:but|although|though|however|yet|except|unfortunately)\b", re.IGNORECASE
)
_HAN: Final = re.compile(f"[{HAN}]")
_LETTER: Final = re.compile(r"[^\W_]")


@dataclass(frozen=True, slots=True)
class Mention:
    """A clause that judges an aspect.

    Attributes:
        review: place of the review it is in.
        polarity: of the clause, in [-1, 1]; 0 where nothing judged it.
        found_by: `lexicon` or `encoder`.
        judged_by: `lexicon`, the name of the trained head, or "" where nothing judged it.
    """

    review: int
    aspect: str
    clause: str
    polarity: float
    found_by: str
    judged_by: str


class AspectReader:
    """Finds what reviews judge, and how.

    The lexicon's word on an aspect stands before the head's, which learns from whole reviews: of 450 aspects with a
    sign the two in that order had .81 of praise and blame right on average, the lexicon alone .69, the head alone .71,
    and the head on every single clause that the lexicon is silent on .76 (`benchmarks/aspects.py`).

    Args:
        encoder: None: by the lexicon alone.
        polarity: a trained head for aspects on which the lexicon is silent; None or the lexicon itself: no second word.
    """

    def __init__(
        self,
        encoder: Encoder | None = None,
        polarity: Polarity | None = None,
        descriptions: Mapping[str, Described] = DESCRIPTIONS,
    ) -> None:
        self.encoder = encoder
        self.polarity = polarity if polarity is not None and polarity.is_trained else None
        self._aspects = {tongue: tuple(said) for tongue, said in descriptions.items()}
        self._described_AD: dict[str, Vectors] = {}
        if encoder is not None:
            for tongue, said in descriptions.items():
                self._described_AD[tongue] = unit_rows(
                    np.array([encoder.encode(list(texts)).mean(axis=0) for texts in said.values()])
                )

    def read(self, reviews: Sequence[str]) -> list[Mention]:
        """The mentions of all reviews, in order; nearness is judged against the other clauses of the call."""
        clauses = [(at, clause) for at, review in enumerate(reviews) for clause in clauses_in(review)]
        named = [aspects_named(clause) for _, clause in clauses]
        near = self._near([clause for _, clause in clauses], named)
        found = [
            (at, aspect, clause, "lexicon" if by_word else "encoder")
            for (at, clause), by_word, by_meaning in zip(clauses, named, near, strict=True)
            for aspect in (by_word or by_meaning)
        ]
        return self._judged([Mention(at, aspect, clause, 0.0, by, "") for at, aspect, clause, by in found])

    def _near(self, clauses: Sequence[str], named: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
        """The aspect that each clause without a word is near to, none for most."""
        found: list[tuple[str, ...]] = [()] * len(clauses)
        for tongue, described_AD in self._described_AD.items():
            rows = [at for at, clause in enumerate(clauses) if ("zh" if _HAN.search(clause) else "en") == tongue]
            if self.encoder is None or len(rows) < _FEWEST:
                continue
            cosines_NA = self.encoder.encode([clauses[at] for at in rows]) @ described_AD.T
            above_NA = (cosines_NA - cosines_NA.mean(axis=0)) / np.maximum(cosines_NA.std(axis=0), 1e-6)
            least_A = self._least(cosines_NA, [named[at] for at in rows], self._aspects[tongue])
            best_N = above_NA.argmax(axis=1)
            for place, (at, best) in enumerate(zip(rows, best_N, strict=True)):
                if not named[at] and above_NA[place, best] > NEAR and cosines_NA[place, best] > least_A[best]:
                    found[at] = (self._aspects[tongue][best],)
        return found

    @staticmethod
    def _least(cosines_NA: Vectors, named: Sequence[tuple[str, ...]], aspects: Sequence[str]) -> Vectors:
        """The cosine that a clause must have for each aspect, shape `(A,)`."""
        has_words = set(aspects_by_word().values())
        least_A = np.full(len(aspects), -np.inf, dtype=np.float32)
        for at, aspect in enumerate(aspects):
            told = [place for place, found in enumerate(named) if aspect in found]
            if len(told) >= _FEWEST_WITH_WORD:
                least_A[at] = np.quantile(cosines_NA[told, at], AS_NEAR_AS)
            elif aspect in has_words:
                least_A[at] = np.inf
        return least_A

    def _judged(self, mentions: Sequence[Mention]) -> list[Mention]:
        """The same with their polarity: the lexicon's; where it is silent on all of a review's word on an aspect, the
        head's."""
        said = [sentiment(mention.clause).polarity for mention in mentions]
        heard = {(m.review, m.aspect) for m, polarity in zip(mentions, said, strict=True) if polarity is not None}
        judged = [
            mention if polarity is None else replace(mention, polarity=polarity, judged_by="lexicon")
            for mention, polarity in zip(mentions, said, strict=True)
        ]
        silent = [at for at, mention in enumerate(mentions) if (mention.review, mention.aspect) not in heard]
        if self.polarity is not None and silent:
            shares_N = self.polarity([mentions[at].clause for at in silent])
            for at, share in zip(silent, shares_N, strict=True):
                judged[at] = replace(mentions[at], polarity=float(2.0 * share - 1.0), judged_by=self.polarity.name)
        return judged


@dataclass(frozen=True, slots=True)
class AspectRow:
    """One aspect over all reviews.

    Attributes:
        n: reviews that judge it; `n_negative` of them that blame it on balance.
        by_encoder: reviews in which only the encoder found it.
        example: the clause that blames it most, or praises it most where none blames.
    """

    aspect: str
    n: int
    n_negative: int
    by_encoder: int
    example: str

    @property
    def share_negative(self) -> float:
        """Of the reviews that judge the aspect."""
        return self.n_negative / self.n


def aspect_table(mentions: Sequence[Mention]) -> list[AspectRow]:
    """Aspects by how many reviews judge them, the most first; mentions that nothing judged are left out."""
    by_review: dict[tuple[str, int], list[Mention]] = {}
    for mention in mentions:
        if mention.judged_by and mention.polarity:
            by_review.setdefault((mention.aspect, mention.review), []).append(mention)
    rows = []
    for aspect, n in Counter(aspect for aspect, _ in by_review).most_common():
        told = [each for (name, _), each in by_review.items() if name == aspect]
        sums = np.array([sum(mention.polarity for mention in each) for each in told])
        alone = sum(all(mention.found_by == "encoder" for mention in each) for each in told)
        every = [mention for each in told for mention in each]
        worst = min(every, key=lambda mention: mention.polarity)
        best = max(every, key=lambda mention: mention.polarity)
        example = worst if worst.polarity < 0 else best
        rows.append(AspectRow(aspect, n, int((sums < 0).sum()), alone, example.clause))
    return rows


def clauses_in(text: str) -> Iterator[str]:
    """The clauses of a Chinese or English text, in order; marks and single letters alone are none."""
    return (clause.strip() for clause in _CLAUSE.split(text) if len(_LETTER.findall(clause)) > 1)


def aspects_named(clause: str) -> tuple[str, ...]:
    """The aspects that a clause has a word for, in the lexicon's order of words."""
    named = aspects_by_word()
    words = [word for part in clauses_of(normalise(clause)) for word in part.words] if _HAN.search(clause) else []
    words += [word for found, _ in english.clauses_naming(english.join_phrases(clause), named.keys()) for word in found]
    return tuple(dict.fromkeys(named[word] for word in words if word in named))

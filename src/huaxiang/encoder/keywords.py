"""Keywords and related words by an encoder, and the three ways to them side by side.

Legend: V words, D width, W words of one text, N texts.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, Self

import numpy as np

from huaxiang.encoder.base import Encoder
from huaxiang.errors import ConfigError
from huaxiang.text.keywords import Keywords
from huaxiang.text.segment import content_words
from huaxiang.text.word_vectors import WordVectors, nearest, unit_rows
from huaxiang.types import Vectors

_TEXT_LIMIT: Final = 5_000
_EACH: Final = 5
"""Keywords of one text that count for the whole."""


class KeywordSource(Protocol):
    """One way to keywords."""

    def top(self, text: str, k: int) -> list[tuple[str, float]]:
        """The `k` words that carry a text, best first, with what they weigh."""
        ...

    def related(self, term: str, k: int) -> list[tuple[str, float]]:
        """The `k` words nearest to a term, best first, with their cosines; empty for a term that is not known."""
        ...


class EncodedWords:
    """Keywords as words whose vector is nearest to their text's (Grootendorst 2020, KeyBERT).

    Only words that at least `min_df` texts say are compared: of 1,500 English titles .225 of the first five words stand
    in the item's category against .205 without that bound (experiments/LOG.md). Diversity is 0 as each tenth of it
    lowered that share; it is for long texts that say one thing in many words.

    Args:
        min_df: words of fewer texts are dropped.
        max_words: the most frequent words that are encoded; bounds the time of `fit`.
    """

    def __init__(self, encoder: Encoder, *, min_df: int = 2, max_words: int = 5_000) -> None:
        if min_df < 1 or max_words < 1:
            raise ConfigError(f"keywords by an encoder with {min_df=}, {max_words=}; both are at least 1")
        self.encoder, self.min_df, self.max_words = encoder, min_df, max_words
        self._words: list[str] = []
        self._place: dict[str, int] = {}
        self._units_VD: Vectors = np.zeros((0, encoder.d), np.float32)

    def fit(self, texts: Iterable[str]) -> Self:
        """Encode the words of the texts, of each the first 5,000 characters."""
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(set(content_words(text[:_TEXT_LIMIT])))
        kept = sorted((word for word, n in counts.items() if n >= self.min_df), key=lambda word: (-counts[word], word))
        self._words = kept[: self.max_words]
        self._place = {word: at for at, word in enumerate(self._words)}
        self._units_VD = unit_rows(self.encoder.encode(self._words))
        return self

    def top(self, text: str, k: int, *, diversity: float = 0.0) -> list[tuple[str, float]]:
        """The `k` known words of a text nearest to the whole of it, with their cosines.

        Args:
            diversity: 0 to 1; what likeness to a word chosen before counts against a word (Carbonell & Goldstein
                1998, maximal marginal relevance). The order is that of choosing.
        """
        words = [word for word in dict.fromkeys(content_words(text[:_TEXT_LIMIT])) if word in self._place]
        if not words:
            return []
        units_WD = self._units_VD[[self._place[word] for word in words]]
        cosines_W = units_WD @ self.encoder.encode([text])[0]
        order = _marginal(cosines_W, units_WD, k, diversity) if diversity else np.argsort(-cosines_W, kind="stable")[:k]
        return [(words[at], float(cosines_W[at])) for at in order]

    def related(self, term: str, k: int) -> list[tuple[str, float]]:
        """The `k` words of the shop whose vectors are nearest to a term's; the term need not be one of them."""
        said = self._place.get(term.casefold())
        towards_D = self._units_VD[said] if said is not None else self.encoder.encode([term])[0]
        return nearest(self._words, self._units_VD, towards_D, k, without=[] if said is None else [said])


def _marginal(cosines_W: Any, units_WD: Vectors, k: int, diversity: float) -> list[int]:
    """Places in the order in which maximal marginal relevance chooses them."""
    chosen: list[int] = []
    likest_W = np.zeros(len(cosines_W))
    while len(chosen) < min(k, len(cosines_W)):
        worth_W = (1.0 - diversity) * cosines_W - diversity * likest_W
        worth_W[chosen] = -np.inf
        chosen.append(int(worth_W.argmax()))
        likest_W = np.maximum(likest_W, units_WD @ units_WD[chosen[-1]])
    return chosen


class CountedWords:
    """TF-IDF keywords, related where the same texts say them (cosine of the words' columns)."""

    def __init__(self, texts: Sequence[str]) -> None:
        from scipy.sparse import csr_matrix

        self._keywords = Keywords().fit(texts)
        found = [dict(self._keywords.top(text, _TEXT_LIMIT)) for text in texts]
        self._words = sorted({word for weights in found for word in weights})
        self._place = {word: at for at, word in enumerate(self._words)}
        columns = [self._place[word] for weights in found for word in weights]
        rows = np.repeat(np.arange(len(found)), [len(weights) for weights in found])
        values = np.array([weight for weights in found for weight in weights.values()], np.float32)
        weights_VN = csr_matrix((values, (columns, rows)), shape=(len(self._words), len(found)))
        lengths_V = np.sqrt(np.asarray(weights_VN.multiply(weights_VN).sum(axis=1)).ravel())
        self._weights_VN, self._lengths_V = weights_VN, lengths_V

    def top(self, text: str, k: int) -> list[tuple[str, float]]:
        """As `Keywords.top`."""
        return self._keywords.top(text, k)

    def related(self, term: str, k: int) -> list[tuple[str, float]]:
        """Words that share texts with a term; those that never do are none, so there may be fewer than `k`."""
        at = self._place.get(term.casefold())
        if at is None:
            return []
        shared_V = np.asarray((self._weights_VN @ self._weights_VN[[at]].T).todense()).ravel()
        cosines_V = shared_V / (self._lengths_V * self._lengths_V[at])
        cosines_V[at] = 0.0
        order = np.argsort(-cosines_V, kind="stable")[:k]
        return [(self._words[near], float(cosines_V[near])) for near in order if cosines_V[near] > 0.0]


@dataclass(frozen=True, slots=True)
class Keyword:
    """A word that carries many texts of a shop.

    Attributes:
        n_texts: texts that have it among their first five keywords.
        related: the words nearest to it, best first.
    """

    word: str
    n_texts: int
    related: tuple[str, ...]


def sources(texts: Sequence[str], encoder: Encoder | None) -> dict[str, KeywordSource]:
    """The ways there are, fitted on the texts: `tfidf`, `word2vec`, and the encoder under its name.

    Raises:
        MissingExtraError: gensim is not installed.
    """
    made: dict[str, KeywordSource] = {"tfidf": CountedWords(texts), "word2vec": WordVectors().fit(texts)}
    if encoder is not None:
        made[encoder.name] = EncodedWords(encoder).fit(texts)
    return made


def side_by_side(
    texts: Sequence[str], ways: Mapping[str, KeywordSource], k: int, *, n_related: int = 5
) -> dict[str, list[Keyword]]:
    """The `k` words that are most often among the first five keywords of a text, by each way."""
    found: dict[str, list[Keyword]] = {}
    for name, way in ways.items():
        counts = Counter(word for text in texts for word, _ in way.top(text, _EACH))
        best = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:k]
        found[name] = [Keyword(word, n, tuple(near for near, _ in way.related(word, n_related))) for word, n in best]
    return found

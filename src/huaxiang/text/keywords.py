"""TF-IDF keywords of a shop's texts (Salton & Buckley 1988): fitted once for a release, read in microseconds."""

import math
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import orjson
from safetensors.numpy import load_file, save_file

from huaxiang.errors import ConfigError, DataError
from huaxiang.text.segment import content_words

_FILE: Final = "keywords.json"
_TENSORS: Final = "keywords.safetensors"
_TEXT_LIMIT: Final = 5_000
_ROOM: Final = 4
"""While counting, at most so many times `max_terms` words are held."""


class Keywords:
    """The words that set a text apart from the shop's other texts.

    Args:
        min_df: words of fewer texts are dropped: typing errors, order numbers.
        max_share: words of more than this share of texts are dropped: they set nothing apart.
        max_terms: the most frequent words that are kept; bounds memory to about 150 bytes a word.
    """

    def __init__(self, *, min_df: int = 2, max_share: float = 0.2, max_terms: int = 50_000) -> None:
        if min_df < 1 or not 0.0 < max_share <= 1.0 or max_terms < 1:
            raise ConfigError(
                f"keywords with min_df={min_df}, max_share={max_share}, max_terms={max_terms}; "
                "needed: min_df >= 1, 0 < max_share <= 1, max_terms >= 1"
            )
        self.min_df, self.max_share, self.max_terms = min_df, max_share, max_terms
        self.n_texts = 0
        self._idf: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._idf)

    def fit(self, texts: Iterable[str]) -> Self:
        """Count in how many texts each word is; the first 5,000 characters of each are read.

        Memory is bounded by `max_terms`: when four times as many words are held, the rarest are forgotten, so in a
        corpus beyond that a word that comes late counts a little less.
        """
        counts: Counter[str] = Counter()
        self.n_texts = 0
        for text in texts:
            self.n_texts += 1
            counts.update(set(content_words(text[:_TEXT_LIMIT])))
            if len(counts) > _ROOM * self.max_terms:
                counts = Counter(dict(_most_common(counts, _ROOM * self.max_terms // 2)))
        at_most = max(self.max_share * self.n_texts, self.min_df)
        kept = Counter({word: n for word, n in counts.items() if self.min_df <= n <= at_most})
        self._idf = {
            word: float(np.float32(math.log((1 + self.n_texts) / (1 + n)) + 1.0))
            for word, n in _most_common(kept, self.max_terms)
        }
        return self

    def top(self, text: str, k: int) -> list[tuple[str, float]]:
        """The `k` words with the largest weight, best first, ties in alphabetical order.

        Weights are `(1 + log tf) * idf`, scaled so that the text's whole vector has length 1, so in (0, 1]. Words that
        are not in the fitted vocabulary have none: empty before `fit` and for a text of unknown words.
        """
        counts = Counter(word for word in content_words(text[:_TEXT_LIMIT]) if word in self._idf)
        weights = {word: (1.0 + math.log(n)) * self._idf[word] for word, n in counts.items()}
        length = math.sqrt(sum(weight * weight for weight in weights.values()))
        best = sorted(weights.items(), key=lambda pair: (-pair[1], pair[0]))[: max(k, 0)]
        return [(word, weight / length) for word, weight in best]

    def save(self, folder: Path) -> None:
        """Write the vocabulary (JSON) and its weights (safetensors) into a folder, which is made if it is missing."""
        folder.mkdir(parents=True, exist_ok=True)
        settings = {"min_df": self.min_df, "max_share": self.max_share, "max_terms": self.max_terms}
        body = {"settings": settings, "n_texts": self.n_texts, "terms": list(self._idf)}
        (folder / _FILE).write_bytes(orjson.dumps(body))
        save_file({"idf": np.array(list(self._idf.values()), dtype=np.float32)}, folder / _TENSORS)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Open what `save` wrote.

        Raises:
            DataError: a file is missing or the two do not belong together.
        """
        if not (folder / _FILE).is_file() or not (folder / _TENSORS).is_file():
            raise DataError(f"no keywords in {folder}; a folder of Keywords.save holds {_FILE} and {_TENSORS}")
        body: dict[str, Any] = orjson.loads((folder / _FILE).read_bytes())
        idf = load_file(folder / _TENSORS)["idf"]
        if idf.shape != (len(body["terms"]),):
            raise DataError(
                f"keywords in {folder}: {len(body['terms'])} terms but weights of shape {idf.shape}; fit again"
            )
        loaded = cls(**body["settings"])
        loaded.n_texts = int(body["n_texts"])
        loaded._idf = dict(zip(body["terms"], idf.tolist(), strict=True))
        return loaded


def _most_common(counts: Counter[str], n: int) -> list[tuple[str, int]]:
    """As `Counter.most_common`, with ties in alphabetical order, so that it does not hang on the order of texts."""
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:n]

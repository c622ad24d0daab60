"""TF-IDF over words and character n-grams of Chinese, English and mixed texts (Salton & Buckley 1988).

Legend: N texts, F features.
"""

from __future__ import annotations

import itertools
import json
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import rjieba
from safetensors.numpy import load_file, save_file

from huaxiang.errors import DataError

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

_FILE: Final = "ngrams.json"
_TENSORS: Final = "ngrams.safetensors"
_GRAMS: Final = 2
"""How texts are cut; a head that was trained on other pieces would read nonsense."""
_MOST_CHARACTERS: Final = 5_000
"""Of one text: what is written after that changes no label, and a field of 10 MB must cost no more than a review."""
_PIECE: Final = re.compile(r"(?P<chinese>[\u3400-\u9fff]+)|[^\W_]+|[^\w\s]")
_RUN: Final = re.compile(r"[\u3400-\u9fff]+|[^\u3400-\u9fff]+")


class Ngrams:
    """Two blocks of features, each text's of length 1: 1-2-grams of words (Chinese ones as rjieba cuts them) and
    n-grams of characters, 1 to 3 within a Chinese run, 2 to 5 within any other, across its words.

    Together they beat each alone, runs across words beat those within, and Chinese words beat single characters, which
    the other block has already (experiments/LOG.md).

    Args:
        min_df: n-grams of characters in fewer texts are dropped.
        max_features: the most frequent that are kept; bounds memory.
    """

    def __init__(self, *, min_df: int = 2, max_features: int = 400_000) -> None:
        self.min_df, self.max_features = min_df, max_features
        self._place: dict[str, int] = {}
        self._idf_F = np.zeros(0, dtype=np.float32)
        self._is_word_F = np.zeros(0, dtype=np.int64)

    @property
    def n_features(self) -> int:
        """How many n-grams are known."""
        return len(self._place)

    def fit(self, texts: Sequence[str]) -> Self:
        """Count in how many texts each n-gram is."""
        seen: Counter[str] = Counter()
        for text in texts:
            seen.update(set(_grams(text)))
        kept = [(gram, n) for gram, n in seen.items() if n >= self.min_df or (gram[0] == "w" and len(texts) < 20_000)]
        kept.sort(key=lambda pair: (-pair[1], pair[0]))
        kept = kept[: self.max_features]
        self._know(gram for gram, _ in kept)
        self._idf_F = np.array([math.log((1 + len(texts)) / (1 + n)) + 1.0 for _, n in kept], dtype=np.float32)
        return self

    def _know(self, grams: Iterable[str]) -> None:
        self._place = {gram: at for at, gram in enumerate(grams)}
        self._is_word_F = np.fromiter((gram[0] == "w" for gram in self._place), np.int64, len(self._place))

    def transform(self, texts: Iterable[str]) -> csr_matrix:
        """Weights `(1 + log tf) * idf` of shape `(N, F)`, each block of length 1; zeros where nothing is known."""
        from scipy.sparse import csr_matrix

        places: list[int] = []
        counts: list[int] = []
        ends = [0]
        for text in texts:
            for gram, n in Counter(_grams(text)).items():
                at = self._place.get(gram)
                if at is not None:
                    places.append(at)
                    counts.append(n)
            ends.append(len(places))
        at_E, n_E = np.array(places, dtype=np.int32), np.array(counts, dtype=np.float32)
        weights_E = (1.0 + np.log(n_E)) * self._idf_F[at_E]
        block_E = 2 * np.repeat(np.arange(len(ends) - 1), np.diff(ends)) + self._is_word_F[at_E]
        length_B = np.sqrt(np.bincount(block_E, weights_E * weights_E, minlength=2 * len(ends)))
        data = (weights_E / length_B[block_E]).astype(np.float32), at_E, np.array(ends, dtype=np.int64)
        return csr_matrix(data, shape=(len(ends) - 1, self.n_features))

    def save(self, folder: Path) -> None:
        """Write vocabulary and weights."""
        folder.mkdir(parents=True, exist_ok=True)
        said = {
            "grams": _GRAMS,
            "min_df": self.min_df,
            "max_features": self.max_features,
            "ngrams": list(self._place),
        }
        (folder / _FILE).write_text(json.dumps(said, ensure_ascii=False), encoding="utf-8")
        save_file({"idf": self._idf_F}, folder / _TENSORS)

    @classmethod
    def load(cls, folder: Path) -> Ngrams:
        """Read what `save` wrote."""
        try:
            said: dict[str, Any] = json.loads((folder / _FILE).read_text(encoding="utf-8"))
            if said.get("grams") != _GRAMS:
                raise DataError(f"the n-grams in {folder} are cut another way than here; train the classifier again")
            made = cls(min_df=said["min_df"], max_features=said["max_features"])
            made._know(said["ngrams"])
            made._idf_F = load_file(folder / _TENSORS)["idf"]
        except (OSError, ValueError, KeyError) as error:
            raise DataError(f"{folder} holds no n-gram features: {error}; train the classifier again") from error
        return made


def _words(folded: str) -> list[str]:
    words: list[str] = []
    for found in _PIECE.finditer(folded):
        if found.lastgroup == "chinese":
            words += rjieba.cut(found.group())
        else:
            words.append(found.group())
    return words


def _grams(text: str) -> list[str]:
    """Every n-gram of a text: `w` marks those of words, `c` those of characters."""
    folded = unicodedata.normalize("NFKC", text[:_MOST_CHARACTERS]).lower()
    words = _words(folded)
    grams = ["w" + word for word in words]
    grams += [f"w{first} {second}" for first, second in itertools.pairwise(words)]
    for run in _RUN.findall(" ".join(folded.split())):
        chinese = "\u3400" <= run[0] <= "\u9fff"
        marked = run if chinese else f" {run.strip()} "
        for size in range(1, 4) if chinese else range(2, 6):
            grams += ["c" + marked[at : at + size] for at in range(len(marked) - size + 1)]
    return grams

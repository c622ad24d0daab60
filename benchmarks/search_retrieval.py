"""Which products a query finds among all titles: recall@100 beside tuned BM25, sentence vectors and their naive fusion.

python -m benchmarks.search_retrieval [--queries 2000] [--budget 12m] [--json FILE]

The shop holds all products of Home Depot's judgements (HUAXIANG_DATA) and no event; its release is trained with the
encoder MiniLM, as a shop without a history would be. Relevant are a query's products of grade 2.67 or more (two of the
three judges said "perfect"). Queries are drawn by a seed; nothing was chosen on them. Ours is `Shop.search` with k 100
and nothing else; peers are bm25s with tuned settings, MiniLM by sentence-transformers, exact, and reciprocal rank
fusion of the two. Differences are paired over queries, 95 %. Status 1 where ours is behind.

Legend: Q queries, M products, D width.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks.machine import commit, load, machine
from benchmarks.search_titles import products, rows
from benchmarks.sequence_shops import take_all
from huaxiang.apps.search.asking import SearchAsk
from huaxiang.cli.train import seconds_of
from huaxiang.config import load_settings
from huaxiang.encoder.sources import find
from huaxiang.evaluation.search_peers import BM25, DENSE
from huaxiang.measure.intervals import paired_bootstrap
from huaxiang.shop import Shop
from huaxiang.training import train

K: Final = 100
RELEVANT: Final = 2.67
_FUSED: Final = 60.0
_DEPTH: Final = 1_000


def relevant() -> dict[str, set[str]]:
    """Relevant products by query."""
    found: dict[str, set[str]] = {}
    for row in rows():
        if float(row["relevance"]) >= RELEVANT - 1e-9:
            found.setdefault(row["search_term"], set()).add(row["product_uid"])
    return found


def of_bm25(titles: Sequence[str], queries: Sequence[str]) -> NDArray[np.int64]:
    """Best products of each query, shape (Q, depth)."""
    import bm25s
    import Stemmer

    stem, words = Stemmer.Stemmer("english"), "en" if BM25["stop_words"] else []
    model = bm25s.BM25(k1=BM25["k1"], b=BM25["b"])
    model.index(bm25s.tokenize(list(titles), stopwords=words, stemmer=stem, show_progress=False), show_progress=False)
    asked = bm25s.tokenize(list(queries), stopwords=words, stemmer=stem, show_progress=False)
    found, _ = model.retrieve(asked, k=_DEPTH, show_progress=False)
    return np.asarray(found, np.int64)


def of_vectors(titles: Sequence[str], queries: Sequence[str]) -> NDArray[np.int64]:
    """The same by cosine."""
    from sentence_transformers import SentenceTransformer

    source = find(DENSE)
    assert source is not None, "install the extra models"
    model = SentenceTransformer(str(source.path.parent), device="cpu", local_files_only=True)
    items_MD = model.encode(list(titles), normalize_embeddings=True, show_progress_bar=False)
    asked_QD = model.encode(list(queries), normalize_embeddings=True, show_progress_bar=False)
    return np.stack([np.argsort(-(items_MD @ asked_D), kind="stable")[:_DEPTH] for asked_D in asked_QD])


def fused(*rankings: NDArray[np.int64]) -> NDArray[np.int64]:
    """Reciprocal rank fusion."""
    found = []
    for at in range(len(rankings[0])):
        scores: dict[int, float] = {}
        for ranking in rankings:
            for rank, product in enumerate(ranking[at].tolist(), 1):
                scores[product] = scores.get(product, 0.0) + 1.0 / (_FUSED + rank)
        found.append(sorted(scores, key=lambda product: -scores[product])[:K])
    return np.array(found)


def of_search(titles: Mapping[str, str], queries: Sequence[str], budget: float) -> tuple[list[list[str]], float]:
    """Ours: products of each query, and milliseconds a query."""
    now = datetime.now(UTC)
    with tempfile.TemporaryDirectory(prefix="huaxiang-titles-") as folder:
        shop = Shop(load_settings(None, (), data_dir=Path(folder)))
        events = (
            {"event": "set_item", "item_id": name, "timestamp": now.isoformat(), "properties": {"name": title}}
            for name, title in titles.items()
        )
        take_all(shop, events)
        train(shop.portraits, shop.releases, budget_seconds=budget, checkpoint=DENSE, seed=0)
        shop.refresh()
        assert shop.release_id is not None
        shop.searching.refresh()
        began = time.perf_counter()
        with threadpool_limits(1, "blas"):
            found = [[one.item_id for one in shop.search(SearchAsk(query, k=K), now=now).found] for query in queries]
        took = (time.perf_counter() - began) / len(queries) * 1_000
        shop.close()
    return found, took


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=int, default=2_000)
    parser.add_argument("--budget", default="12m", help="of the training; encoding the titles is nearly all of it")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(arguments)
    print(f"{machine()}; commit {commit()}; load {load()}")
    wanted, known = relevant(), products()
    queries = sorted(wanted)
    random.Random(0).shuffle(queries)
    queries = queries[: asked.queries]
    ids, titles = list(known), list(known.values())
    lists: dict[str, list[list[str]]] = {}
    lists["huaxiang"], took = of_search(known, queries, seconds_of(asked.budget))
    words, meaning = of_bm25(titles, queries), of_vectors(titles, queries)
    for name, ranking in (("bm25", words), ("dense", meaning), ("naive fusion", fused(words, meaning))):
        lists[name] = [[ids[at] for at in row[:K]] for row in ranking]
    recalls = {
        name: np.array(
            [len(wanted[query] & set(row)) / len(wanted[query]) for query, row in zip(queries, found, strict=True)]
        )
        for name, found in lists.items()
    }
    said: list[dict[str, Any]] = []
    for name, recall in recalls.items():
        gain = paired_bootstrap(recalls["huaxiang"], recall, rng=np.random.default_rng(0))
        said.append({"model": name, f"recall@{K}": float(recall.mean()), "ahead": list(gain)})
        ahead = f"{gain.mean:+.4f} [{gain.low:+.4f}, {gain.high:+.4f}]"
        print(f"  {name:14} recall@{K} {recall.mean():.4f}   huaxiang {ahead}")
    print(f"  {len(queries)} queries over {len(ids):,} titles; {took:.1f} ms a query of ours")
    if asked.json:
        asked.json.write_text(json.dumps({"n_queries": len(queries), "models": said}, indent=1), encoding="utf-8")
    return int(any(row["ahead"][0] < 0.0 for row in said))


if __name__ == "__main__":
    sys.exit(main())

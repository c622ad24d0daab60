"""The second stage deals the weighted sums out anew among the best, is kept in a release, and answers to nobody new."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from huaxiang.errors import ReleaseError
from huaxiang.pipeline import Pipeline, second
from huaxiang.pipeline.second import SecondStage, features_of, reader_of
from huaxiang.ranking.learning import Boosting, Lists, learn_ranker
from huaxiang.retrieval.base import History
from huaxiang.shop import Shop
from tests.pipeline.conftest import NOON

PARTS = {"far": np.arange(9, dtype=np.float32), "near": np.arange(9, dtype=np.float32)[::-1].copy()}
READER = reader_of({"near": 1.0, "far": 0.5, "gone": 0.0})
ONE = NOON + timedelta(hours=1)


@pytest.fixture(scope="module")
def stage() -> SecondStage:
    """Taught that the best by `near` comes next, whatever `far` says."""
    rng = np.random.default_rng(0)
    rows, right = [], []
    for _ in range(200):
        parts = {name: rng.normal(size=9).astype(np.float32) for name in PARTS}
        rows.append(features_of(READER, parts, History.of([1, 2]), np.arange(9)))
        right.append(np.arange(9) == parts["near"].argmax())
    lists = Lists(np.concatenate(rows), np.concatenate(right), np.repeat(np.arange(200), 9))
    return SecondStage(READER, learn_ranker(lists, None, READER.names, Boosting(least_rows=5, threads=1), trees=20))


def test_parts_without_a_weight_are_not_read() -> None:
    assert READER.parts == ("far", "near")


def test_the_scores_of_the_best_are_dealt_out_anew(stage: SecondStage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(second, "N_RANKED", 4)
    fused_M = PARTS["far"].astype(np.float64)  # best first: 8, 7, 6, 5, which `near` would turn round
    scores_M = stage.scores(np.array([8, 7, 6, 5, 4]), fused_M, PARTS, History.of([1, 2]))
    assert scores_M[:5].tolist() == fused_M[:5].tolist()
    assert sorted(scores_M) == sorted(fused_M)
    assert scores_M.argmax() == 5


def test_what_is_saved_orders_the_same(stage: SecondStage, tmp_path: Path) -> None:
    stage.save(tmp_path)
    loaded = SecondStage.load(tmp_path)
    asked: tuple[Any, ...] = (np.arange(8, -1, -1), PARTS["far"].astype(np.float64), PARTS, History.of([1, 2]))
    assert loaded.reader.names == stage.reader.names
    assert loaded.scores(*asked).tolist() == stage.scores(*asked).tolist()


def test_features_of_another_version_are_refused(stage: SecondStage, tmp_path: Path) -> None:
    stage.save(tmp_path)
    about = tmp_path / "ranker.json"
    about.write_text(about.read_text("utf-8").replace("days_since", "weeks_since"), encoding="utf-8")
    with pytest.raises(ReleaseError, match="this version does not know; train a new one"):
        SecondStage.load(tmp_path)


class _Backwards:
    """The worst of the weighted sum first."""

    def scores(self, order_K: Any, fused_M: Any, *_more: Any) -> Any:
        scores_M = fused_M.copy()
        scores_M[order_K] = fused_M[order_K][::-1]
        return scores_M


def turned(shop: Shop) -> Pipeline:
    used = shop.pipeline
    stage: Any = _Backwards()
    parts = (used.portraits, used.encoder, used.index, used.retrievers)
    weights = {"transitions": 1.0, "content": 0.5, "profile": 0.5, "popular": 0.1}
    return Pipeline("turned", *parts, weights, frozenset(), second=stage)


def test_a_page_is_in_the_order_of_the_second_stage(still: Shop) -> None:
    plain = still.pipeline.recommend(["u00"], now=ONE, k=59)[0]
    found = turned(still).recommend(["u00"], now=ONE, k=59)[0]
    assert list(found.item_ids) == list(plain.item_ids)[::-1]
    assert list(found.scores) == sorted(found.scores, reverse=True)


def test_of_what_passes_a_filter_too(still: Shop) -> None:
    state = still.portraits.state("u00", before=ONE)
    books = {"category": "Book"}
    plain = still.pipeline.rank(state, now=ONE, k=15, where=books).ranked.item_ids
    assert turned(still).rank(state, now=ONE, k=5, where=books).ranked.item_ids == plain[::-1][:5]


def test_strangers_are_answered_by_the_weighted_sum(still: Shop) -> None:
    plain, found = (each.recommend(["nobody"], now=ONE, k=9)[0] for each in (still.pipeline, turned(still)))
    assert found.item_ids == plain.item_ids


def test_a_filter_that_nothing_passes_is_an_empty_page(still: Shop, stage: SecondStage) -> None:
    used = still.pipeline
    parts = (used.portraits, used.encoder, used.index, used.retrievers)
    reader = reader_of({"content": 1.0, "profile": 1.0})
    asked: Any = SecondStage(reader, stage.ranker)  # as many features, of parts that this shop has
    ranked = Pipeline("ranked", *parts, {"transitions": 1.0}, frozenset(), second=asked)
    state = still.portraits.state("u00", before=ONE)
    assert ranked.rank(state, now=ONE, k=5, where={"brand": "none of this name"}).ranked.item_ids == ()
    assert len(ranked.rank(state, now=ONE, k=5).ranked.item_ids) == 5

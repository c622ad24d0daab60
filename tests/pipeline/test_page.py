"""The request path over the small shop: what a page holds, and that its reasons are the graph's own."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huaxiang.pipeline import Pipeline
from huaxiang.pipeline.scoring import best_among, best_passing
from huaxiang.retrieval.base import History
from huaxiang.retrieval.item_to_item import ItemToItem
from huaxiang.shop import Shop
from tests.shops import build_shop, settings_of


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """Of the small shop; nothing here writes."""
    return Shop(settings_of(build_shop(tmp_path_factory.mktemp("pipeline") / "shop"))).pipeline


@settings(deadline=None, max_examples=60)
@given(
    scores=st.lists(st.integers(-3, 3), min_size=1, max_size=60),
    left_out=st.sets(st.integers(0, 59)),
    k=st.integers(1, 12),
)
def test_a_page_is_the_beginning_of_the_whole_stable_order(scores: list[int], left_out: set[int], k: int) -> None:
    among = np.array([at for at in range(len(scores)) if at not in left_out], dtype=np.intp)
    whole = sorted(among.tolist(), key=lambda at: -scores[at])
    assert best_among(np.array(scores, np.float64), among, k).tolist() == whole[:k]


def test_one_user_in_is_a_list_of_one_out_and_a_stranger_is_answered(pipeline: Pipeline) -> None:
    now = datetime.now(UTC)
    drinker, stranger = pipeline.recommend(["u00", "nobody"], now=now, k=3)
    assert all(item.startswith("tea-") for item in drinker.item_ids)
    assert len(stranger.item_ids) == 3


def test_filter_seen_decides_what_of_the_history_is_shown(pipeline: Pipeline) -> None:
    now = datetime.now(UTC)
    teas = [f"tea-{n:02d}" for n in range(15)]  # u00 looked at 00 to 07 and bought 04
    shown = {
        name: set(pipeline.recommend(["u00"], now=now, k=15, filter_seen=name, item_ids=teas)[0].item_ids)
        for name in ("none", "purchased", "all")
    }
    assert shown["none"] == set(teas)
    assert shown["purchased"] == set(teas) - {"tea-04"}
    assert shown["all"] == set(teas[8:])


def test_explain_says_why_an_item_that_would_not_be_shown(pipeline: Pipeline) -> None:
    reasons = pipeline.explain("u00", "tea-04", now=datetime.now(UTC))
    assert reasons
    assert all(event.startswith("u00-") for reason in reasons for event in reason.evidence)


def test_contributions_of_many_items_are_those_of_each(pipeline: Pipeline) -> None:
    graph = pipeline.retrievers["transitions"]
    assert isinstance(graph, ItemToItem)
    history = History.of([3, 1, 3, 7, -1])
    many = graph.contributions_of(history, np.array([5, 2, 40]))
    np.testing.assert_array_equal(many, [graph.contributions(history, item) for item in (5, 2, 40)])
    np.testing.assert_allclose(many.sum(axis=1), graph.scores([history])[0][[5, 2, 40]], rtol=1e-5, atol=1e-7)


@settings(deadline=None, max_examples=60)
@given(scores=st.lists(st.integers(-3, 3), min_size=1, max_size=90), every=st.integers(1, 40), k=st.integers(1, 6))
def test_a_filtered_page_is_the_beginning_of_the_filtered_order(scores: list[int], every: int, k: int) -> None:
    among, asked = np.arange(len(scores)), []

    def passes(at: int) -> bool:
        asked.append(at)
        return at % every == 0

    whole = [at for at in sorted(among.tolist(), key=lambda at: -scores[at]) if at % every == 0]
    assert best_passing(np.array(scores, np.float64), among, k, passes).tolist() == whole[:k]
    assert len(asked) == len(set(asked))  # nobody is asked twice

"""What the ranker reads of a candidate, by hand."""

import numpy as np
import pytest

from huaxiang.ranking.features import FeatureReader, places

SCORES_CF = np.array([[2.0, 0.0], [4.0, 1.0], [2.0, 3.0]], np.float32)


def test_places_are_one_over_the_rank_and_ties_keep_the_order_of_the_catalogue() -> None:
    assert places(SCORES_CF)[:, 0].tolist() == pytest.approx([1 / 2, 1.0, 1 / 3])


def test_a_retriever_that_is_silent_gives_no_place() -> None:
    assert places(SCORES_CF)[:, 1].tolist() == pytest.approx([0.0, 1 / 2, 1.0])


def test_columns_are_what_their_names_say() -> None:
    reader = FeatureReader(("graph", "words"), np.array([0.0, 7.0, 1.0, 3.0], np.float32))
    rows = reader.read(np.array([1, 2, 3]), SCORES_CF, SCORES_CF / np.float32(2), [1, -1, 3], 6.0)
    found = dict(zip(reader.names, rows[0].tolist(), strict=True))
    assert found["graph:score"] == 2.0
    assert found["graph:z"] == 1.0
    assert found["words:place"] == 0.0
    assert found["events"] == pytest.approx(np.log(3.0))
    assert found["days_since"] == pytest.approx(np.log(7.0))
    assert found["popularity"] == pytest.approx(np.log(8.0))
    assert found["popularity_beside_history"] == pytest.approx(np.log(8.0) - (np.log(8.0) + np.log(4.0)) / 2)


def test_popularity_can_be_left_out() -> None:
    reader = FeatureReader(("graph", "words"), None)
    rows = reader.read(np.array([1, 2, 3]), SCORES_CF, SCORES_CF, [], 0.0)
    assert rows.shape == (3, len(reader.names))
    assert not any("popularity" in name for name in reader.names)


def test_no_candidates_are_no_error() -> None:
    reader = FeatureReader(("graph",), np.ones(3, np.float32))
    none = np.empty((0, 1), np.float32)
    assert reader.read(np.empty(0, np.int64), none, none, [1], 0.0).shape == (0, len(reader.names))

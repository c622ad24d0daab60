"""A ranker is taught by LightGBM and answers from ONNX."""

from pathlib import Path

import numpy as np
import pytest

from huaxiang.errors import DataError, ReleaseError
from huaxiang.ranking.learning import Boosting, Lists, learn_ranker, to_onnx
from huaxiang.ranking.model import Ranker

NAMES = ("hint", "noise", "step")


def lists(n: int, seed: int) -> Lists:
    """In each list the candidate with the largest hint came next, and in every tenth nothing did."""
    rng = np.random.default_rng(seed)
    features_NCG = rng.normal(size=(n, 8, 3)).astype(np.float32)
    features_NCG[..., 2] = features_NCG[..., 2].round()  # many candidates stand exactly on a threshold
    right_NC = features_NCG[..., 0] == features_NCG[..., 0].max(axis=1, keepdims=True)
    right_NC[::10] = False
    return Lists(features_NCG.reshape(-1, 3), right_NC.reshape(-1), np.repeat(np.arange(n), 8))


def quick() -> Boosting:
    return Boosting(least_rows=5, threads=1, most_trees=60)


def test_what_came_next_is_put_first() -> None:
    ranker = learn_ranker(lists(300, 0), lists(100, 1), NAMES, quick())
    asked = lists(100, 2)
    said_NC = ranker.scores(asked.features_SG).reshape(100, 8)
    right_NC = asked.right_S.reshape(100, 8)
    known = right_NC.any(axis=1)
    assert (said_NC.argmax(axis=1) == right_NC.argmax(axis=1))[known].mean() > 0.8
    assert max(ranker.about["gains"], key=lambda name: ranker.about["gains"][name]) == "hint"


def test_onnx_says_what_lightgbm_says_on_thresholds_too() -> None:
    lightgbm = pytest.importorskip("lightgbm")
    taught = lists(300, 0)
    data = lightgbm.Dataset(taught.features_SG, taught.right_S.astype(int), group=taught.sizes)
    booster = lightgbm.train(
        {"objective": "lambdarank", "verbose": -1, "num_threads": 1, "min_data_in_leaf": 5}, data, 30
    )
    ranker = Ranker(to_onnx(booster.dump_model(), 3), NAMES)
    thresholds = [t for tree in booster.dump_model()["tree_info"] for t in _thresholds(tree["tree_structure"])]
    seen = [t for t in thresholds if abs(t) > 1e-30]  # LightGBM takes anything nearer to zero for zero
    on_them = np.float32(np.tile(np.array(seen)[:, None], (1, 3)))
    asked = np.concatenate([taught.features_SG, on_them])
    np.testing.assert_allclose(ranker.scores(asked), booster.predict(asked), atol=1e-5)


def _thresholds(node: dict) -> list[float]:  # type: ignore[type-arg]
    if "leaf_value" in node:
        return []
    return [node["threshold"], *_thresholds(node["left_child"]), *_thresholds(node["right_child"])]


def test_the_same_seed_gives_the_same_ranker() -> None:
    first, second = (learn_ranker(lists(100, 0), lists(50, 1), NAMES, quick()) for _ in range(2))
    asked = lists(20, 3).features_SG
    assert first.scores(asked).tolist() == second.scores(asked).tolist()


def test_without_judges_just_so_many_trees_are_grown() -> None:
    assert learn_ranker(lists(100, 0), None, NAMES, quick(), trees=7).about["trees"] == 7


def test_what_is_saved_answers_the_same(tmp_path: Path) -> None:
    ranker = learn_ranker(lists(100, 0), None, NAMES, quick(), trees=5)
    ranker.save(tmp_path)
    loaded = Ranker.load(tmp_path)
    asked = lists(20, 3).features_SG
    assert loaded.names == NAMES
    assert loaded.scores(asked).tolist() == ranker.scores(asked).tolist()


def test_nothing_that_came_next_is_refused() -> None:
    nothing = lists(10, 0)
    with pytest.raises(DataError, match="nothing to rank by"):
        learn_ranker(
            Lists(nothing.features_SG, np.zeros(80, np.bool_), nothing.owners_S), None, NAMES, quick(), trees=2
        )


def test_other_features_than_were_taught_are_refused() -> None:
    ranker = learn_ranker(lists(100, 0), None, NAMES, quick(), trees=2)
    with pytest.raises(DataError, match="reads 3 features, 2 were given"):
        ranker.scores(np.zeros((4, 2), np.float32))


def test_nothing_asked_is_nothing_answered() -> None:
    ranker = learn_ranker(lists(100, 0), None, NAMES, quick(), trees=2)
    assert ranker.scores(np.empty((0, 3), np.float32)).shape == (0,)


def test_a_damaged_ranker_is_named(tmp_path: Path) -> None:
    ranker = learn_ranker(lists(100, 0), None, NAMES, quick(), trees=2)
    ranker.save(tmp_path)
    (tmp_path / "trees.onnx").write_bytes(b"no graph")
    with pytest.raises(ReleaseError, match="train a new release"):
        Ranker.load(tmp_path)

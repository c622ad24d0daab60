"""Teaches a ranker by grades, to ONNX: the sum of several that err differently, each brought to one spread.

LambdaMART (Burges 2010), boosted regression of the gain, ridge regression of how much a row's gain is above its list's
mean, and a score that was there before. Legend: S rows of all lists below each other, G features, P parts.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.errors import DataError, MissingExtraError
from huaxiang.measure.graded import ndcg_of_lists
from huaxiang.ranking.learning import to_onnx
from huaxiang.ranking.model import Ranker

PARTS: Final = ("lambdarank", "regression", "ridge")
_LEVELS: Final = 31
"""Different grades that LambdaMART tells apart; more are brought to so many, evenly over their range."""
_CHECKED: Final = 10
"""Trees between two looks at the held-out lists."""


@dataclass(frozen=True, slots=True, eq=False)
class GradedLists:
    """Rows that are taught or judged.

    Attributes:
        owners_S: the list of each row, ascending from 0, every number once at least.
    """

    features_SG: NDArray[np.float32]
    grades_S: NDArray[np.float64]
    owners_S: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.grades_S)

    @property
    def n_lists(self) -> int:
        """How many there are."""
        return int(self.owners_S.max(initial=-1)) + 1

    def at(self, rows: NDArray[np.intp]) -> "GradedLists":
        """These rows, whole lists in order."""
        owners = np.unique(self.owners_S[rows], return_inverse=True)[1].astype(np.int64)
        return GradedLists(self.features_SG[rows], self.grades_S[rows], owners)

    def ndcg(self, scores_S: NDArray[np.floating]) -> float:
        """Mean ndcg@10 of the lists that are worth something; NaN where none is."""
        found = ndcg_of_lists(scores_S, self.grades_S, self.owners_S)
        return float(np.nanmean(found)) if np.isfinite(found).any() else math.nan

    def within(self, values_S: NDArray[np.floating]) -> NDArray[np.float64]:
        """Values less the mean of their list; each column by itself."""
        columns = np.asarray(values_S, np.float64).reshape(len(self), -1)
        counts = np.maximum(np.bincount(self.owners_S), 1)
        means = np.stack([np.bincount(self.owners_S, column) / counts for column in columns.T], axis=1)
        return np.asarray((columns - means[self.owners_S]).reshape(np.shape(values_S)), np.float64)

    def gains(self) -> NDArray[np.float64]:
        """`2^g - 1`, of the largest."""
        gains = np.exp2(self.grades_S) - 1.0
        return np.asarray(gains / max(float(np.abs(gains).max(initial=0.0)), 1e-9), np.float64)


@dataclass(frozen=True, slots=True)
class GradedBoosting:
    """Settings, chosen on validation queries: see experiments/LOG.md.

    Attributes:
        leaves: of a tree of LambdaMART, and of the regression.
        ridge: rows that the penalty counts as, of those taught.
    """

    learning_rate: float = 0.03
    leaves: tuple[int, int] = (7, 15)
    least_rows: int = 40
    shrinkage: float = 5.0
    share_of_features: float = 0.5
    share_of_rows: float = 0.7
    most_trees: tuple[int, int] = (300, 500)
    truncation: int = 20
    ridge: float = 1e-3
    threads: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """A ranker, and what it would have said of each row had it not met the row's list."""

    ranker: Ranker
    held_out_S: NDArray[np.float64]


def learn_graded(
    lists: GradedLists,
    names: tuple[str, ...],
    how: GradedBoosting | None = None,
    *,
    before: str | None = None,
    seeds: Sequence[int] = (0, 1, 2),
    n_folds: int = 4,
) -> Learned:
    """A ranker over `names`; trees are counted and parts brought to one spread by lists held out in turn.

    Args:
        before: the feature that is a score already and was fitted on none of these lists; it joins the sum.
    Raises:
        DataError: fewer lists than folds, or none with rows of different grades.
        MissingExtraError: LightGBM is not installed.
    """
    how = how or GradedBoosting()
    if lists.n_lists < n_folds or not lists.within(lists.grades_S).any():
        raise DataError(f"{lists.n_lists} lists to learn from, too few or none with rows of different grades")
    trees = [_Trees(kind, lists, how) for kind in PARTS[:2]]
    fold_S = _folds(lists.n_lists, n_folds, seeds[0])[lists.owners_S]
    held = [*(each.held_out(lists, fold_S, seeds[0]) for each in trees), _ridge_held_out(lists, fold_S, how.ridge)]
    at_score = [] if before is None else [names.index(before)]
    held += [lists.features_SG[:, at].astype(np.float64) for at in at_score]
    spreads = [max(float(lists.within(said_S).std()), 1e-9) for said_S in held]
    held_out_S = np.sum([said_S / spread for said_S, spread in zip(held, spreads, strict=True)], axis=0)
    dumps = [each.grown(lists, seeds, spread) for each, spread in zip(trees, spreads, strict=False)]
    weights_G = _ridge(lists, how.ridge) / spreads[2]
    weights_G[at_score] += 1.0 / spreads[-1]
    parts = (*PARTS, *(names[at] for at in at_score), "all")
    ndcg = {name: round(lists.ndcg(said_S), 5) for name, said_S in zip(parts, [*held, held_out_S], strict=True)}
    counts = {each.kind: each.n_trees for each in trees}
    gains = _shares(names, sum(gains for _, gains in dumps))
    about = {"trees": counts, "n_lists": lists.n_lists, "held_out_ndcg": ndcg, "gains": gains}
    model = to_onnx({"tree_info": [tree for found, _ in dumps for tree in found]}, len(names))
    return Learned(Ranker(_with_line(model, weights_G), names, about), held_out_S)


def _folds(n_lists: int, n_folds: int, seed: int) -> NDArray[np.int64]:
    """A fold for each list, even in number and drawn by the seed."""
    fold_Q = np.arange(n_lists) % n_folds
    np.random.default_rng(seed).shuffle(fold_Q)
    return fold_Q


class _Trees:
    """Boosted trees of one kind; how many are grown is chosen once by held-out lists."""

    def __init__(self, kind: str, lists: GradedLists, how: GradedBoosting) -> None:
        try:
            import lightgbm
        except ImportError as error:
            raise MissingExtraError("a learned ranker", "train") from error
        self.kind, self.how, self.lightgbm = kind, how, lightgbm
        self.most = how.most_trees[PARTS.index(kind)]
        self.n_trees = self.most
        met = np.unique(lists.grades_S)
        self.levels = met if len(met) <= _LEVELS else np.linspace(met[0], met[-1], _LEVELS)

    def held_out(self, lists: GradedLists, fold_S: NDArray[np.int64], seed: int) -> NDArray[np.float64]:
        """What trees of the other folds say of each row, as many as are best for all of them together."""
        steps = range(0, self.most, _CHECKED)
        said_TS = np.zeros((len(steps), len(lists)))
        for fold in np.unique(fold_S):
            held = np.flatnonzero(fold_S == fold)
            booster = self._grow(lists.at(np.flatnonzero(fold_S != fold)), seed, self.most)
            for row, start in enumerate(steps):
                part = lists.features_SG[held]
                said_TS[row, held] = booster.predict(part, start_iteration=start, num_iteration=_CHECKED)
        summed_TS = np.cumsum(said_TS, axis=0)
        best = int(np.argmax([lists.ndcg(said_S) for said_S in summed_TS]))
        self.n_trees = min((best + 1) * _CHECKED, self.most)
        return np.asarray(summed_TS[best], np.float64)

    def grown(
        self, lists: GradedLists, seeds: Sequence[int], spread: float
    ) -> tuple[list[dict[str, Any]], NDArray[np.float64]]:
        """Trees of all rows and seeds whose sum is the mean over seeds in units of `spread`; what each feature gave."""
        found: list[dict[str, Any]] = []
        gains_G = np.zeros(lists.features_SG.shape[1])
        for seed in seeds:
            booster = self._grow(lists, seed, self.n_trees)
            trees = booster.dump_model()["tree_info"]
            for tree in trees:
                _scale(tree["tree_structure"], 1.0 / (len(seeds) * spread))
            found += trees
            gains_G += booster.feature_importance("gain")
        return found, gains_G / max(float(gains_G.sum()), 1e-9)

    def _grow(self, lists: GradedLists, seed: int, n_trees: int) -> Any:
        how, ranks = self.how, self.kind == PARTS[0]
        labels = self._level_of(lists.grades_S) if ranks else lists.gains()
        data = self.lightgbm.Dataset(
            lists.features_SG, labels, group=np.bincount(lists.owners_S) if ranks else None, free_raw_data=True
        )
        asked: dict[str, Any] = {
            "objective": "lambdarank" if ranks else "regression",
            "learning_rate": how.learning_rate,
            "num_leaves": how.leaves[PARTS.index(self.kind)],
            "min_data_in_leaf": how.least_rows,
            "lambda_l2": how.shrinkage,
            "feature_fraction": how.share_of_features,
            "bagging_fraction": how.share_of_rows,
            "bagging_freq": 1,
            "seed": seed,
            "num_threads": how.threads,
            "deterministic": True,
            "force_row_wise": True,
            "verbose": -1,
        }
        if ranks:
            gains = np.exp2(self.levels) - 1.0
            asked |= {"label_gain": (gains - min(float(gains[0]), 0.0)).tolist()}
            asked |= {"lambdarank_truncation_level": how.truncation}
        return self.lightgbm.train(asked, data, n_trees)

    def _level_of(self, grades_S: NDArray[np.float64]) -> NDArray[np.int64]:
        """The nearest level of each grade, as the whole number that LambdaMART asks for."""
        return np.searchsorted((self.levels[1:] + self.levels[:-1]) / 2.0, grades_S).astype(np.int64)


def _scale(node: dict[str, Any], factor: float) -> None:
    if "leaf_value" in node:
        node["leaf_value"] *= factor
        return
    _scale(node["left_child"], factor)
    _scale(node["right_child"], factor)


def _ridge(lists: GradedLists, penalty: float) -> NDArray[np.float64]:
    """Weights of the features, shape (G,), for how much a row's gain is above its list's mean."""
    within_SG, wanted_S = lists.within(lists.features_SG), lists.within(lists.gains())
    spread_G = within_SG.std(axis=0)
    spread_G[spread_G < 1e-6] = np.inf  # a feature that never differs within a list says nothing
    unit_SG = within_SG / spread_G
    squares_GG = unit_SG.T @ unit_SG + penalty * len(lists) * np.eye(unit_SG.shape[1])
    return np.asarray(np.linalg.solve(squares_GG, unit_SG.T @ wanted_S) / spread_G, np.float64)


def _ridge_held_out(lists: GradedLists, fold_S: NDArray[np.int64], penalty: float) -> NDArray[np.float64]:
    said_S = np.zeros(len(lists))
    for fold in np.unique(fold_S):
        held = np.flatnonzero(fold_S == fold)
        said_S[held] = lists.features_SG[held] @ _ridge(lists.at(np.flatnonzero(fold_S != fold)), penalty)
    return said_S


def _shares(names: Sequence[str], gains_G: Any) -> dict[str, float]:
    """Share of the trees' whole gain that each feature brought, largest first."""
    return {names[at]: round(float(gains_G[at] / max(gains_G.sum(), 1e-9)), 4) for at in np.argsort(-gains_G)}


def _with_line(model: bytes, weights_G: NDArray[np.float64]) -> bytes:
    """The graph of trees plus a linear sum of the same features."""
    from onnx import ModelProto, helper, numpy_helper

    graph_model = ModelProto.FromString(model)
    graph = graph_model.graph
    graph.node[0].output[0] = "trees"
    graph.initializer.append(numpy_helper.from_array(weights_G.astype(np.float32)[:, None], "weights"))
    graph.node.append(helper.make_node("MatMul", [graph.input[0].name, "weights"], ["line"]))
    graph.node.append(helper.make_node("Add", ["trees", "line"], [graph.output[0].name]))
    return bytes(graph_model.SerializeToString())

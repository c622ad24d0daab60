"""Teaches the ranker: LambdaMART (Burges 2010) by LightGBM over the candidates of many histories, then to ONNX.

Legend: S candidates of all histories below each other, G features, N histories, P nodes of all trees.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.errors import DataError, MissingExtraError
from huaxiang.ranking.model import Ranker

_OPSET: Final = 3
_IR_VERSION: Final = 10


@dataclass(frozen=True, slots=True, eq=False)
class Lists:
    """Candidates that are taught or judged.

    Attributes:
        features_SG: rows, the candidates of one history together.
        right_S: which of them came next.
        owners_S: the history of each row, ascending; not every number need occur.
    """

    features_SG: NDArray[np.float32]
    right_S: NDArray[np.bool_]
    owners_S: NDArray[np.int64]

    def with_an_answer(self) -> "Lists":
        """Only the lists that hold what came next: the others teach nothing about order."""
        kept_S = np.isin(self.owners_S, np.unique(self.owners_S[self.right_S]))
        return Lists(self.features_SG[kept_S], self.right_S[kept_S], self.owners_S[kept_S])

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Rows of each list."""
        return np.unique(self.owners_S, return_counts=True)[1]


@dataclass(frozen=True, slots=True)
class Boosting:
    """Settings of the trees; found on validation, see experiments/LOG.md."""

    learning_rate: float = 0.05
    leaves: int = 31
    least_rows: int = 100
    shrinkage: float = 5.0
    share_of_features: float = 0.6
    share_of_lists: float = 0.8
    most_trees: int = 400
    patience: int = 40
    truncation: int = 20
    seed: int = 0
    threads: int = 0


def learn_ranker(
    taught: Lists, judged: Lists | None, names: tuple[str, ...], settings: Boosting | None = None, *, trees: int = 0
) -> Ranker:
    """A ranker; `judged` lists choose the number of trees by ndcg@10 and teach nothing.

    Args:
        trees: grow just so many, when nothing judges.
    Raises:
        DataError: no list holds what came next. MissingExtraError: LightGBM is not installed.
    """
    try:
        import lightgbm
    except ImportError as error:
        raise MissingExtraError("a learned ranker", "train") from error
    how = settings or Boosting()
    taught = taught.with_an_answer()
    if not taught.right_S.any():
        raise DataError("no candidate came next in any history; there is nothing to rank by")
    data = lightgbm.Dataset(taught.features_SG, taught.right_S.astype(int), group=taught.sizes, free_raw_data=False)
    valid: list[Any] = []
    callbacks: list[Any] = []
    if judged is not None:
        judged = judged.with_an_answer()
        valid = [data.create_valid(judged.features_SG, judged.right_S.astype(int), group=judged.sizes)]
        callbacks = [lightgbm.early_stopping(how.patience, verbose=False)]
    n_trees = trees or how.most_trees
    booster = lightgbm.train(_parameters(how), data, n_trees, valid_sets=valid, callbacks=callbacks)
    kept = int(booster.best_iteration) if judged is not None else n_trees
    about = {"trees": kept, "gains": _gains(booster, names, kept)}
    return Ranker(to_onnx(booster.dump_model(num_iteration=kept), len(names)), names, about)


def _parameters(how: Boosting) -> dict[str, Any]:
    return {
        "objective": "lambdarank",
        "metric": "ndcg",
        "eval_at": [10],
        "learning_rate": how.learning_rate,
        "num_leaves": how.leaves,
        "min_data_in_leaf": how.least_rows,
        "lambda_l2": how.shrinkage,
        "feature_fraction": how.share_of_features,
        "bagging_fraction": how.share_of_lists,
        "bagging_by_query": True,
        "bagging_freq": 1,
        "lambdarank_truncation_level": how.truncation,
        "label_gain": [0, 1],
        "seed": how.seed,
        "num_threads": how.threads,
        "deterministic": True,
        "force_row_wise": True,
        "verbose": -1,
    }


def _gains(booster: Any, names: tuple[str, ...], trees: int) -> dict[str, float]:
    """Share of the whole gain that each feature brought, largest first."""
    gains_G = booster.feature_importance("gain", iteration=trees)
    total = float(gains_G.sum()) or 1.0
    order = np.argsort(-gains_G, kind="stable")
    return {names[at]: round(float(gains_G[at]) / total, 4) for at in order}


def to_onnx(dumped: Mapping[str, Any], n_features: int) -> bytes:
    """LightGBM's dumped trees as one `TreeEnsembleRegressor`, from (C, G) to (C, 1).

    LightGBM compares in float64: a threshold is rounded down to float32, which parts float32 numbers just the same.
    """
    from onnx import TensorProto, helper

    nodes = [node for n, tree in enumerate(dumped["tree_info"]) for node in _nodes(n, tree["tree_structure"])]
    leaves = [node for node in nodes if node["mode"] == "LEAF"]
    columns: dict[str, Any] = {
        "nodes_treeids": [node["tree"] for node in nodes],
        "nodes_nodeids": [node["at"] for node in nodes],
        "nodes_featureids": [node["feature"] for node in nodes],
        "nodes_values": [node["value"] for node in nodes],
        "nodes_modes": [node["mode"] for node in nodes],
        "nodes_truenodeids": [node["yes"] for node in nodes],
        "nodes_falsenodeids": [node["no"] for node in nodes],
        "target_treeids": [node["tree"] for node in leaves],
        "target_nodeids": [node["at"] for node in leaves],
        "target_ids": [0] * len(leaves),
        "target_weights": [node["weight"] for node in leaves],
    }
    made = helper.make_node(
        "TreeEnsembleRegressor", ["features"], ["scores"], domain="ai.onnx.ml", n_targets=1, **columns
    )
    asked = helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, n_features])
    said = helper.make_tensor_value_info("scores", TensorProto.FLOAT, [None, 1])
    graph = helper.make_graph([made], "ranker", [asked], [said])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", _OPSET)]
    return bytes(helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION).SerializeToString())


def _nodes(tree: int, root: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Nodes of a tree, numbered as they are met."""
    waiting, met = [(0, root)], 1
    while waiting:
        at, node = waiting.pop()
        if "leaf_value" in node:
            yield _node(tree, at, weight=float(node["leaf_value"]))
            continue
        yes, no, met = met, met + 1, met + 2
        yield _node(tree, at, feature=node["split_feature"], value=_below(node["threshold"]), yes=yes, no=no)
        waiting += [(yes, node["left_child"]), (no, node["right_child"])]


def _node(
    tree: int, at: int, *, feature: int = 0, value: float = 0.0, yes: int = 0, no: int = 0, weight: float | None = None
) -> dict[str, Any]:
    mode = "BRANCH_LEQ" if weight is None else "LEAF"
    said = {"tree": tree, "at": at, "mode": mode, "feature": feature, "value": value}
    return said | {"yes": yes, "no": no, "weight": weight}


def _below(threshold: float) -> float:
    """The largest float32 that is no larger."""
    rounded = np.float32(threshold)
    return float(rounded if float(rounded) <= threshold else np.nextafter(rounded, np.float32(-np.inf)))

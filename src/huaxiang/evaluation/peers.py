"""Other people's recommenders on the same questions, where their package is installed.

Legend: N users, M items, K places of a list.
"""

import importlib
import importlib.util
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from huaxiang.errors import MissingExtraError
from huaxiang.evaluation.questions import K, Questions
from huaxiang.retrieval.base import Interactions

PEERS: Final = ("ItemKNN", "ALS", "BPR")


def fit_peer(name: str, interactions: Interactions, asked: Questions, *, seed: int) -> NDArray[np.int64]:
    """Lists of shape (N, K) by a model of the package `implicit`, seen items left out; -1 where a list ends early.

    ItemKNN and ALS read the history that is asked with; BPR knows people by their number, as they were when it was
    taught.

    Raises:
        MissingExtraError: the package is not installed.
    """
    if importlib.util.find_spec("implicit") is None:
        raise MissingExtraError(f"the peer {name}", "peers")
    with _one_blas_thread():
        model = _model(name, seed)
    ones_E = np.ones(len(interactions.items_E), np.float32)
    shape = (interactions.n_users, interactions.n_items)
    met_NM = sparse.csr_matrix(sparse.coo_matrix((ones_E, (interactions.users_E, interactions.items_E)), shape))
    with _one_blas_thread():
        model.fit(met_NM, show_progress=False)
    users = np.repeat(np.arange(len(asked)), [len(history) for history in asked.histories])
    items = np.concatenate([history.items_L for history in asked.histories])
    inputs = (np.ones(len(items), np.float32), (users, items))
    inputs_NM = sparse.csr_matrix(sparse.coo_matrix(inputs, (len(asked), interactions.n_items)))
    again = {} if name == "BPR" else {"recalculate_user": True}
    lists_NK = np.full((len(asked), K), -1, np.int64)
    for start in range(0, len(asked), 1000):
        part = np.arange(start, min(start + 1000, len(asked)))
        who = asked.users_N[part] if name == "BPR" else part
        ids_NK, _ = model.recommend(who, inputs_NM[part], N=K, filter_already_liked_items=True, **again)
        lists_NK[part, : ids_NK.shape[1]] = ids_NK
    return lists_NK


def _one_blas_thread() -> Any:
    """implicit has threads of its own, and says that BLAS must have none beside them."""
    return importlib.import_module("threadpoolctl").threadpool_limits(1, "blas")


def _model(name: str, seed: int) -> Any:
    if name == "ALS":
        return importlib.import_module("implicit.als").AlternatingLeastSquares(factors=128, random_state=seed)
    if name == "BPR":
        return importlib.import_module("implicit.bpr").BayesianPersonalizedRanking(factors=128, random_state=seed)
    return importlib.import_module("implicit.nearest_neighbours").CosineRecommender(K=100)

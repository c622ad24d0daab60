"""Other people's recommenders on the same questions, where their package is installed.

Legend: N users, M items.
"""

import importlib
import importlib.util
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from huaxiang.errors import MissingExtraError
from huaxiang.evaluation.questions import MISSED, Questions
from huaxiang.retrieval.base import Interactions

PEERS: Final = ("ItemKNN", "ALS")
_SHOWN: Final = 100


def fit_peer(name: str, interactions: Interactions, asked: Questions, *, seed: int) -> NDArray[np.int64]:
    """Rank of each target, shape (N,), by a model of the package `implicit`; beyond rank 100 it counts as missed.

    Raises:
        MissingExtraError: the package is not installed.
    """
    if importlib.util.find_spec("implicit") is None:
        raise MissingExtraError(f"the peer {name}", "peers")
    model = _model(name, seed)
    ones_E = np.ones(len(interactions.items_E), np.float32)
    shape = (interactions.n_users, interactions.n_items)
    met_NM = sparse.csr_matrix(sparse.coo_matrix((ones_E, (interactions.users_E, interactions.items_E)), shape))
    model.fit(met_NM, show_progress=False)
    users = np.repeat(np.arange(len(asked)), [len(history) for history in asked.histories])
    items = np.concatenate([history.items_L for history in asked.histories])
    inputs = (np.ones(len(items), np.float32), (users, items))
    inputs_NM = sparse.csr_matrix(sparse.coo_matrix(inputs, (len(asked), interactions.n_items)))
    ranks_N = np.full(len(asked), MISSED, np.int64)
    for start in range(0, len(asked), 1000):
        part = np.arange(start, min(start + 1000, len(asked)))
        ids_NK, _ = model.recommend(
            part, inputs_NM[part], N=_SHOWN, filter_already_liked_items=True, recalculate_user=True
        )
        rows, places = np.nonzero(ids_NK == asked.targets_N[part, None])
        ranks_N[part[rows]] = places
    return ranks_N


def _model(name: str, seed: int) -> Any:
    if name == "ALS":
        return importlib.import_module("implicit.als").AlternatingLeastSquares(factors=128, random_state=seed)
    return importlib.import_module("implicit.nearest_neighbours").CosineRecommender(K=100)

"""Items like an item: by text, and by what people do.

Legend: M items.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from huaxiang.pipeline.scoring import best_among, fuse, padded, standardise
from huaxiang.retrieval.base import History, Retriever
from huaxiang.retrieval.live import Snapshot
from huaxiang.types import ItemId, Ranked


def similar(
    item_id: ItemId,
    k: int,
    items: Snapshot,
    alive_M: NDArray[np.bool_],
    retrievers: Mapping[str, Retriever],
    weights: Mapping[str, float],
) -> Ranked:
    """The `k` items nearest to one, best first; popular ones for an item never seen.

    Args:
        alive_M: shape (M,); which items may be named.
        weights: of the release's parts; text and transitions count a tenth at least.
    """
    at = items.position(item_id)
    if at < 0:
        fused_M = padded(retrievers["popular"].scores([History.of([])])[0], len(items)).astype(np.float64)
    else:
        graph_M = np.zeros(len(items), np.float32)
        graph = retrievers["transitions"]
        if at < graph.n_items:
            near, scores = graph.similar(at, 4 * k)
            graph_M[near] = scores
        text_M = items.products(items.vectors_MD[at][None])[0]
        used = {name: max(weights.get(name, 0.0), 0.1) for name in ("transitions", "content")}
        fused_M = fuse({"transitions": standardise(graph_M), "content": standardise(text_M)}, used)
    alive_A = np.flatnonzero(alive_M)
    alive_A = alive_A[alive_A != at]
    order = best_among(fused_M, alive_A, k)
    return Ranked(tuple(items.item_ids[j] for j in order), fused_M[order].astype(np.float32))

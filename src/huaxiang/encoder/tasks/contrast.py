"""The task `contrast`: a history or a query against the item that was taken, by one encoder for both.

Legend: B pairs of a batch, M different items among them, N pairs, P items near a pair's own, D width.
"""

from __future__ import annotations

import time
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.encoder.batches import Rows, cut
from huaxiang.encoder.heads.ngrams import Ngrams
from huaxiang.encoder.heldout import Retrieval, Validation
from huaxiang.encoder.tasks.base import Score

if TYPE_CHECKING:
    import torch

    from huaxiang.encoder.model import Network

TEMPERATURE: Final = 0.1
"""Chosen with the rate of the small network by validation recall after 60 steps."""
MAX_TOKENS: Final = 64
"""Where texts are cut while training: a step of 64 tokens costs two thirds of one of 96."""
_NEAR: Final = 20
"""Items that hard negatives are drawn from. The very nearest alone would be the same few in each epoch, and many of
them nobody took by chance alone."""
_CHUNK: Final = 256


class Contrast:
    """Each pair's item among the different items of the batch (van den Oord et al. 2018).

    Args:
        items: each different item text, none blank.
        pairs: a history or a query and the index in `items` of what was taken; none is in `held`.
        held: what judges; may be without pairs.
        batch_size: pairs of a batch; with the items' shares it says how often an item is drawn.
        hard: negatives drawn for each pair from `near`, beside those of the batch.
        near: shape `(N, P)`, items to draw them from, -1 where there are fewer; see `near_items`.
        rng: draws the hard negatives.
    """

    name = "contrast"

    def __init__(
        self,
        items: Sequence[str],
        pairs: Sequence[tuple[str, int]],
        held: Validation,
        *,
        batch_size: int,
        hard: int = 0,
        near: NDArray[np.int64] | None = None,
        rng: np.random.Generator | None = None,
        temperature: float = TEMPERATURE,
        max_tokens: int = MAX_TOKENS,
    ) -> None:
        import torch

        self._items, self._pairs, self._held = items, pairs, held
        self._hard, self._near, self._rng = hard if near is not None else 0, near, rng or np.random.default_rng(0)
        self._temperature, self._max_tokens = temperature, max_tokens
        self._positive_N = np.array([item for _, item in pairs], dtype=np.int64)
        count_M = drawn(self._positive_N, len(items), self._hard, near)
        self._log_drawn_M = log_drawn(count_M, batch_size * count_M.sum() / max(len(pairs), 1))
        self.lengths: Sequence[int] = [len(query) for query, _ in pairs]
        self.head: Any = torch.nn.Identity()

    def loss(self, network: Network, rows: Sequence[int]) -> torch.Tensor:
        """Cross-entropy in nats; text becomes tokens here, so that a hundred thousand pairs are held as text alone."""
        import torch

        positive_B = self._positive_N[list(rows)]
        shown_M = np.unique(np.concatenate([positive_B, self._negatives(rows)]))
        return info_nce(
            network.vectors(self._read(network, [self._pairs[i][0] for i in rows])).float(),
            network.vectors(self._read(network, [self._items[i] for i in shown_M])).float(),
            torch.from_numpy(np.searchsorted(shown_M, positive_B)),
            torch.from_numpy(self._log_drawn_M[shown_M]),
            self._temperature,
        )

    def validate(self, network: Network) -> Score:
        """Mean reciprocal rank of the items that held-out people took."""
        return as_score(self._held.check(network))

    def _read(self, network: Network, texts: Sequence[str]) -> Rows:
        return cut(network.tokens.ids(texts), self._max_tokens)

    def _negatives(self, rows: Sequence[int]) -> NDArray[np.int64]:
        """Up to `hard` items for each of these pairs, drawn from those near its own."""
        if not self._hard or self._near is None:
            return np.zeros(0, dtype=np.int64)
        near_BP = self._near[list(rows)]
        order_BP = np.where(near_BP >= 0, self._rng.random(near_BP.shape), 2.0).argsort(axis=1)[:, : self._hard]
        drawn_BP = np.take_along_axis(near_BP, order_BP, axis=1)
        return drawn_BP[drawn_BP >= 0]


def as_score(found: Retrieval) -> Score:
    """What the training loop needs to know of a check."""
    return Score(found.mrr, {"recall": found.recall, "mrr": found.mrr}, found.seconds)


def info_nce(
    queries_BD: torch.Tensor,
    items_MD: torch.Tensor,
    positive_B: torch.Tensor,
    log_drawn_M: torch.Tensor,
    temperature: float,
) -> torch.Tensor:
    """Cross-entropy of each query's item among the different items of the batch (van den Oord et al. 2018), in nats.

    `log_drawn_M` is subtracted from the scores: a popular item is a negative in more batches than a rare one, and
    uncorrected the encoder would learn to push popular items away (Yi et al. 2019). An item that several queries share
    is one column, so nobody's positive is another one's negative copy.
    """
    from torch.nn.functional import cross_entropy

    return cross_entropy(queries_BD @ items_MD.T / temperature - log_drawn_M, positive_B)


def drawn(
    positive_N: NDArray[np.int64], n_items: int, hard: int, near: NDArray[np.int64] | None
) -> NDArray[np.float64]:
    """How often each item is a column in an epoch, shape `(n_items,)`: as a positive, and as a hard negative drawn
    evenly from those near a pair's own."""
    count_M = np.bincount(positive_N, minlength=n_items).astype(np.float64)
    if hard and near is not None:
        known_NP = near >= 0
        chance_N1 = np.minimum(1.0, hard / np.maximum(known_NP.sum(axis=1, keepdims=True), 1))
        weights = np.broadcast_to(chance_N1, near.shape)[known_NP]
        count_M += np.bincount(near[known_NP], weights=weights, minlength=n_items)
    return count_M


def log_drawn(count_M: NDArray[np.float64], n_draws: float) -> NDArray[np.float32]:
    """Log of the chance that an item is a column of a batch of `n_draws` draws by these counts, each with a half
    added, so that an item that nobody took yet has a chance too."""
    share_M = count_M + 0.5
    share_M /= share_M.sum()
    chance_M = -np.expm1(n_draws * np.log1p(-np.minimum(share_M, 1.0 - 1e-9)))
    return np.asarray(np.log(chance_M), dtype=np.float32)


def near_items(
    items: Sequence[str],
    pairs: Sequence[tuple[str, int]],
    owners: Sequence[Sequence[Hashable]],
    *,
    most: int = _NEAR,
    seconds: float = 60.0,
) -> tuple[NDArray[np.int64], float]:
    """Items that read like a pair's own, by n-grams, and that nobody who owns the pair ever took.

    Args:
        owners: of each pair, such as a person and a query; what any of them took in any pair is left out.
        seconds: for the search; positives that are not reached have no near items.

    Returns:
        Shape `(N, most)`, the nearest first, -1 where there are fewer; and the share of the different items taken that
        was reached.
    """
    positive_N = np.array([item for _, item in pairs], dtype=np.int64)
    taken: dict[Hashable, set[int]] = {}
    for item, owned in zip(positive_N.tolist(), owners, strict=True):
        for owner in owned:
            taken.setdefault(owner, set()).add(item)
    nearest, reached = _nearest(items, np.unique(positive_N), 2 * most, seconds)
    near_NP = np.full((len(pairs), most), -1, dtype=np.int64)
    for row, (item, owned) in enumerate(zip(positive_N.tolist(), owners, strict=True)):
        known = set[int]().union({item}, *(taken[owner] for owner in owned))
        left = [other for other in nearest.get(item, ()) if other not in known][:most]
        near_NP[row, : len(left)] = left
    return near_NP, reached


def _nearest(
    items: Sequence[str], asked: NDArray[np.int64], most: int, seconds: float
) -> tuple[dict[int, list[int]], float]:
    """Of each asked item those with the largest product of n-gram weights, above 0; and the share that was reached."""
    began = time.monotonic()
    weights_MF = Ngrams(min_df=2, max_features=200_000).fit(items).transform(items)
    columns_FM = weights_MF.T.tocsr()
    found: dict[int, list[int]] = {}
    for start in range(0, len(asked), _CHUNK):
        if time.monotonic() - began > seconds:
            break
        chunk = asked[start : start + _CHUNK]
        alike_CM = (weights_MF[chunk] @ columns_FM).tocsr()
        for row, item in enumerate(chunk.tolist()):
            of_row = slice(alike_CM.indptr[row], alike_CM.indptr[row + 1])
            others, alike = alike_CM.indices[of_row], alike_CM.data[of_row]
            order = np.lexsort((others, -alike))[: most + 1]
            found[item] = [other for other in others[order].tolist() if other != item][:most]
    return found, len(found) / max(len(asked), 1)

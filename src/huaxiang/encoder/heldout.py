"""How well held-out histories find the item that came next: what early stopping watches.

Legend: N held-out pairs, M items, D width.
"""

from __future__ import annotations

import math
import time
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.encoder.batches import Rows
from huaxiang.encoder.tokens import Tokens
from huaxiang.types import Vectors

if TYPE_CHECKING:
    from huaxiang.encoder.model import Network

MAX_ITEMS: Final = 1_000
MAX_PAIRS: Final = 300
K: Final = 10
_RUN: Final = 32
"""Without users, runs of this many pairs are held out together: pairs of one person usually stand in a row."""


@dataclass(frozen=True, slots=True)
class Retrieval:
    """Recall at k and mean reciprocal rank of the next item among `n_items` by cosine; NaN without pairs.

    Attributes:
        seconds: what it took to find out.
    """

    recall: float
    mrr: float
    k: int
    n_pairs: int
    n_items: int
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Validation:
    """Held-out pairs and the items they are looked for among, as token ids; at most `MAX_ITEMS` of a large catalogue.

    Attributes:
        positive_N: index in `items` of what came next.
    """

    histories: Rows
    positive_N: NDArray[np.int64]
    items: Rows

    @classmethod
    def of(
        cls, tokens: Tokens, held: Sequence[tuple[str, int]], items: Sequence[str], rng: np.random.Generator
    ) -> Validation:
        """Choose the items: all, or every positive and a random rest, so that a check stays affordable."""
        positive_N = np.array([item for _, item in held], dtype=np.int64)
        chosen_M = np.arange(len(items))
        if len(items) > MAX_ITEMS:
            needed = np.unique(positive_N)
            drawn = rng.permutation(np.setdiff1d(chosen_M, needed))[: max(MAX_ITEMS - len(needed), 0)]
            chosen_M = np.sort(np.concatenate([needed, drawn]))
        histories = tokens.ids([history for history, _ in held])
        return cls(histories, np.searchsorted(chosen_M, positive_N), tokens.ids([items[i] for i in chosen_M.tolist()]))

    def check(self, network: Network) -> Retrieval:
        """Encode both sides with the network as it is, and rank."""
        if not self.histories:
            return Retrieval(math.nan, math.nan, K, 0, len(self.items))
        began = time.monotonic()
        queries_ND, items_MD = network.encode_ids(self.histories).numpy(), network.encode_ids(self.items).numpy()
        found = check_retrieval(queries_ND, items_MD, self.positive_N)
        return replace(found, seconds=time.monotonic() - began)


def check_retrieval(queries_ND: Vectors, items_MD: Vectors, positive_N: NDArray[np.int64], k: int = K) -> Retrieval:
    """Rank the right item of each query; ties count against it, so equal vectors for everything earn nothing."""
    n = len(positive_N)
    ranks = np.empty(n, dtype=np.int64)
    for start in range(0, n, 256):
        chunk = slice(start, start + 256)
        scores_NM = queries_ND[chunk] @ items_MD.T
        right_N1 = scores_NM[np.arange(len(scores_NM)), positive_N[chunk]][:, None]
        ranks[chunk] = (scores_NM >= right_N1).sum(axis=1)
    return Retrieval(float((ranks <= k).mean()), float((1.0 / ranks).mean()), k, n, len(items_MD))


def hold_out(
    n_pairs: int, users: Sequence[Hashable] | None, rng: np.random.Generator, share: float, at_most: int
) -> tuple[list[int], list[int]]:
    """Indices of training and validation pairs: no user is in both.

    Without `users` whole runs of neighbouring pairs are held out instead.
    """
    owners: list[Hashable] = [i // _RUN for i in range(n_pairs)] if users is None else list(users)
    distinct = list(dict.fromkeys(owners))
    if len(distinct) < 2:
        return list(range(n_pairs)), []
    sizes = dict.fromkeys(distinct, 0)
    for owner in owners:
        sizes[owner] += 1
    wanted = min(max(int(n_pairs * share), 1), at_most)
    held: set[Hashable] = set()
    taken = 0
    for at in rng.permutation(len(distinct))[: len(distinct) // 2]:
        if taken >= wanted:
            break
        held.add(distinct[at])
        taken += sizes[distinct[at]]
    train = [i for i, owner in enumerate(owners) if owner not in held]
    return train, [i for i, owner in enumerate(owners) if owner in held]

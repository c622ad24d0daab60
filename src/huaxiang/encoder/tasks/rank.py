"""The task `rank`: does this history fit this item, read together (a cross-encoder; Nogueira & Cho 2019).

Legend: N rows, one for each pair of a history and an item; B lists of a batch, D width.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.encoder.batches import Rows
from huaxiang.encoder.tasks.base import Score
from huaxiang.measure.lists import auc, list_figures

if TYPE_CHECKING:
    import torch

    from huaxiang.encoder.model import Network

LIST_SIZE: Final = 8
"""Of a longer list so many rows are drawn for a step, so that what a step costs is bounded."""
_DROPOUT: Final = 0.1


@dataclass(frozen=True, slots=True)
class Judged:
    """Token ids of pairs, what each is worth, and which list it is in.

    Attributes:
        gains_N: 0 where the item was not taken; 1 for a click, 2 for a purchase, or what the label says.
        list_N: number of a person's, a query's or a page's list.
    """

    rows: Rows
    gains_N: NDArray[np.float64]
    list_N: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rows)

    def lists(self) -> list[NDArray[np.int64]]:
        """Rows of each list in which not all are worth the same: the others teach no order."""
        order_N = np.argsort(self.list_N, kind="stable")
        ends = np.flatnonzero(np.diff(self.list_N[order_N], prepend=np.nan))
        found = np.split(order_N, ends[1:]) if len(order_N) else []
        return [each for each in found if np.ptp(self.gains_N[each]) > 0]


class Rank:
    """The mean-pooled vector of a pair under a linear layer that gives one score.

    Args:
        train, held: what is learned from and what judges; `held` may be empty.
        listwise: cross-entropy of the softmax over a list against its shares of the gain (Cao et al. 2007); else the
            binary cross-entropy of each row, in which a positive row counts as often as it is worth.
        rng: draws rows of lists longer than `LIST_SIZE`.
    """

    name = "rank"

    def __init__(self, train: Judged, held: Judged, d: int, *, listwise: bool, rng: np.random.Generator) -> None:
        import torch

        self._train, self._held, self._listwise, self._rng = train, held, listwise, rng
        lengths_N = np.array([len(row) for row in train.rows])
        self._lists = train.lists() if listwise else []
        self.lengths: Sequence[int] = (
            [int(lengths_N[each].max()) for each in self._lists] if listwise else lengths_N.tolist()
        )
        self.head: Any = scoring_head(d)
        self._drop = torch.nn.Dropout(_DROPOUT)

    def loss(self, network: Network, rows: Sequence[int]) -> torch.Tensor:
        """Of these lists, or of these rows; in nats."""
        if not self._listwise:
            return self._pointwise(network, rows)
        lists = [self._some(self._lists[i]) for i in rows]
        scores_N = self._scores(network, np.concatenate(lists).tolist())
        return listwise_loss(scores_N, [self._train.gains_N[each] for each in lists])

    def _pointwise(self, network: Network, rows: Sequence[int]) -> torch.Tensor:
        import torch
        from torch.nn.functional import binary_cross_entropy_with_logits

        gains_N = torch.from_numpy(self._train.gains_N[list(rows)]).float()
        weights_N = torch.where(gains_N > 0, gains_N, 1.0)
        return binary_cross_entropy_with_logits(self._scores(network, rows), (gains_N > 0).float(), weights_N)

    def _scores(self, network: Network, rows: Sequence[int]) -> torch.Tensor:
        vectors_ND = network.vectors([self._train.rows[i] for i in rows]).float()
        scores_N: torch.Tensor = self.head(self._drop(vectors_ND)).squeeze(-1).float()
        return scores_N

    def _some(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """The rows of a list, of a long one some: one of the most and one of the least worth are among them."""
        if len(rows) <= LIST_SIZE:
            return rows
        drawn = self._rng.permutation(rows)
        gains = self._train.gains_N[drawn]
        ends = [int(gains.argmax()), int(gains.argmin())]
        return np.concatenate([drawn[ends], np.delete(drawn, ends)[: LIST_SIZE - 2]])

    def scores(self, network: Network, rows: Rows) -> NDArray[np.float64]:
        """One of each row, in nats, dropout off."""
        import torch

        self.head.eval()
        with torch.no_grad():
            said_N1 = self.head(network.encode_ids(rows).float())
        return np.asarray(said_N1.squeeze(-1).double().numpy(), dtype=np.float64)

    def validate(self, network: Network) -> Score:
        """Mean ndcg@10 of the held-out lists; where there are none the area under the curve of all rows."""
        if not len(self._held):
            return Score(math.nan)
        found = figures(self.scores(network, self._held.rows), self._held)
        return Score(found["auc"] if math.isnan(found["ndcg@10"]) else found["ndcg@10"], found)


def scoring_head(d: int) -> Any:
    """One score of a unit vector, scaled to the width first, since a step on a vector of length 1 moves little."""
    import torch

    class Head(torch.nn.Module):
        """Scale and add up."""

        def __init__(self) -> None:
            super().__init__()
            self.linear = torch.nn.Linear(d, 1)
            torch.nn.init.normal_(self.linear.weight, 0.0, 0.02)
            torch.nn.init.zeros_(self.linear.bias)

        def forward(self, vectors_ND: torch.Tensor) -> Any:
            return self.linear(vectors_ND * math.sqrt(d))

    return Head()


def listwise_loss(scores_N: torch.Tensor, gains: Sequence[NDArray[np.float64]]) -> torch.Tensor:
    """Mean over lists, whose rows follow each other in `scores_N`, of the cross-entropy against the shares of gain."""
    import torch

    losses, start = [], 0
    for gains_m in gains:
        share_m = torch.from_numpy(gains_m / gains_m.sum()).float()
        losses.append(-(share_m * torch.log_softmax(scores_N[start : start + len(gains_m)], dim=0)).sum())
        start += len(gains_m)
    return torch.stack(losses).mean()


def figures(scores_N: NDArray[np.floating], judged: Judged) -> dict[str, float]:
    """`auc` of all rows, `mrr` and `ndcg@10` over lists, by name; NaN where there is nothing to judge."""
    found = list_figures(scores_N, judged.gains_N, judged.list_N)
    return {"auc": auc(scores_N, judged.gains_N > 0), "mrr": found.mrr, "ndcg@10": found.ndcg}

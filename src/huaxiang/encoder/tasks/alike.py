"""The task `few-shot`: texts of one class come together, the others apart; a head is put on afterwards.

SetFit's scheme (Tunstall et al. 2022) with the loss of supervised contrastive learning (Khosla et al. 2020), which
takes all pairs of a batch at once: a few labelled texts make many pairs.

Legend: B anchors of a batch, each with one partner; N held-out texts, C classes, D width.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huaxiang.encoder.places import unit
from huaxiang.encoder.tasks.base import Score
from huaxiang.encoder.tasks.classify import Examples

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from huaxiang.encoder.model import Network

_TEMPERATURE: Final = 0.1


class Alike:
    """Pairs of one class against all others of the batch.

    Args:
        train, held: texts of one label each; `held` may be empty.
        rng: draws each anchor's partner, another text of its class; where there is none, the text itself under
            another dropout.
    """

    name = "few-shot"

    def __init__(self, train: Examples, held: Examples, rng: np.random.Generator) -> None:
        import torch

        self._train, self._held, self._rng = train, held, rng
        self._class_N = train.targets_NC.argmax(axis=1)
        self._of_class = [np.flatnonzero(self._class_N == at) for at in range(train.targets_NC.shape[1])]
        self.lengths: Sequence[int] = [len(row) for row in train.rows]
        self.head: Any = torch.nn.Identity()

    def loss(self, network: Network, rows: Sequence[int]) -> torch.Tensor:
        """Mean of `-log p(partner of the same class)` among all other texts of the batch, in nats."""
        import torch

        both = [*rows, *(self._partner(row) for row in rows)]
        vectors_BD = network.vectors([self._train.rows[i] for i in both]).float()
        class_B = torch.from_numpy(self._class_N[both])
        own_BB = torch.eye(len(both), dtype=torch.bool)
        scores_BB = (vectors_BD @ vectors_BD.T / _TEMPERATURE).masked_fill(own_BB, -1e4)
        alike_BB = (class_B[:, None] == class_B[None, :]) & ~own_BB
        log_share_BB = torch.log_softmax(scores_BB, dim=1)
        return -((log_share_BB * alike_BB).sum(1) / alike_BB.sum(1)).mean()

    def _partner(self, row: int) -> int:
        others = self._of_class[self._class_N[row]]
        if len(others) == 1:
            return row
        drawn = int(others[self._rng.integers(len(others) - 1)])
        return drawn if drawn != row else int(others[-1])

    def validate(self, network: Network) -> Score:
        """Accuracy of the class with the nearest mean vector."""
        if not len(self._held):
            return Score(math.nan)
        means_CD = self._means(network)
        vectors_ND = network.encode_ids(self._held.rows).float().numpy()
        said_N = (vectors_ND @ means_CD.T).argmax(axis=1)
        accuracy = float((said_N == self._held.targets_NC.argmax(axis=1)).mean())
        return Score(accuracy, {"accuracy": accuracy})

    def _means(self, network: Network) -> NDArray[np.float32]:
        vectors_ND = network.encode_ids(self._train.rows).float().numpy()
        means_CD = self._train.targets_NC.T @ vectors_ND
        return unit(means_CD)

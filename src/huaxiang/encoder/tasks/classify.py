"""The task `classify`: texts to one label or to many.

Legend: B rows of a batch, N held-out rows, D width, C classes.
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
from huaxiang.measure.calibration import log_loss

if TYPE_CHECKING:
    import torch

    from huaxiang.encoder.model import Network

_DROPOUT: Final = 0.1
_LOWEST: Final = -5.0
"""Bias to go on from, at least: a head that never met a class answers it at -30, from where nothing is learned."""


@dataclass(frozen=True, slots=True)
class Examples:
    """Token ids of texts, and a column for each class: 1 where the text has it."""

    rows: Rows
    targets_NC: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.rows)


class Classify:
    """Mean-pooled unit vectors, scaled to the width, under a linear head.

    The vectors are those that the encoder is exported with, so a fine-tuned classifier is an exported encoder and a
    matrix, and its texts can be compared by cosine as well.

    Args:
        train, held: what is learned from and what judges; `held` may be empty.
        class_weights: shape `(C,)`, what a text of each class counts; None: all alike.
        many: whether a text can have several labels or none: binary cross-entropy in place of cross-entropy.
        start: weights of shape `(C, D)` and bias of a head on unit vectors, to go on from; None: from next to nothing.
    """

    name = "classify"

    def __init__(
        self,
        train: Examples,
        held: Examples,
        d: int,
        *,
        class_weights: NDArray[np.float32] | None = None,
        many: bool = False,
        smoothing: float = 0.0,
        start: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None,
    ) -> None:
        import torch

        self._train, self._held, self._many, self._smoothing = train, held, many, smoothing
        self.lengths: Sequence[int] = [len(row) for row in train.rows]
        self.scale = math.sqrt(d)
        self.head: Any = torch.nn.Linear(d, train.targets_NC.shape[1])
        torch.nn.init.normal_(self.head.weight, 0.0, 0.02)
        torch.nn.init.zeros_(self.head.bias)
        if start is not None:
            with torch.no_grad():
                self.head.weight.copy_(torch.from_numpy(start[0]) / self.scale)
                self.head.bias.copy_(torch.from_numpy(np.maximum(start[1], _LOWEST)))
        self._drop = torch.nn.Dropout(_DROPOUT)
        self._weights = None if class_weights is None else torch.from_numpy(class_weights)

    def loss(self, network: Network, rows: Sequence[int]) -> torch.Tensor:
        """Cross-entropy over classes, or the mean binary cross-entropy of the labels."""
        import torch
        from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

        vectors_BD = network.vectors([self._train.rows[i] for i in rows]).float()
        logits_BC = self.head(self._drop(vectors_BD * self.scale)).float()
        targets_BC = torch.from_numpy(self._train.targets_NC[list(rows)])
        if self._many:
            return binary_cross_entropy_with_logits(logits_BC, targets_BC, pos_weight=self._weights)
        return cross_entropy(logits_BC, targets_BC, weight=self._weights, label_smoothing=self._smoothing)

    def scores(self, network: Network, rows: Rows) -> NDArray[np.float64]:
        """Logits of shape `(N, C)`, dropout off."""
        vectors_ND = network.encode_ids(rows).float()
        return np.asarray(self.head(vectors_ND * self.scale).float().detach().numpy(), dtype=np.float64)

    def validate(self, network: Network) -> Score:
        """Accuracy minus a hundredth of the log loss: the loss decides between equals; of many labels, micro F1."""
        if not len(self._held):
            return Score(math.nan)
        scores_NC = self.scores(network, self._held.rows)
        if self._many:
            said_NC, right_NC = scores_NC > 0, self._held.targets_NC > 0
            f1 = 2.0 * float((said_NC & right_NC).sum()) / max(int(said_NC.sum() + right_NC.sum()), 1)
            return Score(f1, {"micro_f1": f1})
        right_N = self._held.targets_NC.argmax(axis=1)
        accuracy = float((scores_NC.argmax(axis=1) == right_N).mean())
        loss = log_loss(scores_NC, right_N)
        return Score(accuracy - 0.01 * loss, {"accuracy": accuracy, "log_loss": loss})

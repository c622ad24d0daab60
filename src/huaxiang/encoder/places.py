"""Where the vectors of items should lie, learned from who took what next, without reading any text again.

A step of a Transformer over texts sees a few dozen items; here a step sees all of them, so a minute teaches what hours
of contrastive training would. The encoder learns afterwards to put each text where its item belongs (`tasks/place`).
Items begin where the encoder put them and move by one linear map for all and a free part for each; a person is the
weighted mean of the items taken last.

Legend: N pairs, M items, H items of a history, B pairs of a batch, S items that a batch is scored against, D width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.encoder.schedule import Schedule
from huaxiang.encoder.taken import MAX_BEFORE
from huaxiang.types import Vectors

if TYPE_CHECKING:
    import torch

_EPOCHS: Final = 4
_FEWEST_STEPS: Final = 100
"""However few the pairs: fewer steps move nothing."""
_BATCH: Final = 256
_TEMPERATURE: Final = 0.1
_RATE: Final = 1e-3
"""Of the map and of the free parts alike: three times as much for the latter finds no more and takes the places farther
from where texts are put now, which the encoder then has to learn."""
_DECAY: Final = 1e-4
_HIDDEN: Final = 0.2
"""Of a history's items, left out at random: nobody's next item hangs on one alone."""
_MOST_SCORED: Final = 16_384
"""Items that a batch is scored against; of a larger catalogue its own and a random rest."""


@dataclass(frozen=True, slots=True)
class Histories:
    """Items of each history and their weights, newest first.

    Attributes:
        items_NH: indices of items; 0 where there is none.
        weights_NH: 1, 1/2, 1/3 and so on, each row adding up to 1; 0 where there is none.
    """

    items_NH: NDArray[np.int64]
    weights_NH: NDArray[np.float32]

    @classmethod
    def of(cls, before: Sequence[Sequence[int]]) -> Histories:
        """From indices, newest first; at most `MAX_BEFORE` are read."""
        items_NH = np.zeros((len(before), MAX_BEFORE), dtype=np.int64)
        weights_NH = np.zeros((len(before), MAX_BEFORE), dtype=np.float32)
        for row, found in enumerate(before):
            n = min(len(found), MAX_BEFORE)
            items_NH[row, :n] = found[:n]
            weights_NH[row, :n] = 1.0 / np.arange(1, n + 1)
        return cls(items_NH, weights_NH / np.maximum(weights_NH.sum(axis=1, keepdims=True), 1e-9))

    def vectors(self, items_MD: Vectors) -> Vectors:
        """Unit vectors of the people with these histories, shape `(N, D)`."""
        mean_ND = np.einsum("nhd,nh->nd", items_MD[self.items_NH], self.weights_NH)
        return unit(mean_ND)


def unit(rows_ND: NDArray[np.floating[Any]]) -> Vectors:
    """Each row brought to length 1, zeros left as they are, float32."""
    return np.asarray(rows_ND / np.maximum(np.linalg.norm(rows_ND, axis=1, keepdims=True), 1e-9), np.float32)


def learn_places(
    items_MD: Vectors,
    before: Sequence[Sequence[int]],
    positive: Sequence[int],
    *,
    rng: np.random.Generator,
    seconds: float,
    epochs: float = _EPOCHS,
) -> Vectors:
    """Unit vectors `(M, D)` under which the item taken next is the nearest to the items taken before.

    Args:
        items_MD: the vectors as the encoder gives them.
        before: indices of the items of each history, newest first, at least one each.
        positive: index of the item taken next.
        seconds: the passes shrink to what they allow.

    Memory: five times the vectors, a few copies of those that a step scores, and `256 x 16,384` scores.
    """
    import torch

    table = _Table(items_MD)
    histories = Histories.of(before)
    items_NH, weights_NH = torch.from_numpy(histories.items_NH), torch.from_numpy(histories.weights_NH)
    positive_N = torch.tensor(positive)
    schedule = Schedule(max(_FEWEST_STEPS, round(len(positive) * epochs / _BATCH)), seconds)
    order: list[int] = []
    while not schedule.done:
        if len(order) < min(_BATCH, len(positive)):
            order = rng.permutation(len(positive)).tolist()
        rows, order = order[:_BATCH], order[_BATCH:]
        table.step(items_NH[rows], weights_NH[rows], positive_N[rows], rng, schedule.factor())
        schedule.advance()
    with torch.no_grad():
        return np.asarray(table.vectors(slice(None)).numpy(), dtype=np.float32)


class _Table:
    """A linear map from the vectors as they came, and a free part of each item, with their optimiser."""

    def __init__(self, items_MD: Vectors) -> None:
        import torch

        self.came_MD = torch.from_numpy(np.ascontiguousarray(items_MD, dtype=np.float32))
        self.map_DD = torch.nn.Parameter(torch.eye(items_MD.shape[1]))
        self.free_MD = torch.nn.Parameter(torch.zeros_like(self.came_MD))
        given: list[dict[str, Any]] = [
            {"params": [self.map_DD], "weight_decay": 0.0},
            {"params": [self.free_MD], "weight_decay": _DECAY},
        ]
        self.optimiser = torch.optim.AdamW(given, lr=_RATE)

    def vectors(self, rows: Any) -> torch.Tensor:
        """Unit vectors of these items, with their gradient."""
        from torch.nn.functional import normalize

        return normalize(self.came_MD[rows] @ self.map_DD + self.free_MD[rows], dim=-1)

    def step(
        self,
        items_BH: torch.Tensor,
        weights_BH: torch.Tensor,
        positive_B: torch.Tensor,
        rng: np.random.Generator,
        factor: float,
    ) -> None:
        """Once down the gradient of the cross-entropy of what was taken next among the items scored."""
        import torch
        from torch.nn.functional import cross_entropy, normalize

        scored_S = torch.from_numpy(self._scored(items_BH.numpy(), positive_B.numpy(), rng))
        vectors_SD = self.vectors(scored_S)
        kept_BH = weights_BH * torch.from_numpy(rng.random(weights_BH.shape) >= _HIDDEN)
        kept_BH = torch.where(kept_BH.sum(1, keepdim=True) > 0, kept_BH, weights_BH).float()
        at_BH, right_B = torch.searchsorted(scored_S, items_BH), torch.searchsorted(scored_S, positive_B)
        people_BD = normalize((vectors_SD[at_BH] * kept_BH.unsqueeze(-1)).sum(1), dim=-1)
        loss = cross_entropy(people_BD @ vectors_SD.T / _TEMPERATURE, right_B)
        for group in self.optimiser.param_groups:
            group["lr"] = _RATE * factor
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()

    def _scored(
        self, items_BH: NDArray[np.int64], positive_B: NDArray[np.int64], rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """All items, or those of the batch and a random rest, in order."""
        n = len(self.came_MD)
        if n <= _MOST_SCORED:
            return np.arange(n)
        return np.unique(np.concatenate([items_BH.ravel(), positive_B, rng.integers(n, size=_MOST_SCORED)]))

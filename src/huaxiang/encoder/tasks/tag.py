"""The task `tag`: which units of a text belong to a span, and of which type.

Legend: B texts of a batch, U units of the longest, L tokens, D width, K labels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.encoder.tagging.alignment import N_PLACES, Aligned, unit_places
from huaxiang.encoder.tagging.chain import Chain, unread
from huaxiang.encoder.tagging.crf import chain_of, path_loss, transitions
from huaxiang.encoder.tagging.spans import agreement
from huaxiang.encoder.tasks.base import Score
from huaxiang.encoder.tokens import batches_by_length

if TYPE_CHECKING:
    import torch

    from huaxiang.encoder.model import Network

_DROPOUT: Final = 0.1
_SPREAD: Final = 0.02
"""Standard deviation of the weights that the head starts with."""


@dataclass(frozen=True, slots=True)
class Examples:
    """Texts as the encoder reads them, and the labels of their units."""

    texts: Sequence[Aligned]
    labels: Sequence[tuple[str, ...]]

    def __len__(self) -> int:
        return len(self.texts)


class Tag:
    """The hidden state of each unit's token, plus a vector for its place inside it, under a linear layer and a chain.

    Args:
        train, held: what is learned from and what judges; `held` may be empty.
        names: the labels, `O` first.
        crf: whether the chain is learned (a conditional random field, Lafferty et al. 2001), else it only forbids.
            Learned it reached .340 F1 on held-out titles where cross-entropy reached .303 (1,200 titles).
        weights: of each label in the cross-entropy; None: all alike. Without `crf` alone.
    """

    name = "tag"

    def __init__(
        self,
        train: Examples,
        held: Examples,
        names: Sequence[str],
        d: int,
        *,
        crf: bool = True,
        weights: NDArray[np.float32] | None = None,
    ) -> None:
        import torch

        self._train, self._held, self._names, self._crf = train, held, tuple(names), crf
        self._weights = None if weights is None else torch.from_numpy(weights)
        self._index = {name: at for at, name in enumerate(names)}
        self.lengths: Sequence[int] = [len(text.ids) for text in train.texts]
        self.head: Any = _head(d, names)

    def loss(self, network: Network, rows: Sequence[int]) -> torch.Tensor:
        """Cross-entropy of a unit's label, or of the path divided by its units."""
        from torch.nn.functional import cross_entropy

        texts = [self._train.texts[i] for i in rows]
        emissions_BUK = self._emissions(network, texts)
        targets_BU = self._targets([self._train.labels[i] for i in rows], texts)
        if self._crf:
            return path_loss(self.head.follow, emissions_BUK, targets_BU)
        return cross_entropy(emissions_BUK.flatten(0, 1), targets_BU.flatten(), weight=self._weights, ignore_index=-1)

    def validate(self, network: Network) -> Score:
        """Micro F1 of the spans on held-out texts."""
        if not len(self._held):
            return Score(math.nan)
        found = agreement(self._held.labels, self.predict(network, self._held.texts))
        return Score(found.f1, {"f1": found.f1, "precision": found.precision, "recall": found.recall})

    def predict(self, network: Network, texts: Sequence[Aligned]) -> list[tuple[str, ...]]:
        """The best labels of each text."""
        chain = self.chain()
        return [chain.best(each[None], [len(each)])[0] for each in self.scores(network, texts)]

    def scores(self, network: Network, texts: Sequence[Aligned]) -> list[NDArray[np.float64]]:
        """Emissions `(U, K)` of each text, in nats, dropout off; a unit that is not read is `O`."""
        import torch

        found = [np.zeros((len(text.token_U), len(self._names))) for text in texts]
        network.lm.eval()
        self.head.eval()
        with torch.no_grad():
            for batch in batches_by_length([len(text.ids) for text in texts], 4_096):
                said_BUK = self._emissions(network, [texts[i] for i in batch]).double().numpy()
                for row, i in enumerate(batch):
                    found[i] = said_BUK[row, : len(found[i])]
        for text, each in zip(texts, found, strict=True):
            each[text.token_U < 0] = unread(len(self._names))
        return found

    def chain(self) -> Chain:
        """What serving decodes with."""
        return chain_of(self.head.follow, self._names) if self._crf else Chain.of(self._names)

    def _emissions(self, network: Network, texts: Sequence[Aligned]) -> torch.Tensor:
        import torch

        hidden_BLD, _ = network.hidden([text.ids for text in texts])
        token_BU, place_BU = map(torch.from_numpy, unit_places(texts))
        said_BUK: torch.Tensor = self.head(hidden_BLD, token_BU, place_BU).float()
        return said_BUK

    def _targets(self, labels: Sequence[Sequence[str]], texts: Sequence[Aligned]) -> torch.Tensor:
        """Index of each unit's label; -1 beyond the text and where nothing is read."""
        import torch

        width = max((len(each) for each in labels), default=0)
        targets_BU = np.full((len(labels), width), -1, dtype=np.int64)
        for row, (each, text) in enumerate(zip(labels, texts, strict=True)):
            known_U = np.array([self._index[label] for label in each], dtype=np.int64)
            targets_BU[row, : len(each)] = np.where(text.token_U < 0, -1, known_U)
        return torch.from_numpy(targets_BU)


def _head(d: int, names: Sequence[str]) -> Any:
    import torch

    class Head(torch.nn.Module):
        """From hidden states of tokens to scores of labels at units, and the scores of labels that follow."""

        def __init__(self) -> None:
            super().__init__()
            self.drop = torch.nn.Dropout(_DROPOUT)
            self.place = torch.nn.Embedding(N_PLACES, d)
            self.linear = torch.nn.Linear(d, len(names))
            self.follow = transitions(names)
            torch.nn.init.normal_(self.place.weight, 0.0, _SPREAD)
            torch.nn.init.normal_(self.linear.weight, 0.0, _SPREAD)
            torch.nn.init.zeros_(self.linear.bias)

        def forward(self, hidden_BLD: torch.Tensor, token_BU: torch.Tensor, place_BU: torch.Tensor) -> torch.Tensor:
            index_BUD = token_BU.unsqueeze(-1).expand(-1, -1, hidden_BLD.shape[-1])
            units_BUD: torch.Tensor = self.drop(hidden_BLD.gather(1, index_BUD)) + self.place(place_BU)
            said_BUK: torch.Tensor = self.linear(units_BUD)
            return said_BUK

    return Head()

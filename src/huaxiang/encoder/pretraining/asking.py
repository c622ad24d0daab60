"""Batches of questions, and the loss of a network's answers.

Legend: B rows of a batch, L tokens of its longest row, P places asked for, D width, V pieces.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from huaxiang.encoder.model import Network
from huaxiang.encoder.pretraining.objectives import NOT_ASKED, Objective
from huaxiang.encoder.pretraining.rows import Example, lay, pack, sight
from huaxiang.encoder.pretraining.words import NO_WORD
from huaxiang.errors import DataError

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class Batch:
    """What the network reads and what it is asked.

    Attributes:
        ids_BL: token ids, with holes where the objective makes some.
        labels_BL: the right piece where one is asked for, `NOT_ASKED` elsewhere.
        seen: the attention mask, see `rows.sight`.
        places_BL: positions, where texts share rows; else None, and the network counts them itself.
    """

    ids_BL: torch.Tensor
    labels_BL: torch.Tensor
    seen: torch.Tensor
    places_BL: torch.Tensor | None
    n_tokens: int

    @property
    def n_asked(self) -> int:
        """Places asked for."""
        return int((self.labels_BL != NOT_ASKED).sum())


class Asker:
    """Makes batches of texts, and says how well the network answers them."""

    def __init__(self, network: Network, objective: Objective, *, packed: bool | None = False) -> None:
        """Ask `network` by `objective`.

        Args:
            packed: whether short texts share a row; None: those of a decoder that can do so.

        Raises:
            DataError: `packed`, but the network does not keep texts of one row apart.
        """
        self.network, self.objective = network, objective
        self._first_position = _first_position(network.lm)
        self._head = _head_of(network.lm)
        self.packed = objective.causal if packed is None else packed
        if self.packed and not self._keeps_apart():
            if packed:
                raise DataError(f"{network.name!r} does not keep texts of one row apart; leave out --packed")
            self.packed = False

    def batch(self, texts: Sequence[str], rng: np.random.Generator) -> Batch:
        """A batch about these texts; asks nothing where all are blank."""
        return self.batch_of(self.objective.read(texts), rng)

    def batch_of(self, examples: Sequence[Example], rng: np.random.Generator) -> Batch:
        """A batch about texts that are tokens already."""
        import torch

        packed = pack(examples, self.network.tokens.max_tokens) if self.packed else [[each] for each in examples]
        rows = lay(packed, self.network.pad_id)
        ids_BL, labels_BL = self.objective.ask(rows, rng)
        places = torch.from_numpy(rows.place_BL + self._first_position) if rows.shared else None
        seen = sight(rows, causal=self.objective.causal)
        return Batch(torch.from_numpy(ids_BL), torch.from_numpy(labels_BL), seen, places, rows.n_tokens)

    def _keeps_apart(self) -> bool:
        """Whether a text's hidden states are the same in a shared row and alone, tried out on two texts."""
        import torch

        base = self.network.lm.base_model
        if "position_ids" not in inspect.signature(base.forward).parameters:
            return False
        was_training = base.training
        base.eval()
        rows = lay([[Example([1, 2, 3], [NO_WORD] * 3), Example([4, 3], [NO_WORD] * 2)]], self.network.pad_id)
        with torch.no_grad():
            shared = base(
                input_ids=torch.from_numpy(rows.ids_BL),
                attention_mask=sight(rows, causal=self.objective.causal),
                position_ids=torch.from_numpy(rows.place_BL + self._first_position),
            ).last_hidden_state[0, 3:]
            alone = base(input_ids=torch.tensor([[4, 3]]), attention_mask=torch.ones(1, 2, dtype=torch.int64))
        base.train(was_training)
        return torch.allclose(shared, alone.last_hidden_state[0], rtol=1e-3, atol=1e-4)

    def loss(self, batch: Batch) -> torch.Tensor:
        """Cross-entropy summed over the places asked for, in nats, with its gradient.

        The vocabulary is asked at these places only: for a small network the full `(B, L, V)` logits would be most of
        the work.
        """
        from torch.nn.functional import cross_entropy

        asked_BL = batch.labels_BL != NOT_ASKED
        given: dict[str, Any] = {"input_ids": batch.ids_BL, "attention_mask": batch.seen}
        if batch.places_BL is not None:
            given["position_ids"] = batch.places_BL
        if self._head is None:
            logits_PV = self.network.lm(**given).logits[asked_BL]
        else:
            logits_PV = self._head(self.network.lm.base_model(**given).last_hidden_state[asked_BL])
        return cross_entropy(logits_PV.float(), batch.labels_BL[asked_BL], reduction="sum")


def _first_position(lm: Any) -> int:
    """The position of the first token; RoBERTa's kind counts from the padding id on."""
    table = getattr(getattr(lm.base_model, "embeddings", None), "position_embeddings", None)
    padding = getattr(table, "padding_idx", None)
    return 0 if padding is None else int(padding) + 1


def _head_of(lm: Any) -> Callable[[torch.Tensor], torch.Tensor] | None:
    """What turns hidden states into logits, place by place; None where no module does exactly that by itself."""
    import torch

    ids_BL = torch.arange(min(4, int(lm.config.vocab_size))).unsqueeze(0)
    was_training = lm.training
    lm.eval()
    try:
        with torch.no_grad():
            logits = lm(input_ids=ids_BL).logits
            hidden = lm.base_model(input_ids=ids_BL).last_hidden_state
            for head in (getattr(lm, "cls", None), getattr(lm, "lm_head", None)):
                if head is not None and torch.allclose(head(hidden), logits, rtol=1e-4, atol=1e-5):
                    return head  # type: ignore[no-any-return]
    finally:
        lm.train(was_training)
    return None

"""The task `generate`: a decoder learns to write answers to prompts.

Legend: B rows of a batch, L tokens, D width, T tokens of all their answers, V pieces.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from huaxiang.encoder.batches import Rows, pad
from huaxiang.encoder.tasks.base import Score
from huaxiang.encoder.tokens import batches_by_length

if TYPE_CHECKING:
    import torch

    from huaxiang.encoder.model import Network


@dataclass(frozen=True, slots=True)
class Answered:
    """Token ids of a prompt and its answer, one after the other.

    Attributes:
        starts: where the answer begins, at least 1.
    """

    rows: Rows
    starts: Sequence[int]

    def __len__(self) -> int:
        return len(self.rows)


class Generate:
    """Negative log-likelihood of the answers' tokens alone: prompts are given, not written.

    The network's `body` is its whole `lm`, so that a prediction head of its own is trained with it.

    Args:
        train, held: what is learned from and what judges; `held` may be empty.
    """

    name = "generate"

    def __init__(self, train: Answered, held: Answered) -> None:
        import torch

        self._train, self._held = train, held
        self.lengths: Sequence[int] = [len(row) for row in train.rows]
        self.head: Any = torch.nn.Identity()

    def loss(self, network: Network, rows: Sequence[int]) -> torch.Tensor:
        """Mean over the answers' tokens, in nats."""
        return answer_losses(network, self._train, rows).mean()

    def validate(self, network: Network) -> Score:
        """Minus the nats a token on held-out answers; the perplexity is their exponential."""
        nats = nats_per_token(network, self._held)
        return Score(-nats, {"nats": nats, "perplexity": math.exp(min(nats, 700.0))})


def answer_losses(network: Network, answered: Answered, rows: Sequence[int]) -> torch.Tensor:
    """Of each token of these rows' answers, in nats, shape `(T,)`."""
    import torch
    from torch.nn.functional import cross_entropy

    ids_BL, mask_BL = pad([answered.rows[i] for i in rows], network.pad_id)
    hidden_BLD = network.lm.base_model(input_ids=ids_BL, attention_mask=mask_BL).last_hidden_state
    starts_B1 = torch.tensor([[answered.starts[i]] for i in rows])
    places_L = torch.arange(1, ids_BL.shape[1])
    said_BL = (mask_BL[:, 1:] > 0) & (places_L >= starts_B1)
    # Scores of all pieces are wanted for the answers' tokens alone: prompts are most of a row.
    scores_TV = network.lm.get_output_embeddings()(hidden_BLD[:, :-1][said_BL]).float()
    return cross_entropy(scores_TV, ids_BL[:, 1:][said_BL], reduction="none")


def nats_per_token(network: Network, answered: Answered, max_batch_tokens: int = 4_096) -> float:
    """Mean over all tokens of all answers, dropout off; NaN without answers."""
    import torch

    total, n = 0.0, 0
    network.lm.eval()
    with torch.no_grad():
        for batch in batches_by_length([len(row) for row in answered.rows], max_batch_tokens):
            losses_T = answer_losses(network, answered, batch)
            total, n = total + float(losses_T.sum()), n + len(losses_T)
    return total / n if n else math.nan

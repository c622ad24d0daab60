"""The trained part of a chain: a conditional random field over labels in torch (Lafferty et al. 2001).

Legend: B texts of a batch, U units of the longest, K labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from huaxiang.encoder.tagging.chain import NEVER, Chain, allowed

if TYPE_CHECKING:
    import torch


def transitions(labels: Sequence[str]) -> Any:
    """A `torch.nn.Module` with `start_K`, `follow_KK` and `end_K`, all 0 at first; what BIO forbids stays forbidden."""
    import torch

    class Transitions(torch.nn.Module):
        """Scores of one label after another."""

        def __init__(self) -> None:
            super().__init__()
            start_K, follow_KK = allowed(labels)
            self.start_K = torch.nn.Parameter(torch.zeros(len(labels)))
            self.follow_KK = torch.nn.Parameter(torch.zeros(len(labels), len(labels)))
            self.end_K = torch.nn.Parameter(torch.zeros(len(labels)))
            self.register_buffer("shut_K", torch.from_numpy(~start_K))
            self.register_buffer("shut_KK", torch.from_numpy(~follow_KK))

    return Transitions()


def chain_of(module: Any, labels: Sequence[str]) -> Chain:
    """What serving decodes with."""
    learned = (module.start_K, module.follow_KK, module.end_K)
    return Chain.of(labels, *(each.detach().double().numpy() for each in learned))


def path_loss(module: Any, emissions_BUK: torch.Tensor, targets_BU: torch.Tensor) -> torch.Tensor:
    """Negative log-likelihood of the right paths, in nats, divided by their units.

    Args:
        module: of `transitions`.
        targets_BU: index of the right label; -1 beyond a text and for a unit that is no part of a path.
    """
    import torch

    start_K = module.start_K.masked_fill(module.shut_K, NEVER)
    follow_KK = module.follow_KK.masked_fill(module.shut_KK, NEVER)
    read_BU = targets_BU >= 0
    label_BU = targets_BU.clamp(min=0)
    rows_B = torch.arange(len(label_BU))
    last_B = label_BU[:, 0]
    ahead_BK = start_K + emissions_BUK[:, 0]
    right_B = ahead_BK[rows_B, last_B]
    for at in range(1, label_BU.shape[1]):
        on_B, now_B = read_BU[:, at], label_BU[:, at]
        step_BK = torch.logsumexp(ahead_BK.unsqueeze(2) + follow_KK, dim=1) + emissions_BUK[:, at]
        right_B = right_B + on_B * (follow_KK[last_B, now_B] + emissions_BUK[rows_B, at, now_B])
        ahead_BK = torch.where(on_B.unsqueeze(1), step_BK, ahead_BK)
        last_B = torch.where(on_B, now_B, last_B)
    total_B = torch.logsumexp(ahead_BK + module.end_K, dim=1)
    loss: torch.Tensor = (total_B - right_B - module.end_K[last_B]).sum() / read_BU.sum().clamp(min=1)
    return loss

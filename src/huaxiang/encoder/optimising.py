"""The optimiser of all training, and one step of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def adamw(module: Any, learning_rate: float, weight_decay: float) -> torch.optim.AdamW:
    """AdamW that decays matrices only: biases and norms would be pulled to zero for nothing."""
    import torch

    trained = [p for p in module.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=learning_rate, betas=(0.9, 0.98), eps=1e-6)


def descend(loss: torch.Tensor, module: Any, optimiser: torch.optim.Optimizer, learning_rate: float) -> float:
    """One step down the gradient, clipped to length 1; the loss as a number."""
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    apply(module, optimiser, learning_rate)
    return float(loss.detach())


def apply(module: Any, optimiser: torch.optim.Optimizer, learning_rate: float) -> None:
    """One step down the gradients that were added up, clipped to length 1."""
    import torch

    for group in optimiser.param_groups:
        group["lr"] = learning_rate
    torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
    optimiser.step()

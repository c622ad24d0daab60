"""The optimiser of all training, one step of it, and the torch it runs in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from huaxiang.errors import DataError, MissingExtraError

if TYPE_CHECKING:
    import torch


class DivergedError(DataError):
    """Loss or gradient is no number any more."""


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


def apply(module: Any, optimiser: torch.optim.Optimizer, learning_rate: float) -> bool:
    """One step down the gradients that were added up, clipped to length 1.

    Returns:
        Whether it was made: gradients whose length is not finite point nowhere, and are left out.
    """
    import torch

    for group in optimiser.param_groups:
        group["lr"] = learning_rate
    length = torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
    if finite := bool(torch.isfinite(length)):
        optimiser.step()
    return finite


@contextmanager
def torch_as(threads: int, seed: int, what: str = "training an encoder") -> Iterator[None]:
    """Torch with so many threads and this seed, put back afterwards.

    Raises:
        MissingExtraError: torch or Transformers is not installed; said before any work.
    """
    try:
        import torch
        import transformers  # noqa: F401  so that what is missing is said now
    except ImportError as error:
        raise MissingExtraError(what, "train") from error
    before = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        torch.set_num_threads(threads)
        try:
            yield
        finally:
            torch.set_num_threads(before)

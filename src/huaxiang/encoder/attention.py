"""How attention is computed while a network trains on a processor.

Measured for 12 layers of 384 at 32 texts of 43 tokens: without dropout on the attention's weights, and written out in
matrix products, a step takes a tenth less. PyTorch's fused attention is the slow part on a processor: its backward pass
takes 28 % of a step, and dropout inside it has to fall back anyway.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from huaxiang.encoder.model import Network

_LONGEST: Final = 256
"""Tokens up to which the weights of all heads are small enough to be kept for the backward pass."""


@contextmanager
def trained_attention(network: Network) -> Iterator[None]:
    """No dropout on attention weights inside the block, and for texts of usual length no fused kernel."""
    dropped = [(module, module.p) for module in _dropouts(network.lm)]
    kernel = getattr(network.lm.config, "_attn_implementation", None)
    written_out = kernel == "sdpa" and network.tokens.max_tokens <= _LONGEST
    try:
        for module, _ in dropped:
            module.p = 0.0
        if written_out:
            network.lm.set_attn_implementation("eager")
        yield
    finally:
        for module, share in dropped:
            module.p = share
        if written_out:
            network.lm.set_attn_implementation(kernel)


def _dropouts(lm: Any) -> list[Any]:
    """Dropout of attention weights: Transformers keeps it as `dropout` of a `...SelfAttention`."""
    import torch

    found = (module for module in lm.modules() if type(module).__name__.endswith("SelfAttention"))
    return [module.dropout for module in found if isinstance(getattr(module, "dropout", None), torch.nn.Dropout)]

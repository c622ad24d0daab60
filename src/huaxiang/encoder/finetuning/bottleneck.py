"""The bottleneck adapter: a narrow two-layer map beside the output of each layer's feed-forward part.

Houlsby et al. 2019; after the feed-forward part alone, where Pfeiffer et al. 2021 found that one is enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def adapted(base: Any, places: Sequence[str], width: int) -> torch.nn.Module:
    """An encoder whose linear maps at `places` are followed by `x + up(gelu(down(x)))`, `up` beginning at zero.

    The encoder itself keeps its modules and names: the adapters hang on it by hooks, and `remove()` takes them off.

    Args:
        width: of the bottleneck.
    """
    import torch

    class Bottleneck(torch.nn.Module):
        """One adapter."""

        def __init__(self, d: int) -> None:
            super().__init__()
            self.down = torch.nn.Linear(d, width)
            self.up = torch.nn.Linear(width, d)
            torch.nn.init.zeros_(self.up.weight)
            torch.nn.init.zeros_(self.up.bias)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + self.up(torch.nn.functional.gelu(self.down(x)))  # type: ignore[no-any-return]

        def after(self, _module: torch.nn.Module, _given: Any, out: torch.Tensor) -> torch.Tensor:
            """The hook; a method, so that a copy of the network carries copies of its adapters."""
            return self(out)  # type: ignore[no-any-return]

    class Adapted(torch.nn.Module):
        """The encoder with its adapters; called as the encoder is."""

        def __init__(self) -> None:
            super().__init__()
            self.encoder = base
            chosen = [base.get_submodule(place) for place in places]
            self.layers = torch.nn.ModuleList([Bottleneck(module.out_features) for module in chosen])
            self.hooks = [
                module.register_forward_hook(adapter.after) for module, adapter in zip(chosen, self.layers, strict=True)
            ]

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> Any:
            return self.encoder(input_ids=input_ids, attention_mask=attention_mask)

        def remove(self) -> None:
            """Take the adapters off."""
            for hook in self.hooks:
                hook.remove()

    return Adapted()

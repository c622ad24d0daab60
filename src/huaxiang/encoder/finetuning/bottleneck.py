"""The bottleneck adapter: a narrow two-layer map beside the output of each layer's feed-forward part.

Houlsby et al. 2019; after the feed-forward part alone, where Pfeiffer et al. 2021 found that one is enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def adapted(base: Any, places: Sequence[str], width: int) -> torch.nn.Module:
    """An encoder whose linear maps at `places` are followed by `x + up(gelu(down(x)))`, `up` beginning at zero.

    The encoder keeps its modules and their names: the adapters reach into it by hooks that are there for the length of
    a call, so whoever calls the encoder itself gets the encoder itself.

    Args:
        width: of the bottleneck.
    """
    import torch

    class Adapted(torch.nn.Module):
        """The encoder with its adapters; called as the encoder is."""

        def __init__(self) -> None:
            super().__init__()
            self.encoder = base
            self.layers = torch.nn.ModuleList(
                [_bottleneck(base.get_submodule(at).out_features, width) for at in places]
            )

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> Any:
            with ExitStack() as hooks:
                for at, adapter in zip(places, self.layers, strict=True):
                    hooks.enter_context(self.encoder.get_submodule(at).register_forward_hook(adapter.after))
                return self.encoder(input_ids=input_ids, attention_mask=attention_mask)

    return Adapted()


def _bottleneck(d: int, width: int) -> torch.nn.Module:
    import torch

    class Bottleneck(torch.nn.Module):
        """One adapter."""

        def __init__(self) -> None:
            super().__init__()
            self.down = torch.nn.Linear(d, width)
            self.up = torch.nn.Linear(width, d)
            torch.nn.init.zeros_(self.up.weight)
            torch.nn.init.zeros_(self.up.bias)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + self.up(torch.nn.functional.gelu(self.down(x)))  # type: ignore[no-any-return]

        def after(self, _module: torch.nn.Module, _given: Any, out: torch.Tensor) -> torch.Tensor:
            return self(out)  # type: ignore[no-any-return]

    return Bottleneck()

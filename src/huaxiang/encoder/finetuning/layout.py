"""Where the parts of a Transformer layer are, by architecture: what parameter-efficient methods attach to."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from typing import Any, Final

_LAYER: Final = re.compile(r"(?:^|.*\.)(?:layer|layers|h|block|blocks)\.\d+$")


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths of linear maps inside one layer.

    Attributes:
        out: the second map of the feed-forward part, back to the width of the network.
        others: the rest of the layer's matrices.
    """

    query: str
    key: str
    value: str
    out: str
    others: tuple[str, ...]


_LAYOUTS: Final = (
    Layout(  # BERT, RoBERTa, XLM-R, ELECTRA, CamemBERT
        "attention.self.query",
        "attention.self.key",
        "attention.self.value",
        "output.dense",
        ("attention.output.dense", "intermediate.dense"),
    ),
    Layout(  # DistilBERT
        "attention.q_lin",
        "attention.k_lin",
        "attention.v_lin",
        "ffn.lin2",
        ("attention.out_lin", "ffn.lin1"),
    ),
    Layout(  # MPNet
        "attention.attn.q",
        "attention.attn.k",
        "attention.attn.v",
        "output.dense",
        ("attention.attn.o", "intermediate.dense"),
    ),
)


@dataclass(frozen=True, slots=True)
class Parts:
    """What of an encoder methods can attach to.

    Attributes:
        layers: full names of its layers, the lowest first.
        layout: how each of them is built; None for an architecture that is not known.
        matrices: full names of all linear maps in the layers.
        takes_prefix: whether attention accepts keys and values from outside.
        takes_prompt: whether the encoder accepts vectors in the place of token ids, and positions with them.
    """

    layers: tuple[str, ...]
    layout: Layout | None
    matrices: tuple[str, ...]
    takes_prefix: bool
    takes_prompt: bool

    @property
    def methods(self) -> tuple[str, ...]:
        """Names of the methods that can train it."""
        found = ["full"]
        found += ["lora", "adalora"] if self.matrices else []
        found += ["adapter", "ia3"] if self.layout is not None else []
        found += ["prefix"] if self.takes_prefix else []
        return tuple(found + (["prompt"] if self.takes_prompt else []))

    @classmethod
    def of(cls, base: Any) -> Parts:
        """Look at an encoder."""
        import torch

        modules = dict(base.named_modules())
        layers = tuple(name for name in modules if _LAYER.match(name))
        inside = tuple(
            name
            for name, module in modules.items()
            if isinstance(module, torch.nn.Linear) and any(name.startswith(f"{layer}.") for layer in layers)
        )
        layout = next((each for each in _LAYOUTS if layers and _fits(each, layers, inside)), None)
        asked = inspect.signature(base.forward).parameters
        is_placed = "embeddings.position_embeddings" in modules and not any("relative" in name for name in modules)
        takes_prompt = is_placed and {"inputs_embeds", "position_ids", "attention_mask"} <= set(asked)
        takes_prefix = is_placed and layout is not None and "past_key_values" in asked
        return cls(layers, layout, inside, takes_prefix, takes_prompt)

    def named(self, *paths: str) -> list[str]:
        """Full names of these paths in every layer."""
        return [f"{layer}.{path}" for layer in self.layers for path in paths]


def _fits(layout: Layout, layers: tuple[str, ...], matrices: tuple[str, ...]) -> bool:
    needed = (layout.query, layout.key, layout.value, layout.out, *layout.others)
    return all(f"{layer}.{path}" in matrices for layer in layers for path in needed)

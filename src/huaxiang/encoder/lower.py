"""The lower layers of an encoder read a text once; what they make of it is kept, and training goes on above them.

Where only the upper third of 6 layers is trained, a step costs a quarter of what it costs through all of them.

Legend: B texts of a batch, L tokens, D width.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huaxiang.encoder.batches import Rows, pad
from huaxiang.encoder.model import Network
from huaxiang.encoder.precision import autocast

if TYPE_CHECKING:
    import torch

MOST_BYTES: Final = 1 << 30
"""Of kept states, in bfloat16: the tokens of some 25,000 titles at a width of 384."""
_WINDOW: Final = 512
_BATCH: Final = 64


def depth_to_keep(network: Network) -> int:
    """How many layers are left as they are: two thirds of a checkpoint's, and 0 where the network is not built as BERT
    is or is small enough to be trained whole."""
    base = network.lm.base_model
    layers = getattr(getattr(base, "encoder", None), "layer", ())
    return len(layers) * 2 // 3 if network.body is None and hasattr(base, "embeddings") and len(layers) > 3 else 0


class Lower:
    """States of texts above the lowest `depth` layers.

    Args:
        rows: token ids, in the order in which they should be read; reading ends with the time or the memory.

    Attributes:
        n: how many of the rows were read.
    """

    def __init__(self, network: Network, rows: Rows, depth: int, *, seconds: float, bf16: bool) -> None:
        self._network, self._depth, self._rows = network, depth, rows
        self._states: list[torch.Tensor] = []
        began, room = time.monotonic(), MOST_BYTES
        for start in range(0, len(rows), _WINDOW):
            window = rows[start : start + _WINDOW]
            room -= 2 * network.d * sum(len(row) for row in window)
            if start and (room < 0 or time.monotonic() - began > seconds):
                break
            with autocast(bf16):
                self._states += self._read(window)
        self.n = len(self._states)

    def vectors(self, at: Sequence[int]) -> torch.Tensor:
        """Unit vectors `(B, D)` of these rows, with the gradient of the layers above."""
        import torch

        ids = [self._rows[i] for i in at]
        states_BLD = torch.zeros(len(at), max(len(row) for row in ids), self._network.d)
        for row, i in enumerate(at):
            states_BLD[row, : len(self._states[i])] = self._states[i]
        with above(self._network, self._depth, states_BLD):
            return self._network.vectors(ids)

    def _read(self, rows: Rows) -> list[torch.Tensor]:
        import torch

        found: list[torch.Tensor] = [torch.zeros(0)] * len(rows)
        order = np.argsort([len(row) for row in rows], kind="stable").tolist()
        self._network.lm.eval()
        with torch.no_grad():
            for start in range(0, len(order), _BATCH):
                batch = order[start : start + _BATCH]
                ids_BL, mask_BL = pad([rows[i] for i in batch], self._network.pad_id)
                states = self._network.base(input_ids=ids_BL, attention_mask=mask_BL, output_hidden_states=True)
                for row, i in enumerate(batch):
                    found[i] = states.hidden_states[self._depth][row, : len(rows[i])].to(torch.bfloat16).clone()
        return found


@contextmanager
def above(network: Network, depth: int, states_BLD: torch.Tensor) -> Iterator[None]:
    """Inside the block a pass through the network begins with these states above its lowest `depth` layers."""
    import torch

    class Given(torch.nn.Module):
        """Stands where the embeddings are looked up."""

        def forward(self, *_: Any, **__: Any) -> torch.Tensor:
            return states_BLD

    base = network.lm.base_model
    embeddings, layers = base.embeddings, base.encoder.layer
    base.embeddings, base.encoder.layer = Given(), layers[depth:]
    try:
        yield
    finally:
        base.embeddings, base.encoder.layer = embeddings, layers

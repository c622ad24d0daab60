"""The task `place`: the encoder learns to put a text where `places` found that it belongs.

Legend: B texts of a batch, N texts, S items of the table, D width.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from huaxiang.encoder.batches import Rows
from huaxiang.encoder.heldout import Validation
from huaxiang.encoder.lower import Lower
from huaxiang.encoder.tasks.base import Score
from huaxiang.encoder.tasks.contrast import as_score
from huaxiang.types import Vectors

if TYPE_CHECKING:
    import torch

    from huaxiang.encoder.model import Network

TEMPERATURE: Final = 0.1
"""Of both distributions over the table; see experiments/LOG.md."""


class Place:
    """A text's vector should stand to all items as its place does (Kullback and Leibler's divergence).

    Args:
        rows: token ids of the texts; `aims_ND` the unit vector that each should have.
        table_SD: places of the items that both are compared with.
        held: what judges; may be without pairs.
        lower: what the lower layers made of the rows, where those are kept.
    """

    name = "place"

    def __init__(
        self, rows: Rows, aims_ND: Vectors, table_SD: Vectors, held: Validation, lower: Lower | None = None
    ) -> None:
        import torch

        self._rows, self._held, self._lower = rows, held, lower
        self._aims_ND, self._table_SD = torch.from_numpy(aims_ND), torch.from_numpy(table_SD)
        self.lengths: Sequence[int] = [len(row) for row in rows]
        self.head: Any = torch.nn.Identity()

    def loss(self, network: Network, rows: Sequence[int]) -> torch.Tensor:
        """Mean divergence of these texts, in nats."""
        from torch.nn.functional import kl_div, log_softmax

        if self._lower is not None:
            vectors_BD = self._lower.vectors(rows).float()
        else:
            vectors_BD = network.vectors([self._rows[i] for i in rows]).float()
        aims_BS = log_softmax(self._aims_ND[list(rows)] @ self._table_SD.T / TEMPERATURE, dim=-1)
        found_BS = log_softmax(vectors_BD @ self._table_SD.T / TEMPERATURE, dim=-1)
        return kl_div(found_BS, aims_BS, reduction="batchmean", log_target=True)

    def validate(self, network: Network) -> Score:
        """Mean reciprocal rank of the items that held-out people took."""
        return as_score(self._held.check(network))

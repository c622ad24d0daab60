"""The contract of a task: what the training loop needs to know of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import torch

    from huaxiang.encoder.model import Network


@dataclass(frozen=True, slots=True)
class Score:
    """What a check on held-out rows found.

    Attributes:
        value: what early stopping watches; higher is better, NaN where nothing is held out.
        figures: the same and more, by name, for the report and for tracking.
        seconds: what it took to find out, where that is known.
    """

    value: float
    figures: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0


class Task(Protocol):
    """Data, head, loss and metrics of one task. Legend: B rows of a batch."""

    @property
    def name(self) -> str:
        """What it is called on the command line."""
        ...

    @property
    def lengths(self) -> Sequence[int]:
        """Tokens of each training row: rows of like length share a batch."""
        ...

    @property
    def head(self) -> Any:
        """The `torch.nn.Module` that is trained beside the encoder; one without weights where there is none."""
        ...

    def loss(self, network: Network, rows: Sequence[int]) -> torch.Tensor:
        """Mean loss of these training rows, in nats, with its gradient."""
        ...

    def validate(self, network: Network) -> Score:
        """Judge the weights as they are on held-out rows; called without gradient, dropout off."""
        ...

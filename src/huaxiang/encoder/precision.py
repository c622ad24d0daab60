"""In what precision matrices are multiplied while training: float32, or bfloat16 where this machine is faster in it.

Only products are in bfloat16 (PyTorch's autocast): weights, moments and losses stay float32.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from huaxiang.errors import ConfigError

if TYPE_CHECKING:
    from huaxiang.encoder.batches import Rows
    from huaxiang.encoder.model import Network

NAMES: Final = ("auto", "fp32", "bf16")
_TRIALS: Final = 3
_TIMED_ROWS: Final = 16
_WORTH_IT: Final = 1.1
"""How many times as fast bfloat16 must be: rounding to 8 bits is no price for what a measurement hardly sees."""


@dataclass(frozen=True, slots=True)
class Precision:
    """What was taken, and what both took where they were timed.

    Attributes:
        bf16: whether products are in bfloat16.
        fp32_seconds, bf16_seconds: of the fastest trial step of each; None where nothing was timed.
    """

    bf16: bool = False
    fp32_seconds: float | None = None
    bf16_seconds: float | None = None

    @property
    def name(self) -> str:
        """`bf16` or `fp32`."""
        return "bf16" if self.bf16 else "fp32"

    @property
    def speedup(self) -> float | None:
        """How many times faster a step in bfloat16 is than one in float32; None where nothing was timed."""
        if self.fp32_seconds is None or self.bf16_seconds is None:
            return None
        return self.fp32_seconds / max(self.bf16_seconds, 1e-9)

    def __str__(self) -> str:
        """For people: `bf16 (a step is 2.1 times as fast as in fp32)`."""
        if self.speedup is None:
            return self.name
        return f"{self.name} (a step in bf16 is {self.speedup:.1f} times as fast as in fp32)"


def choose_precision(step: Callable[[bool], None], *, trials: int = _TRIALS) -> Precision:
    """Time a few training steps each way on this machine and take the faster.

    Args:
        step: one step forward and backward, in bfloat16 where its argument is True; it must neither move the weights
            nor draw from a generator of its own. Torch's generator is put back afterwards.
        trials: timed steps each way, after one of each that is not timed; they alternate, so that another process
            slows both, and the fastest counts.
    """
    import torch

    taken: dict[bool, list[float]] = {False: [], True: []}
    with torch.random.fork_rng(devices=[]):
        for trial in range(trials + 1):
            for bf16, seconds in taken.items():
                began = time.perf_counter()
                step(bf16)
                if trial > 0:
                    seconds.append(time.perf_counter() - began)
    fp32, half = min(taken[False]), min(taken[True])
    return Precision(half * _WORTH_IT < fp32, fp32, half)


def training_step(network: Network, rows: Rows) -> Callable[[bool], None]:
    """A step forward and backward on these rows that moves nothing, to time precisions with."""

    def step(bf16: bool) -> None:
        with autocast(bf16):
            loss = network.vectors(rows).float().square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        network.lm.zero_grad(set_to_none=True)

    return step


def sample_rows(network: Network, texts: Sequence[str]) -> Rows:
    """Rows of the first texts that are not empty, to time a step with."""
    return [row for row in network.tokens.ids(texts[:_TIMED_ROWS]) if row] or [[network.pad_id]]


def is_faster_in_bf16(network: Network, texts: Sequence[str]) -> bool:
    """Whether a training step of this network over such texts is, by two timed steps each way."""
    return choose_precision(training_step(network, sample_rows(network, texts)), trials=2).bf16


def precision_of(name: str, step: Callable[[bool], None]) -> Precision:
    """The precision of this name: `fp32` and `bf16` as they are, `auto` by `choose_precision`."""
    if name not in NAMES:
        raise ConfigError(f"precision {name!r} is unknown; choose one of {', '.join(NAMES)}")
    return choose_precision(step) if name == "auto" else Precision(bf16=name == "bf16")


@contextmanager
def autocast(precision: Precision | bool) -> Iterator[None]:
    """Multiply in this precision inside the block; True is bfloat16."""
    import torch

    bf16 = precision if isinstance(precision, bool) else precision.bf16
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        yield

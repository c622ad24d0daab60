"""An encoder with fewer layers that gives the vectors of the whole one.

The layers that stay are taken evenly, first and last among them (as DistilBERT begins, Sanh et al. 2019); then the
small network is trained so that its vectors of the shop's texts point where those of the source point. Its prediction
head is dropped: it reads other hidden states than it was trained on.

Legend: N texts, B of a batch, D width.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huaxiang.encoder.batches import cut, shuffled
from huaxiang.encoder.model import Network
from huaxiang.encoder.optimising import DivergedError, adamw, descend
from huaxiang.encoder.precision import Precision, autocast, precision_of
from huaxiang.encoder.schedule import Progress, Schedule
from huaxiang.encoder.serving import OnnxEncoder
from huaxiang.errors import ConfigError, DataError
from huaxiang.types import Vectors

if TYPE_CHECKING:
    import torch

MIN_TEXTS: Final = 50
_MAX_HELD: Final = 500
_CHECKS: Final = 8
"""Looks at the held-out texts, evenly over the steps."""


@dataclass(frozen=True, slots=True)
class Distilling:
    """Settings; the learning rate is the best of 3e-5, 1e-4, 3e-4, 6e-4 and 1e-3 by held-out cosine after 300 steps,
    3 of 6 layers: .897, .931, .950, .955, .954."""

    batch_size: int = 32
    learning_rate: float = 6e-4
    weight_decay: float = 0.01
    epochs: int = 20
    max_tokens: int = 64


@dataclass(frozen=True, slots=True)
class LayersReport:
    """What distilling did.

    Attributes:
        cosine_before, cosine_after: mean cosine with the source on held-out texts: as the layers were dropped, and of
            what was kept.
        parameters: weights of the small encoder.
        precision: `fp32` or `bf16`, in which it was trained.
    """

    layers: int
    source_layers: int
    parameters: int
    steps: int
    planned_steps: int
    n_texts: int
    n_held: int
    cosine_before: float
    cosine_after: float
    precision: str
    seconds: float


def distil_layers(
    network: Network,
    source: OnnxEncoder,
    n_layers: int,
    texts: Sequence[str],
    *,
    seconds: float,
    rng: np.random.Generator,
    precision: str = "auto",
    settings: Distilling = Distilling(),
    max_steps: int | None = None,
    progress: Progress | None = None,
) -> tuple[Network, LayersReport]:
    """A small network, and how near it came; `network` stays as it is.

    Args:
        source: the same encoder as `network` served, which is faster at telling what is to be learned.
        texts: to learn from; a tenth of them is held out, and what does best on it is kept.

    Memory: weights of the small network five times, a vector of the source for each text, activations of a batch.

    Raises:
        ConfigError: the network has no such number of layers to keep.
        DataError: fewer than `MIN_TEXTS` texts.
    """
    if len(texts) < MIN_TEXTS:
        raise DataError(f"{len(texts)} texts are too few to distil with; give at least {MIN_TEXTS} by --texts")
    small, n_source = dropped(network, n_layers)
    course = _Course(small, source, texts, settings, rng)
    planned = math.ceil(len(course.train) / settings.batch_size) * settings.epochs
    schedule = Schedule(planned if max_steps is None else min(planned, max_steps), seconds)
    taken = precision_of(precision, course.trial) if not schedule.done else Precision()
    course.run(schedule, taken, progress)
    return small, course.report(n_layers, n_source, schedule, taken)


def dropped(network: Network, n_layers: int) -> tuple[Network, int]:
    """A copy with `n_layers` of the layers, and how many there were."""
    n_source = int(getattr(network.lm.config, "num_hidden_layers", 0))
    if not 1 <= n_layers < n_source:
        raise ConfigError(f"{n_layers} layers cannot be kept of {n_source}; choose 1 to {max(n_source - 1, 1)}")
    kept = np.round(np.linspace(0, n_source - 1, n_layers)).astype(int).tolist() if n_layers > 1 else [n_source - 1]
    return with_layers(network, kept), n_source


def with_layers(network: Network, kept: Sequence[int]) -> Network:
    """A copy with some of the layers, counted from 0.

    Raises:
        DataError: the architecture keeps its layers in no list.
    """
    import torch

    lm: Any = copy.deepcopy(network.lm)
    n_source = int(getattr(lm.config, "num_hidden_layers", 0))
    for name, module in list(lm.base_model.named_modules()):
        if isinstance(module, torch.nn.ModuleList) and len(module) == n_source:
            owner = lm.base_model.get_submodule(name.rpartition(".")[0])
            setattr(owner, name.rpartition(".")[2], torch.nn.ModuleList([module[i] for i in kept]))
            break
    else:
        raise DataError(f"{network.name} keeps its {n_source} layers in no list; its architecture cannot be cut")
    lm.config.num_hidden_layers = len(kept)
    return replace(network, lm=lm, name=f"{network.name}-{len(kept)}-layers", has_head=False, body=None)


class _Course:
    """A small network on its way, and the source's vectors of the texts, each asked for once."""

    def __init__(
        self,
        network: Network,
        source: OnnxEncoder,
        texts: Sequence[str],
        settings: Distilling,
        rng: np.random.Generator,
    ) -> None:
        self.network, self.settings, self.rng, self._source = network, settings, rng, source
        rows = [row for row in network.tokens.ids(texts) if row]
        order = rng.permutation(len(rows)).tolist()
        n_held = min(_MAX_HELD, max(1, len(rows) // 10))
        self.held = [rows[i] for i in order[:n_held]]
        self.train = cut([rows[i] for i in order[n_held:]], settings.max_tokens)
        self._wanted_ND = np.zeros((len(self.train), network.d), dtype=np.float32)
        self._known_N = np.zeros(len(self.train), dtype=bool)
        self._held_ND = source.encode_ids(self.held)
        self.before = self.best = self._cosine()
        self._weights = copy.deepcopy(network.lm.base_model.state_dict())

    def run(self, schedule: Schedule, precision: Precision, progress: Progress | None) -> None:
        """Train until the schedule ends, and put back what did best on the held-out texts."""
        settings, base = self.settings, self.network.lm.base_model
        optimiser = adamw(base, settings.learning_rate, settings.weight_decay)
        checks = 0
        for batch in shuffled([len(row) for row in self.train], settings.batch_size, self.rng):
            if schedule.done:
                break
            with autocast(precision):
                loss = self._loss(batch)
            if not math.isfinite(descend(loss, base, optimiser, settings.learning_rate * schedule.factor())):
                raise DivergedError(f"the loss is no number at step {schedule.step}; the source's vectors are broken")
            schedule.advance()
            if progress is not None:
                progress("distil", schedule.step, schedule.planned, max(schedule.clock.left, 0.0))
            if schedule.done or schedule.step >= schedule.planned * (checks + 1) / _CHECKS:
                checks += 1
                self._check()
        base.load_state_dict(self._weights)

    def report(self, n_layers: int, n_source: int, schedule: Schedule, precision: Precision) -> LayersReport:
        """What the training did."""
        return LayersReport(
            layers=n_layers,
            source_layers=n_source,
            parameters=self.network.n_parameters,
            steps=schedule.step,
            planned_steps=schedule.asked,
            n_texts=len(self.train),
            n_held=len(self.held),
            cosine_before=self.before,
            cosine_after=self.best,
            precision=precision.name,
            seconds=schedule.clock.elapsed,
        )

    def trial(self, bf16: bool) -> None:
        """A step that moves nothing, for the clock."""
        with autocast(bf16):
            loss = self._loss(list(range(min(self.settings.batch_size, len(self.train)))))
        loss.backward()  # type: ignore[no-untyped-call]
        self.network.lm.zero_grad(set_to_none=True)

    def _loss(self, batch: Sequence[int]) -> torch.Tensor:
        """Mean of one minus the cosine; without dropout, which the source's vectors were not given with either."""
        import torch

        self.network.lm.eval()
        given_BD = self.network.vectors([self.train[i] for i in batch])
        return (1.0 - (given_BD.float() * torch.from_numpy(self._wanted(batch))).sum(dim=1)).mean()

    def _wanted(self, batch: Sequence[int]) -> Vectors:
        asked = [i for i in batch if not self._known_N[i]]
        if asked:
            self._wanted_ND[asked] = self._source.encode_ids([self.train[i] for i in asked])
            self._known_N[asked] = True
        return self._wanted_ND[list(batch)]

    def _check(self) -> None:
        now = self._cosine()
        if now > self.best:
            self.best, self._weights = now, copy.deepcopy(self.network.lm.base_model.state_dict())

    def _cosine(self) -> float:
        given_ND = self.network.encode_ids(self.held).numpy()
        return float((given_ND * self._held_ND).sum(axis=1).mean())

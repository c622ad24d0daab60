"""The training loop that all tasks share: early stopping on held-out rows, and the best weights are what remains."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from huaxiang.encoder.attention import trained_attention
from huaxiang.encoder.batches import shuffled
from huaxiang.encoder.model import Network
from huaxiang.encoder.optimising import DivergedError
from huaxiang.encoder.schedule import Progress, Schedule
from huaxiang.encoder.tasks.base import Score, Task

if TYPE_CHECKING:
    import torch

_SHARE_OF_CHECKS: Final = 0.2
"""Of the time, at most, that goes into validation."""


class Tracker(Protocol):
    """Takes figures while training runs, such as for TensorBoard."""

    def log(self, step: int, figures: dict[str, float]) -> None:
        """Keep these figures under this step."""
        ...


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how fast to learn; see experiments/LOG.md for what was measured.

    Attributes:
        epochs: passes over the training rows, as planned; time may cut them.
        learning_rate: of the encoder at its top; `head_learning_rate` of what the task adds.
        frozen_layers: the embeddings (from 1 on) and so many lower layers minus one keep their weights: most of what
            they hold is language, and neither their gradient nor their moments cost anything.
        layer_decay: each lower layer learns at this share of the rate of the one above (Howard & Ruder 2018).
        accumulate: batches whose gradients are added up before a step.
        checks: looks at the held-out rows, at most; `patience` of them in a row without gain end the training.
        between_checks: steps between two of them, at least: fewer may change less than a check can see.
    """

    epochs: float = 3.0
    batch_size: int = 32
    learning_rate: float = 1e-4
    head_learning_rate: float = 1e-3
    weight_decay: float = 0.01
    frozen_layers: int = 0
    layer_decay: float = 1.0
    accumulate: int = 1
    checks: int = 5
    patience: int = 3
    between_checks: int = 1


@dataclass(frozen=True, slots=True)
class FitReport:
    """What training did; losses are means of the first and the last ten steps, in nats.

    Attributes:
        curve: `(step, value)` of each check on held-out rows.
        best_step: where the weights that remain come from; 0 for the beginning.
        stopped_early: whether validation ended it before the plan or the time did.
    """

    steps: int
    planned_steps: int
    best_step: int
    seconds: float
    loss_first: float
    loss_last: float
    before: Score
    after: Score
    curve: tuple[tuple[int, float], ...]
    trained_parameters: int
    stopped_early: bool


def fit(
    network: Network,
    task: Task,
    plan: Plan,
    *,
    seconds: float,
    rng: np.random.Generator,
    max_steps: int | None = None,
    bf16: bool = False,
    before: Score | None = None,
    keep_beginning: bool = False,
    progress: Progress | None = None,
    tracker: Tracker | None = None,
    after_step: Callable[[int], None] | None = None,
    penalty: Callable[[], torch.Tensor | None] | None = None,
) -> FitReport:
    """Train network and head in place; what validates best is what remains.

    Args:
        seconds: wall time for everything here; the plan shrinks to what it allows.
        before: what `task.validate` says of the weights as they are, where it is known already.
        keep_beginning: whether the weights as they are may be the best; False where the head starts from nothing.
        bf16: whether matrices are multiplied in bfloat16 (weights and moments stay float32).
        after_step: called with the number of each step while its gradients are there; `penalty` is added to the loss
            of a step. Both are what a parameter-efficient method asks for.

    Raises:
        DivergedError: the loss became NaN or infinite; the network holds the best weights before that.
    """
    run = _Run(network, task, plan, seconds, rng, max_steps, bf16, tracker)
    run.after_step, run.penalty = after_step, penalty
    try:
        with trained_attention(network):
            return run.go(before, keep_beginning, progress)
    finally:
        for parameter in run.frozen:
            parameter.requires_grad_(True)


class _Run:
    """One training, from the first step to the best weights put back."""

    def __init__(
        self,
        network: Network,
        task: Task,
        plan: Plan,
        seconds: float,
        rng: np.random.Generator,
        max_steps: int | None,
        bf16: bool,
        tracker: Tracker | None,
    ) -> None:
        self.network, self.task, self.plan, self.rng = network, task, plan, rng
        self.bf16, self.tracker = bf16, tracker
        self.seconds, self.max_steps = seconds, max_steps
        self.after_step: Callable[[int], None] | None = None
        self.penalty: Callable[[], torch.Tensor | None] | None = None
        self.began = time.monotonic()
        self.frozen = freeze(network, plan.frozen_layers)
        self.optimiser = optimiser(network, task.head, plan)
        self.rates = [float(group["lr"]) for group in self.optimiser.param_groups]
        self.curve: list[tuple[int, float]] = []
        self.losses: list[float] = []
        self.best_step = self.misses = 0

    def go(self, before: Score | None, keep_beginning: bool, progress: Progress | None) -> FitReport:
        """Train, check, put the best back."""
        self.before = self.best = self._judge() if before is None else before
        check_seconds = time.monotonic() - self.began if before is None else before.seconds
        self.weights = self._copy() if keep_beginning else {}
        n_checks = self._affordable_checks(check_seconds)
        schedule = self._schedule(n_checks * check_seconds)
        self._train(schedule, n_checks, progress)
        self._restore()
        return self._report(schedule)

    def _affordable_checks(self, each: float) -> int:
        return max(1, min(self.plan.checks, int(self.seconds * _SHARE_OF_CHECKS / max(each, 1e-9))))

    def _schedule(self, reserved: float) -> Schedule:
        batches = math.ceil(len(self.task.lengths) / self.plan.batch_size) * self.plan.epochs
        planned = max(1, round(batches / self.plan.accumulate)) if self.task.lengths else 0
        planned = planned if self.max_steps is None else min(planned, self.max_steps)
        return Schedule(planned, self.seconds - (time.monotonic() - self.began) - reserved)

    def _train(self, schedule: Schedule, n_checks: int, progress: Progress | None) -> None:
        batches = shuffled(self.task.lengths, self.plan.batch_size, self.rng)
        done = last = 0
        while not schedule.done and self.misses < self.plan.patience:
            self.losses.append(self._step([next(batches) for _ in range(self.plan.accumulate)], schedule.factor()))
            schedule.advance()
            if progress is not None:
                progress(self.task.name, schedule.step, schedule.planned, max(schedule.clock.left, 0.0))
            if self.tracker is not None:
                self.tracker.log(schedule.step, {"loss": self.losses[-1], "factor": schedule.factor()})
            due = schedule.step >= schedule.planned * (done + 1) / n_checks
            if schedule.done or (due and schedule.step >= last + self.plan.between_checks):
                done += 1
                step = last = schedule.step
                schedule.without(lambda step=step: self._check(step))  # type: ignore[misc]

    def _step(self, batches: Sequence[Sequence[int]], factor: float) -> float:
        import torch

        self.network.lm.train()
        self.task.head.train()
        self.optimiser.zero_grad(set_to_none=True)
        total = 0.0
        for batch in batches:
            with torch.autocast("cpu", torch.bfloat16, enabled=self.bf16):
                loss = self.task.loss(self.network, batch)
            total += float(loss.detach())
            (loss / len(batches)).backward()  # type: ignore[no-untyped-call]
        if self.penalty is not None and (more := self.penalty()) is not None:
            more.backward()  # type: ignore[no-untyped-call]
        if not math.isfinite(total):
            self._restore()
            raise DivergedError(
                f"the loss of {self.task.name} was {total} at step {len(self.losses) + 1}; the best weights before it "
                "are kept; give a smaller learning rate"
            )
        for group, rate in zip(self.optimiser.param_groups, self.rates, strict=True):
            group["lr"] = rate * factor
        torch.nn.utils.clip_grad_norm_([p for g in self.optimiser.param_groups for p in g["params"]], 1.0)
        self.optimiser.step()
        if self.after_step is not None:
            self.after_step(len(self.losses) + 1)
        return total / len(batches)

    def _judge(self) -> Score:
        import torch

        self.network.lm.eval()
        self.task.head.eval()
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=self.bf16):
            return self.task.validate(self.network)

    def _check(self, step: int) -> None:
        """Validate the weights as they are; without held-out rows the newest are kept."""
        now = self._judge()
        self.curve.append((step, now.value))
        if self.tracker is not None:
            figures = {"value": now.value, **now.figures}
            self.tracker.log(step, {f"validation/{name}": value for name, value in figures.items()})
        if math.isnan(now.value) or not self.weights or now.value > self.best.value:
            self.best, self.weights, self.best_step, self.misses = now, self._copy(), step, 0
        else:
            self.misses += 1

    def _copy(self) -> dict[str, Any]:
        return {name: value.detach().clone() for name, value in self._trained()}

    def _restore(self) -> None:
        import torch

        self.network.lm.eval()
        self.task.head.eval()
        with torch.no_grad():
            for name, value in self._trained() if self.weights else ():
                value.copy_(self.weights[name])

    def _trained(self) -> list[tuple[str, Any]]:
        """What is trained: the rest never changes and needs no copy."""
        encoder = [(f"encoder.{name}", p) for name, p in self.network.base.named_parameters() if p.requires_grad]
        return encoder + [(f"head.{name}", p) for name, p in self.task.head.named_parameters() if p.requires_grad]

    def _report(self, schedule: Schedule) -> FitReport:
        return FitReport(
            steps=schedule.step,
            planned_steps=schedule.asked,
            best_step=self.best_step,
            seconds=time.monotonic() - self.began,
            loss_first=float(np.mean(self.losses[:10])) if self.losses else math.nan,
            loss_last=float(np.mean(self.losses[-10:])) if self.losses else math.nan,
            before=self.before,
            after=self.best,
            curve=tuple(self.curve),
            trained_parameters=sum(p.numel() for _, p in self._trained()),
            stopped_early=self.misses >= self.plan.patience and not schedule.done,
        )


def freeze(network: Network, n: int) -> list[Any]:
    """Keep the embeddings (from `n` = 1 on) and the lowest `n - 1` layers as they are; 0 frees nothing and changes
    nothing, so that a parameter-efficient method's own choice stands. What was frozen by this call is returned."""
    if n < 1:
        return []
    named = network.lm.base_model.named_parameters()
    frozen = [each for name, each in named if depth_of(name) < n and each.requires_grad]
    for parameter in frozen:
        parameter.requires_grad_(False)
    return frozen


def depth_of(name: str) -> int:
    """0 for embeddings, 1 for the lowest layer and so on, by the parameter's name; what stands above them is top."""
    parts = name.split(".")
    for before, part in itertools.pairwise(parts):
        if part.isdigit() and before in {"layer", "layers", "h", "block", "blocks"}:
            return int(part) + 1
    return 0 if any("embed" in part for part in parts) or parts[0] in {"wte", "wpe"} else 1 << 20


def optimiser(network: Network, head: Any, plan: Plan) -> torch.optim.AdamW:
    """AdamW with a rate for each depth; only matrices decay, since biases and norms would be pulled to zero for
    nothing."""
    import torch

    n_layers = int(getattr(network.lm.config, "num_hidden_layers", 12))
    groups: dict[tuple[float, float], list[Any]] = {}
    for name, parameter in network.base.named_parameters():
        if parameter.requires_grad:
            rate = plan.learning_rate * plan.layer_decay ** max(n_layers - depth_of(name), 0)
            groups.setdefault((rate, plan.weight_decay if parameter.ndim > 1 else 0.0), []).append(parameter)
    for parameter in head.parameters():
        decay = plan.weight_decay if parameter.ndim > 1 else 0.0
        groups.setdefault((plan.head_learning_rate, decay), []).append(parameter)
    given = [{"params": each, "lr": rate, "weight_decay": decay} for (rate, decay), each in groups.items()]
    return torch.optim.AdamW(given, betas=(0.9, 0.98), eps=1e-6)

"""The loop of pretraining: held-out loss before, steps that can be taken up again, held-out loss after."""

from __future__ import annotations

import math
import time
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, Final

import numpy as np

from huaxiang.encoder.batches import shuffled
from huaxiang.encoder.model import Network
from huaxiang.encoder.optimising import DivergedError, adamw, apply
from huaxiang.encoder.precision import Precision, autocast, precision_of
from huaxiang.encoder.pretraining.asking import Asker
from huaxiang.encoder.pretraining.keeping import Keeper
from huaxiang.encoder.pretraining.memory import check_within, fit_to, peak_mb
from huaxiang.encoder.pretraining.objectives import HiddenWords, NextWord, Objective
from huaxiang.encoder.pretraining.report import PretrainReport
from huaxiang.encoder.pretraining.rows import Example
from huaxiang.encoder.pretraining.settings import Pretraining
from huaxiang.encoder.schedule import Progress, Schedule
from huaxiang.encoder.training_state import Parts
from huaxiang.errors import ConfigError

_SHARE_OF_CHECKS: Final = 0.1
"""Of the time, at most, that goes into measuring on held-out texts: once as much again before and after."""
_DEFAULT: Final = Pretraining()
_LOST: Final = 10
"""Steps in a row without a finite gradient after which the run is given up."""
_EVALUATED: Final = 32
"""Held-out texts of one batch."""


def pretrain(
    network: Network,
    texts: Sequence[str],
    *,
    seconds: float,
    rng: np.random.Generator,
    max_steps: int | None = None,
    settings: Pretraining = _DEFAULT,
    objective: str = "masked",
    precision: str = "fp32",
    keeper: Keeper | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> PretrainReport:
    """Train `network.lm` in place until the epochs, `max_steps` or the seconds are over.

    Args:
        texts: none blank; read when their turn comes, so they may lie on disk.
        precision: `fp32`, `bf16`, or `auto`, which times both.
        keeper: keeps the state on the way, and takes up the run whose state it finds: with equal texts, settings and
            seed, losses go on as if it had never stopped.
        memory: bytes that the process may hold; batches shrink to fit, and training stops where it holds more.

    Raises:
        DivergedError: the loss or the gradient became NaN or infinite; the last state that was kept is untouched.
        DataError: too little memory, or no room to keep the state.

    Memory: weights four times (Adam), plus activations of `batch_size` rows of `max_tokens`.
    """
    chosen = objective_of(network, objective, settings)
    found = keeper.found() if keeper is not None else None
    if found is not None:
        settings = _as_before(settings, found)
    elif memory is not None:
        settings = fit_to(memory, network, settings, 1.0 if chosen.causal else settings.masked)
    asker = Asker(network, chosen, packed=settings.packed)
    run = _Run(network, asker, texts, settings, rng, keeper, memory)
    return run.go(seconds, max_steps, precision if found is None else str(found["precision"]), progress)


def objective_of(network: Network, name: str, settings: Pretraining) -> Objective:
    """The objective of this name."""
    if name == "masked":
        return HiddenWords(network, settings.masked, whole_words=settings.masking == "whole-word")
    if name == "next-word":
        return NextWord(network)
    raise ConfigError(f"objective {name!r} is unknown; choose one of masked, next-word")


def _as_before(settings: Pretraining, found: dict[str, Any]) -> Pretraining:
    """Batches as they were: their size may have been chosen by the memory that was free then."""
    return replace(settings, batch_size=int(found["batch_size"]), accumulate=int(found["accumulate"]))


class _Run:
    """One pretraining."""

    def __init__(
        self,
        network: Network,
        asker: Asker,
        texts: Sequence[str],
        settings: Pretraining,
        rng: np.random.Generator,
        keeper: Keeper | None,
        memory: int | None,
    ) -> None:
        self.network, self.asker, self.texts, self.settings = network, asker, texts, settings
        self.keeper, self.memory = keeper, memory
        self.began = time.monotonic()
        order = rng.permutation(len(texts))
        n_held = min(int(len(texts) * settings.held_out), settings.max_held_out)
        self.held = asker.objective.read([texts[i] for i in order[:n_held].tolist()])
        self.train = order[n_held:]
        self.held_seed, data_seed, mask_seed = (int(each) for each in rng.integers(2**32, size=3))
        self.batches = self._order(data_seed)
        self.rng = np.random.default_rng(mask_seed)
        self.optimiser = adamw(network.lm, settings.learning_rate, settings.weight_decay)
        self.parts = Parts({"lm": network.lm}, self.optimiser, {"masks": self.rng})
        self.losses: list[float] = []
        self.curve: list[tuple[int, float]] = []
        self.tokens, self.training_seconds, self.resumed_from = 0, 0.0, 0
        self.lost = self.lost_in_a_row = 0

    def _order(self, seed: int) -> Iterator[list[int]]:
        """Batches of places in `self.train`; they depend on the seed alone, so skipping some finds the old place."""
        every = getattr(self.texts, "lengths", None)
        if every is None:
            lengths = array("q", [len(self.texts[i]) for i in self.train.tolist()])
        else:
            lengths = array("q", np.asarray(every)[self.train].tolist())
        # Texts that share rows need not be of like length, and the more they differ the better they fill a row.
        window = 1 if self.asker.packed else 16
        return shuffled(lengths, self.settings.batch_size, np.random.default_rng(seed), window)

    def go(self, seconds: float, max_steps: int | None, precision: str, progress: Progress | None) -> PretrainReport:
        """Measure, train, measure."""
        schedule = self._take_up(seconds, max_steps)
        self.precision = precision_of(precision, self._trial) if not schedule.done else Precision()
        began = time.monotonic()
        if not self.curve:
            self._hold_what_fits(schedule.clock.left)
            self._measure(0)
        self._train(schedule, time.monotonic() - began, progress)
        if self.curve[-1][0] < schedule.step:
            self._measure(schedule.step)
        return self._report(schedule)

    def _take_up(self, seconds: float, max_steps: int | None) -> Schedule:
        """The plan, at its beginning or where an interrupted run stood."""
        each_step = self.settings.batch_size * self.settings.accumulate
        planned = math.ceil(len(self.train) / each_step) * self.settings.epochs
        left = seconds - (time.monotonic() - self.began)
        schedule = Schedule(
            planned if max_steps is None else min(planned, max_steps), left, warm_up=self.settings.warm_up
        )
        if self.keeper is not None and self.keeper.found() is not None:
            said = self.keeper.restore(self.parts)
            self.losses, self.curve = list(said["losses"]), [(int(step), loss) for step, loss in said["held_out"]]
            self.held = self.held[: int(said["n_held"])]
            self.tokens, self.training_seconds = int(said["tokens"]), float(said["training_seconds"])
            schedule.take_up(int(said["step"]), int(said["planned"]), float(said["elapsed"]))
            self.resumed_from = schedule.step
            next(islice(self.batches, schedule.step * self.settings.accumulate - 1, None), None)
        return schedule

    def _train(self, schedule: Schedule, each_check: float, progress: Progress | None) -> None:
        # Time is set aside for the checks to come and the last measurement, and the clock stands still meanwhile.
        left = max(schedule.clock.left, 0.0)
        n_checks = min(self.settings.checks, int(left * _SHARE_OF_CHECKS / max(each_check, 1e-9)))
        schedule.clock.deadline -= (n_checks + 1) * each_check
        for several in self._steps():
            if schedule.done:
                break
            began = time.monotonic()
            self.losses.append(self._step(several, self.settings.learning_rate * schedule.factor()))
            self.training_seconds += time.monotonic() - began
            schedule.advance()
            if progress is not None:
                progress("pretrain", schedule.step, schedule.planned, max(schedule.clock.left, 0.0))
            self._look_around(schedule, n_checks)
        self.network.lm.eval()

    def _steps(self) -> Iterator[list[list[int]]]:
        """The batches of one step at a time."""
        while several := list(islice(self.batches, self.settings.accumulate)):
            yield several

    def _look_around(self, schedule: Schedule, n_checks: int) -> None:
        """Measure, keep the state and watch the memory, where it is time for that."""
        step = schedule.step
        if (done := len(self.curve) - 1) < n_checks and step >= schedule.planned * (done + 1) / (n_checks + 1):
            schedule.without(lambda: self._measure(step))
        if self.keeper is not None and self.keeper.due(step):
            self._check_sound()
            self.keeper.keep(self.parts, self._said(schedule))
        if self.memory is not None:
            check_within(self.memory)

    def _step(self, several: Sequence[Sequence[int]], learning_rate: float) -> float:
        """One step of the optimiser on the mean loss of all places asked for; NaN where nothing could be asked."""
        self.network.lm.train()
        batches = [self.asker.batch([self.texts[int(self.train[i])] for i in batch], self.rng) for batch in several]
        n_asked = sum(batch.n_asked for batch in batches)
        if n_asked == 0:
            return math.nan
        self.optimiser.zero_grad(set_to_none=True)
        total = 0.0
        for batch in batches:
            if batch.n_asked:
                with autocast(self.precision):
                    loss = self.asker.loss(batch) / n_asked
                total += float(loss.detach())
                loss.backward()  # type: ignore[no-untyped-call]
            self.tokens += batch.n_tokens
        if not math.isfinite(total):
            raise self._diverged(f"the loss is {total}")
        if apply(self.network.lm, self.optimiser, learning_rate):
            self.lost_in_a_row = 0
        else:
            self.lost, self.lost_in_a_row = self.lost + 1, self.lost_in_a_row + 1
            if self.lost_in_a_row >= _LOST:
                raise self._diverged(f"the gradients of {_LOST} steps in a row are not finite")
        return total

    def _trial(self, bf16: bool) -> None:
        """A step that leaves everything as it was, for the clock."""
        rng = np.random.default_rng(0)
        at = rng.permutation(len(self.train))[: self.settings.batch_size]
        batch = self.asker.batch([self.texts[int(self.train[i])] for i in at], rng)
        if batch.n_asked:
            self.network.lm.train()
            with autocast(bf16):
                loss = self.asker.loss(batch) / batch.n_asked
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimiser.zero_grad(set_to_none=True)

    def _hold_what_fits(self, left: float) -> None:
        """Judge by fewer texts where measuring on all of them would eat up the time."""
        began = time.monotonic()
        loss_on(self.asker, self.held[:_EVALUATED], self.held_seed)
        each = (time.monotonic() - began) / max(min(len(self.held), _EVALUATED), 1)
        self.held = self.held[: max(int(_SHARE_OF_CHECKS * max(left, 0.0) / max(each, 1e-9) / 2), _EVALUATED)]

    def _measure(self, step: int) -> None:
        self.curve.append((step, loss_on(self.asker, self.held, self.held_seed)))

    def _check_sound(self) -> None:
        """Refuse to keep weights that answer no question any more: the state on disk is the last good one."""
        few = loss_on(self.asker, self.held[:_EVALUATED], self.held_seed)
        if self.held and not math.isfinite(few):
            raise self._diverged(f"the loss on held-out texts is {few}")

    def _diverged(self, what: str) -> DivergedError:
        kept = ""
        if self.keeper is not None and (found := self.keeper.found()) is not None:
            kept = f"; the last good state, of step {found['step']}, is kept at {self.keeper.path}"
        return DivergedError(
            f"pretraining went wrong at step {len(self.losses) + 1}: {what}; give a smaller learning rate{kept}"
        )

    def _said(self, schedule: Schedule) -> dict[str, Any]:
        return {
            "step": schedule.step,
            "n_held": len(self.held),
            "planned": schedule.planned,
            "elapsed": schedule.clock.elapsed,
            "training_seconds": self.training_seconds,
            "tokens": self.tokens,
            "losses": self.losses,
            "held_out": self.curve,
            "precision": self.precision.name,
            "batch_size": self.settings.batch_size,
            "accumulate": self.settings.accumulate,
        }

    def _report(self, schedule: Schedule) -> PretrainReport:
        notes = []
        if self.precision.speedup is not None:
            notes.append(f"precision: {self.precision}")
        if self.lost:
            notes.append(f"{self.lost} steps were left out, since their gradients were not finite")
        return PretrainReport(
            steps=schedule.step,
            planned_steps=schedule.asked,
            seconds=schedule.clock.elapsed,
            loss_before=self.curve[0][1],
            loss_after=self.curve[-1][1],
            objective=self.asker.objective.name,
            masking=self.settings.masking if self.asker.objective.name == "masked" else "",
            losses=tuple(self.losses),
            held_out=tuple(self.curve),
            precision=self.precision.name,
            tokens_per_second=self.tokens / max(self.training_seconds, 1e-9),
            peak_mb=peak_mb(),
            resumed_from=self.resumed_from,
            notes=tuple(notes),
        )


def loss_on(asker: Asker, examples: Sequence[Example], seed: int) -> float:
    """Nats per piece asked for, under one fixed draw, so that before and after answer the same questions; NaN without
    texts."""
    import torch

    rng = np.random.default_rng(seed)
    was_training = asker.network.lm.training
    asker.network.lm.eval()
    total, count = 0.0, 0
    with torch.no_grad():
        for start in range(0, len(examples), _EVALUATED):
            batch = asker.batch_of(examples[start : start + _EVALUATED], rng)
            total += float(asker.loss(batch))
            count += batch.n_asked
    asker.network.lm.train(was_training)
    return total / count if count else math.nan

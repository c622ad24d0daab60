"""An encoder fine-tuned on who took what: from a table of pairs to an encoder and its figures."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from huaxiang.encoder.contrast import CHECKPOINT_RATE, PLAN
from huaxiang.encoder.finetuning.beginning import Begun, begin, put_on
from huaxiang.encoder.finetuning.loop import FitReport, Plan, fit
from huaxiang.encoder.finetuning.methods import Applied, check_fits
from huaxiang.encoder.heldout import MAX_PAIRS, Retrieval, Validation, hold_out
from huaxiang.encoder.model import Network, Shape
from huaxiang.encoder.optimising import torch_as
from huaxiang.encoder.placing import Placed, Teaching, place
from huaxiang.encoder.precision import autocast
from huaxiang.encoder.schedule import Clock, Progress
from huaxiang.encoder.taken import Taken
from huaxiang.encoder.tasks.contrast import Contrast, near_items
from huaxiang.encoder.threads import idle_cores
from huaxiang.encoder.tokens import Tokens
from huaxiang.encoder.training import export_seconds
from huaxiang.errors import DataError

_MAX_TOKENS: Final = 128
_FEWEST: Final = 20
"""Fewer pairs teach nothing that a validation could confirm."""
_SHARE_HELD: Final = 0.2
"""Of the pairs, at most: one half chooses the weights, the other is what the figures are of."""
_MOST_CHOOSING: Final = 500
"""Held-out pairs that choose, at most; `MAX_PAIRS` of others are what the figures are of."""
_SHARE_JUDGING: Final = 0.15
"""Of the budget that one ranking of all items may take; else a sample of the items stands for them."""
_SHARE_NEAR: Final = 0.1
_SHAPE: Final = Shape()


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asked for; None: as measured for the encoder and the method.

    Attributes:
        places: whether it is learned first where items belong: where histories name enough of them, the encoder was
            taught before, all weights are trained, and no hard negatives are asked for.
    """

    encoder: str = "auto"
    method: str = "full"
    cut: bool = True
    hard: int = 0
    epochs: float | None = None
    learning_rate: float | None = None
    batch_size: int | None = None
    seed: int = 0
    threads: int | None = None
    shape: Shape = _SHAPE
    places: bool = True

    def plan(self, begun: Begun, rate: float | None) -> Plan:
        """How to learn; `rate` is the method's."""
        usual = rate if rate is not None else CHECKPOINT_RATE if begun.taught else PLAN.learning_rate
        return replace(
            PLAN,
            epochs=self.epochs or PLAN.epochs,
            learning_rate=self.learning_rate or usual,
            batch_size=self.batch_size or PLAN.batch_size,
        )


@dataclass(frozen=True, slots=True)
class Trained:
    """The network, and what became of it, as JSON-compatible values."""

    network: Network
    figures: dict[str, Any]


def train_contrast(
    taken: Taken,
    test: Taken | None,
    how: Asked,
    clock: Clock,
    *,
    seconds: float,
    progress: Progress | None = None,
) -> Trained:
    """Fine-tune an encoder so that a query's vector is near that of what was taken.

    People are held out whole: of one half the best weights are chosen, of the other the figures are.

    Args:
        clock: began with the work. `seconds`: of it for everything; what the export takes is left over.

    Raises:
        DataError: too few pairs, or a loss that is no number.
    """
    if len(taken) < _FEWEST:
        raise DataError(f"{len(taken)} pairs to learn from, at least {_FEWEST} are needed; give more")
    rng = np.random.default_rng(how.seed)
    notes = [*taken.notes, *(test.notes if test is not None else ())]
    with torch_as(how.threads or idle_cores(), how.seed, "fine-tuning an encoder"):
        texts = list(dict.fromkeys([*taken.items, *taken.queries]))
        begun = begin(how.encoder, texts, rng, notes, max_tokens=_MAX_TOKENS, cut=how.cut, shape=how.shape)
        check_fits(begun.network, how.method)
        return _Run(taken, test, how, begun, rng, notes, clock, seconds, progress).go()


class _Run:
    """One training: hold out, judge, learn, judge again."""

    def __init__(
        self,
        taken: Taken,
        test: Taken | None,
        how: Asked,
        begun: Begun,
        rng: np.random.Generator,
        notes: list[str],
        clock: Clock,
        seconds: float,
        progress: Progress | None,
    ) -> None:
        self.taken, self.how, self.begun, self.rng, self.notes = taken, how, begun, rng, notes
        self.clock, self.progress = clock, progress
        self.seconds = seconds - export_seconds(begun.network, seconds)
        tokens = begun.network.tokens
        self.train, held = hold_out(len(taken), taken.people, rng, _SHARE_HELD, _MOST_CHOOSING + MAX_PAIRS)
        first, second = hold_out(len(held), [taken.people[i] for i in held], rng, 0.5, MAX_PAIRS)
        chosen, judged = ([held[i] for i in part] for part in (first, second))
        self.choosing = Validation.of(tokens, taken.pairs(chosen[:_MOST_CHOOSING]), taken.items, rng)
        self.judged: dict[str, Validation] = {}
        started = self._check(self.choosing)
        each = started.seconds / max(len(self.choosing.histories) + len(self.choosing.items), 1)
        self.judged["held_out"] = self._all(tokens, taken.pairs(judged), taken.items, each, "held-out")
        if test is not None:
            self.judged["test"] = self._test(tokens, test, each)

    def go(self) -> Trained:
        """The network, with the best weights, and its figures."""
        before = {name: self._check(each) for name, each in self.judged.items()}
        after_seconds = sum(each.seconds for each in before.values())
        placed, done = self._learn(lambda: self.seconds - self.clock.elapsed - after_seconds)
        after = {name: self._check(each) for name, each in self.judged.items()}
        if not self.judged["held_out"].histories:
            self.notes.append(
                "too few people to judge by others than those that chose the weights; no held-out figures"
            )
        if not done.best_step:
            self.notes.append("no check on held-out people beat the encoder as it came, so that is what remains")
        if done.steps < done.planned_steps and not done.stopped_early:
            self.notes.append(f"the budget cut the training after {done.steps} of {done.planned_steps} steps")
        return Trained(self.begun.network, self._figures(placed, done, before, after))

    def _check(self, held: Validation) -> Retrieval:
        with autocast(self.begun.bf16):
            return held.check(self.begun.network)

    def _learn(self, left: Callable[[], float]) -> tuple[Placed | None, FitReport]:
        """In two strides where histories name their items, else by contrast."""
        how, begun = self.how, self.begun
        size = how.plan(begun, None).batch_size
        steps = math.ceil(len(self.train) / size) * (how.epochs or PLAN.epochs)
        applied = put_on(begun, how.method, math.ceil(steps), how.seed)
        first = how.places and begun.taught and applied is None and not how.hard
        placed = self._place(left()) if first else None
        done = self._contrast(applied, left) if placed is None else placed.fit
        if applied is not None:
            applied.finish()
        return placed, done

    def _place(self, seconds: float) -> Placed | None:
        return place(
            self.begun.network,
            self.taken,
            self.train,
            self.choosing,
            seconds=seconds,
            rng=self.rng,
            bf16=self.begun.bf16,
            notes=self.notes,
            teaching=Teaching(self.how.epochs, self.how.learning_rate, self.how.batch_size),
            progress=self.progress,
        )

    def _contrast(self, applied: Applied | None, left: Callable[[], float]) -> FitReport:
        how, begun = self.how, self.begun
        pairs = self.taken.pairs(self.train)
        near = None
        if how.hard:
            owners = [(self.taken.people[i], ("query", self.taken.queries[i])) for i in self.train]
            near, reached = near_items(self.taken.items, pairs, owners, seconds=_SHARE_NEAR * left())
            if reached < 1.0:
                self.notes.append(f"hard negatives were found for {reached:.0%} of the items taken, then time was over")
        plan = how.plan(begun, None if applied is None else applied.learning_rate)
        task = Contrast(
            self.taken.items, pairs, self.choosing, batch_size=plan.batch_size, hard=how.hard, near=near, rng=self.rng
        )
        return fit(
            begun.network,
            task,
            plan,
            seconds=left(),
            rng=self.rng,
            bf16=begun.bf16,
            keep_beginning=True,
            progress=self.progress,
            after_step=None if applied is None else applied.after_step,
            penalty=None if applied is None else applied.penalty,
        )

    def _test(self, tokens: Tokens, test: Taken, each: float) -> Validation:
        """Test pairs among the items of both files."""
        place = {item: at for at, item in enumerate(dict.fromkeys([*self.taken.items, *test.items]))}
        pairs = [(query, place[test.items[at]]) for query, at in test.pairs(range(len(test)))]
        known = set(self.taken.people)
        if shared := sum(person in known for person in set(test.people)):
            self.notes.append(f"{shared} people or queries of the test file are in the training file too")
        return self._all(tokens, pairs, list(place), each, "test")

    def _all(
        self, tokens: Tokens, pairs: list[tuple[str, int]], items: Sequence[str], each: float, what: str
    ) -> Validation:
        """Looked for among all items, where the budget allows it; else among a sample, which is said."""
        if each * (len(pairs) + len(items)) <= _SHARE_JUDGING * self.seconds:
            histories = tokens.ids([query for query, _ in pairs])
            return Validation(histories, np.array([item for _, item in pairs], dtype=np.int64), tokens.ids(items))
        some = Validation.of(tokens, pairs[:MAX_PAIRS], items, self.rng)
        self.notes.append(
            f"the {what} figures are of {len(some.histories)} of {len(pairs)} pairs among {len(some.items)} of "
            f"{len(items)} items: all take longer than the budget allows, so they are not comparable to others"
        )
        return some

    def _figures(
        self, placed: Placed | None, done: FitReport, before: dict[str, Retrieval], after: dict[str, Retrieval]
    ) -> dict[str, Any]:
        parts: dict[str, dict[str, Any]] = {
            name: {
                "before": _plain(before[name]),
                "after": _plain(after[name]),
                "n_pairs": after[name].n_pairs,
                "n_items": after[name].n_items,
            }
            for name in after
        }
        told = parts.get("test", parts["held_out"])
        return {
            **told["after"],
            "method": self.how.method,
            "encoder": self.begun.network.name,
            "n_pairs": len(self.taken),
            "n_train": len(self.train),
            "n_items": len(self.taken.items),
            "hard_negatives": self.how.hard,
            "held_out": parts["held_out"],
            "test": parts.get("test"),
            "places": None if placed is None else placed.figures(),
            "steps": done.steps,
            "best_step": done.best_step,
            "trained_parameters": done.trained_parameters,
            "notes": self.notes,
        }


def _plain(found: Retrieval) -> dict[str, float | None]:
    values = {f"recall@{found.k}": found.recall, "mrr": found.mrr}
    return {name: None if math.isnan(value) else round(value, 6) for name, value in values.items()}

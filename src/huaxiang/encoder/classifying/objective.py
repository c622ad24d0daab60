"""What `huaxiang tune classify` searches: how to fine-tune, judged by texts held out of the training file."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from huaxiang.encoder.batches import Rows
from huaxiang.encoder.classifying.material import Material
from huaxiang.encoder.classifying.networks import Opened
from huaxiang.encoder.classifying.splits import Fold
from huaxiang.encoder.classifying.tuned import plan_for
from huaxiang.encoder.finetuning.loop import Plan, Tracker, fit
from huaxiang.encoder.finetuning.methods import LEARNING_RATES, apply_method, check_fits
from huaxiang.encoder.tasks.classify import Classify, Examples
from huaxiang.encoder.tuning import Space, Watch, Watching
from huaxiang.errors import DataError

Track: TypeAlias = Callable[[str, dict[str, Any]], AbstractContextManager[Tracker | None]]
"""Opens tracking under a name, for a run that is described."""


class TuneClassify:
    """Trains on each fold from the same beginning; the value is the mean of what the held-out texts say.

    A trial is given up by the checks of its first fold.

    Raises:
        DataError: no text can be held out.
    """

    def __init__(self, opened: Opened, material: Material, *, seed: int, track: Track) -> None:
        if not material.folds:
            raise DataError("every label has one text only, so nothing can be held out to judge settings by")
        self._opened, self._material, self._seed, self._track = opened, material, seed, track
        self._rows: Rows = opened.network.tokens.ids(material.train.texts)

    def defaults(self, methods: Sequence[str]) -> dict[str, Plan]:
        """What `huaxiang finetune classify` would take of each method.

        Raises:
            DataError: one of them does not fit the encoder.
        """
        usual = plan_for(len(self._rows), self._material.n_classes)
        for method in methods:
            check_fits(self._opened.network, method)
        return {
            method: usual
            if method == "full"
            else replace(usual, learning_rate=LEARNING_RATES[method], frozen_layers=0, layer_decay=1.0)
            for method in methods
        }

    def space(self) -> Space:
        """Around them."""
        return Space(layers=int(self._opened.network.lm.config.num_hidden_layers))

    def about(self, **said: Any) -> dict[str, Any]:
        """What is tuned on what; two searches with the same answer may go on with each other's trials."""
        train = self._material.train
        read = repr((train.texts, train.labels)).encode()
        return said | {
            "texts": hashlib.blake2b(read, digest_size=8).hexdigest(),
            "encoder": self._opened.network.name,
            "seed": self._seed,
            "many": self._material.many,
            "balanced": self._material.balanced,
        }

    def __call__(self, plan: Plan, method: str, watch: Watch) -> float:
        """One trial."""
        import torch

        torch.manual_seed(self._seed)
        ends = time.monotonic() + watch.seconds
        described = {"trial": watch.number, "method": method, "plan": repr(plan)}
        values: list[float] = []
        with self._track(f"trial-{watch.number:03d}", described) as tracker:
            for at, fold in enumerate(self._material.folds):
                left = (ends - time.monotonic()) / (len(self._material.folds) - at)
                heard = Watching(watch, tracker) if at == 0 else None
                values.append(self._train(plan, method, fold, left, heard, watch))
        return float(np.mean(values))

    def _train(
        self, plan: Plan, method: str, fold: Fold, seconds: float, tracker: Tracker | None, watch: Watch
    ) -> float:
        network = self._opened.fresh()
        steps = max(1, round(len(fold.fit) * plan.epochs / plan.batch_size))
        applied = apply_method(network, method, total_steps=steps, seed=self._seed)
        report = fit(
            network,
            self._task(fold),
            plan,
            seconds=seconds,
            rng=np.random.default_rng(self._seed),
            bf16=self._opened.bf16,
            tracker=tracker,
            after_step=applied.after_step,
            penalty=applied.penalty,
        )
        watch.was_cut |= report.steps < report.planned_steps and not report.stopped_early
        return report.after.value

    def _task(self, fold: Fold) -> Classify:
        material = self._material
        return Classify(
            self._examples(fold.fit),
            self._examples(fold.held),
            self._opened.network.d,
            class_weights=material.class_weights(),
            many=material.many,
        )

    def _examples(self, chosen: NDArray[np.int64]) -> Examples:
        return Examples([self._rows[i] for i in chosen], self._material.targets_NC[chosen])

"""The candidate that trains the network: fine-tuning on the task, by any method, within a time.

Legend: N training texts, H held-out ones, C classes, D width.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huaxiang.encoder.batches import Rows, cut
from huaxiang.encoder.classifying.classical import Head, fit_on_vectors
from huaxiang.encoder.classifying.material import Judged, Material, judge
from huaxiang.encoder.finetuning.loop import FitReport, Plan, Tracker, fit
from huaxiang.encoder.finetuning.methods import apply_method
from huaxiang.encoder.heads.linear import Linear, Scores
from huaxiang.encoder.model import Network
from huaxiang.encoder.precision import autocast
from huaxiang.encoder.tasks.alike import Alike
from huaxiang.encoder.tasks.classify import Classify, Examples

if TYPE_CHECKING:
    from numpy.typing import NDArray

FEW_SHOT: Final = "few-shot"
_PAIRED_TOKENS: Final = 64
"""Where texts are cut that are learned in pairs: each step reads two for every anchor, padded to the longest."""
_LEAST_STEPS: Final = 20
"""Fewer teach a head that begins at nothing too little to be worth its time."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How the network is trained.

    Attributes:
        method: a way to fine-tune, or `few-shot`: by pairs, and a head on the vectors afterwards.
        plan: None: `plan_for` the number of texts.
        bf16: whether products are in bfloat16.
    """

    method: str = "full"
    plan: Plan | None = None
    bf16: bool = False
    seed: int = 0
    tracker: Tracker | None = None

    def by(self, method: str) -> Settings:
        """The same by another method; few-shot training has a plan of its own."""
        return replace(self, method=method, plan=None if method == FEW_SHOT else self.plan)


@dataclass(slots=True)
class Tuned:
    """A fine-tuned network with its head.

    Attributes:
        reports: of each training: one a fold, and the last on all texts where there was time for it.
        refitted: whether the network has learned from the held-out texts too, after they had judged.
    """

    network: Network
    head: Linear
    judged: Judged
    reports: list[FitReport]
    refitted: bool
    bf16: bool

    def scores(self, texts: Sequence[str]) -> Scores:
        """Logits of shape `(n, C)`."""
        with autocast(self.bf16):
            vectors_ND = self.network.encode_ids(self.network.tokens.ids(texts))
        return self.head.scores(vectors_ND.float().numpy())

    def save(self, folder: Path, samples: Sequence[str]) -> None:
        """Write the encoder as it is served, and the head."""
        from huaxiang.encoder.export import export

        folder.mkdir(parents=True, exist_ok=True)
        export(self.network, folder / "encoder", samples)
        self.head.save(folder)


def plan_for(n_texts: int, n_classes: int) -> Plan:
    """How long to learn from so many texts; see experiments/LOG.md.

    Few texts are read more often, and many classes need more reading than two.
    """
    epochs = float(np.clip(12_000 / max(n_texts, 1), 1.5, 10.0))
    if n_classes > 20:
        epochs = float(np.clip(50_000 / max(n_texts, 1), 4.0, 10.0))
    rate = 1e-4 if n_classes <= 20 else 2e-4
    return Plan(epochs=epochs, learning_rate=rate, patience=4, checks=8)


def plan_for_pairs(n_texts: int) -> Plan:
    """How long to learn from pairs of so few texts: each at least twice and at most 20 times. After 60 times the 16
    texts of two classes were known by heart, and others were read worse than before."""
    return Plan(
        epochs=float(np.clip(5_000 / max(n_texts, 1), 2.0, 20.0)),
        learning_rate=1e-4,
        batch_size=16,
        patience=4,
        checks=4,
    )


def rows_to_read(settings: Settings, material: Material) -> float:
    """Texts that a whole plan reads forward and backward, in all rounds."""
    n = len(material.train)
    plan = settings.plan or _usual(settings.method, n, material.n_classes)
    each = sum(len(fold.fit) for fold in material.folds) if len(material.folds) > 1 else 0
    return plan.epochs * (n + each) * (2 if settings.method == FEW_SHOT else 1)


def _usual(method: str, n_texts: int, n_classes: int) -> Plan:
    return plan_for_pairs(n_texts) if method == FEW_SHOT else plan_for(n_texts, n_classes)


def fit_tuned(
    network: Network, material: Material, settings: Settings, seconds: float, begin: Head | None = None
) -> Tuned | None:
    """Fine-tune on each fold to be judged, then on all texts if there is time left; None where there is none.

    Args:
        seconds: wall time for everything here.
        begin: heads on the vectors of the same network as it came. Training that begins with them moves the network
            less, and what it knew of other texts stays (Kumar et al. 2022).
    """
    course = _Course(network, material, settings, seconds, begin)
    return course.run()


class _Course:
    """One network through the folds and, if there is time, once more through everything."""

    def __init__(
        self, network: Network, material: Material, settings: Settings, seconds: float, begin: Head | None
    ) -> None:
        self.network, self.material, self.settings, self.begin = network, material, settings, begin
        self.rows: Rows = network.tokens.ids(material.train.texts)
        self.plan = settings.plan or _usual(settings.method, len(self.rows), material.n_classes)
        self.ends = time.monotonic() + seconds
        self.reports: list[FitReport] = []
        self.began = time.monotonic()

    @property
    def left(self) -> float:
        return self.ends - time.monotonic()

    def run(self) -> Tuned | None:
        beginning = copy.deepcopy(self.network.lm.state_dict())
        scores_NC = np.zeros((len(self.rows), self.material.n_classes))
        folds = self.material.folds
        head: Linear | None = None
        for at, fold in enumerate(folds):
            if at:
                self._back_to(beginning)
            seconds = self.left / (len(folds) - at + (len(folds) > 1))
            start = self.begin.of_folds[at] if self.begin is not None else None
            head = self._train(fold.fit, fold.held, seconds, start)
            if self.reports[-1].steps < min(_LEAST_STEPS, self.reports[-1].planned_steps):
                self.material.notes.append(f"fine-tuning was left out: time for {self.reports[-1].steps} steps only")
                return None
            scores_NC[fold.held] = self._scores(head, [self.rows[i] for i in fold.held])
        judged = self._judge(scores_NC)
        taken = max((report.seconds for report in self.reports), default=0.0)
        refit = not folds or len(folds) > 1 or self.left > 1.15 * taken
        if refit:
            self._back_to(beginning)
            everything = np.arange(len(self.rows))
            start = self.begin.linear if self.begin is not None else None
            head = self._train(everything, everything[:0], self.left, start)
        assert head is not None
        return Tuned(self.network, head, judged, self.reports, refit, self.settings.bf16)

    def _back_to(self, beginning: dict[str, Any]) -> None:
        self.network.body = None
        self.network.lm.load_state_dict(beginning)

    def _judge(self, scores_NC: Scores) -> Judged:
        held_N, seconds = self.material.held_N, time.monotonic() - self.began
        return judge(scores_NC[held_N], self.material.targets_NC[held_N], many=self.material.many, seconds=seconds)

    def _train(
        self, learned: NDArray[np.int64], held: NDArray[np.int64], seconds: float, start: Linear | None
    ) -> Linear:
        began = time.monotonic()
        method = "full" if self.settings.method == FEW_SHOT else self.settings.method
        task = self._task(learned, held, start)
        applied = apply_method(
            self.network,
            method,
            total_steps=max(1, round(len(learned) * self.plan.epochs / self.plan.batch_size)),
            seed=self.settings.seed,
        )
        as_it_is = method == "full" or self.settings.plan is not None
        plan = self.plan if as_it_is else replace(self.plan, learning_rate=applied.learning_rate, frozen_layers=0)
        report = fit(
            self.network,
            task,
            plan,
            seconds=seconds - (time.monotonic() - began),
            rng=np.random.default_rng(self.settings.seed),
            bf16=self.settings.bf16,
            progress=self.material.progress,
            tracker=self.settings.tracker,
            after_step=applied.after_step,
            penalty=applied.penalty,
        )
        applied.finish()
        self.reports.append(report)
        if isinstance(task, Alike):
            return self._head_on_vectors(learned)
        weights_CD = task.head.weight.detach().numpy() * task.scale
        return Linear(weights_CD.astype(np.float32), task.head.bias.detach().numpy().copy())

    def _head_on_vectors(self, learned: NDArray[np.int64]) -> Linear:
        """What few-shot training ends with: logistic regression on the vectors as they now are."""
        with autocast(self.settings.bf16):
            vectors_ND = self.network.encode_ids([self.rows[i] for i in learned]).float().numpy()
        return fit_on_vectors(vectors_ND, self.material.targets_NC[learned], self.material, c=1.0)

    def _task(self, learned: NDArray[np.int64], held: NDArray[np.int64], start: Linear | None) -> Classify | Alike:
        targets_NC = self.material.targets_NC
        taught = Examples([self.rows[i] for i in learned], targets_NC[learned])
        asked = Examples([self.rows[i] for i in held], targets_NC[held])
        if self.settings.method == FEW_SHOT:
            short = replace(taught, rows=cut(taught.rows, _PAIRED_TOKENS))
            return Alike(short, asked, np.random.default_rng(self.settings.seed))
        return Classify(
            taught,
            asked,
            self.network.d,
            class_weights=self.material.class_weights(),
            many=self.material.many,
            start=None if start is None else (start.weights_CF, start.bias_C),
        )

    def _scores(self, head: Linear, rows: Rows) -> Scores:
        with autocast(self.settings.bf16):
            return head.scores(self.network.encode_ids(rows).float().numpy())

"""From labelled texts to a classifier, straight down one page: n-grams, a frozen encoder, fine-tuning, their stack.

The held-out texts choose; the budget bounds everything; what was left out is named in the notes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from huaxiang.encoder.classifying.asked import Asked
from huaxiang.encoder.classifying.classical import Head, fit_ngrams
from huaxiang.encoder.classifying.classifier import TextClassifier
from huaxiang.encoder.classifying.frozen import MOST_SAMPLED, fit_frozen, speed
from huaxiang.encoder.classifying.jobs import ENOUGH, Job, affordable, allotted, jobs_of
from huaxiang.encoder.classifying.material import Judged, Material, material_of
from huaxiang.encoder.classifying.networks import Opened, open_networks
from huaxiang.encoder.classifying.stacking import FEWEST, Choice, choose
from huaxiang.encoder.classifying.table import Labelled
from huaxiang.encoder.classifying.tuned import FEW_SHOT, Settings, fit_tuned
from huaxiang.encoder.finetuning.loop import Tracker
from huaxiang.encoder.finetuning.methods import METHODS as TRAINED
from huaxiang.encoder.heads.linear import Scores
from huaxiang.encoder.optimising import DivergedError, torch_as
from huaxiang.encoder.schedule import Clock, Progress
from huaxiang.encoder.threads import idle_cores
from huaxiang.errors import DataError, UnknownNameError
from huaxiang.measure.calibration import abstain, threshold_keeping

if TYPE_CHECKING:
    from huaxiang.encoder.model import Network

METHODS: Final = ("auto", "ngrams", "frozen", "stack", FEW_SHOT, *TRAINED)
"""What can be asked for: `stack` trains no network, `few-shot` trains it on pairs, the others after it are ways to
fine-tune one."""
_FEW: Final = 70
"""Texts a class, on average, up to which training on pairs is a candidate."""

_FROZEN_SHARE: Final = 0.3
"""Of the time that is left, at most, for reading all texts with the encoder as it came; of a sample half of that."""
_FROZEN_SHARE_OF_FEW: Final = 0.6
"""The same of texts that are no more than a sample would be: what is left then may not be enough to fine-tune."""
_WANTED: Final = 0.95
"""Share of the answers that shall be right when the classifier may abstain."""
_GIVEN_UP: Final = 0.01
"""Share of the right answers that may be lost to keep out what is none of the classes."""
_LEAST_SECONDS: Final = 20.0
"""Opening a checkpoint and timing a step take about ten."""


class Model(Protocol):
    """A candidate that was trained."""

    def scores(self, texts: Sequence[str]) -> Scores:
        """Logits of shape `(n, C)`."""
        ...


@dataclass(slots=True)
class Trained:
    """A classifier in this process, and how it came about.

    Attributes:
        models: every candidate by name; `choice` says which of them answer.
        seconds: wall time of training.
    """

    material: Material
    models: dict[str, Any]
    judged: dict[str, Judged]
    choice: Choice
    classifier: TextClassifier
    seconds: float
    encoder: str = ""
    bf16: bool = False
    threads: int = 1
    about: dict[str, Any] = field(default_factory=dict)

    @property
    def method(self) -> str:
        """What answers: `ngrams`, or such as `stack(full+ngrams)`."""
        names = sorted(self.choice.weights)
        return names[0] if len(names) == 1 else f"stack({'+'.join(names)})"


def train_classifier(
    train: Labelled,
    asked: Asked,
    clock: Clock,
    *,
    n_texts_after: int = 0,
    seconds_after: float = 0.0,
    progress: Progress | None = None,
    tracker: Tracker | None = None,
) -> Trained:
    """Train by one method, or by what held-out texts find best within the time.

    Args:
        n_texts_after: texts that will be classified within the same time, such as a test file.
        seconds_after: kept back for what else follows, such as writing.

    Raises:
        DataError: fewer than two classes, or the checkpoint does not open.
        UnknownNameError: no such method, or no training text has the label `asked.outside`.
    """
    if asked.method not in METHODS:
        raise UnknownNameError("method", asked.method, METHODS)
    if asked.outside is not None and asked.many:
        raise DataError("of several labels for a text none can mean that there is no other; leave its cell empty")
    material = material_of(train, clock, seed=asked.seed, many=asked.many, balanced=asked.balanced, progress=progress)
    if asked.outside is not None and asked.outside not in material.classes:
        raise UnknownNameError("label of texts outside", asked.outside, material.classes)
    threads = asked.threads or idle_cores()
    course = _Course(material, asked, n_texts_after, seconds_after, tracker)
    course.classical()
    if asked.method != "ngrams":
        with torch_as(threads, asked.seed, "training a classifier"):
            course.with_network()
    return course.finish(threads)


@dataclass(slots=True)
class _Course:
    """One table on its way to a classifier."""

    material: Material
    asked: Asked
    n_after: int
    seconds_after: float
    tracker: Tracker | None
    models: dict[str, Any] = field(default_factory=dict)
    judged: dict[str, Judged] = field(default_factory=dict)
    encoder: str = ""
    bf16: bool = False

    @property
    def method(self) -> str:
        """What was asked for."""
        return self.asked.method

    def classical(self) -> None:
        """N-grams: in every comparison."""
        if self.method in {"auto", "ngrams", "stack"}:
            model = fit_ngrams(self.material)
            self.models["ngrams"], self.judged["ngrams"] = model, model.head.judged

    def with_network(self) -> None:
        """Candidates that read with an encoder, as far as the time goes."""
        if self.material.clock.left < _LEAST_SECONDS and self.method == "auto":
            self.material.notes.append(f"no encoder was tried: {max(self.material.clock.left, 0.0):.0f} s were left")
            return
        opened = open_networks(
            self.asked.encoder, self.material, needed=self.method != "auto", precision=self.asked.precision
        )
        if not opened:
            return
        self.encoder, self.bf16 = opened[0].network.name, opened[0].bf16
        if self.method in {"auto", "frozen", "stack"}:
            self._frozen(opened[0].network)
        if methods := self._to_train():
            self._fine_tune(opened if self.method == "auto" else opened[:1], methods)

    def _fine_tune(self, opened: list[Opened], methods: list[str]) -> None:
        """The jobs that there is time for; one that was faster than its estimate may leave time for another."""
        after = {each.network.name: self._after(each) for each in opened}
        kept = self.seconds_after + (after[opened[0].network.name] if "frozen" in self.models else 0.0)
        settings = Settings(plan=self.asked.plan, seed=self.asked.seed, tracker=self.tracker)
        jobs = jobs_of(opened, methods, settings, self.material)
        chosen = affordable(jobs, self.material.clock.left - kept - max(after.values()))
        waiting, pace = [*chosen, *(job for job in jobs if job not in chosen)], 1.0
        while waiting:
            job, *waiting = waiting
            kept += after[job.opened.network.name]
            left = self.material.clock.left - kept - sum(after[w.opened.network.name] for w in waiting if w in chosen)
            if job is not chosen[0] and left < ENOUGH * pace * job.needed:
                kept -= after[job.opened.network.name]
                continue
            self._tuned(job, allotted(job, waiting, chosen, left, pace))
            pace = self._pace(job, pace)

    def _pace(self, job: Job, before: float) -> float:
        """Real seconds of a plan beside what was estimated."""
        if (model := self.models.get(job.name)) is None:
            return before
        first, n_folds = model.reports[0], len(self.material.folds)
        whole = first.seconds * first.planned_steps / max(first.steps, 1)
        return float(whole * (n_folds + 1 if n_folds > 1 else 1) / max(job.needed, 1e-9))

    def _to_train(self) -> list[str]:
        """Ways to train the network that are tried."""
        if self.method != "auto":
            return [] if self.method in {"frozen", "stack"} else [self.method]
        n = len(self.material.train)
        few = n <= _FEW * self.material.n_classes and not self.material.many
        if few and n < FEWEST:
            return [FEW_SHOT]
        return [FEW_SHOT, self.asked.tuned_by] if few else [self.asked.tuned_by]

    def _frozen(self, network: Network) -> None:
        few = len(self.material.train) <= MOST_SAMPLED
        share = (_FROZEN_SHARE_OF_FEW if few else _FROZEN_SHARE) if self.method == "auto" else 1.0
        model = fit_frozen(network, self.material, bf16=self.bf16, seconds=share * self.material.clock.left)
        if model is not None:
            self.models["frozen"], self.judged["frozen"] = model, model.head.judged

    def _tuned(self, job: Job, seconds: float) -> None:
        if seconds < _LEAST_SECONDS / 2 and self.method == "auto":
            self.material.notes.append("fine-tuning was left out: the budget is too small")
            return
        try:
            model = fit_tuned(job.opened.fresh(), self.material, job.settings, seconds, self._begin(job))
        except DivergedError as error:
            if self.method != "auto":
                raise
            self.material.notes.append(f"fine-tuning was left out: {error}")
            return
        if model is not None:
            self.models[job.name], self.judged[job.name] = model, model.judged

    def _begin(self, job: Job) -> Head | None:
        """The head on the same encoder as it came, where there is one: fine-tuning goes on from it."""
        frozen = self.models.get("frozen")
        return frozen.head if frozen is not None and frozen.network.name == job.opened.network.name else None

    def _after(self, opened: Opened) -> float:
        """Seconds that classifying the texts to come takes with this network."""
        rows = opened.network.tokens.ids(self.material.train.texts[:256])
        return 1.2 * self.n_after / max(speed(opened.network, rows, opened.bf16), 1e-9)

    def _encoders(self, choice: Choice) -> str:
        """Names of the encoders that answer; where none does, of the one that was tried first."""
        networks = [self.models[name].network.name for name in choice.weights if name != "ngrams"]
        return ", ".join(dict.fromkeys(networks)) or self.encoder

    def finish(self, threads: int) -> Trained:
        """Choose, calibrate, and put together what answers."""
        if not self.models:
            raise DataError(f"method {self.method} could not be trained: {'; '.join(self.material.notes)}")
        material = self.material
        targets_HC = material.targets_NC[material.held_N]
        choice = choose(self.judged, targets_HC, many=material.many)
        share_C = material.targets_NC.mean(axis=0)
        classifier = TextClassifier(
            material.classes,
            {name: self.models[name] for name in choice.weights},
            choice.weights,
            temperature=choice.temperature,
            many=material.many,
            prior_C=np.asarray(share_C if material.many else share_C / share_C.sum(), dtype=np.float64),
            outside=self.asked.outside,
        )
        if not material.many and len(targets_HC):
            sure_HC = classifier.calibrated(choice.judged.scores_HC, ["-"] * len(targets_HC))
            classifier.threshold = _threshold(sure_HC, targets_HC.argmax(axis=1), classifier)
        return Trained(
            material,
            self.models,
            self.judged,
            choice,
            classifier,
            material.clock.elapsed,
            self._encoders(choice),
            self.bf16,
            threads,
        )


def _threshold(sure_HC: NDArray[np.float64], right_H: NDArray[np.int64], classifier: TextClassifier) -> float:
    """From which probability on an answer is given: most of those are right, or, where there are texts outside, hardly
    a right answer is lost to keep them out."""
    said_H, best_H = sure_HC.argmax(axis=1), sure_HC.max(axis=1)
    if classifier.outside is None:
        return abstain(best_H, said_H == right_H, _WANTED).threshold
    none = classifier.labels.index(classifier.outside)
    return threshold_keeping(best_H, (said_H == right_H) & (right_H != none), _GIVEN_UP)

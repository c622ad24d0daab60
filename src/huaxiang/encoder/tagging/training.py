"""From labelled texts to a tagger, straight down one page: n-grams, a network fine-tuned, and how the two are weighed.

Held-out texts choose; the budget bounds everything; what was left out is named in the notes.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from huaxiang.encoder.finetuning.loop import FitReport, Plan, Tracker, fit
from huaxiang.encoder.finetuning.methods import METHODS as TRAINED
from huaxiang.encoder.finetuning.methods import apply_method
from huaxiang.encoder.optimising import torch_as
from huaxiang.encoder.schedule import Clock, Progress
from huaxiang.encoder.tagging.alignment import align
from huaxiang.encoder.tagging.files import TaggedFile
from huaxiang.encoder.tagging.memory import Memory
from huaxiang.encoder.tagging.mixture import Part, best, choose_weight, fitted_temperature, mixed
from huaxiang.encoder.tagging.networks import open_network
from huaxiang.encoder.tagging.ngram_training import fit_ngrams
from huaxiang.encoder.tagging.ngrams import Ngrams
from huaxiang.encoder.tagging.saving import Parts
from huaxiang.encoder.tagging.spans import Tagged, agreement, label_names
from huaxiang.encoder.tagging.units import MOST_CHARACTERS
from huaxiang.encoder.tasks.tag import Examples, Tag
from huaxiang.encoder.threads import idle_cores
from huaxiang.errors import ConfigError, UnknownNameError

if TYPE_CHECKING:
    from huaxiang.encoder.model import Network
    from huaxiang.encoder.tagging.chain import Chain

AUTO: Final = "auto"
NGRAMS: Final = "ngrams"
METHODS: Final = (AUTO, NGRAMS, *TRAINED)
"""`auto` weighs n-grams and full fine-tuning; `ngrams` trains no network; the others train a network alone."""

_NGRAM_SHARE: Final = 0.15
"""Of the time, at most; 4,000 titles take them 16 s."""
_HELD_SHARE: Final = 0.1
_MOST_HELD: Final = 700
_LEAST_TEXTS: Final = 20
"""Distinct texts below which none is held out: two texts choose nothing."""
_LEAST_SECONDS: Final = 10.0
_AFTER: Final = 0.12
"""Share of the time for what follows the training: judging, calibrating, writing."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How a tagger is trained.

    Attributes:
        encoder: folder or name of a checkpoint; `auto`: what is installed and reads the language.
        epochs: passes over the texts; None: `plan_for`.
        seconds: wall time for everything.
        threads: of the training; None: the cores that are idle.
        max_steps: of the network, whatever the time.
    """

    encoder: str = AUTO
    method: str = AUTO
    epochs: float | None = None
    seconds: float = 600.0
    seed: int = 0
    threads: int | None = None
    max_steps: int | None = None
    tracker: Tracker | None = None
    progress: Progress | None = None


@dataclass(slots=True)
class Trained:
    """A tagger in this process, and how it came about.

    Attributes:
        parts: what is saved and served.
        n_fit, n_held: texts that taught, and that chose.
        validation: micro F1 on held-out texts of each part alone and of both.
        report: of the network's training; None without a network.
    """

    parts: Parts
    method: str
    n_fit: int
    n_held: int
    validation: dict[str, float] = field(default_factory=dict)
    report: FitReport | None = None
    bf16: bool = False
    notes: list[str] = field(default_factory=list)

    def predict(self, texts: Sequence[Tagged], guessed: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
        """The answers: of a text that a person tagged those tags, else what the models guessed."""
        known = [self.parts.memory.labels(text) for text in texts]
        return [guess if labels is None else labels for labels, guess in zip(known, guessed, strict=True)]

    def scores(self, texts: Sequence[Tagged]) -> Part:
        """What the models say of the units of these texts."""
        found = []
        if self.parts.network is not None and self.parts.task is not None:
            found.append((self.parts.weights[0], _network_part(self.parts.network, self.parts.task, texts)))
        if self.parts.ngrams is not None:
            found.append((self.parts.weights[1], _ngram_part(self.parts.ngrams, self.parts.chain, texts)))
        return Part(mixed(found).emissions, self.parts.chain)


def plan_for(n_texts: int, epochs: float | None) -> Plan:
    """How long to learn from so many texts; see experiments/LOG.md.

    Of 4,000 titles four passes reached .681, .740, .737 and .747 F1 on held-out titles; a rate of 1e-4 and of 3e-4 were
    alike after half of a shorter training (.583 and .590).
    """
    passes = float(np.clip(16_000 / max(n_texts, 1), 3.0, 20.0)) if epochs is None else epochs
    return Plan(epochs=passes, learning_rate=2e-4, head_learning_rate=3e-3, checks=4, patience=3)


def train_tagger(train: TaggedFile, settings: Settings) -> Trained:
    """Learn from a file; a tenth of its distinct texts is held out and chooses.

    Raises:
        ConfigError: the budget is too small. UnknownNameError: no such method.
        MissingExtraError, DataError: torch or the encoder is not there or does not open; DivergedError: the loss was
            no number.
    """
    if settings.method not in METHODS:
        raise UnknownNameError("method", settings.method, METHODS)
    if settings.seconds < _LEAST_SECONDS:
        raise ConfigError(f"a budget of {settings.seconds:.0f} s is too small to train; give at least 10s")
    with torch_as(settings.threads or idle_cores(), settings.seed, "fine-tuning"):
        return _Course(train, settings).run()


def split(texts: Sequence[Tagged], rng: np.random.Generator) -> tuple[list[Tagged], list[Tagged]]:
    """Texts to learn from and texts to choose by: copies of a text are never parted, and each is held out once."""
    copies: dict[str, list[Tagged]] = {}
    for text in texts:
        copies.setdefault(same(text.text), []).append(text)
    groups = list(copies.values())
    n_held = min(round(len(groups) * _HELD_SHARE), _MOST_HELD) if len(groups) >= _LEAST_TEXTS else 0
    chosen = set(rng.permutation(len(groups))[:n_held].tolist())
    fit_texts = [text for at, group in enumerate(groups) if at not in chosen for text in group]
    return fit_texts, [groups[at][0] for at in sorted(chosen)]


def clipped(text: Tagged) -> Tagged:
    """The beginning of a text that is read when tags are served."""
    if len(text.text) <= MOST_CHARACTERS:
        return text
    n = sum(end <= MOST_CHARACTERS for _, end in text.units)
    return Tagged(text.text[:MOST_CHARACTERS], text.units[:n], text.labels[:n])


def same(text: str) -> str:
    """What copies of a text have in common: case, blanks and full-width forms aside."""
    return "".join(unicodedata.normalize("NFKC", text).lower().split())


class _Course:
    """One training, from the split to the calibrated tagger."""

    def __init__(self, train: TaggedFile, settings: Settings) -> None:
        self.settings, self.unit = settings, train.unit
        self.clock = Clock(settings.seconds * (1.0 - _AFTER))
        self.rng = np.random.default_rng(settings.seed)
        self.names = label_names(train.types)
        texts = [clipped(text) for text in train.texts if text.text.strip()]
        self.texts = train.texts
        self.fit, self.held = split(texts, self.rng)
        self.notes = list(train.notes)
        if n_blank := len(train) - len(texts):
            self.notes.append(f"{n_blank} blank texts teach nothing and were left out")
        distinct = list(dict.fromkeys(self.fit))
        if n_copies := len(self.fit) - len(distinct):
            self.notes.append(f"{n_copies} training texts are copies of others, labels included, and were read once")
        self.fit = distinct
        if not self.held:
            self.notes.append(f"fewer than {_LEAST_TEXTS} distinct texts: none is held out, so nothing was chosen")
        self.report: FitReport | None = None
        self.bf16 = False

    def run(self) -> Trained:
        method = self.settings.method
        ngrams = self._ngrams() if method in {AUTO, NGRAMS} else None
        network = self._network() if method != NGRAMS else None
        if network is None:
            assert ngrams is not None
            return self._trained(Parts(self.unit, ngrams[1], 1.0, NGRAMS, ngrams=ngrams[0]), {})
        opened, task = network
        if ngrams is None:
            return self._trained(Parts(self.unit, task.chain(), 1.0, opened.name, opened, task), {})
        return self._weighed(opened, task, *ngrams)

    def _weighed(self, network: Network, task: Tag, ngrams: Ngrams, chain: Chain) -> Trained:
        """Both parts, weighed by held-out texts."""
        ours, theirs = _network_part(network, task, self.held), _ngram_part(ngrams, chain, self.held)
        weight, f1 = choose_weight(ours, theirs, self.held)
        alone = {"network": f1.get(0.0, float("nan")), "ngrams": _f1(theirs, self.held)} if self.held else {}
        if self.held and alone["ngrams"] > max(f1.values()):
            self.notes.append("the network gained nothing beside the n-grams on held-out texts and was left out")
            return self._trained(Parts(self.unit, chain, 1.0, NGRAMS, ngrams=ngrams), alone)
        if weight == 0.0:
            self.notes.append("the n-grams beside the network gained nothing on held-out texts and were left out")
            return self._trained(Parts(self.unit, task.chain(), 1.0, network.name, network, task), alone)
        both = mixed([(1.0, Part([], task.chain())), (weight, Part([], chain))]).chain
        name = f"{network.name} + {NGRAMS}"
        return self._trained(Parts(self.unit, both, 1.0, name, network, task, ngrams, (1.0, weight)), alone)

    def _trained(self, parts: Parts, validation: dict[str, float]) -> Trained:
        parts = replace(parts, memory=Memory.of(self.texts))
        trained = Trained(parts, self.settings.method, len(self.fit), len(self.held), validation, notes=self.notes)
        trained.report, trained.bf16 = self.report, self.bf16
        if self.held:
            part = trained.scores(self.held)
            trained.validation["f1"] = _f1(part, self.held)
            trained.parts = replace(parts, temperature=fitted_temperature(part, self.held))
        return trained

    def _ngrams(self) -> tuple[Ngrams, Chain]:
        return fit_ngrams(self.fit, self.names, rng=self.rng, seconds=_NGRAM_SHARE * self.settings.seconds)

    def _network(self) -> tuple[Network, Tag] | None:
        settings = self.settings
        texts = [text.text for text in self.fit]
        opened = open_network(settings.encoder, texts, self.rng, self.notes)
        network, self.bf16 = opened.network, opened.bf16
        task = self._task(network)
        method = "full" if settings.method == AUTO else settings.method
        plan = plan_for(len(self.fit), settings.epochs)
        steps = max(1, round(len(task.lengths) * plan.epochs / plan.batch_size))
        applied = apply_method(network, method, total_steps=steps, seed=settings.seed)
        if method != "full":
            plan = replace(plan, learning_rate=applied.learning_rate)
        self.report = fit(
            network,
            task,
            plan,
            seconds=max(self.clock.left, 1.0),
            rng=self.rng,
            max_steps=settings.max_steps,
            bf16=opened.bf16,
            progress=settings.progress,
            tracker=settings.tracker,
            after_step=applied.after_step,
            penalty=applied.penalty,
        )
        applied.finish()
        if self.report.steps < self.report.planned_steps and not self.report.stopped_early:
            cut = f"{self.report.steps} of {self.report.planned_steps} steps"
            self.notes.append(f"the time was enough for {cut} of the network")
        return network, task

    def _task(self, network: Network) -> Tag:
        taught, held = _examples(network, self.fit), _examples(network, self.held)
        known = [i for i, text in enumerate(taught.texts) if (text.token_U >= 0).any()]
        lost = sum(int((text.token_U < 0).sum()) for text in taught.texts)
        if lost:
            self.notes.append(f"{lost} units lie beyond the encoder's cut-off or outside its alphabet and are not read")
        taught = Examples([taught.texts[i] for i in known], [taught.labels[i] for i in known])
        return Tag(taught, held, self.names, network.d)


def _examples(network: Network, texts: Sequence[Tagged]) -> Examples:
    read = [align(network.tokens, text.text, text.units) for text in texts]
    return Examples(read, [text.labels for text in texts])


def _network_part(network: Network, task: Tag, texts: Sequence[Tagged]) -> Part:
    return Part(task.scores(network, _examples(network, texts).texts), task.chain())


def _ngram_part(ngrams: Ngrams, chain: Chain, texts: Sequence[Tagged]) -> Part:
    return Part([ngrams.emissions(text.text, text.units) for text in texts], chain)


def _f1(part: Part, texts: Sequence[Tagged]) -> float:
    return agreement([text.labels for text in texts], best(part)).f1

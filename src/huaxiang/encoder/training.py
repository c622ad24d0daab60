"""Steps 3 and 4 of the method, straight down one page: start, pretrain, fine-tune, export, within a budget."""

from __future__ import annotations

import copy
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeVar

import numpy as np

from huaxiang.encoder.contest import SHARE, Contest, challenged
from huaxiang.encoder.contrast import CHECKPOINT_RATE, PLAN, ContrastReport, finetune, reported
from huaxiang.encoder.heldout import MAX_ITEMS, MAX_PAIRS, Validation, hold_out
from huaxiang.encoder.model import Network, Shape, new_network
from huaxiang.encoder.optimising import DivergedError, torch_as
from huaxiang.encoder.placing import FEWEST, place
from huaxiang.encoder.precision import is_faster_in_bf16
from huaxiang.encoder.pretraining import Pretraining, PretrainReport, pretrain
from huaxiang.encoder.pretraining.heads import begin_head
from huaxiang.encoder.pretraining.settings import CONTINUED_RATE
from huaxiang.encoder.report import EncoderReport
from huaxiang.encoder.schedule import Clock, Progress
from huaxiang.encoder.sources import AUTO, choose, settle
from huaxiang.encoder.taken import Taken
from huaxiang.errors import DataError

MAX_TEXTS: Final = 100_000
MAX_TRAINING_PAIRS: Final = 100_000
"""More than this is sampled, and the report says so. Text becomes tokens batch by batch, so nothing else is held."""

_SHARE_OF_PRETRAINING: Final = 0.1
"""Of the time, where there are pairs: within a minute every second is worth more in fine-tuning."""
_COUNTED: Final = 5_000
"""Texts that the rarity of words is counted in."""
_MIN_PAIRS: Final = 20
"""Fewer pairs teach nothing that a validation could confirm."""

_SHAPE: Final = Shape()

T = TypeVar("T")


def train_encoder(
    item_texts: Sequence[str],
    pairs: Sequence[tuple[str, int]],
    *,
    extra_texts: Sequence[str] = (),
    users: Sequence[Hashable] | None = None,
    before: Sequence[Sequence[int]] | None = None,
    out: Path,
    checkpoint: str | None = None,
    rival: str | None = None,
    budget_seconds: float,
    seed: int,
    progress: Progress | None = None,
    max_steps: int | None = None,
    threads: int = 1,
    shape: Shape = _SHAPE,
) -> EncoderReport:
    """Make an encoder of a shop's text and what its shoppers took next: `out/hf` and `out/serving`.

    Equal seeds and threads give equal vectors where no budget cut the steps. Memory beyond the texts: five times the
    weights, one batch, with `before` five times the items' vectors and 1 GiB of kept states at most.

    Args:
        item_texts: how each item reads; blank ones teach nothing. extra_texts: more, such as reviews and queries.
        pairs: a history as text and the index in `item_texts` of the item that came next; may be empty.
        users: whose each pair is; without it neighbouring pairs are held out together.
        before: the items of each history as such indices, newest first; with them places are learned first.
        checkpoint: folder or name of a checkpoint; None for a new small network; `auto` for what finds held-out items
            best of the installed ones that read these texts, vocabularies cut, and a new network.
        rival: another checkpoint's folder; begins instead where it finds held-out items better, as it came.
        budget_seconds: wall time for everything; imports and export alone take about 10.
        max_steps: at most so many steps of each kind, whatever the time.
    Raises: DataError: nothing to read and no checkpoint, a pair outside the items, a checkpoint that does not open.
    """
    clock, given = Clock(budget_seconds), _Given(item_texts, pairs, users, before).checked(budget_seconds)
    notes, rng = list[str](), np.random.default_rng(seed)
    texts = _sample(_distinct([*item_texts, *extra_texts]), MAX_TEXTS, rng, "texts", notes)
    with torch_as(threads, seed):
        course, checkpoint = _start(texts, given, checkpoint, rival, shape, rng, budget_seconds, notes)
        return _run(course, texts, out, clock, budget_seconds, checkpoint, max_steps, progress)


def _run(
    course: _Course,
    texts: Sequence[str],
    out: Path,
    clock: Clock,
    budget: float,
    checkpoint: str | None,
    max_steps: int | None,
    progress: Progress | None,
) -> EncoderReport:
    """Pretrain, fine-tune, export; each gets its share of what is left."""
    ended = max(budget - export_seconds(course.network, budget), clock.elapsed)
    share = _SHARE_OF_PRETRAINING if len(course.train) else 1.0
    masked = course.pretrain(texts, checkpoint, (ended - clock.elapsed) * share, max_steps, progress)
    tuned = course.finetune(checkpoint, ended - clock.elapsed, max_steps, progress)
    return _finish(course, texts, out, clock, masked, tuned)


@dataclass(frozen=True, slots=True)
class _Given:
    """What a shop gives to learn from; see `train_encoder`."""

    item_texts: Sequence[str]
    pairs: Sequence[tuple[str, int]]
    users: Sequence[Hashable] | None
    before: Sequence[Sequence[int]] | None

    def checked(self, budget: float) -> _Given:
        """Itself, or an error that says what does not fit together."""
        if not budget > 0:
            raise DataError(f"the budget is {budget} seconds; give a positive number")
        n = len(self.item_texts)
        for name, given in (("users", self.users), ("histories", self.before)):
            if given is not None and len(given) != len(self.pairs):
                raise DataError(f"{len(self.pairs)} pairs but {len(given)} {name}; give one for each pair")
        for at, (_, item) in enumerate(self.pairs):
            for index in (item, *(self.before[at] if self.before is not None else ())):
                if not 0 <= index < n:
                    raise DataError(f"pair {at} points to item {index}, but there are {n} items, counted from 0")
        return self


def _distinct(texts: Sequence[str]) -> list[str]:
    return [text for text in dict.fromkeys(texts) if text.strip()]


def _sample(values: Sequence[T], at_most: int, rng: np.random.Generator, what: str, notes: list[str]) -> list[T]:
    if len(values) <= at_most:
        return list(values)
    notes.append(f"{at_most} of {len(values)} {what} were drawn at random, the most that are read")
    return [values[i] for i in np.sort(rng.choice(len(values), at_most, replace=False))]


def _begin(
    texts: Sequence[str],
    pairs: Sequence[tuple[str, int]],
    checkpoint: str | None,
    shape: Shape,
    rng: np.random.Generator,
    notes: list[str],
) -> Network:
    from huaxiang.encoder.checkpoint import open_checkpoint
    from huaxiang.encoder.start import start_as_bag_of_words

    if checkpoint is not None:
        notes += settle(checkpoint, texts)[1]
        return open_checkpoint(checkpoint, shape.max_tokens)
    if not texts:
        raise DataError(
            f"no text to learn from: all items and {len(pairs)} pairs are blank; give items with names, or a checkpoint"
        )
    network = new_network(texts, shape)
    counted = [texts[i] for i in rng.permutation(len(texts))[:_COUNTED]]
    start_as_bag_of_words(network.lm, network.tokens.ids(counted), network.tokenizer.all_special_ids, rng)
    return network


def _start(
    texts: Sequence[str],
    given: _Given,
    checkpoint: str | None,
    rival: str | None,
    shape: Shape,
    rng: np.random.Generator,
    budget: float,
    notes: list[str],
) -> tuple[_Course, str | None]:
    """The network and where it began, after its rival was asked about the same held-out pairs."""
    begun = copy.deepcopy(rng)
    course, name = _enter(texts, given, checkpoint, shape, rng, budget, notes)
    if rival is None:
        return course, name
    theirs = _Course(_begin(texts, given.pairs, rival, shape, begun, said := list[str]()), given, begun, said)
    return challenged(course, theirs, (name, rival), asked=bool(theirs.validation.histories))


def _enter(
    texts: Sequence[str],
    given: _Given,
    checkpoint: str | None,
    shape: Shape,
    rng: np.random.Generator,
    budget: float,
    notes: list[str],
) -> tuple[_Course, str | None]:
    """The network and where it began; of `auto` every candidate is asked about the same held-out pairs."""
    from huaxiang.encoder.sources.prune import prune

    if checkpoint != AUTO:
        network = _begin(texts, given.pairs, checkpoint, shape, rng, notes)
        return _Course(network, given, rng, notes), checkpoint
    histories = [history for history, _ in given.pairs]

    def opened(name: str, said: list[str]) -> Network:
        network = _begin(texts, given.pairs, name, shape, rng, said)
        said.append(f"{name}: {prune(network, [*texts, *histories]).note}")
        return network

    def own() -> Network:
        return _begin(texts, given.pairs, None, shape, copy.deepcopy(rng), [])

    def enter(network: Network) -> _Course:
        return _Course(network, given, copy.deepcopy(rng), [])

    n_held = min(len(given.pairs) // 10, MAX_PAIRS)
    asked = [*histories[:n_held], *texts[:MAX_ITEMS]] if n_held else []
    course, name = Contest(own, opened, enter, asked).best(choose(texts), SHARE * budget, notes)
    course.notes[:0] = notes
    return course, name


def export_seconds(network: Network, budget: float) -> float:
    """Time set aside for writing: 4 to 10 s for any graph, by how busy the machine is, and more for large weights."""
    return min(4.0 + 0.1 * budget, 10.0) + network.n_parameters / 1e7


class _Course:
    """One network on its way through the steps, with the pairs it may and may not learn from."""

    def __init__(self, network: Network, given: _Given, rng: np.random.Generator, notes: list[str]) -> None:
        self.network, self.rng, self.notes = network, rng, notes
        self.items, place = _items(given.item_texts)
        pairs = given.pairs
        kept = [i for i, (history, item) in enumerate(pairs) if place[item] >= 0 and history.strip()]
        if len(kept) < len(pairs):
            notes.append(f"{len(pairs) - len(kept)} pairs were left out: history or item has no text")
        chosen = _sample(kept, MAX_TRAINING_PAIRS, rng, "pairs", notes)
        owners = None if given.users is None else [given.users[i] for i in chosen]
        train, held = hold_out(len(chosen), owners, rng, share=0.1, at_most=MAX_PAIRS)
        clear = [(pairs[i][0], place[pairs[i][1]]) for i in chosen]
        seen = given.before or [()] * len(pairs)
        self.train = Taken(
            tuple(clear[i][0] for i in train),
            tuple(self.items),
            tuple(clear[i][1] for i in train),
            tuple(train if owners is None else (owners[i] for i in train)),
            tuple(tuple(place[item] for item in seen[chosen[i]] if place[item] >= 0) for i in train),
        )
        self.validation = Validation.of(network.tokens, [clear[i] for i in held], self.items, rng)
        self.start = self.now = self.validation.check(network)
        self.pretrain_kept = False

    @property
    def n_pairs(self) -> int:
        """Pairs that are used, to learn from or to validate."""
        return len(self.train) + len(self.validation.histories)

    def pretrain(
        self,
        texts: Sequence[str],
        checkpoint: str | None,
        seconds: float,
        max_steps: int | None,
        progress: Progress | None,
    ) -> PretrainReport | None:
        """Masked language modelling, undone where held-out shoppers say that it made things worse."""
        if self.network.tokenizer.mask_token_id is None:
            self.notes.append("pretraining was skipped: the checkpoint's tokenizer has no piece that hides a word")
            return None
        if checkpoint is not None and not self.validation.histories:
            self.notes.append("pretraining was skipped: no held-out pair says what the checkpoint would unlearn")
            return None
        weights = copy.deepcopy(self.network.lm.state_dict())
        if checkpoint is not None and not self.network.has_head:
            begin_head(self.network, texts, self.rng)
        before = self.now
        report = pretrain(
            self.network,
            texts,
            seconds=seconds,
            rng=self.rng,
            max_steps=max_steps,
            settings=Pretraining() if checkpoint is None else Pretraining(learning_rate=CONTINUED_RATE),
            progress=progress,
        )
        self._note_cut("pretraining", report.steps, report.planned_steps, max_steps)
        after = self.validation.check(self.network) if report.steps else before
        self.pretrain_kept = report.steps > 0 and not after.mrr < before.mrr
        if self.pretrain_kept:
            self.network.has_head, self.now = True, after
            return report
        self.network.lm.load_state_dict(weights)
        if report.steps:
            fell = f"held-out mrr fell from {before.mrr:.4f} to {after.mrr:.4f}"
            self.notes.append(f"pretraining was undone: {fell}, more text or a larger budget may change that")
        return report

    def finetune(
        self, checkpoint: str | None, seconds: float, max_steps: int | None, progress: Progress | None
    ) -> ContrastReport | None:
        """Contrastive fine-tuning, if there is something to learn from; what was taught before moves more slowly."""
        if len(self.train) < _MIN_PAIRS:
            self.notes.append(
                f"fine-tuning was skipped: {len(self.train)} pairs to learn from, {_MIN_PAIRS} are needed"
            )
            return None
        try:
            report = self._places(checkpoint, seconds, progress) if max_steps is None else None
            if report is None:
                report = self._contrast(checkpoint, seconds, max_steps, progress)
        except DivergedError as error:
            self.notes.append(f"fine-tuning was broken off: {error}")
            self.now = self.validation.check(self.network)
            return None
        self.now = report.after
        if not report.stopped_early:
            self._note_cut("fine-tuning", report.steps, report.planned_steps, max_steps)
        if not report.kept:
            self.notes.append("fine-tuning was undone: no check on held-out pairs beat the weights it began with")
        return report

    def _places(self, checkpoint: str | None, seconds: float, progress: Progress | None) -> ContrastReport | None:
        """First where items belong, then the texts; None for a new network, whose vectors say little yet and which was
        ahead by contrast, and where too few pairs name the items of their history."""
        if checkpoint is None or sum(1 for row in self.train.before if row) < FEWEST:
            return None
        placed = place(
            self.network,
            self.train,
            range(len(self.train)),
            self.validation,
            seconds=seconds,
            rng=self.rng,
            bf16=is_faster_in_bf16(self.network, self.items),
            notes=self.notes,
            progress=progress,
        )
        return None if placed is None else reported(placed.fit, self.now)

    def _contrast(
        self, checkpoint: str | None, seconds: float, max_steps: int | None, progress: Progress | None
    ) -> ContrastReport:
        return finetune(
            self.network,
            self.items,
            self.train.pairs(range(len(self.train))),
            self.validation,
            before=self.now,
            seconds=seconds,
            rng=self.rng,
            max_steps=max_steps,
            plan=PLAN if checkpoint is None else replace(PLAN, learning_rate=CHECKPOINT_RATE),
            progress=progress,
        )

    def _note_cut(self, what: str, steps: int, planned: int, max_steps: int | None) -> None:
        if steps < planned and steps != max_steps:
            self.notes.append(f"the budget cut {what} after {steps} of {planned} steps")


def _items(item_texts: Sequence[str]) -> tuple[list[str], list[int]]:
    """Each different item text, and the place of each item among them, -1 for a blank one.

    Items that read alike share a place, so that none is the wrong answer for its twin.
    """
    places: dict[str, int] = {}
    for text in item_texts:
        if text.strip():
            places.setdefault(text, len(places))
    return list(places), [places.get(text, -1) for text in item_texts]


def _finish(
    course: _Course,
    texts: Sequence[str],
    out: Path,
    clock: Clock,
    masked: PretrainReport | None,
    tuned: ContrastReport | None,
) -> EncoderReport:
    from huaxiang.encoder.export import export
    from huaxiang.encoder.serving import ServingConfig

    network = course.network
    cosine = export(network, out, [texts[i] for i in course.rng.permutation(len(texts))[:64]])
    return EncoderReport(
        name=network.name,
        fingerprint=ServingConfig.load(out / "serving" / "config.json").fingerprint,
        d=network.d,
        parameters=network.n_parameters,
        vocabulary=int(network.lm.config.vocab_size),
        max_tokens=network.tokens.max_tokens,
        n_items=len(course.items),
        n_texts=len(texts),
        n_pairs=course.n_pairs,
        start=course.start,
        result=course.now,
        pretrain=masked,
        pretrain_kept=course.pretrain_kept,
        finetune=tuned,
        export_cosine=cosine,
        seconds=clock.elapsed,
        notes=tuple(course.notes),
    )

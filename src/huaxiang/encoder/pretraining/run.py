"""A pretraining from files to a folder, straight down one page: lay down, begin, learn, write."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from huaxiang.encoder.model import Network, Shape, new_network
from huaxiang.encoder.optimising import torch_as
from huaxiang.encoder.pretraining.asking import Asker
from huaxiang.encoder.pretraining.corpus import Corpus
from huaxiang.encoder.pretraining.decoder import check_free, new_decoder, open_decoder, save_decoder, write_samples
from huaxiang.encoder.pretraining.heads import begin_head, warm_up_head
from huaxiang.encoder.pretraining.loop import objective_of, pretrain
from huaxiang.encoder.pretraining.report import PretrainReport, RunReport
from huaxiang.encoder.pretraining.settings import CONTINUED_RATE, OBJECTIVES, Pretraining
from huaxiang.encoder.pretraining.transfer import use_shop_tokenizer
from huaxiang.encoder.pretraining.unfinished import Unfinished
from huaxiang.encoder.schedule import Clock, Progress
from huaxiang.encoder.sources import AUTO, settle
from huaxiang.errors import ConfigError, DataError

MAX_READ: Final = 100_000
"""Texts, drawn at random, that a tokenizer is trained or pruned on; all are learned from."""
_COUNTED: Final = 5_000
_WARM_UP_STEPS: Final = 20
_SHARE_OF_HEAD: Final = 0.1
"""Of the time that is left, at most, for teaching a new head alone."""
TOKENIZERS: Final = ("own", "shop")
STARTS: Final = ("transferred", "random")


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for.

    Attributes:
        encoder: a checkpoint to go on from; `auto`: an installed one that reads these texts; None for a new network of
            `shape`.
        tokenizer: `own`: the checkpoint's; `shop`: one trained on the texts (a new network has no other).
        start: `transferred`: from the checkpoint's weights; `random`: from noise, with `tokenizer="shop"` in the
            vectors of pieces alone. None: `transferred` with a checkpoint, a bag of words without.
        prune: whether pieces that the texts do not use are cut out of the checkpoint's vocabulary first.
        max_steps: at most so many; None: as many as `settings.epochs` and `seconds` allow.
        learning_rate: None: that of `settings` for a new network of width 128, less for a wider one in proportion
            (Yang et al. 2021), 1e-4 for a checkpoint.
        memory: bytes that the process may hold; None: any.
        keep_seconds, keep_steps: how often the state is kept.
        resume: see `Unfinished.settle`.
        samples: continuations that a decoder writes in the end.
    """

    objective: str = "masked"
    encoder: str | None = None
    tokenizer: str = "own"
    start: str | None = None
    prune: bool = False
    shape: Shape = field(default_factory=Shape)
    settings: Pretraining = field(default_factory=Pretraining)
    learning_rate: float | None = None
    seconds: float = 300.0
    max_steps: int | None = None
    precision: str = "auto"
    memory: int | None = None
    seed: int = 0
    threads: int = 1
    keep_seconds: float = 60.0
    keep_steps: int | None = None
    resume: bool | None = None
    samples: int = 0

    def __post_init__(self) -> None:
        for what, value, known in (
            ("objective", self.objective, OBJECTIVES),
            ("tokenizer", self.tokenizer, TOKENIZERS),
            ("start", self.start or "random", STARTS),
        ):
            if value not in known:
                raise ConfigError(f"{what} {value!r} is unknown; choose one of {', '.join(known)}")
        if self.encoder is None and (self.prune or self.tokenizer == "shop" or self.start == "transferred"):
            raise ConfigError("without --encoder there is nothing to prune or transfer; name a checkpoint")
        if self.objective == "next-word" and (self.prune or self.tokenizer == "shop"):
            raise ConfigError("a decoder keeps its own vocabulary: leave out --prune and --tokenizer")
        if self.objective == "next-word" and self.encoder == AUTO:
            raise ConfigError("auto chooses among encoders; name the checkpoint of a decoder")
        if self.samples and self.objective != "next-word":
            raise ConfigError("only a decoder writes samples; give --objective next-word")

    def identity(self, texts: str) -> dict[str, Any]:
        """What must be equal for an interrupted run to be taken up again; JSON values."""
        asked = asdict(self)
        for free in ("seconds", "memory", "keep_seconds", "keep_steps", "resume", "samples"):
            del asked[free]
        settings = asked.pop("settings")
        del settings["learning_rate"], settings["checks"]
        shape = asked.pop("shape")
        return {"texts": texts, **asked, **settings, **{f"shape.{name}": value for name, value in shape.items()}}


def pretrain_texts(texts: Iterable[str], out: Path, wish: Wish, *, progress: Progress | None = None) -> RunReport:
    """Pretrain on `texts` and write `out/hf`, and `out/serving` for an encoder.

    Texts are read as a stream and laid down beside `out`, each once, where the state of the run is kept too: after a
    `kill -9` the same call goes on from there, and its losses are those of a run that was not interrupted (at equal
    `threads`, and where time did not cut the plan).

    Raises: DataError: nothing to read, a checkpoint that does not open, an unfinished run of other inputs, too little
        memory or disk, a loss that is no number.
    """
    clock = Clock(wish.seconds)
    check_free(out)
    work = Unfinished(out)
    with torch_as(wish.threads, wish.seed, "pretraining"):
        try:
            corpus = Corpus.lay_down(texts, work.lay_open())
            if not corpus:
                raise DataError("no text to learn from: all are blank; give lines, or a column, of text")
            notes = list(filter(None, [work.settle(wish.identity(corpus.digest), wish.resume)]))
            report = _learn(corpus, out, wish, clock, work, notes, progress)
            corpus.close()
        except BaseException:
            work.drop_if_nothing_was_kept()
            raise
    work.drop()
    return report


def _learn(
    corpus: Corpus,
    out: Path,
    wish: Wish,
    clock: Clock,
    work: Unfinished,
    notes: list[str],
    progress: Progress | None,
) -> RunReport:
    rng = np.random.default_rng(wish.seed)
    few = _few(corpus, rng)
    wish = _settled(wish, few, notes)
    network = begin(few, wish, rng, notes)
    settings = replace(wish.settings, learning_rate=_rate(wish, network))
    keeper = work.keeper(wish.keep_seconds, wish.keep_steps)
    if wish.encoder is not None and not network.has_head:
        seconds = 0.0 if keeper.found() is not None else _SHARE_OF_HEAD * clock.left
        notes.append(_begin_head(network, few, wish, settings, rng, seconds))
    done = pretrain(
        network,
        corpus,
        seconds=clock.left - _writing_seconds(network, wish),
        rng=np.random.default_rng(wish.seed),
        max_steps=wish.max_steps,
        settings=settings,
        objective=wish.objective,
        precision=wish.precision,
        keeper=keeper,
        memory=wish.memory,
        progress=progress,
    )
    network.has_head = network.has_head or done.steps > 0
    if done.steps < done.planned_steps and done.steps != wish.max_steps:
        notes.append(f"the budget cut pretraining after {done.steps} of {done.planned_steps} steps")
    return _write(network, few, out, wish, done, len(corpus), clock, notes)


def _rate(wish: Wish, network: Network) -> float:
    """The peak learning rate: as asked for, or by what the network begins with."""
    if wish.learning_rate is not None:
        return wish.learning_rate
    known = wish.encoder is not None and wish.start != "random"
    return CONTINUED_RATE if known else wish.settings.learning_rate * min(1.0, Shape().hidden / network.d)


def _few(corpus: Corpus, rng: np.random.Generator) -> Sequence[str]:
    """All texts, or as many as a vocabulary is made of."""
    if len(corpus) <= MAX_READ:
        return corpus
    return [corpus[i] for i in np.sort(rng.choice(len(corpus), MAX_READ, replace=False)).tolist()]


def _settled(wish: Wish, few: Sequence[str], notes: list[str]) -> Wish:
    """The wish with a name in place of `auto`; without one that fits there is nothing to prune or to transfer."""
    named, said = settle(wish.encoder, few)
    notes += said
    if named is not None or wish.encoder is None:
        return replace(wish, encoder=named)
    start = None if wish.start == "transferred" else wish.start
    return replace(wish, encoder=None, prune=False, tokenizer="own", start=start)


def begin(few: Sequence[str], wish: Wish, rng: np.random.Generator, notes: list[str]) -> Network:
    """The network as it is before it learns; notes say how it came about."""
    if wish.objective == "next-word":
        network = new_decoder(few, wish.shape) if wish.encoder is None else _opened_decoder(wish)
    elif wish.encoder is None:
        network = _new_encoder(few, wish, rng)
    else:
        network = _opened_encoder(few, wish, wish.encoder, rng, notes)
    if wish.encoder is not None and wish.start == "random" and wish.tokenizer == "own":
        network.lm = type(network.lm)(network.lm.config)
        network.has_head = True  # as random as everything else
        notes.append(f"the weights of {network.name} were dropped: it begins as noise")
    return network


def _opened_decoder(wish: Wish) -> Network:
    return open_decoder(str(wish.encoder), wish.shape.max_tokens)


def _new_encoder(few: Sequence[str], wish: Wish, rng: np.random.Generator) -> Network:
    from huaxiang.encoder.start import start_as_bag_of_words

    network = new_network(few, wish.shape)
    if wish.start != "random":
        counted = [few[i] for i in rng.permutation(len(few))[:_COUNTED].tolist()]
        start_as_bag_of_words(network.lm, network.tokens.ids(counted), network.tokenizer.all_special_ids, rng)
    return network


def _opened_encoder(few: Sequence[str], wish: Wish, named: str, rng: np.random.Generator, notes: list[str]) -> Network:
    from huaxiang.encoder.checkpoint import open_checkpoint
    from huaxiang.encoder.sources.prune import prune

    network = open_checkpoint(named, wish.shape.max_tokens)
    if wish.tokenizer == "shop":
        transfer = wish.start != "random"
        notes.append(use_shop_tokenizer(network, few, wish.shape.vocabulary, rng, transfer=transfer).note)
    elif wish.prune:
        notes.append(prune(network, few).note)
    return network


def _begin_head(
    network: Network, few: Sequence[str], wish: Wish, settings: Pretraining, rng: np.random.Generator, seconds: float
) -> str:
    """A head for a checkpoint that has none; no seconds where what it learned is read from the state later."""
    begin_head(network, few, rng)
    asker = Asker(network, objective_of(network, wish.objective, settings))
    size = settings.batch_size
    made = warm_up_head(asker, few, steps=_WARM_UP_STEPS, batch_size=size, seconds=seconds, rng=rng)
    return f"{network.name} came without a head that predicts words: one was begun on its embeddings" + (
        f" and taught alone for {made} steps" if made else ""
    )


def _writing_seconds(network: Network, wish: Wish) -> float:
    from huaxiang.encoder.training import export_seconds

    return 1.0 if wish.objective == "next-word" else export_seconds(network, wish.seconds)


def _write(
    network: Network,
    few: Sequence[str],
    out: Path,
    wish: Wish,
    done: PretrainReport,
    n_texts: int,
    clock: Clock,
    notes: list[str],
) -> RunReport:
    from huaxiang.encoder.export import export
    from huaxiang.encoder.serving import ServingConfig

    rng = np.random.default_rng(wish.seed)
    shown = [few[i] for i in rng.permutation(len(few))[:64].tolist()]
    cosine, fingerprint = None, ""
    if wish.objective == "next-word":
        save_decoder(network, out)
    else:
        cosine = export(network, out, shown)
        fingerprint = ServingConfig.load(out / "serving" / "config.json").fingerprint
    return RunReport(
        name=network.name,
        fingerprint=fingerprint,
        d=network.d,
        parameters=network.n_parameters,
        vocabulary=int(network.lm.config.vocab_size),
        max_tokens=network.tokens.max_tokens,
        n_texts=n_texts,
        pretrain=done,
        export_cosine=cosine,
        samples=tuple(write_samples(network, shown[: wish.samples], wish.seed)),
        seconds=clock.elapsed,
        notes=(*notes, *done.notes),
    )

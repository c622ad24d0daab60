"""A decoder fine-tuned to answer: from tables of prompts and answers to a network that writes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from huaxiang.encoder.checkpoint import quietly
from huaxiang.encoder.classifying.table import read_rows
from huaxiang.encoder.finetuning.loop import FitReport, Plan, fit
from huaxiang.encoder.heldout import hold_out
from huaxiang.encoder.model import Network, Shape
from huaxiang.encoder.optimising import torch_as
from huaxiang.encoder.pretraining.decoder import Sample, new_decoder, open_decoder
from huaxiang.encoder.schedule import Clock, Progress
from huaxiang.encoder.tasks.generate import Answered, Generate, nats_per_token
from huaxiang.encoder.threads import idle_cores
from huaxiang.errors import DataError

NEW: Final = "new"
"""The name of a small decoder that is made of the training texts."""
_MAX_TOKENS: Final = 128
_CHARACTERS_PER_TOKEN: Final = 16
_BETWEEN: Final = "\n"
"""What stands between a prompt and its answer."""
_SHARE_HELD: Final = 0.1
_MOST_HELD: Final = 500
_LONGEST: Final = 48
"""Tokens of a sample answer."""
_TAUGHT: Final = Plan(epochs=3.0, batch_size=32, learning_rate=1e-4)
_NEW: Final = Plan(epochs=10.0, batch_size=32, learning_rate=1e-3)
_SHAPE: Final = Shape(max_tokens=_MAX_TOKENS)


@dataclass(frozen=True, slots=True)
class Dialogue:
    """Prompts and their answers, none blank."""

    prompts: tuple[str, ...]
    answers: tuple[str, ...]
    notes: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.prompts)

    def read(self, network: Network, rows: Sequence[int]) -> Answered:
        """These rows as a decoder reads them; of a long prompt the end is kept, of a long answer the beginning."""
        found = [joined(network, self.prompts[i], self.answers[i]) for i in rows]
        return Answered([ids for ids, _ in found], [start for _, start in found])


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asked for; None: as usual."""

    decoder: str = NEW
    epochs: float | None = None
    learning_rate: float | None = None
    batch_size: int | None = None
    seed: int = 0
    threads: int | None = None
    shape: Shape = _SHAPE


@dataclass(frozen=True, slots=True)
class Generator:
    """The decoder, what became of it as JSON-compatible values, and answers of its own."""

    network: Network
    figures: dict[str, Any]
    samples: tuple[Sample, ...]


def read_dialogue(path: Path, prompt: str, answer: str) -> Dialogue:
    """Read a CSV, TSV or JSONL with a prompt and an answer in each row; blank ones are left out and counted.

    Raises:
        DataError: as `read_rows`, or no row with both.
    """
    notes: list[str] = []
    rows = [(one.strip(), other.strip()) for one, other in read_rows(path, (prompt, answer), notes)]
    kept = [(one, other) for one, other in rows if one and other]
    if not kept:
        raise DataError(f"{path} has no row with a text in both {prompt!r} and {answer!r}; give prompts with answers")
    if len(kept) < len(rows):
        notes.append(f"{path.name}: {len(rows) - len(kept)} rows without prompt or answer were left out")
    return Dialogue(tuple(one for one, _ in kept), tuple(other for _, other in kept), tuple(notes))


def train_generator(
    train: Dialogue,
    test: Dialogue | None,
    how: Asked,
    clock: Clock,
    *,
    seconds: float,
    progress: Progress | None = None,
) -> Generator:
    """Fine-tune a decoder on answers within `seconds` of the clock; prompts are held out whole, and what finds their
    answers likeliest remains.

    Raises: DataError: a decoder that does not open, or a loss that is no number.
    """
    rng = np.random.default_rng(how.seed)
    notes = [*train.notes, *(test.notes if test is not None else ())]
    with torch_as(how.threads or idle_cores(), how.seed, "fine-tuning a decoder"):
        network = _begin(train, how, notes)
        rows, held_rows = hold_out(len(train), train.prompts, rng, _SHARE_HELD, _MOST_HELD)
        held = train.read(network, held_rows)
        judged = held if test is None else test.read(network, range(len(test)))
        began = clock.elapsed
        before = nats_per_token(network, judged)
        reserved = 2.0 * (clock.elapsed - began) + 0.1 * seconds
        task = Generate(train.read(network, rows), held)
        done = _learn(network, task, how, seconds - clock.elapsed - reserved, rng, progress)
        after = nats_per_token(network, judged)
        prompts = test.prompts[:3] if test is not None else _some(train, held_rows)
        samples = write_answers(network, prompts)
    figures = {
        "perplexity": _perplexity(after),
        "perplexity_before": _perplexity(before),
        "method": "full",
        "decoder": network.name,
        "n_train": len(train),
        "n_test": 0 if test is None else len(test),
        **_about(done, notes, tested=test is not None),
    }
    return Generator(network, figures, tuple(samples))


def _about(done: FitReport, notes: list[str], *, tested: bool) -> dict[str, Any]:
    if not tested:
        notes.append("no test file: the perplexity is of held-out answers, which also chose the weights")
    if done.steps < done.planned_steps and not done.stopped_early:
        notes.append(f"the budget cut the training after {done.steps} of {done.planned_steps} steps")
    return {
        "steps": done.steps,
        "best_step": done.best_step,
        "trained_parameters": done.trained_parameters,
        "notes": notes,
    }


def _learn(
    network: Network, task: Generate, how: Asked, seconds: float, rng: np.random.Generator, progress: Progress | None
) -> FitReport:
    usual = _NEW if how.decoder == NEW else _TAUGHT
    plan = replace(
        usual,
        epochs=how.epochs or usual.epochs,
        learning_rate=how.learning_rate or usual.learning_rate,
        batch_size=how.batch_size or usual.batch_size,
    )
    whole = replace(network, body=network.lm)
    return fit(whole, task, plan, seconds=seconds, rng=rng, keep_beginning=True, progress=progress)


def _begin(train: Dialogue, how: Asked, notes: list[str]) -> Network:
    if how.decoder != NEW:
        return open_decoder(how.decoder, _MAX_TOKENS)
    notes.append(
        "a new small decoder knows these rows alone; `huaxiang pretrain --objective next-word` makes one of more"
    )
    return new_decoder([*train.prompts, *train.answers], how.shape)


def joined(network: Network, prompt: str, answer: str) -> tuple[list[int], int]:
    """Ids of prompt, what stands between, answer and end; and where the answer begins."""
    asked = _asked(network, prompt)
    end = network.tokenizer.eos_token_id
    said = [*_ids(network, answer), *([] if end is None else [int(end)])]
    room = network.tokens.max_tokens
    said = said[: room - min(len(asked), room // 4)]
    asked = asked[-(room - len(said)) :]
    return [*asked, *said], len(asked)


def _asked(network: Network, prompt: str) -> list[int]:
    begin = network.tokenizer.bos_token_id
    return [*([] if begin is None else [int(begin)]), *_ids(network, prompt), *_ids(network, _BETWEEN)]


def _ids(network: Network, text: str) -> list[int]:
    clipped = text[: _CHARACTERS_PER_TOKEN * network.tokens.max_tokens].encode("utf-8", "replace").decode("utf-8")
    return list(network.tokenizer.backend_tokenizer.encode(clipped, add_special_tokens=False).ids)


def write_answers(network: Network, prompts: Sequence[str]) -> list[Sample]:
    """The likeliest answer to each prompt, token by token."""
    import torch

    network.lm.eval()
    longest = min(_LONGEST, network.tokens.max_tokens // 2)
    samples = []
    for prompt in prompts:
        asked = torch.tensor([_asked(network, prompt)[-(network.tokens.max_tokens - longest) :]])
        with torch.no_grad(), quietly():
            written = network.lm.generate(
                asked,
                attention_mask=torch.ones_like(asked),
                max_new_tokens=longest,
                do_sample=False,
                pad_token_id=network.pad_id,
            )[0]
        text = network.tokenizer.decode(written[asked.shape[1] :], skip_special_tokens=True)
        samples.append(Sample(prompt, str(text)))
    return samples


def _some(train: Dialogue, held: Sequence[int]) -> list[str]:
    return [train.prompts[i] for i in (held or range(len(train)))[:3]]


def _perplexity(nats: float) -> float | None:
    return None if math.isnan(nats) else round(math.exp(min(nats, 700.0)), 4)

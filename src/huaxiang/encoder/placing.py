"""Fine-tuning in two strides: learn where vectors should lie (`places`), then teach the encoder to put texts there."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.encoder.batches import Rows, cut
from huaxiang.encoder.finetuning.loop import FitReport, Plan, fit
from huaxiang.encoder.heldout import Validation
from huaxiang.encoder.lower import Lower, depth_to_keep
from huaxiang.encoder.model import Network
from huaxiang.encoder.places import Histories, learn_places, unit
from huaxiang.encoder.precision import autocast
from huaxiang.encoder.schedule import Clock, Progress
from huaxiang.encoder.tasks.contrast import MAX_TOKENS
from huaxiang.encoder.tasks.place import Place
from huaxiang.types import Vectors

if TYPE_CHECKING:
    from huaxiang.encoder.taken import Taken

_EPOCHS: Final = 15.0
_UPPER_RATE: Final = 3e-3
"""Of the upper layers alone; see experiments/LOG.md. All layers of a small network learn more slowly."""
_WHOLE_RATE: Final = 8e-4
_FEWEST_STEPS: Final = 300
"""However few the texts, unless a number of passes is asked for."""
FEWEST: Final = 200
"""Pairs with a history; fewer say little about where items belong."""
_SHARE: Final = 0.15
"""Of the time: at most for reading the items, for learning the places, and for the lower layers, each."""
_HISTORIES: Final = 1 / 3
"""Texts of histories for each item text, and as many queries."""
_TABLE: Final = 16_384
"""Places that a text is compared with, at most; of more, random ones."""
_CHUNK: Final = 512


@dataclass(frozen=True, slots=True)
class Teaching:
    """How the encoder learns to put texts in their places; None: as measured."""

    epochs: float | None = None
    learning_rate: float | None = None
    batch_size: int | None = None

    def plan(self, n_texts: int, depth: int) -> Plan:
        """For so many texts, above so many layers that stay.

        Held-out people are asked once, at the end: halfway, at a high rate, texts stand worse than where they will end
        and sometimes than where they began, and a few hundred pairs cannot tell which of two good checks is better.
        """
        size = self.batch_size or 32
        return Plan(
            epochs=self.epochs or max(_EPOCHS, _FEWEST_STEPS / math.ceil(n_texts / size)),
            batch_size=size,
            learning_rate=self.learning_rate or (_UPPER_RATE if depth else _WHOLE_RATE),
            frozen_layers=depth + 1 if depth else 0,
            checks=1,
        )


@dataclass(frozen=True, slots=True)
class Placed:
    """What the two strides did.

    Attributes:
        n_items: items that were placed. `n_texts`: texts of items and histories that the encoder learned from.
        depth: layers that were left as they are, and read each text once.
        places_seconds: of learning the places; `fit` says what the encoder took.
    """

    n_items: int
    n_texts: int
    depth: int
    places_seconds: float
    fit: FitReport

    def figures(self) -> dict[str, Any]:
        """As JSON-compatible values."""
        return {
            "n_items": self.n_items,
            "n_texts": self.n_texts,
            "layers_kept": self.depth,
            "places_seconds": round(self.places_seconds, 1),
            "steps": self.fit.steps,
            "best_step": self.fit.best_step,
            "seconds": round(self.fit.seconds, 1),
        }


_USUAL: Final = Teaching()


def place(
    network: Network,
    taken: Taken,
    rows: Sequence[int],
    held: Validation,
    *,
    seconds: float,
    rng: np.random.Generator,
    bf16: bool,
    notes: list[str],
    teaching: Teaching = _USUAL,
    progress: Progress | None = None,
) -> Placed | None:
    """Teach the network in place; what validates best is what remains, the beginning included.

    Args:
        rows: of `taken`, to learn from; those without a history's items are passed over.
        held: what judges; none of its people is in `rows`.

    Returns:
        None where fewer than `FEWEST` pairs know the items of their history.
    """
    clock = Clock(seconds)
    if (known := _read(network, taken, rows, seconds * _SHARE, bf16, notes)) is None:
        return None
    began = clock.elapsed
    places_MD = learn_places(known.vectors_MD, known.before, known.right, rng=rng, seconds=seconds * _SHARE)
    places_seconds = clock.elapsed - began
    texts, aims_ND = _aims(known, places_MD, rng)
    depth = depth_to_keep(network)
    task, n_texts = _task(
        network, cut(network.tokens.ids(texts), MAX_TOKENS), aims_ND, places_MD, held, depth, clock.left, rng, bf16
    )
    plan = teaching.plan(n_texts, depth)
    done = fit(network, task, plan, seconds=clock.left, rng=rng, bf16=bf16, keep_beginning=True, progress=progress)
    return Placed(len(known.items), n_texts, depth, places_seconds, done)


@dataclass(frozen=True, slots=True)
class _Known:
    """Items with their texts and vectors, and the histories of which they are.

    Attributes:
        before, right: as indices in `items`. `histories`: the same as text.
        asked: each query without a history, and what was taken after it.
    """

    items: list[str]
    vectors_MD: Vectors
    before: list[tuple[int, ...]]
    right: list[int]
    histories: list[str]
    asked: dict[str, list[int]]


def _read(
    network: Network, taken: Taken, rows: Sequence[int], seconds: float, bf16: bool, notes: list[str]
) -> _Known | None:
    """What can be placed; None where that is too little."""
    known = [row for row in rows if taken.before[row]]
    if len(known) < FEWEST:
        return None
    order, vectors_MD = _read_items(network, taken, known, seconds, bf16, notes)
    index = {item: at for at, item in enumerate(order)}
    before = {row: tuple(index[item] for item in taken.before[row] if item in index) for row in known}
    known = [row for row in known if before[row] and taken.positive[row] in index]
    if len(known) < FEWEST:
        return None
    asked: dict[str, list[int]] = {}
    for row in rows:
        if not taken.before[row] and taken.positive[row] in index:
            asked.setdefault(taken.queries[row], []).append(index[taken.positive[row]])
    return _Known(
        [taken.items[item] for item in order],
        vectors_MD,
        [before[row] for row in known],
        [index[taken.positive[row]] for row in known],
        [taken.queries[row] for row in known],
        asked,
    )


def _aims(known: _Known, places_MD: Vectors, rng: np.random.Generator) -> tuple[list[str], Vectors]:
    """Texts of all items and of some histories and queries, and where each belongs.

    A history belongs amid its items, a query amid what was taken after it.
    """
    n = round(len(known.items) * _HISTORIES)
    drawn = rng.permutation(len(known.histories))[:n].tolist()
    asked = list(known.asked)
    asked = [asked[at] for at in rng.permutation(len(asked))[:n].tolist()]
    mean_ND = [places_MD[known.asked[query]].mean(axis=0) for query in asked]
    queries_ND = unit(np.array(mean_ND, dtype=np.float32).reshape(-1, places_MD.shape[1]))
    people_ND = Histories.of([known.before[at] for at in drawn]).vectors(places_MD)
    texts = [*known.items, *(known.histories[at] for at in drawn), *asked]
    return texts, np.concatenate([places_MD, people_ND, queries_ND])


def _read_items(
    network: Network, taken: Taken, rows: Sequence[int], seconds: float, bf16: bool, notes: list[str]
) -> tuple[list[int], Vectors]:
    """Items that the pairs speak of, those met most first, and their vectors: as many as the time allows."""
    count_M = np.zeros(len(taken.items), dtype=np.int64)
    for row in rows:
        count_M[[taken.positive[row], *taken.before[row]]] += 1
    order = [item for item in np.argsort(-count_M, kind="stable").tolist() if count_M[item]]
    began, found = time.monotonic(), list[Vectors]()
    for start in range(0, len(order), _CHUNK):
        if found and time.monotonic() - began > seconds:
            notes.append(f"{start:,} of {len(order):,} items were placed, those met most; time was over for the others")
            order = order[:start]
            break
        with autocast(bf16):
            ids = network.tokens.ids([taken.items[item] for item in order[start : start + _CHUNK]])
            found.append(np.asarray(network.encode_ids(ids).float().numpy(), dtype=np.float32))
    return order, np.concatenate(found)


def _task(
    network: Network,
    ids: Rows,
    aims_ND: Vectors,
    places_MD: Vectors,
    held: Validation,
    depth: int,
    seconds: float,
    rng: np.random.Generator,
    bf16: bool,
) -> tuple[Place, int]:
    """The task, and how many texts it has: all, or those that the lower layers had time and memory for."""
    table_SD = places_MD[np.sort(rng.permutation(len(places_MD))[:_TABLE])]
    order: NDArray[np.int64] = rng.permutation([at for at, row in enumerate(ids) if row])
    rows, lower = [ids[at] for at in order.tolist()], None
    if depth:
        lower = Lower(network, rows, depth, seconds=seconds * _SHARE, bf16=bf16)
        rows, order = rows[: lower.n], order[: lower.n]
    return Place(rows, np.ascontiguousarray(aims_ND[order]), table_SD, held, lower), len(rows)

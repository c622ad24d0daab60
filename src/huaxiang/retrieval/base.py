"""The contract of a retriever: a history in, scores over the catalogue out.

Legend: N users, M items of the catalogue, E interactions, L events of one history, K results asked for.

An item is its index in the catalogue, 0 to M - 1; -1 is an item the catalogue does not know, which every retriever
passes over while it keeps its place in the history. Ties go to the item that stands first in the catalogue.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, Protocol, Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from huaxiang.errors import DataError
from huaxiang.types import ItemId

Indices: TypeAlias = NDArray[np.int64]
Scores: TypeAlias = NDArray[np.float32]
Forgets: TypeAlias = Literal["exact", "stale"]
"""What erasing a person does to a fitted retriever.

`exact`: `forget` gives what a fit without the person gives, with the same settings. `stale`: it is kept as it is until
the next training.
"""

UNKNOWN: Final = -1
"""Index of an item that is not in the catalogue."""


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """What one person did before a moment, oldest first.

    Attributes:
        items_L: catalogue indices, int64; -1 where the item is unknown. An item may stand more than once.
        weights_L: strength of each event, float32; negative is a dislike.
        ages_L: days from the event to the moment of asking, float64, >= 0; steps to the end where there is no clock.
    """

    items_L: Indices
    weights_L: NDArray[np.float32]
    ages_L: NDArray[np.float64]
    _places: list[tuple[Indices, Indices]] = field(default_factory=list, init=False, repr=False)

    def __post_init__(self) -> None:
        if not self.items_L.shape == self.weights_L.shape == self.ages_L.shape or self.items_L.ndim != 1:
            shapes = (self.items_L.shape, self.weights_L.shape, self.ages_L.shape)
            raise DataError(f"a history needs items, weights and ages of one shape (L,), got {shapes}")

    def __len__(self) -> int:
        return len(self.items_L)

    @classmethod
    def of(cls, items: ArrayLike, weights: ArrayLike | None = None, ages: ArrayLike | None = None) -> Self:
        """A history from any sequences; weights default to 1, ages to the number of steps to the end."""
        items_L = np.asarray(items, dtype=np.int64).reshape(-1)
        steps_L = np.arange(len(items_L) - 1, -1, -1, dtype=np.float64)
        weights_L = np.ones(len(items_L), np.float32) if weights is None else np.asarray(weights, dtype=np.float32)
        return cls(items_L, weights_L, steps_L if ages is None else np.asarray(ages, dtype=np.float64))

    @property
    def places(self) -> tuple[Indices, Indices]:
        """For each event how many distinct items were met after its own last stood there, and how often the history
        names its item, both of shape (L,); found once. Unknown items are each of their own."""
        if not self._places:
            self._places.append(_places(self.items_L))
        return self._places[0]

    def latest(self, n: int) -> "History":
        """The last `n` events."""
        return self if len(self) <= n else History(self.items_L[-n:], self.weights_L[-n:], self.ages_L[-n:])


def _places(items_L: Indices) -> tuple[Indices, Indices]:
    n = len(items_L)
    if not n:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    names_L = np.where(items_L >= 0, items_L, items_L.max(initial=0) + 1 + np.arange(n))  # who is unknown is like none
    _, first, inverse, counts = np.unique(names_L[::-1], return_index=True, return_inverse=True, return_counts=True)
    met = np.empty(len(first), np.int64)
    met[np.argsort(first)] = np.arange(len(first))  # distinct items by how late they last stood
    return met[inverse][::-1], counts[inverse][::-1]


@dataclass(frozen=True, slots=True, eq=False)
class Interactions:
    """Who met which item, in compressed rows: user `u` owns the slice `indptr_N1[u]:indptr_N1[u + 1]`, oldest first.

    Attributes:
        item_ids: the catalogue; its order is the order of ties. Items that nobody met belong to it.
        indptr_N1: shape (N + 1,), int64.
        items_E: catalogue indices, int32.
        days_E: moment of each interaction in days from any fixed origin, float64; the position within the user where
            there is no clock. Larger is later.
        weights_E: strength, float32. Events of weight <= 0 teach a retriever nothing.
    """

    item_ids: tuple[ItemId, ...]
    indptr_N1: Indices
    items_E: NDArray[np.int32]
    days_E: NDArray[np.float64]
    weights_E: NDArray[np.float32]

    def __post_init__(self) -> None:
        n = len(self.items_E)
        if not len(self.days_E) == len(self.weights_E) == n or int(self.indptr_N1[-1]) != n or self.indptr_N1[0] != 0:
            raise DataError(f"interactions do not fit together: {n} items, the last user ends at {self.indptr_N1[-1]}")
        if n and not 0 <= int(self.items_E.min()) <= int(self.items_E.max()) < len(self.item_ids):
            raise DataError(f"an interaction names an item outside the catalogue of {len(self.item_ids)}")

    @property
    def n_users(self) -> int:
        """N."""
        return len(self.indptr_N1) - 1

    @property
    def n_items(self) -> int:
        """M."""
        return len(self.item_ids)

    @property
    def users_E(self) -> Indices:
        """The user of each interaction."""
        return np.repeat(np.arange(self.n_users), np.diff(self.indptr_N1))

    @classmethod
    def of(
        cls,
        item_ids: Sequence[ItemId],
        users: Sequence[ArrayLike],
        days: Sequence[ArrayLike] | None = None,
        weights: Sequence[ArrayLike] | None = None,
    ) -> Self:
        """From one sequence of catalogue indices per user, oldest first.

        Args:
            days: one sequence of moments per user; without it, the position within the user.
            weights: one sequence of strengths per user; without it, 1.
        """
        rows = [np.asarray(row, dtype=np.int32).reshape(-1) for row in users]
        lengths = np.array([len(row) for row in rows], dtype=np.int64)
        indptr_N1 = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        n = int(indptr_N1[-1])
        items_E = np.concatenate(rows) if rows else np.empty(0, np.int32)
        positions_E = np.arange(n, dtype=np.float64) - np.repeat(indptr_N1[:-1], lengths)
        days_E = positions_E if days is None else _flat(days, n, "days").astype(np.float64)
        weights_E = np.ones(n, np.float32) if weights is None else _flat(weights, n, "weights").astype(np.float32)
        return cls(tuple(item_ids), indptr_N1, items_E, days_E, weights_E)

    def history(self, user: int, *, now: float | None = None) -> History:
        """The user's history; ages are counted to `now` (in the unit of `days_E`), else to the user's last event."""
        part = slice(int(self.indptr_N1[user]), int(self.indptr_N1[user + 1]))
        days_L = self.days_E[part]
        end = now if now is not None else (float(days_L[-1]) if len(days_L) else 0.0)
        return History(self.items_E[part].astype(np.int64), self.weights_E[part], np.maximum(end - days_L, 0.0))


def _flat(rows: Sequence[ArrayLike], n: int, name: str) -> NDArray[np.float64]:
    flat_E = np.concatenate([np.asarray(row, dtype=np.float64).reshape(-1) for row in rows]) if rows else np.empty(0)
    if len(flat_E) != n:
        raise DataError(f"{len(flat_E)} {name} for {n} interactions; give one for each")
    return flat_E


class Retriever(Protocol):
    """Scores the catalogue for a history. Fitted once, then immutable and safe to read from many threads.

    Every retriever also has a classmethod `load(folder: Path) -> Self` for what `save` wrote.
    """

    @property
    def name(self) -> str:
        """Its name in reports, reasons and folders: `transitions`, `content`, `popular`, `ease` ..."""
        ...

    @property
    def forgets(self) -> Forgets:
        """What erasing a person leaves of them here."""
        ...

    @property
    def n_items(self) -> int:
        """M of the catalogue it was fitted on; 0 before `fit`."""
        ...

    def fit(self, interactions: Interactions) -> Self:
        """Learn from interactions and return self. Fitting again starts afresh."""
        ...

    def forget(self, gone: Interactions) -> Self:
        """A new retriever without some people, given by all of their interactions that it was fitted on.

        What it was made from is equal to 1e-5 relative to that of a fit on the others, with settings held fixed, before
        entries are pruned.

        Raises:
            ConfigError: it is `stale`, or was made without what forgetting takes.
            DataError: the interactions are of another catalogue.
        """
        ...

    def scores(self, histories: Sequence[History]) -> Scores:
        """Scores of shape (N, M), higher is better, 0 where it has nothing to say. The caller chunks."""
        ...

    def candidates(self, history: History, k: int, *, exclude: Indices | None = None) -> tuple[Indices, Scores]:
        """At most `k` items it has something to say about, best first, with the scores `scores` would give.

        Args:
            exclude: indices that must not be returned; order and repeats do not matter.
        """
        ...

    def similar(self, item: int, k: int) -> tuple[Indices, Scores]:
        """The `k` items nearest to one item, best first, without itself."""
        ...

    def contributions(self, history: History, item: int) -> Scores:
        """What each event of the history adds to the item's score, shape (L,); they sum to the score.

        Zeros where the score owes nothing to the history (popularity).
        """
        ...

    def save(self, folder: Path) -> None:
        """Write into an existing folder: JSON and safetensors, never pickle."""
        ...


def best(scores_M: Scores, k: int, exclude: Indices | None = None) -> tuple[Indices, Scores]:
    """The `k` highest of a row of scores, best first, ties in catalogue order; 0 and -inf are never returned.

    Args:
        exclude: indices passed over; -1 among them is ignored.
    """
    if exclude is not None and len(exclude):
        scores_M = scores_M.copy()
        scores_M[exclude[exclude >= 0]] = 0.0
    floor = floors(scores_M[None], k)[0] if k > 0 else -np.inf
    if floor > 0.0:  # the k best reach it, so nothing that is never returned is among them
        reached = np.flatnonzero(scores_M >= floor)
        return best_of(reached, scores_M[reached], k)
    said = np.flatnonzero((scores_M != 0.0) & (scores_M > -np.inf))
    return best_of(said, scores_M[said], k)


def best_of(items_C: Indices, scores_C: NDArray[Any], k: int) -> tuple[Indices, Scores]:
    """The `k` highest of C candidates given in catalogue order, best first, ties in catalogue order."""
    if k <= 0 or not len(items_C):
        return np.empty(0, np.int64), np.empty(0, np.float32)
    if len(items_C) > 4 * k:  # sorting a whole catalogue for one page costs more than finding where the page ends
        kept = np.flatnonzero(scores_C >= floors(scores_C[None], k)[0])
        items_C, scores_C = items_C[kept], scores_C[kept]
    order_K = np.argsort(-scores_C, kind="stable")[:k]
    return items_C[order_K].astype(np.int64), scores_C[order_K].astype(np.float32)


def floors(rows_NM: NDArray[Any], k: int) -> NDArray[Any]:
    """A number for each row that at least its `k` best reach and few others: the `k`-th highest of 2 k maxima, each of
    some items of its own. A tenth of the time that it takes to find the `k`-th best itself."""
    n_rows, n_items = rows_NM.shape
    at_once = n_items // (2 * k)
    if at_once < 2:
        return np.full(n_rows, -np.inf, np.float32)
    maxima_NS = rows_NM[:, : at_once * 2 * k].reshape(n_rows, at_once, 2 * k).max(axis=1)
    return np.asarray(np.partition(maxima_NS, k, axis=1)[:, k])

"""A retriever that adds up rows of one item-to-item matrix: graphs, closed forms and attribute neighbours alike.

Legend: N users, M items, L events of one history, K results. A recipe makes the matrix; this class answers with it.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Protocol, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from huaxiang.errors import ConfigError
from huaxiang.retrieval.base import Forgets, History, Indices, Interactions, Scores, best
from huaxiang.retrieval.saving import read_part, write_part
from huaxiang.retrieval.transitions import empty

Matrix: TypeAlias = sparse.csr_array | NDArray[np.float32]

DEPTH: Final = 200
"""Only this many latest events of a history are read: at a decay of .9 the next would count 7e-10."""


class Recipe(Protocol):
    """How an item-to-item matrix is made."""

    @property
    def name(self) -> str:
        """Name of the retriever."""
        ...

    @property
    def forgets(self) -> Forgets:
        """What erasing a person leaves of them in the matrix."""
        ...

    @property
    def decay(self) -> float:
        """Factor on an event's weight for each distinct item that came after it, in (0, 1]."""
        ...

    def matrix(self, interactions: Interactions) -> Matrix:
        """What having met an item (row) says for each item (column), shape (M, M), float32."""
        ...


class ItemToItem:
    """Score of an item: sum over the history's events of decayed weight times the matrix entry."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe: Recipe | None = recipe
        self._become(recipe.name, recipe.forgets, recipe.decay, empty(0))

    @classmethod
    def made(cls, recipe: Recipe, matrix_MM: Matrix) -> Self:
        """From a matrix that the recipe has made already: the recipe's `decay` is read at query time only."""
        retriever = cls(recipe)
        retriever.matrix_MM = matrix_MM
        return retriever

    def _become(self, name: str, forgets: Forgets, decay: float, matrix_MM: Matrix) -> None:
        self.name, self.forgets, self.decay = name, forgets, decay
        self.matrix_MM = matrix_MM

    @property
    def n_items(self) -> int:
        """M of the catalogue it was fitted on; 0 before `fit`."""
        return int(self.matrix_MM.shape[0])

    def fit(self, interactions: Interactions) -> Self:
        """Make the matrix; the recipe says what it may not be given."""
        if self._recipe is None:
            raise ConfigError(f"a loaded {self.name} retriever has no recipe to fit by; make a new one")
        self._become(self.name, self.forgets, self.decay, self._recipe.matrix(interactions))
        return self

    def with_decay(self, decay: float) -> "ItemToItem":
        """The same matrix, read with another decay."""
        made = ItemToItem.__new__(ItemToItem)
        made._recipe = self._recipe
        made._become(self.name, self.forgets, decay, self.matrix_MM)
        return made

    def scores(self, histories: Sequence[History]) -> Scores:
        """Scores of shape (N, M), float32; the same numbers that `candidates` gives."""
        scores_NM = np.zeros((len(histories), self.n_items), np.float32)
        for row_M, history in zip(scores_NM, histories, strict=True):
            self._add(row_M, history)
        return scores_NM

    def _add(self, row_M: Scores, history: History) -> None:
        history = history.latest(DEPTH)
        weights_L = event_weights(history, self.decay)
        known_L = history.items_L >= 0
        items_L, weights_L = history.items_L[known_L], weights_L[known_L]
        if not sparse.issparse(self.matrix_MM):
            row_M += weights_L @ self.matrix_MM[items_L]
            return
        indptr, indices, data = self.matrix_MM.indptr, self.matrix_MM.indices, self.matrix_MM.data
        for item, weight in zip(items_L.tolist(), weights_L, strict=True):
            row = slice(indptr[item], indptr[item + 1])
            row_M[indices[row]] += weight * data[row]

    def candidates(self, history: History, k: int, *, exclude: Indices | None = None) -> tuple[Indices, Scores]:
        """At most `k` items with a score, best first."""
        row_M = np.zeros(self.n_items, np.float32)
        self._add(row_M, history)
        return best(row_M, k, exclude)

    def similar(self, item: int, k: int) -> tuple[Indices, Scores]:
        """The items that having met this one says most for."""
        return self.candidates(History.of([item]), k, exclude=np.array([item]))

    def contributions(self, history: History, item: int) -> Scores:
        """Decayed weight times matrix entry of each event, shape (L,); events beyond the latest 200 add 0."""
        added_L = np.zeros(len(history), np.float32)
        read = history.latest(DEPTH)
        known = np.flatnonzero(read.items_L >= 0)
        entries = np.array([self._entry(int(i), item) for i in read.items_L[known]], dtype=np.float32)
        added_L[len(history) - len(read) + known] = event_weights(read, self.decay)[known] * entries
        return added_L

    def _entry(self, row: int, column: int) -> float:
        """One number of the matrix; scipy's own indexing builds a matrix for it, at fifty times the price."""
        if not sparse.issparse(self.matrix_MM):
            return float(self.matrix_MM[row, column])
        held = slice(self.matrix_MM.indptr[row], self.matrix_MM.indptr[row + 1])
        found = np.flatnonzero(self.matrix_MM.indices[held] == column)
        return float(self.matrix_MM.data[held][found].sum())

    def save(self, folder: Path) -> None:
        """Write the matrix and the settings it was made with, into an existing folder."""
        graph_MM = sparse.csr_array(self.matrix_MM)
        arrays = {"indptr": graph_MM.indptr, "indices": graph_MM.indices, "data": graph_MM.data}
        settings = {"forgets": self.forgets, "decay": self.decay, "n_items": self.n_items, "recipe": self._settings()}
        write_part(folder, self.name, settings, arrays)

    def _settings(self) -> dict[str, Any]:
        if self._recipe is None or not dataclasses.is_dataclass(self._recipe):
            return {}
        fields = {field.name: getattr(self._recipe, field.name) for field in dataclasses.fields(self._recipe)}
        return {name: value for name, value in fields.items() if isinstance(value, int | float | str | None)}

    @classmethod
    def load(cls, folder: Path) -> Self:
        """What `save` wrote. It answers, and cannot be fitted again."""
        settings, arrays = read_part(folder)
        shape = (settings["n_items"], settings["n_items"])
        graph_MM = sparse.csr_array((arrays["data"], arrays["indices"], arrays["indptr"]), shape=shape)
        made = cls.__new__(cls)
        made._recipe = None
        made._become(settings["retriever"], settings["forgets"], settings["decay"], graph_MM)
        return made


def event_weights(history: History, decay: float) -> NDArray[np.float32]:
    """Weight of each event at the moment of asking, shape (L,).

    The event's own strength, times `decay` for each distinct item met later, divided by the square root of how often
    the history names the item: twenty looks at one kettle are more than one look and less than twenty kettles.
    """
    n = len(history)
    if not n:
        return np.empty(0, np.float32)
    keys_L = np.where(history.items_L >= 0, history.items_L, -1 - np.arange(n))[::-1]
    _, first, inverse, counts = np.unique(keys_L, return_index=True, return_inverse=True, return_counts=True)
    steps = np.empty(len(first), np.int64)
    steps[np.argsort(first)] = np.arange(len(first))
    weights_L = (decay**steps / np.sqrt(counts))[inverse][::-1]
    return np.asarray(weights_L * history.weights_L, dtype=np.float32)

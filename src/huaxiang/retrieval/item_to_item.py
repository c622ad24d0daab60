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
from huaxiang.retrieval.counting import Counts, from_arrays, less, to_arrays
from huaxiang.retrieval.saving import read_part, write_part
from huaxiang.retrieval.transitions import empty, entries_of, summed_rows

Matrix: TypeAlias = sparse.csr_array | NDArray[np.float32]

_FLAT: Final = ("data", "indices", "indptr")
DEPTH: Final = 200
"""Only this many latest events of a history are read: at a decay of .98 the next would count .02."""


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

    def counts(self, interactions: Interactions) -> Counts:
        """What people did, in counts that add up over them; nothing where the matrix owes nothing to people."""
        ...

    def matrix(self, counts: Counts) -> Matrix:
        """What having met an item (row) says for each item (column), shape (M, M), float32."""
        ...


class ItemToItem:
    """Score of an item: sum over the history's events of decayed weight times the matrix entry.

    Attributes:
        counts: what the matrix was made from, for forgetting; None for one that was made or loaded without.
    """

    def __init__(self, recipe: Recipe) -> None:
        self._recipe: Recipe | None = recipe
        self._become(recipe.name, recipe.forgets, recipe.decay, empty(0), None)

    @classmethod
    def made(cls, recipe: Recipe, matrix_MM: Matrix, counts: Counts | None = None) -> Self:
        """From a matrix that the recipe has made already: the recipe's `decay` is read at query time only."""
        retriever = cls(recipe)
        retriever.matrix_MM, retriever.counts = matrix_MM, counts
        return retriever

    def _become(self, name: str, forgets: Forgets, decay: float, matrix_MM: Matrix, counts: Counts | None) -> None:
        self.name, self.forgets, self.decay = name, forgets, decay
        self.matrix_MM, self.counts = matrix_MM, counts

    @property
    def n_items(self) -> int:
        """M of the catalogue it was fitted on; 0 before `fit`."""
        return int(self.matrix_MM.shape[0])

    def fit(self, interactions: Interactions) -> Self:
        """Make the matrix; the recipe says what it may not be given."""
        if self._recipe is None:
            raise ConfigError(f"a loaded {self.name} retriever has no recipe to fit by; make a new one")
        counts = self._recipe.counts(interactions)
        self._become(self.name, self.forgets, self.decay, self._recipe.matrix(counts), counts)
        return self

    def forget(self, gone: Interactions) -> "ItemToItem":
        """Without some people: their counts are taken away, and the matrix is made of the rest."""
        if self.counts is not None and not self.counts and gone.n_items == self.n_items:
            return self  # it owes nothing to anybody
        if self._recipe is None or self.counts is None or self.forgets != "exact":
            raise ConfigError(f"this {self.name} retriever was kept without its counts; train a new release to forget")
        counts = less(self.counts, self._recipe.counts(gone))
        return ItemToItem.made(self._recipe, self._recipe.matrix(counts), counts)

    def with_decay(self, decay: float) -> "ItemToItem":
        """The same matrix, read with another decay."""
        made = ItemToItem.__new__(ItemToItem)
        made._recipe = self._recipe
        made._become(self.name, self.forgets, decay, self.matrix_MM, self.counts)
        return made

    def scores(self, histories: Sequence[History]) -> Scores:
        """Scores of shape (N, M), float32; the same numbers that `candidates` gives."""
        owners_E, items_E, weights_E = weighted_events([history.latest(DEPTH) for history in histories], self.decay)
        if isinstance(self.matrix_MM, np.ndarray):
            scores_NM = np.zeros((len(histories), self.n_items), np.float32)
            for at in np.unique(owners_E):
                mine = slice(*np.searchsorted(owners_E, [at, at + 1]))
                scores_NM[at] = weights_E[mine] @ self.matrix_MM[items_E[mine]]
            return scores_NM
        return summed_rows(self.matrix_MM, owners_E, items_E, weights_E, len(histories))

    def scores_of(self, history: History, items_K: Indices) -> Scores:
        """The same of one person for a few distinct items, shape (K,)."""
        summed_K: Scores = self.contributions_of(history, items_K).sum(axis=1)
        return summed_K

    def candidates(self, history: History, k: int, *, exclude: Indices | None = None) -> tuple[Indices, Scores]:
        """At most `k` items with a score, best first."""
        return best(self.scores([history])[0], k, exclude)

    def similar(self, item: int, k: int) -> tuple[Indices, Scores]:
        """The items that having met this one says most for."""
        return self.candidates(History.of([item]), k, exclude=np.array([item]))

    def contributions(self, history: History, item: int) -> Scores:
        """Decayed weight times matrix entry of each event, shape (L,); events beyond the latest 200 add 0."""
        added_L: Scores = self.contributions_of(history, np.array([item]))[0]
        return added_L

    def contributions_of(self, history: History, items_K: Indices) -> Scores:
        """The contributions to each of K distinct items, shape (K, L), for little more than those to one."""
        added_KL = np.zeros((len(items_K), len(history)), np.float32)
        read = history.latest(DEPTH)
        known = np.flatnonzero(read.items_L >= 0)
        weights_L = event_weights(read, self.decay)[known]
        added_KL[:, len(history) - len(read) + known] = weights_L * self._block(read.items_L[known], items_K)
        return added_KL

    def _block(self, rows_L: Indices, columns_K: Indices) -> Scores:
        """Entries of the matrix, shape (K, L); scipy's own indexing builds matrices, at fifty times the price."""
        if isinstance(self.matrix_MM, np.ndarray):
            return np.asarray(self.matrix_MM[np.ix_(rows_L, columns_K)].T, dtype=np.float32)
        place_M = np.full(self.n_items, -1)
        place_M[columns_K] = np.arange(len(columns_K))
        owner_P, columns_P, entries_P = entries_of(self.matrix_MM, rows_L)
        asked_P = place_M[columns_P] >= 0
        block_KL = np.zeros((len(columns_K), len(rows_L)), np.float32)
        np.add.at(block_KL, (place_M[columns_P[asked_P]], owner_P[asked_P]), entries_P[asked_P])
        return block_KL

    def save(self, folder: Path) -> None:
        """Write the matrix and the settings it was made with, into an existing folder."""
        graph_MM = sparse.csr_array(self.matrix_MM)
        arrays = {"indptr": graph_MM.indptr, "indices": graph_MM.indices, "data": graph_MM.data}
        arrays |= to_arrays(self.counts or {}) | self._rows()
        settings = {"forgets": self.forgets, "decay": self.decay, "n_items": self.n_items, "recipe": self._settings()}
        settings["counted"] = self.counts is not None
        write_part(folder, self.name, settings, arrays)

    def _settings(self) -> dict[str, Any]:
        if self._recipe is None or not dataclasses.is_dataclass(self._recipe):
            return {}
        fields = {field.name: getattr(self._recipe, field.name) for field in dataclasses.fields(self._recipe)}
        plain = {name: value for name, value in fields.items() if isinstance(value, int | float | str | None)}
        widths = {name: value.shape[1] for name, value in fields.items() if isinstance(value, sparse.csr_array)}
        return {"kind": type(self._recipe).__name__, "widths": widths, **plain}

    def _rows(self) -> dict[str, NDArray[Any]]:
        """Sparse rows of the items that the recipe was made with, flat, for a file; names begin with `recipe.`."""
        names = self._settings().get("widths", {})
        return {f"recipe.{name}.{part}": getattr(getattr(self._recipe, name), part) for name in names for part in _FLAT}

    @classmethod
    def load(cls, folder: Path, recipes: Sequence[type[Any]] = ()) -> Self:
        """What `save` wrote. It answers; it forgets, and can be fitted again, where its kind of recipe is given.

        Args:
            recipes: kinds of recipes, of which the one of the saved name is made again with the saved settings.
        """
        settings, arrays = read_part(folder)
        shape = (settings["n_items"], settings["n_items"])
        graph_MM = sparse.csr_array((arrays["data"], arrays["indices"], arrays["indptr"]), shape=shape)
        made = cls.__new__(cls)
        kind = next((kind for kind in recipes if kind.__name__ == settings["recipe"].get("kind")), None)
        given = {name: value for name, value in settings["recipe"].items() if name not in ("kind", "widths")}
        for name, width in settings["recipe"].get("widths", {}).items():
            flat = tuple(arrays[f"recipe.{name}.{part}"] for part in _FLAT)
            given[name] = sparse.csr_array(flat, shape=(settings["n_items"], width))
        made._recipe = None if kind is None else kind(**given)
        counts = from_arrays(arrays, settings["n_items"]) if settings["counted"] else None
        made._become(settings["retriever"], settings["forgets"], settings["decay"], graph_MM, counts)
        return made


def event_weights(history: History, decay: float) -> NDArray[np.float32]:
    """Weight of each event at the moment of asking, shape (L,).

    The event's own strength, times `decay` for each distinct item met later, divided by the square root of how often
    the history names the item: twenty looks at one kettle are more than one look and less than twenty kettles.
    """
    steps_L, times_L = history.places
    return np.asarray(decay**steps_L / np.sqrt(times_L) * history.weights_L, dtype=np.float32)


def weighted_events(histories: Sequence[History], decay: float) -> tuple[Indices, Indices, NDArray[np.float32]]:
    """The E known events of histories below each other: which history each is of, its item, its weight."""
    if not histories:
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32)
    owners_E = np.repeat(np.arange(len(histories)), [len(history) for history in histories])
    items_E = np.concatenate([history.items_L for history in histories])
    steps_E, times_E = (np.concatenate(parts) for parts in zip(*(each.places for each in histories), strict=True))
    strengths_E = np.concatenate([history.weights_L for history in histories])
    weights_E = np.asarray(decay**steps_E / np.sqrt(times_E) * strengths_E, dtype=np.float32)
    known_E = items_E >= 0
    return owners_E[known_E], items_E[known_E], weights_E[known_E]

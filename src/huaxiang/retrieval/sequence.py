"""A Transformer over the order of a history: what comes next after all of it, answered in plain numpy.

Legend: N histories, M items, L places of a window, P places that are asked for, D width, H heads, K results.
`sequence_training` teaches it with torch; the weights are small (4 M D bytes and about 0.4 MB) and a history costs a
third of a millisecond.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from huaxiang.errors import ConfigError, DataError
from huaxiang.retrieval.base import Forgets, History, Indices, Interactions, Scores, best
from huaxiang.retrieval.products import Products
from huaxiang.retrieval.saving import read_part, write_part

Weights = Mapping[str, NDArray[np.float32]]
"""By name: `items` (M, D), `near` (layers, H, L) and per layer `{n}.norm1.weight` ... as `LAYER` lists them."""

LAYER: Final = ("norm1.weight", "norm1.bias", "mix.weight", "out.weight", "norm2.weight", "norm2.bias")
LAYER_FEED: Final = ("up.weight", "up.bias", "down.weight", "down.bias")
_EPSILON: Final = 1e-5
_AT_ONCE: Final = 256
_ROOT_2_BY_PI: Final = np.float32(np.sqrt(2.0 / np.pi))


class Teacher(Protocol):
    """What learns the weights: `sequence_training.Sequential`, which needs torch."""

    def weights(self, interactions: Interactions) -> Weights:
        """Weights learned from interactions."""
        ...


class SequenceModel:
    """Causal self-attention over the last `window` items (Kang & McAuley 2018), with a bias for each distance.

    Items that are unknown and events of weight <= 0 are passed over. The score is the product of the last state with
    the item's vector, the same vectors that are read.
    """

    name: ClassVar[str] = "sequence"
    forgets: ClassVar[Forgets] = "stale"

    def __init__(self, teacher: Teacher | None = None) -> None:
        self._teacher = teacher
        self._become({"items": np.empty((0, 1), np.float32), "near": np.empty((0, 1, 1), np.float32)})

    @classmethod
    def made(cls, weights: Weights) -> Self:
        """From weights that were learned elsewhere."""
        model = cls()
        model._become(weights)
        return model

    def _become(self, weights: Weights) -> None:
        self.weights = dict(weights)
        self.items_MD, self.near = self.weights["items"], self.weights["near"]
        self._products = Products(self.items_MD)
        self.n_layers, self.n_heads, self.window = self.near.shape

    @property
    def n_items(self) -> int:
        """M of the catalogue it was fitted on; 0 before `fit`."""
        return len(self.items_MD)

    def fit(self, interactions: Interactions) -> Self:
        """Learn afresh by the teacher that was given."""
        if self._teacher is None:
            raise ConfigError("a loaded sequence model has no teacher to fit by; make a new one")
        self._become(self._teacher.weights(interactions))
        return self

    def forget(self, gone: Interactions) -> Self:  # noqa: ARG002 - there is no way
        """Not possible: what a network learned from somebody stays until the next training."""
        raise ConfigError("a sequence model is stale until the next training; train a new release to forget")

    def read(self, history: History) -> Indices:
        """The places of a history's events that are read, ascending: at most `window`, the newest."""
        return np.flatnonzero((history.items_L >= 0) & (history.weights_L > 0.0))[-self.window :]

    def states(self, rows: Sequence[Indices]) -> NDArray[np.float32]:
        """What comes after each row of items, shape (N, D); zeros after none."""
        found_ND = np.zeros((len(rows), self.items_MD.shape[1]), np.float32)
        asked = [at for at, row in enumerate(rows) if len(row)]
        asked.sort(key=lambda at: len(rows[at]))  # rows of like length together: less is padded
        for start in range(0, len(asked), _AT_ONCE):
            part = asked[start : start + _AT_ONCE]
            found_ND[part] = self._last_states([rows[at] for at in part])
        return found_ND

    def _last_states(self, rows: Sequence[Indices]) -> NDArray[np.float32]:
        lengths_N = np.array([len(row) for row in rows])
        items_NL = np.zeros((len(rows), int(lengths_N.max())), np.int64)
        for at, row in enumerate(rows):
            items_NL[at, : len(row)] = row
        x_NLD = self.items_MD[items_NL]
        for layer in range(self.n_layers - 1):
            x_NLD = self._layer(layer, x_NLD, None)
        if self.n_layers:
            x_NLD = self._layer(self.n_layers - 1, x_NLD, lengths_N - 1)
        return _norm(x_NLD[:, 0], self.weights["norm.weight"], self.weights["norm.bias"])

    def _layer(self, layer: int, x_NLD: NDArray[np.float32], only_N: Indices | None) -> NDArray[np.float32]:
        """States above a layer; with `only_N` of one place of each row, shape (N, 1, D): of the last layer nothing else
        is asked."""
        w = {name: self.weights[f"{layer}.{name}"] for name in (*LAYER, *LAYER_FEED)}
        n, length, d = x_NLD.shape
        y_NLD = _norm(x_NLD, w["norm1.weight"], w["norm1.bias"])
        at_NP = np.arange(length)[None] if only_N is None else only_N[:, None]
        if only_N is not None:
            x_NLD = np.take_along_axis(x_NLD, at_NP[..., None], axis=1)
        asking_NPD = y_NLD if only_N is None else np.take_along_axis(y_NLD, at_NP[..., None], axis=1)
        q_NHPd = self._heads(_times(asking_NPD, w["mix.weight"][:d]))
        k_NHLd, v_NHLd = (self._heads(_times(y_NLD, w["mix.weight"][start : start + d])) for start in (d, 2 * d))
        scale = np.float32((d // self.n_heads) ** -0.5)
        fit_NHPL = q_NHPd @ k_NHLd.transpose(0, 1, 3, 2) * scale + self._bias(layer, at_NP, length)
        seen_NHPd = softmax(fit_NHPL, axis=-1) @ v_NHLd
        x_NPD = x_NLD + _times(seen_NHPd.transpose(0, 2, 1, 3).reshape(n, -1, d), w["out.weight"])
        y_NPD = _norm(x_NPD, w["norm2.weight"], w["norm2.bias"])
        up = _times(y_NPD, w["up.weight"]) + w["up.bias"]
        return np.asarray(x_NPD + _times(_gelu(up), w["down.weight"]) + w["down.bias"], dtype=np.float32)

    def _heads(self, x_NLD: NDArray[np.float32]) -> NDArray[np.float32]:
        n, length, d = x_NLD.shape
        return x_NLD.reshape(n, length, self.n_heads, d // self.n_heads).transpose(0, 2, 1, 3)

    def _bias(self, layer: int, at_NP: Indices, length: int) -> NDArray[np.float32]:
        """What each head adds for the distance back from places P, shape (N or 1, H, P, L); minus infinity to what is
        later."""
        back_NPL = at_NP[..., None] - np.arange(length)
        bias = self.near[layer][:, np.maximum(back_NPL, 0)].transpose(1, 0, 2, 3)
        return np.where(back_NPL[:, None] >= 0, bias, np.float32(-np.inf))

    def scores(self, histories: Sequence[History]) -> Scores:
        """Scores of shape (N, M), float32, in 8-bit numbers (`Products`); zeros where nothing is known of a history."""
        if not histories:
            return np.empty((0, self.n_items), np.float32)
        rows = [history.items_L[self.read(history)] for history in histories]
        return self._products.of(self.states(rows))

    def candidates(self, history: History, k: int, *, exclude: Indices | None = None) -> tuple[Indices, Scores]:
        """The `k` likeliest next items."""
        return best(self.scores([history])[0], k, exclude)

    def similar(self, item: int, k: int) -> tuple[Indices, Scores]:
        """What comes next after this item alone."""
        return self.candidates(History.of([item]), k, exclude=np.array([item]))

    def contributions(self, history: History, item: int) -> Scores:
        """How much lower the score is without each event, shape (L,): attention does not add up, so it is asked again.

        The whole score where an event is the only one.
        """
        read = self.read(history)
        added_L = np.zeros(len(history), np.float32)
        if not len(read):
            return added_L
        row = history.items_L[read]
        states_ND = self.states([row, *(np.delete(row, at) for at in range(len(row)))])
        scores_N = states_ND @ self.items_MD[item]
        added_L[read] = scores_N[0] - scores_N[1:]
        return added_L

    def save(self, folder: Path) -> None:
        """Write the weights into an existing folder."""
        write_part(folder, self.name, {"n_items": self.n_items}, self.weights)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """What `save` wrote. It answers, and cannot be fitted again."""
        settings, arrays = read_part(folder, cls.name)
        if "items" not in arrays or len(arrays["items"]) != settings["n_items"]:
            raise DataError(f"the sequence model in {folder.name} is not whole; train a new release")
        return cls.made(arrays)

    def settings(self) -> dict[str, Any]:
        """For reports."""
        return {"layers": self.n_layers, "heads": self.n_heads, "window": self.window, "d": self.items_MD.shape[1]}


def _norm(x: NDArray[np.float32], weight_D: NDArray[np.float32], bias_D: NDArray[np.float32]) -> NDArray[np.float32]:
    mean = x.mean(axis=-1, keepdims=True)
    centred = x - mean
    spread = np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + np.float32(_EPSILON))
    return np.asarray(centred / spread * weight_D + bias_D, dtype=np.float32)


def _times(x_NPD: NDArray[np.float32], weight_ED: NDArray[np.float32]) -> NDArray[np.float32]:
    """The product with a weight's rows, shape (N, P, E), in one call: numpy's own would make one for each of N, and two
    threads of BLAS that share a busy machine wait for each other in each."""
    n, places, d = x_NPD.shape
    product: NDArray[np.float32] = (x_NPD.reshape(n * places, d) @ weight_ED.T).reshape(n, places, -1)
    return product


def _gelu(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """By tanh (Hendrycks & Gimpel 2016), which numpy has in fast."""
    return np.asarray(0.5 * x * (1.0 + np.tanh(_ROOT_2_BY_PI * (x + np.float32(0.044715) * x * x * x))), np.float32)

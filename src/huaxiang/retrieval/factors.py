"""Matrix factorisation of who met what, for implicit feedback: a person is folded in from the items of the history.

Legend: N users, M items, F factors, L events of one history, K results. What the linear parts lack: a person who met
fifty things of one kind is explained by a few factors, and is not fifty times as sure of a fifty-first.
"""

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Final, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from threadpoolctl import threadpool_limits

from huaxiang.errors import ConfigError, MissingExtraError
from huaxiang.retrieval.base import Forgets, History, Indices, Interactions, Scores, best
from huaxiang.retrieval.saving import read_part, write_part

_AN_INTERACTION: Final = 1e-5
_A_ROW: Final = 2e-4
"""Seconds of fifteen rounds for an interaction, and for a user or an item, with 128 factors."""


class Factors:
    """Alternating least squares (Hu, Koren & Volinsky 2008), by the package `implicit`, which is needed to fit only.

    Score of an item: its factors times those of the person, who is the ridge solution for the distinct items of the
    history that were not disliked. Items are learned with every cell alike, and people are folded in surer of what was
    met: beside the other parts better than either way throughout (experiments/LOG.md).

    Args:
        width: F. reg: ridge. alpha: how much surer a meeting is than none. rounds: of alternation.
    """

    name: ClassVar[str] = "als"
    forgets: ClassVar[Forgets] = "stale"

    def __init__(
        self, *, width: int = 128, reg: float = 0.01, alpha: float = 1.0, rounds: int = 15, seed: int = 0
    ) -> None:
        if width < 1 or not reg > 0.0 or not alpha > 0.0:
            raise ConfigError(f"factors need width >= 1, reg > 0 and alpha > 0, got {width}, {reg} and {alpha}")
        self.width, self.reg, self.alpha, self.rounds, self.seed = width, reg, alpha, rounds, seed
        self._become(np.empty((0, width), np.float32))

    def _become(self, items_MF: NDArray[np.float32]) -> None:
        self.items_MF = items_MF
        self._whole_FF = items_MF.T @ items_MF + self.reg * np.eye(items_MF.shape[1], dtype=np.float32)

    @property
    def n_items(self) -> int:
        """M of the catalogue it was fitted on; 0 before `fit`."""
        return len(self.items_MF)

    def fit(self, interactions: Interactions) -> Self:
        """Learn the items' factors; events of weight <= 0 teach nothing.

        Raises:
            MissingExtraError: `implicit` is not installed.
        """
        if (error := missing()) is not None:
            raise error
        from implicit.als import AlternatingLeastSquares

        kept_E = interactions.weights_E > 0.0
        met = (np.ones(int(kept_E.sum()), np.float32), (interactions.users_E[kept_E], interactions.items_E[kept_E]))
        met_NM = sparse.csr_matrix(met, shape=(interactions.n_users, interactions.n_items))
        met_NM.data[:] = 1.0  # a matrix of who met what: repeats were added up
        with threadpool_limits(1, "blas"):  # implicit has threads of its own
            model = AlternatingLeastSquares(
                factors=self.width,
                regularization=self.reg,
                alpha=1.0,
                iterations=self.rounds,
                random_state=self.seed,
            )
            model.fit(met_NM, show_progress=False)
        self._become(np.where(np.isfinite(model.item_factors), model.item_factors, 0.0).astype(np.float32))
        return self

    def forget(self, gone: Interactions) -> Self:
        """Refused: factors are not made of counts."""
        raise ConfigError(f"factors cannot forget {gone.n_users} people; train a new release")

    def scores(self, histories: Sequence[History]) -> Scores:
        """Scores of shape (N, M), float32; zeros where nothing of the history is known."""
        if not histories:
            return np.zeros((0, self.n_items), np.float32)
        people_NF = np.stack([self._person(history) for history in histories])
        return np.asarray(people_NF @ self.items_MF.T, dtype=np.float32)

    def scores_of(self, history: History, items_K: Indices) -> Scores:
        """The same of one person for a few items, shape (K,)."""
        return np.asarray(self.items_MF[items_K] @ self._person(history), dtype=np.float32)

    def _person(self, history: History) -> NDArray[np.float32]:
        """A person's factors, shape (F,); zeros where nothing of the history is known."""
        known = _liked(history)
        if not len(known):
            return np.zeros(self.items_MF.shape[1], np.float32)
        wanted_F = (1.0 + self.alpha) * self.items_MF[known].sum(axis=0)
        return np.linalg.solve(self._system(known), wanted_F).astype(np.float32)

    def _system(self, known: Indices) -> NDArray[np.float32]:
        """What a person's factors solve, shape (F, F)."""
        met_SF = self.items_MF[known]
        system_FF: NDArray[np.float32] = self._whole_FF + np.float32(self.alpha) * (met_SF.T @ met_SF)
        return system_FF

    def candidates(self, history: History, k: int, *, exclude: Indices | None = None) -> tuple[Indices, Scores]:
        """At most `k` items, best first."""
        return best(self.scores([history])[0], k, exclude)

    def similar(self, item: int, k: int) -> tuple[Indices, Scores]:
        """The items whose factors point the same way, by cosine."""
        lengths_M = np.linalg.norm(self.items_MF, axis=1)
        products_M = self.items_MF @ self.items_MF[item]
        cosines_M = products_M / np.maximum(lengths_M * lengths_M[item], 1e-12)
        return best(cosines_M.astype(np.float32), k, np.array([item]))

    def contributions(self, history: History, item: int) -> Scores:
        """What each event adds to the item's score, shape (L,); they sum to it, those of one item share its part."""
        added_L: Scores = self.contributions_of(history, np.array([item]))[0]
        return added_L

    def contributions_of(self, history: History, items_K: Indices) -> Scores:
        """The contributions to each of K items, shape (K, L)."""
        added_KL = np.zeros((len(items_K), len(history)), np.float32)
        known = _liked(history)
        if not len(known):
            return added_KL
        solved_FK = np.linalg.solve(self._system(known), self.items_MF[items_K].T)
        of_item_KS = (1.0 + self.alpha) * (self.items_MF[known] @ solved_FK).T
        counted_L = np.flatnonzero((history.items_L >= 0) & (history.weights_L > 0.0))
        place_L = np.searchsorted(known, history.items_L[counted_L])
        times_S = np.bincount(place_L, minlength=len(known))
        added_KL[:, counted_L] = (of_item_KS / times_S)[:, place_L]
        return added_KL

    def save(self, folder: Path) -> None:
        """Write into an existing folder."""
        settings = {"width": self.width, "reg": self.reg, "alpha": self.alpha, "rounds": self.rounds, "seed": self.seed}
        write_part(folder, self.name, settings, {"items": self.items_MF})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """What `save` wrote."""
        settings, arrays = read_part(folder, cls.name)
        made = cls(**{name: settings[name] for name in ("width", "reg", "alpha", "rounds", "seed")})
        made._become(arrays["items"])
        return made


def missing() -> MissingExtraError | None:
    """What to say where the package that fits is not installed."""
    found = importlib.util.find_spec("implicit") is not None
    return None if found else MissingExtraError("matrix factorisation", "train")


def factors_seconds(n_interactions: int, n_users: int, n_items: int) -> float:
    """About how long a fit takes."""
    return _AN_INTERACTION * n_interactions + _A_ROW * (n_users + n_items)


def _liked(history: History) -> Indices:
    """The distinct known items that were not disliked, ascending."""
    return np.unique(history.items_L[(history.items_L >= 0) & (history.weights_L > 0.0)])

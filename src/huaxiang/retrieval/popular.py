"""What everybody meets, now: decayed counts. The floor of every table, and the answer for a stranger.

Legend: N users, M items, E interactions, L events of one history, K results.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Final, Self

import numpy as np

from huaxiang.errors import ConfigError
from huaxiang.retrieval.base import Forgets, History, Indices, Interactions, Scores
from huaxiang.retrieval.counting import Counts, from_arrays, less, to_arrays
from huaxiang.retrieval.saving import read_part, write_part

_NAME: Final = "popular"
_LONGER: Final = 4.0
"""Half-lives of the longer count that a trend is seen against."""


class Popular:
    """Score of an item: sum of its events' weights, halved for each half-life of age at the end of the log.

    Args:
        half_life_days: None counts all events alike, which is right where there is no clock.
        trend: above 0, what rises is ahead of what falls: the count is multiplied by its ratio, to this power, to a
            count with four times the half-life.
        name: of this one, where several half-lives stand side by side.
    """

    forgets: ClassVar[Forgets] = "exact"

    def __init__(self, *, half_life_days: float | None = None, trend: float = 0.0, name: str = _NAME) -> None:
        if half_life_days is not None and not half_life_days > 0.0:
            raise ConfigError(f"half_life_days is {half_life_days}; give more than 0 days, or None for no decay")
        if trend < 0.0 or (trend > 0.0 and half_life_days is None):
            raise ConfigError(f"trend is {trend}; give 0 or more, and a half-life with it")
        self.half_life_days, self.trend, self.name = half_life_days, trend, name
        self._become({"met": np.empty(0), "met_longer": np.empty(0)}, 0.0)

    def _become(self, counts: Counts, until: float) -> None:
        """`until` is the day that ages are counted to: the end of the log at the fit, also after forgetting."""
        self._counts, self._until = counts, until
        scores_M = counts["met"]
        if self.trend:
            scores_M = scores_M * (scores_M / np.maximum(counts["met_longer"] / _LONGER, 1e-12)) ** self.trend
        self.scores_M = scores_M.astype(np.float32)
        self.most = float(self.scores_M.max(initial=0.0))
        self._order_M = np.argsort(-self.scores_M, kind="stable")

    @property
    def n_items(self) -> int:
        """M of the catalogue it was fitted on; 0 before `fit`."""
        return len(self.scores_M)

    def fit(self, interactions: Interactions) -> Self:
        """Count; events of weight <= 0 count nothing."""
        until = float(interactions.days_E.max(initial=0.0))
        self._become(self._count(interactions, until), until)
        return self

    def forget(self, gone: Interactions) -> Self:
        """Without some people; ages are still counted to the end of the log as it was."""
        made = type(self)(half_life_days=self.half_life_days, trend=self.trend, name=self.name)
        made._become(less(self._counts, self._count(gone, self._until)), self._until)
        return made

    def _count(self, interactions: Interactions, until: float) -> Counts:
        weights_E = np.maximum(interactions.weights_E, 0.0).astype(np.float64)
        days, n = self.half_life_days, interactions.n_items
        if days is None:
            return {"met": np.bincount(interactions.items_E, weights_E, n).astype(np.float64)}
        half_lives = {"met": days} | ({"met_longer": _LONGER * days} if self.trend else {})
        ages_E = until - interactions.days_E
        return {
            name: np.bincount(interactions.items_E, weights_E * 0.5 ** (ages_E / days), n).astype(np.float64)
            for name, days in half_lives.items()
        }

    def scores(self, histories: Sequence[History]) -> Scores:
        """The same row for everybody, shape (N, M), float32."""
        return np.tile(self.scores_M, (len(histories), 1))

    def candidates(self, history: History, k: int, *, exclude: Indices | None = None) -> tuple[Indices, Scores]:  # noqa: ARG002
        """The `k` most popular that are not excluded; reads no more of the catalogue than it must."""
        shut = np.empty(0, np.int64) if exclude is None else exclude
        head = self._order_M[: max(k, 0) + len(shut)]
        kept_K = head[~np.isin(head, shut) & (self.scores_M[head] > 0.0)][: max(k, 0)]
        return kept_K, self.scores_M[kept_K]

    def similar(self, item: int, k: int) -> tuple[Indices, Scores]:
        """The most popular others: popularity knows no likeness."""
        return self.candidates(History.of([]), k, exclude=np.array([item]))

    def contributions(self, history: History, item: int) -> Scores:  # noqa: ARG002
        """Zeros, shape (L,): nothing of the score comes from the history."""
        return np.zeros(len(history), np.float32)

    def save(self, folder: Path) -> None:
        """Write the counts into an existing folder."""
        names = {"half_life_days": self.half_life_days, "trend": self.trend, "name": self.name, "until": self._until}
        write_part(folder, _NAME, names, to_arrays(self._counts))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """What `save` wrote."""
        settings, arrays = read_part(folder, _NAME)
        made = cls(half_life_days=settings["half_life_days"], trend=settings["trend"], name=settings["name"])
        made._become(from_arrays(arrays, len(arrays["counts.met"])), settings["until"])
        return made

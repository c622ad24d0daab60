"""What everybody meets, now: decayed counts. The floor of every table, and the answer for a stranger.

Legend: N users, M items, E interactions, L events of one history, K results.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Final, Self

import numpy as np

from huaxiang.errors import ConfigError
from huaxiang.retrieval.base import Forgets, History, Indices, Interactions, Scores
from huaxiang.retrieval.saving import read_part, write_part

_NAME: Final = "popular"


class Popular:
    """Score of an item: sum of its events' weights, halved for each half-life of age at the end of the log.

    Args:
        half_life_days: None counts all events alike, which is right where there is no clock.
        name: of this one, where several half-lives stand side by side.
    """

    forgets: ClassVar[Forgets] = "exact"

    def __init__(self, *, half_life_days: float | None = None, name: str = _NAME) -> None:
        if half_life_days is not None and not half_life_days > 0.0:
            raise ConfigError(f"half_life_days is {half_life_days}; give more than 0 days, or None for no decay")
        self.half_life_days, self.name = half_life_days, name
        self._become(np.empty(0, np.float32))

    def _become(self, scores_M: Scores) -> None:
        self.scores_M = scores_M
        self._order_M = np.argsort(-scores_M, kind="stable")

    @property
    def n_items(self) -> int:
        """M of the catalogue it was fitted on; 0 before `fit`."""
        return len(self.scores_M)

    def fit(self, interactions: Interactions) -> Self:
        """Count; events of weight <= 0 count nothing."""
        weights_E = np.maximum(interactions.weights_E, 0.0).astype(np.float64)
        if self.half_life_days is not None and len(weights_E):
            weights_E *= 0.5 ** ((interactions.days_E.max() - interactions.days_E) / self.half_life_days)
        counts_M = np.bincount(interactions.items_E, weights_E, minlength=interactions.n_items)
        self._become(counts_M.astype(np.float32))
        return self

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
        settings = {"half_life_days": self.half_life_days, "name": self.name}
        write_part(folder, _NAME, settings, {"scores": self.scores_M})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """What `save` wrote."""
        settings, arrays = read_part(folder, _NAME)
        made = cls(half_life_days=settings["half_life_days"], name=settings.get("name", _NAME))
        made._become(arrays["scores"])
        return made

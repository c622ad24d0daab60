"""A linear chain over labels: the best spelling of a text, and how probable a span is (Lafferty et al. 2001).

Plain numpy, for serving. Legend: B texts, U units of the longest, K labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.encoder.tagging.spans import Bounds, bounds_of

NEVER: Final = -1e4
"""Score of what must not follow; finite, so that no difference of two is undefined."""
UNREAD: Final = -100.0
"""Score of a tag where nothing was read: no other part outweighs it."""


@dataclass(frozen=True, slots=True)
class Chain:
    """Scores, in nats, of one label after another.

    Attributes:
        labels: `O` first.
        start_K, end_K: of a label at the first unit, and at the last.
        follow_KK: of the second label after the first.
    """

    labels: tuple[str, ...]
    start_K: NDArray[np.float64]
    follow_KK: NDArray[np.float64]
    end_K: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        labels: Sequence[str],
        start_K: NDArray[np.float64] | None = None,
        follow_KK: NDArray[np.float64] | None = None,
        end_K: NDArray[np.float64] | None = None,
    ) -> Chain:
        """Learned scores, or none; what BIO forbids is forbidden."""
        n = len(labels)
        allowed_start_K, allowed_KK = allowed(labels)
        start_K, end_K = np.zeros(n) if start_K is None else start_K, np.zeros(n) if end_K is None else end_K
        follow_KK = np.zeros((n, n)) if follow_KK is None else follow_KK
        return cls(
            tuple(labels), np.where(allowed_start_K, start_K, NEVER), np.where(allowed_KK, follow_KK, NEVER), end_K
        )

    def tempered(self, temperature: float) -> Chain:
        """The same with scores divided by `temperature`: no path is better than before, only less or more sure."""
        start_K, follow_KK = self.start_K / temperature, self.follow_KK / temperature
        return Chain.of(self.labels, start_K, follow_KK, self.end_K / temperature)

    def best(self, emissions_BUK: NDArray[np.float64], lengths: Sequence[int]) -> list[tuple[str, ...]]:
        """The labels of the best path of each text (Viterbi 1967)."""
        n_texts, width, n_labels = emissions_BUK.shape
        score_BK = self.start_K + (emissions_BUK[:, 0] if width else np.zeros((n_texts, n_labels)))
        from_BUK = np.tile(np.arange(n_labels), (n_texts, width, 1))
        lengths_B = np.asarray(lengths, dtype=np.int64)
        for at in range(1, width):
            paths_BKK = score_BK[:, :, None] + self.follow_KK
            inside_B1 = (at < lengths_B)[:, None]
            from_BUK[:, at] = np.where(inside_B1, paths_BKK.argmax(axis=1), from_BUK[:, at])
            score_BK = np.where(inside_B1, paths_BKK.max(axis=1) + emissions_BUK[:, at], score_BK)
        last_B = (score_BK + self.end_K).argmax(axis=1)
        path_BU = np.empty((n_texts, width), dtype=np.int64)
        for at in range(width - 1, -1, -1):
            path_BU[:, at] = last_B
            last_B = from_BUK[np.arange(n_texts), at, last_B]
        return [tuple(self.labels[k] for k in path[:n]) for path, n in zip(path_BU.tolist(), lengths, strict=True)]

    def spans(self, emissions_UK: NDArray[np.float64], labels: Sequence[str]) -> list[tuple[Bounds, float]]:
        """The spans of a spelling, each with its probability, whatever else the text holds."""
        found = bounds_of(labels)
        if not found:
            return []
        ahead_UK, behind_UK = self._sums(emissions_UK)
        total = _log_sum(ahead_UK[-1] + self.end_K)
        return [
            (span, float(np.exp(np.minimum(self._mass(emissions_UK, span, ahead_UK, behind_UK) - total, 0.0))))
            for span in found
        ]

    def _sums(self, emissions_UK: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Log of the sum over all paths up to a unit with its label, and over all from there on without it."""
        ahead_UK, behind_UK = np.empty_like(emissions_UK), np.empty_like(emissions_UK)
        ahead_UK[0], behind_UK[-1] = self.start_K + emissions_UK[0], self.end_K
        for at in range(1, len(emissions_UK)):
            ahead_UK[at] = _log_sum(ahead_UK[at - 1][:, None] + self.follow_KK, 0) + emissions_UK[at]
        for at in range(len(emissions_UK) - 2, -1, -1):
            behind_UK[at] = _log_sum(self.follow_KK + emissions_UK[at + 1] + behind_UK[at + 1], 1)
        return ahead_UK, behind_UK

    def _mass(
        self,
        emissions_UK: NDArray[np.float64],
        span: Bounds,
        ahead_UK: NDArray[np.float64],
        behind_UK: NDArray[np.float64],
    ) -> float:
        """Log of the sum over all paths that hold exactly this span."""
        start, end, name = span
        first, inside = self.labels.index(f"B-{name}"), self.labels.index(f"I-{name}")
        score, label = float(ahead_UK[start, first]), first
        for at in range(start + 1, end):
            score, label = score + float(self.follow_KK[label, inside] + emissions_UK[at, inside]), inside
        if end == len(emissions_UK):
            return score + float(self.end_K[label])
        after_K = self.follow_KK[label] + emissions_UK[end] + behind_UK[end]
        after_K[inside] = -np.inf
        return score + float(_log_sum(after_K))


def allowed(labels: Sequence[str]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which labels may stand first, and which may follow which: `I-X` only `B-X` and `I-X`."""
    start_K = np.array([not label.startswith("I-") for label in labels], dtype=bool)
    follow_KK = np.array(
        [[not after.startswith("I-") or before[2:] == after[2:] for after in labels] for before in labels], dtype=bool
    )
    return start_K, follow_KK


def _log_sum(values: NDArray[np.float64], axis: int | None = None) -> NDArray[np.float64]:
    top = values.max(axis=axis, keepdims=True)
    summed = np.log(np.exp(values - top).sum(axis=axis, keepdims=True)) + top
    return np.asarray(summed.squeeze() if axis is None else summed.squeeze(axis))


def unread(n_labels: int) -> NDArray[np.float64]:
    """Scores of a unit that a network did not read: it is `O`, as far as that network is asked."""
    scores_K = np.full(n_labels, UNREAD)
    scores_K[0] = 0.0
    return scores_K

"""What retrievers read of a person's state, the same in training and serving.

Legend: L entries of a history, D width.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from huaxiang.profiles import FoldState
from huaxiang.profiles.state import DAY, Tally, to_micros
from huaxiang.profiles.taste import Taste
from huaxiang.retrieval.base import UNKNOWN, History
from huaxiang.retrieval.live import Snapshot
from huaxiang.types import ItemId

Basis = Literal["profile", "popularity", "consent"]
"""What an answer rests on."""

_ENTRIES: Final = 50
_HALF_LIFE_DAYS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Person:
    """What a request knows of whom it answers.

    Attributes:
        state: what may be used of the person's state: nothing where personalisation is denied.
        entries: the newest items with their tallies, oldest first; the history that retrievers read.
        u_D: the encoder's vector of the recent history, zeros for a stranger.
        taste: how much each facet interests them, before it is known what the items are like.
        muted: facets that they asked never to be shown.
        elsewhere: what they met in another shop says for items here, in (0, 1].
    """

    state: FoldState
    entries: Sequence[tuple[ItemId, Tally]]
    history: History
    u_D: NDArray[np.float32]
    taste: Taste
    muted: frozenset[tuple[str, str]]
    basis: Basis
    elsewhere: Mapping[ItemId, float] = field(default_factory=dict)


def recent_entries(state: FoldState) -> list[tuple[ItemId, Tally]]:
    """The newest items of a state, oldest first: what training and serving call the history."""
    return sorted(state.items.items(), key=lambda entry: (entry[1].at, entry[0]))[-_ENTRIES:]


def history_of(entries: Sequence[tuple[ItemId, Tally]], items: Snapshot, *, now: datetime, n_fitted: int) -> History:
    """Entries as retrievers read them: the root of their weight, halved every 30 days since they were last met.

    The root and the 30 days were best of a small grid on the held-out days of two shops (experiments/LOG.md). Items
    that came after the retrievers were fitted on `n_fitted` items are unknown to them.
    """
    at_L = items.positions([name for name, _ in entries])
    at_L[at_L >= n_fitted] = UNKNOWN
    ages_L = np.array([(to_micros(now) - tally.at) / DAY for _, tally in entries], dtype=np.float64)
    masses_L = np.array([math.copysign(abs(tally.long) ** 0.5, tally.long) for _, tally in entries], dtype=np.float64)
    return History.of(at_L, masses_L * what_is_left(ages_L), ages_L)


def what_is_left(ages_L: NDArray[np.float64]) -> NDArray[np.float64]:
    """Factor on the weight of an event so many days ago, shape (L,)."""
    return np.asarray(2.0 ** (-ages_L / _HALF_LIFE_DAYS), dtype=np.float64)

"""What interests a person, as the ranking of a whole catalogue reads it: sums of masses instead of facets by name.

Legend: I items of a state.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from huaxiang.profiles.fold import FoldConfig
from huaxiang.profiles.state import DAY, FoldState, to_micros


@dataclass(frozen=True, slots=True, eq=False)
class Taste:
    """What interests a person, before it is known what the items are like.

    Attributes:
        items_I: positions of the state's items in the index.
        masses_I: signed share of each in what is left of all weight, that of unknown items too.
        words: the same of words that were searched for.
        shares: `(facet, value)` to share, in place of all that, of a person who edited the profile.
    """

    items_I: NDArray[np.int64]
    masses_I: NDArray[np.float32]
    words: Mapping[str, float]
    shares: Mapping[tuple[str, str], float] | None = None


def taste_of(state: FoldState, at_I: NDArray[np.int64], *, now: datetime, config: FoldConfig) -> Taste:
    """A state's taste as `profiles.facets.interests` has it, of somebody who edited nothing.

    Args:
        at_I: positions of the state's items in the index, -1 where it does not know one.
    """
    micros, half_life = to_micros(now), DAY * config.interest_half_life_days
    masses_I, words_Q = (
        np.array([tally.long * 2.0 ** ((tally.at - micros) / half_life) for tally in tallies.values()], np.float64)
        for tallies in (state.items, state.queries)
    )
    whole = float(np.abs(masses_I).sum() + words_Q.sum()) or 1.0
    words = dict(zip(state.queries, (words_Q / whole).tolist(), strict=True))
    shares_I = (masses_I / whole).astype(np.float32)
    return Taste(at_I[at_I >= 0], shares_I[at_I >= 0], words)

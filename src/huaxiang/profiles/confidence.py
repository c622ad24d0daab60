"""How sure an interest is: the chance that its value is met on the person's next day.

Asked is of the next day (UTC) on which the person meets anything, whether at least one item of that day has the value;
whether they come again at all is another question. The answer is a logistic regression for each family of facets
(`recurrence.family`) on what is known of the evidence, learned at training from people who did not teach the ratios.
"""

import math
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, Self

from huaxiang.errors import DataError

ANY: Final = ""
"""The name of the weights that serve a family without its own."""
_LEAST: Final = 1e-4
_SURE: Final = 30.0


class Evidence(NamedTuple):
    """What a facet of one person rests on.

    Attributes:
        chance: the share that it is expected to have in what is met on the next day, in [0, 1].
        n: events behind it, from 1.
        n_days: days on which anything that is remembered was last met, from 1.
        n_met: events behind everything that is remembered, from 1.
    """

    chance: float
    n: int
    n_days: int
    n_met: int

    def features(self) -> tuple[float, ...]:
        """Log-odds of the share, log of the events and of the days, log of the events of a day."""
        share = min(1.0 - _LEAST, max(_LEAST, self.chance))
        days = max(1, self.n_days)
        pace = math.log(max(1, self.n_met) / days)
        return (math.log(share / (1.0 - share)), math.log(max(1, self.n)), math.log(days), pace)


N_FEATURES: Final = len(Evidence(0.5, 1, 1, 1).features())


_HALF: Final = 2.0
"""Events, and days, after which a share counts half where no release has learned what it is worth."""


def untaught(evidence: Evidence) -> float:
    """How sure a facet is before anybody has checked, in [0, 1].

    The share is drawn towards 0 by how little there is behind it: n / (n + 2) of it, where n is the events or the days,
    whichever are fewer. A day with m events then counts as the root of m chances, for what is met on one day is alike.
    """
    n = min(evidence.n, evidence.n_days)
    share = min(1.0, max(0.0, evidence.chance)) * n / (n + _HALF)
    return float(1.0 - (1.0 - share) ** (max(1.0, evidence.n_met / evidence.n_days) ** 0.5))


class Confidence:
    """Chances to be met again, by family of facets. Immutable.

    Args:
        weights: by family, those of `Evidence.features` and the constant last; under `ANY` those of all together.
            None: no release has learned any.
    """

    def __init__(self, weights: Mapping[str, tuple[float, ...]] | None = None) -> None:
        self._weights = dict(weights or {})
        for name, own in self._weights.items():
            if len(own) != N_FEATURES + 1 or not all(map(math.isfinite, own)):
                raise DataError(f"weights of {name!r} are {own}; they must be {N_FEATURES + 1} finite numbers")

    def __len__(self) -> int:
        return len(self._weights)

    def of(self, family: str, evidence: Evidence) -> float:
        """In [0, 1]; see `untaught` for what is said without weights."""
        own = self._weights.get(family) or self._weights.get(ANY)
        if own is None:
            return untaught(evidence)
        odds = sum(w * x for w, x in zip(own, evidence.features(), strict=False)) + own[-1]
        return 1.0 / (1.0 + math.exp(-min(_SURE, max(-_SURE, odds))))

    def to_json(self) -> dict[str, Any]:
        """JSON-compatible."""
        return {name: list(own) for name, own in self._weights.items()}

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        """What `to_json` gave."""
        return cls({name: tuple(float(one) for one in own) for name, own in body.items()})

"""Who buys again within thirty days: a logistic regression on when somebody bought, learned in the shop's own log.

It is there only where people who did not teach it found it better than recency alone.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from huaxiang.errors import DataError
from huaxiang.profiles.state import DAY, FoldState

HORIZON_DAYS: Final = 30
_SURE: Final = 30.0


@dataclass(frozen=True, slots=True)
class Bought:
    """When somebody bought, as of a moment.

    Attributes:
        n_days: on which they bought (UTC), from 1.
        recency: days since the newest. age: days since the first.
    """

    n_days: int
    recency: float
    age: float

    @classmethod
    def of(cls, state: FoldState, micros: int) -> "Bought | None":
        """As of a moment in microseconds; None who never bought."""
        n_days, first, last = state.buying
        if n_days < 1:
            return None
        return cls(n_days, max(0.0, (micros - last) / DAY), max(0.0, (micros - first) / DAY))

    def features(self) -> tuple[float, ...]:
        """Recency, frequency, and the mean gap with what it makes of the recency, where there is one.

        Logarithms throughout, so that weeks matter to a regular as years do to a rare guest.
        """
        recency = math.log1p(self.recency)
        if self.n_days < 2:
            return (recency, recency**2, 0.0, 0.0, 0.0, 0.0)
        gap = math.log1p((self.age - self.recency) / (self.n_days - 1))
        return (recency, recency**2, math.log(self.n_days), 1.0, gap, max(0.0, recency - gap))


N_FEATURES: Final = 6
RECENCY_ALONE: Final = 2
"""So many of the first features are recency and nothing else."""


class BuyingAgain:
    """Chance to buy within the next thirty days, for people who bought before. Immutable.

    Args:
        weights: of `Bought.features`, the constant last.
        gain: by how much its log loss (nats) is less than that of recency alone: mean, and ends of the 95 % interval.
        n_people: who taught and judged it.
    """

    def __init__(self, weights: tuple[float, ...], gain: tuple[float, float, float], n_people: int) -> None:
        if len(weights) != N_FEATURES + 1 or len(gain) != 3 or not all(map(math.isfinite, (*weights, *gain))):
            raise DataError(f"weights {weights} and gain {gain}: they must be {N_FEATURES + 1} and 3 finite numbers")
        self._weights, self.gain, self.n_people = weights, gain, n_people

    def chance(self, bought: Bought) -> float:
        """In [0, 1]."""
        odds = sum(w * x for w, x in zip(self._weights, bought.features(), strict=False)) + self._weights[-1]
        return 1.0 / (1.0 + math.exp(-min(_SURE, max(-_SURE, odds))))

    def to_json(self) -> dict[str, Any]:
        """JSON-compatible."""
        return {"weights": list(self._weights), "gain": list(self.gain), "n_people": self.n_people}

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        """What `to_json` gave."""
        mean, low, high = (float(one) for one in body["gain"])
        return cls(tuple(float(one) for one in body["weights"]), (mean, low, high), int(body["n_people"]))

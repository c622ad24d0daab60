"""Who buys again within thirty days: learned at several moments of a log, and judged by people who did not teach it.

Legend: N questions (a person at a moment), F features.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from huaxiang.measure.intervals import Interval, paired_bootstrap
from huaxiang.pipeline.logistic import fit_logistic
from huaxiang.profiles import Portraits
from huaxiang.profiles.buying import HORIZON_DAYS, N_FEATURES, RECENCY_ALONE, Bought, BuyingAgain
from huaxiang.profiles.portrait import FOREVER
from huaxiang.profiles.state import DAY, from_micros, to_micros
from huaxiang.types import Event

_BUYING: Final = frozenset({"purchase", "refund", "profile_edit", "consent"})
"""Events that decide when somebody bought."""
_MOMENTS: Final = 6
"""Asked about at most, thirty days apart, the last one thirty days before the end."""
_FEWEST_DAYS: Final = 15
"""Of a log before a moment."""
_FEWEST_PEOPLE: Final = 100
_RIDGE: Final = 1e-3
_FARTHEST: Final = 13.8
"""Log-odds of what was always so, or never: a millionth."""


@dataclass(frozen=True, slots=True)
class Questions:
    """People at moments by which they had bought.

    Attributes:
        features_NF: of `Bought`. bought_N: whether they bought within the next thirty days. person_N: rows of people.
    """

    features_NF: NDArray[np.float64]
    bought_N: NDArray[np.bool_]
    person_N: NDArray[np.int64]

    def part(self, rows_N: NDArray[np.bool_]) -> "Questions":
        """Some of them."""
        return Questions(self.features_NF[rows_N], self.bought_N[rows_N], self.person_N[rows_N])


def learn_buying_again(
    portraits: Portraits, rows: pl.DataFrame, people: Sequence[str], *, rng: np.random.Generator, seconds: float
) -> tuple[BuyingAgain | None, dict[str, Any]]:
    """Learn and judge; the model where it is ahead of recency alone, and what became of it.

    Args:
        rows: interactions that may be learned from, with columns `at` and `event`.
        people: of them, in an order of chance.
        seconds: after which no more people are read.
    """
    purchases = rows.filter(pl.col("event") == "purchase")
    if purchases.is_empty():
        return None, {"note": "nothing was bought"}
    first, last = rows["at"].min(), rows["at"].max()
    assert isinstance(first, int)
    assert isinstance(last, int)
    buyers = set(purchases["person"].unique().to_list())
    asked = ask(portraits, [one for one in people if one in buyers], moments(first, last), seconds=seconds)
    n_people = len(np.unique(asked.person_N))
    if n_people < _FEWEST_PEOPLE or not 0 < asked.bought_N.sum() < len(asked.bought_N):
        return None, {"note": f"{n_people} people can be asked about; {_FEWEST_PEOPLE} are needed, of both kinds"}
    gain = gain_over_recency(asked, rng)
    said = {"gain_nats": [round(one, 5) for one in gain], "n_people": n_people, "is_shown": gain.low > 0.0}
    if gain.low <= 0.0:
        return None, said
    fitted = fit_logistic(asked.features_NF, asked.bought_N, ridge=_RIDGE, is_balanced=False)
    return BuyingAgain((*fitted.weights_F.tolist(), fitted.bias), (gain.mean, gain.low, gain.high), n_people), said


def moments(first: int, last: int) -> list[datetime]:
    """Thirty days apart, oldest first: each with thirty days of the log after it, and fifteen before.

    Args:
        first, last: of the log, in microseconds.
    """
    span = HORIZON_DAYS * DAY
    found = [last + 1 - number * span for number in range(1, _MOMENTS + 1)]
    return [from_micros(micros) for micros in reversed(found) if micros - _FEWEST_DAYS * DAY >= first]


def ask(portraits: Portraits, people: Sequence[str], at: Sequence[datetime], *, seconds: float) -> Questions:
    """What was known of people at moments, and whether they bought within the next thirty days.

    Asked of those who had bought by then. What was excluded or given back later is left out, as a profile leaves it.
    """
    features: list[tuple[float, ...]] = []
    bought: list[bool] = []
    whose: list[int] = []
    ends = time.monotonic() + seconds
    for row, person in enumerate(people):
        if time.monotonic() > ends:
            break
        events = [event for event in portraits.events(person, before=FOREVER) if event.event in _BUYING]
        for moment in at:
            known = _bought(portraits, events, moment, before=True)
            if known is not None:
                features.append(known.features())
                bought.append(_bought(portraits, events, moment, before=False) is not None)
                whose.append(row)
    return Questions(
        np.array(features, dtype=np.float64).reshape(-1, N_FEATURES), np.array(bought, dtype=bool), np.array(whose, int)
    )


def _bought(portraits: Portraits, events: Sequence[Event], moment: datetime, *, before: bool) -> Bought | None:
    """Purchases before a moment, or within thirty days from it."""
    micros = to_micros(moment)
    ends = micros + HORIZON_DAYS * DAY
    kept = [e for e in events if (e.timestamp < moment if before else micros <= to_micros(e.timestamp) < ends)]
    return Bought.of(portraits.state_of(kept), micros) if kept else None


def gain_over_recency(asked: Questions, rng: np.random.Generator) -> Interval:
    """By how much the log loss (nats) of all features is less than that of recency alone, mean over people.

    Each half of the people is asked by what the other half taught; 95 % over people.
    """
    people = np.unique(asked.person_N)
    is_first_N = np.isin(asked.person_N, rng.permutation(people)[: len(people) // 2])
    halves = asked.part(is_first_N), asked.part(~is_first_N)
    gains = [compared(taught, own) for taught, own in (halves, halves[::-1])]
    gain_P = np.concatenate(gains)
    return paired_bootstrap(gain_P, np.zeros(len(gain_P)), rng=rng)


def compared(taught: Questions, asked: Questions) -> NDArray[np.float64]:
    """Log loss of recency alone less that of all features, nats, for each person asked; shape (people,)."""
    losses = [log_losses(log_odds(taught, asked, n), asked.bought_N) for n in (RECENCY_ALONE, N_FEATURES)]
    _, row_N = np.unique(asked.person_N, return_inverse=True)
    gain_P: NDArray[np.float64] = np.bincount(row_N, losses[0] - losses[1]) / np.bincount(row_N)
    return gain_P


def log_odds(taught: Questions, asked: Questions, n_features: int) -> NDArray[np.float64]:
    """Of buying again, by the first features of what was taught; shape (N,)."""
    bought_N = taught.bought_N
    if bought_N.all() or not bought_N.any():
        return np.full(len(asked.bought_N), _FARTHEST if bought_N.all() else -_FARTHEST)
    fitted = fit_logistic(taught.features_NF[:, :n_features], bought_N, ridge=_RIDGE, is_balanced=False)
    return fitted.log_odds(asked.features_NF[:, :n_features])


def log_losses(odds_N: NDArray[np.float64], bought_N: NDArray[np.bool_]) -> NDArray[np.float64]:
    """In nats, shape (N,)."""
    losses_N: NDArray[np.float64] = np.logaddexp(0.0, np.where(bought_N, -odds_N, odds_N))
    return losses_N

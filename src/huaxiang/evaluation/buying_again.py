"""Who buys again within thirty days: learned at several moments of a log, and judged at the newest of them by people
who did not teach it, from what was known before.

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
from huaxiang.pipeline.logistic import Logistic, fit_logistic
from huaxiang.profiles import Portraits
from huaxiang.profiles.buying import HORIZON_DAYS, N_FEATURES, RECENCY_ALONE, Bought, BuyingAgain
from huaxiang.profiles.state import DAY, from_micros, to_micros
from huaxiang.types import FOREVER, Event

_BUYING: Final = frozenset({"purchase", "refund", "profile_edit", "consent"})
"""Events that decide when somebody bought."""
_MOMENTS: Final = 6
"""Asked about at most, thirty days apart, the last one thirty days before the end."""
_FEWEST_DAYS: Final = 15
"""Of a log before a moment."""
_FEWEST_PEOPLE: Final = 100
_PRIOR: Final = 10.0
"""Questions that weights of nothing weigh as: over the number of questions, the ridge."""
_FARTHEST: Final = 13.8
"""Log-odds of what was always so, or never: a millionth."""
_HALVINGS: Final = 40


@dataclass(frozen=True, slots=True)
class Questions:
    """People at moments by which they had bought.

    Attributes:
        features_NF: of `Bought`. bought_N: whether they bought within the next thirty days.
        person_N, moment_N: rows of people and of moments, later moments higher.
    """

    features_NF: NDArray[np.float64]
    bought_N: NDArray[np.bool_]
    person_N: NDArray[np.int64]
    moment_N: NDArray[np.int64]

    def part(self, rows_N: NDArray[np.bool_]) -> "Questions":
        """Some of them."""
        return Questions(self.features_NF[rows_N], self.bought_N[rows_N], self.person_N[rows_N], self.moment_N[rows_N])


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
    fitted = _fitted(asked, N_FEATURES)
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
    whose: list[tuple[int, int]] = []
    ends = time.monotonic() + seconds
    for row, person in enumerate(people):
        if time.monotonic() > ends:
            break
        events = [event for event in portraits.events(person, before=FOREVER) if event.event in _BUYING]
        for number, moment in enumerate(at):
            known = _bought(portraits, events, moment, before=True)
            if known is not None:
                features.append(known.features())
                bought.append(_bought(portraits, events, moment, before=False) is not None)
                whose.append((row, number))
    features_NF = np.array(features, dtype=np.float64).reshape(-1, N_FEATURES)
    return Questions(features_NF, np.array(bought, dtype=bool), *np.array(whose, int).reshape(-1, 2).T)


def _bought(portraits: Portraits, events: Sequence[Event], moment: datetime, *, before: bool) -> Bought | None:
    """Purchases before a moment, or within thirty days from it."""
    micros = to_micros(moment)
    ends = micros + HORIZON_DAYS * DAY
    kept = [e for e in events if (e.timestamp < moment if before else micros <= to_micros(e.timestamp) < ends)]
    return Bought.of(portraits.state_of(kept), micros) if kept else None


def gain_over_recency(asked: Questions, rng: np.random.Generator) -> Interval:
    """By how much the log loss (nats) of all features is less than that of recency alone, mean over people.

    Each half of the people is asked at the newest moment by what the other half taught at the earlier ones, for a shop
    asks about days that nobody has seen; where there is one moment only, at it. 95 % over people.
    """
    people = np.unique(asked.person_N)
    is_first_N = np.isin(asked.person_N, rng.permutation(people)[: len(people) // 2])
    is_newest_N = asked.moment_N == asked.moment_N.max()
    is_earlier_N = is_newest_N if is_newest_N.all() else ~is_newest_N
    gains = [
        compared(asked.part(half_N & is_earlier_N), asked.part(~half_N & is_newest_N))
        for half_N in (is_first_N, ~is_first_N)
    ]
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
    if taught.bought_N.all() or not taught.bought_N.any():
        return np.full(len(asked.bought_N), _FARTHEST if taught.bought_N.any() else -_FARTHEST)
    return _fitted(taught, n_features).log_odds(asked.features_NF[:, :n_features])


def _fitted(taught: Questions, n_features: int) -> Logistic:
    """Weights by all moments; the constant by the newest, for a shop grows, shrinks and has seasons."""
    features_NF = taught.features_NF[:, :n_features]
    fitted = fit_logistic(features_NF, taught.bought_N, ridge=_PRIOR / len(features_NF), is_balanced=False)
    is_newest_N = taught.moment_N == taught.moment_N.max()
    odds_N, rate = fitted.log_odds(features_NF[is_newest_N]), float(taught.bought_N[is_newest_N].mean())
    low, high = -_FARTHEST, _FARTHEST
    for _ in range(_HALVINGS):
        shift = (low + high) / 2.0
        mean = float((1.0 / (1.0 + np.exp(-odds_N - shift))).mean())
        low, high = (shift, high) if mean < rate else (low, shift)
    return Logistic(fitted.weights_F, fitted.bias + (low + high) / 2.0)


def log_losses(odds_N: NDArray[np.float64], bought_N: NDArray[np.bool_]) -> NDArray[np.float64]:
    """In nats, shape (N,)."""
    losses_N: NDArray[np.float64] = np.logaddexp(0.0, np.where(bought_N, -odds_N, odds_N))
    return losses_N

"""Intervals: by bootstrap over users (percentile method, Efron & Tibshirani 1993), of a share (Wilson 1927), of a few
runs (Student 1908)."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from huaxiang.errors import DataError


class Interval(NamedTuple):
    """A mean and the ends of its interval."""

    mean: float
    low: float
    high: float


def bootstrap(
    values: NDArray[np.float64], *, rng: np.random.Generator, n_draws: int = 1000, level: float = 0.95
) -> Interval:
    """Interval of the mean over users of a metric; NaN users are left out.

    Args:
        values: shape (n_users,).
    Returns:
        All NaN where no user has a value.
    Raises:
        DataError: the level is not inside (0, 1) or there is no draw.
    """
    if not 0.0 < level < 1.0 or n_draws < 1:
        raise DataError(f"an interval needs a level inside (0, 1) and a draw, got {level} and {n_draws}")
    known = values[~np.isnan(values)]
    if not len(known):
        return Interval(float("nan"), float("nan"), float("nan"))
    levels, counts = np.unique(known, return_counts=True)
    if len(levels) <= len(known) // 4:  # few distinct values, as with one relevant item: draw how often each comes up
        means = rng.multinomial(len(known), counts / len(known), size=n_draws) @ levels / len(known)
    else:
        means = np.array([known[rng.integers(0, len(known), len(known))].mean() for _ in range(n_draws)])
    low, high = np.quantile(means, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    return Interval(float(known.mean()), float(low), float(high))


def paired_bootstrap(
    a: NDArray[np.float64],
    b: NDArray[np.float64],
    *,
    rng: np.random.Generator,
    n_draws: int = 1000,
    level: float = 0.95,
) -> Interval:
    """Interval of the mean difference a - b over the same users in the same order; it is real where it leaves out 0."""
    if a.shape != b.shape:
        raise DataError(f"a pair needs the same users on both sides, got {a.shape} and {b.shape}")
    return bootstrap(a - b, rng=rng, n_draws=n_draws, level=level)


def wilson(hits: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """Ends of the interval of a share (Wilson 1927), 95 % by default; NaN without rows."""
    if n < 1:
        return float("nan"), float("nan")
    share = hits / n
    spread = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    middle = share + z * z / (2 * n)
    return (middle - spread) / (1 + z * z / n), (middle + spread) / (1 + z * z / n)


def student(values: Sequence[float], level: float = 0.95) -> Interval:
    """Of the mean of a few runs that differ by chance, such as seeds; one run alone has no width.

    Raises:
        DataError: there is no run.
    """
    if not len(values):
        raise DataError("an interval needs at least one run")
    mean, half = float(np.mean(values)), 0.0
    if len(values) > 1:
        spread = float(np.std(values, ddof=1)) / math.sqrt(len(values))
        half = float(t.ppf((1.0 + level) / 2.0, len(values) - 1)) * spread
    return Interval(mean, mean - half, mean + half)

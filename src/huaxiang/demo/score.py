"""How well profiles recover the hidden truth of a simulated shop, beside baselines and one who knows the generator.

Legend: N users, R bootstrap resamples.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.demo.guesses import TOUCHES, Guess, Log, Oracle, most_frequent, most_recent, of_profile, read_log
from huaxiang.demo.simulation import DemoShop
from huaxiang.demo.truth import Truth
from huaxiang.errors import DataError
from huaxiang.types import Profile, check_aware

SETTINGS_SEED: Final = 7
"""The seed that settings may be fixed at."""
SCORE_SEED: Final = 20_011
"""The seed that is scored and reported; nothing is chosen on it."""
TOP: Final = 5
RESAMPLES: Final = 400

METRICS: Final[tuple[str, ...]] = (
    f"category_ndcg@{TOP}",
    "family_rank_correlation",
    f"brand_recall@{TOP}",
    f"attribute_recall@{TOP}",
    "price_band_accuracy",
    "language_accuracy",
    "mood_correlation",
)


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its 95 % bootstrap interval over users; NaN where no user can be scored."""

    value: float
    low: float
    high: float
    n_users: int


@dataclass(frozen=True, slots=True)
class ScoreReport:
    """Rows by method, in the order profile, most_frequent, most_recent, oracle.

    Attributes:
        excluded: why users were left out, to how many.
    """

    rows: Mapping[str, Mapping[str, Figure]]
    n_users: int
    excluded: Mapping[str, int]
    at: datetime

    def table(self) -> list[list[str]]:
        """A header and a line for each method, as text for a terminal."""
        lines = [["", *(f"{name} (n={self._n(name)})" for name in METRICS)]]
        for method, figures in self.rows.items():
            cells = [f"{f.value:.3f} [{f.low:.3f}, {f.high:.3f}]" for f in (figures[name] for name in METRICS)]
            lines.append([method, *cells])
        return lines

    def _n(self, metric: str) -> int:
        return next(iter(self.rows.values()))[metric].n_users

    def to_json(self) -> dict[str, Any]:
        """JSON-compatible; NaN becomes null."""
        rows = {
            method: {
                name: {"value": _plain(f.value), "low": _plain(f.low), "high": _plain(f.high), "n_users": f.n_users}
                for name, f in figures.items()
            }
            for method, figures in self.rows.items()
        }
        return {
            "at": self.at.isoformat(),
            "n_users": self.n_users,
            "excluded": dict(self.excluded),
            "seed": {"settings": SETTINGS_SEED, "score": SCORE_SEED},
            "models": rows,
        }


def score(
    profile_of: Callable[[str, datetime], Profile],
    shop: DemoShop,
    *,
    at: datetime,
    users: Sequence[str] | None = None,
    seed: int = 0,
) -> ScoreReport:
    """Compare profiles with the truth at a moment.

    Bots are left out, and who denied personalisation (their profile is rightly empty), and who touched no item under
    their own id. A missing guess counts as wrong; a missing mood as 0. Mood is scored where the user wrote something.

    Args:
        profile_of: the profile of a user as known before a moment.
        at: aware; usually the end of the simulated span.
        users: default all.
        seed: of the bootstrap.

    Raises:
        DataError: nobody is left to score.
    """
    at = check_aware("at", at)
    log = read_log(shop, before=at.isoformat(timespec="milliseconds"))
    kept, excluded = _choose(shop, log, users)
    oracle = Oracle(log, at=at)
    methods: dict[str, Callable[[str], Guess]] = {
        "profile": lambda user: of_profile(profile_of(user, at)),
        "most_frequent": lambda user: most_frequent(user, log),
        "most_recent": lambda user: most_recent(user, log),
        "oracle": oracle.guess,
    }
    judge = _Judge(shop.truth, log, at)
    rows = {}
    for method, guess in methods.items():
        figures_N = [judge.marks(user, guess(user)) for user in kept]
        rows[method] = _figures(figures_N, np.random.default_rng(seed))
    return ScoreReport(rows, len(kept), excluded, at)


def _choose(shop: DemoShop, log: Log, users: Sequence[str] | None) -> tuple[list[str], dict[str, int]]:
    denied = {
        event["user_id"]
        for event in shop.events
        if event["event"] == "consent" and event["properties"]["scope"] == "personalisation"
    }
    kept: list[str] = []
    excluded = {"bot": 0, "denied personalisation": 0, "touched no item": 0}
    for user in shop.truth.users if users is None else users:
        if user in shop.truth.bots:
            excluded["bot"] += 1
        elif user in denied:
            excluded["denied personalisation"] += 1
        elif not any(event["event"] in TOUCHES for event in log.named.get(user, ())):
            excluded["touched no item"] += 1
        else:
            kept.append(user)
    if not kept:
        raise DataError(f"none of the users can be scored: {excluded}; name users with events, or simulate more")
    return kept, excluded


class _Judge:
    """Marks of one guess about one user, in the order of METRICS; mood is kept as the pair to correlate."""

    def __init__(self, truth: Truth, log: Log, at: datetime) -> None:
        self._truth, self._log, self._at = truth, log, at
        self._concept = truth.concept()
        self._known: dict[str, tuple[dict[str, float], list[str], list[int]]] = {}

    def marks(self, user: str, guess: Guess) -> tuple[float, ...]:
        truth = self._truth
        interests, brands, attributes = self._of(user)
        lines = {path: share for path, share in interests.items() if " > " in path}
        families = {path: share for path, share in interests.items() if " > " not in path}
        liked: dict[int, float] = {}
        for key, value in guess.attributes.items():
            if (concept := self._concept.get(key)) is not None:
                liked[concept] = liked.get(concept, 0.0) + value
        wrote = any(event["event_id"] in truth.tone for event in self._log.named.get(user, ()))
        return (
            _ndcg([path for path in _ranked(guess.categories) if " > " in path], lines),
            _rank_correlation(families, guess.categories),
            _recall(_ranked(guess.brands)[:TOP], brands),
            _recall(_ranked(liked)[:TOP], attributes),
            float(guess.band == truth.price_band(user)),
            float(guess.language == truth.language(user)),
            truth.mood(user, at=self._at) if wrote else np.nan,
            (guess.mood or 0.0) if wrote else np.nan,
        )

    def _of(self, user: str) -> tuple[dict[str, float], list[str], list[int]]:
        if user not in self._known:
            truth, at = self._truth, self._at
            brands = _ranked(truth.brands(user, at=at))[:TOP]
            self._known[user] = (
                truth.interests(user, at=at),
                brands,
                _ranked(truth.attributes(user, at=at))[:TOP],
            )
        return self._known[user]


def _ranked(scores: Mapping[Any, float]) -> list[Any]:
    """Keys with a positive score, best first; ties by name, so that the order of insertion cannot help."""
    return sorted((key for key, value in scores.items() if value > 0.0), key=lambda key: (-scores[key], str(key)))


def _ndcg(ranked: Sequence[str], gains: Mapping[str, float]) -> float:
    """Linear gains: the share of interest that the first five paths cover, discounted by rank, to the best possible."""
    discount = 1.0 / np.log2(np.arange(2, TOP + 2))
    got = np.array([gains.get(path, 0.0) for path in ranked[:TOP]])
    best = np.sort(np.array(list(gains.values())))[::-1][:TOP]
    return float((got * discount[: len(got)]).sum() / (best * discount[: len(best)]).sum())


def _recall(guessed: Sequence[Any], relevant: Sequence[Any]) -> float:
    return len(set(guessed) & set(relevant)) / len(relevant) if relevant else float("nan")


def _rank_correlation(truth: Mapping[str, float], guess: Mapping[str, float]) -> float:
    """Spearman's, over all top categories; unguessed ones tie at zero, and no guess at all is worth zero."""
    names = sorted(truth)
    mine = _ranks(np.array([guess.get(name, 0.0) for name in names]))
    theirs = _ranks(np.array([truth[name] for name in names]))
    if np.ptp(mine) == 0.0 or np.ptp(theirs) == 0.0:
        return 0.0
    return float(np.corrcoef(mine, theirs)[0, 1])


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks from 0, ties at their mean."""
    less = (values[None, :] < values[:, None]).sum(axis=1)
    same = (values[None, :] == values[:, None]).sum(axis=1)
    ranks: NDArray[np.float64] = less + (same - 1) / 2
    return ranks


def _figures(marks: Sequence[tuple[float, ...]], rng: np.random.Generator) -> dict[str, Figure]:
    marks_NF = np.array(marks)
    draws_RN = rng.integers(len(marks_NF), size=(RESAMPLES, len(marks_NF)))
    figures: dict[str, Figure] = {}
    for column, name in enumerate(METRICS):
        if name == "mood_correlation":
            pairs = marks_NF[:, column : column + 2]
            value, drawn = _correlation(pairs), np.array([_correlation(pairs[draw]) for draw in draws_RN])
            n_users = int((~np.isnan(pairs[:, 0])).sum())
        else:
            marks_N = marks_NF[:, column]
            is_marked_N = ~np.isnan(marks_N)
            n_users = int(is_marked_N.sum())
            value = float(marks_N[is_marked_N].mean()) if n_users else float("nan")
            sums = np.where(is_marked_N, marks_N, 0.0)[draws_RN].sum(axis=1)
            drawn = sums / np.maximum(is_marked_N[draws_RN].sum(axis=1), 1)
        is_drawn = ~np.isnan(drawn)
        low, high = np.percentile(drawn[is_drawn], [2.5, 97.5]) if is_drawn.any() else (np.nan, np.nan)
        figures[name] = Figure(value, float(low), float(high), n_users)
    return figures


def _correlation(pairs: NDArray[np.float64]) -> float:
    """Pearson's over the users who wrote; NaN for fewer than three, 0 for a guess that is the same for all."""
    kept = pairs[~np.isnan(pairs[:, 0])]
    if len(kept) < 3:
        return float("nan")
    if np.ptp(kept[:, 0]) == 0.0 or np.ptp(kept[:, 1]) == 0.0:
        return 0.0
    return float(np.corrcoef(kept[:, 0], kept[:, 1])[0, 1])


def _plain(value: float) -> float | None:
    return None if np.isnan(value) else round(value, 4)

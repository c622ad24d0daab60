"""Teaching the order of search by a shop's own clicks and purchases, with what their places did to them taken out.

A conditional logit: the chance that an item of a list is chosen is the softmax of its score among what was shown, each
choice weighted by one over how likely its place was looked at (`search_clicks`). A list holds only what an earlier
search let through, so it says little of words: their weights are held, those of taste are taught, and none may more
than double.

Legend: J lists, P items of a list, F features.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from huaxiang.apps.search.engine import Search
from huaxiang.apps.search.learned import Learned
from huaxiang.apps.search.scoring import FEATURES, WEIGHTS, weights_of
from huaxiang.apps.search.weights import FOLDER, save_weights
from huaxiang.errors import DataError
from huaxiang.evaluation.search_clicks import Judged, Judgements, judgements_from_clicks
from huaxiang.measure.graded import ndcg_of_lists
from huaxiang.measure.intervals import paired_bootstrap
from huaxiang.pipeline import Pipeline
from huaxiang.release import Draft
from huaxiang.types import is_anonymous

FEWEST: Final = 200
"""Lists below which nothing is taught: eleven weights would be read out of chance."""
MOST: Final = 2_000
"""Lists that are read; of more a seeded draw."""
_PULLS: Final = (1.0, 10.0, 100.0)
"""How strongly weights are drawn to those that search begins with, in lists."""
TAUGHT: Final = ("popularity", "clicks", "price_band", "profile")
"""Features whose weights clicks may teach."""
_MOST: Final = 2.0
"""Times what search begins with. Free weights followed the clicks of the demo shop to five times the profile and a
sixth of the words, and ordered whole searches worse than before (experiments/LOG.md)."""
_SURE: Final = 0.99
"""Level of the interval that must lie above 0; the best of several pulls is ahead by chance oftener than one."""


@dataclass(frozen=True, slots=True)
class Taught:
    """What clicks taught.

    Attributes:
        weights: by feature; those that search begins with where clicks did not help.
        figures: ndcg@10 on people who taught nothing, and why.
    """

    weights: Mapping[str, float]
    figures: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class _Lists:
    """Features (R, F), gains (R,) and list numbers (R,) of all rows, and of each list whose half it is in."""

    table: NDArray[np.float64]
    gains: NDArray[np.float64]
    of_list: NDArray[np.int64]
    half: NDArray[np.int64]

    def part(self, half: int) -> "_Lists":
        """The lists of one half of the people."""
        kept = self.half[self.of_list] == half
        numbers = np.unique(self.of_list[kept], return_inverse=True)[1]
        return _Lists(self.table[kept], self.gains[kept], numbers, self.half[self.half == half])


def teach_search(
    search: Search, judgements: Judgements, *, since: datetime, rng: np.random.Generator, seconds: float = 60.0
) -> Taught:
    """Learn the weights of search's features on lists shown from `since` on; refused where those who taught nothing
    are not served better.

    Args:
        search: over a pipeline that learned nothing from `since` on, with queries read before it.
        seconds: for reading the lists; the rest takes about one.
    """
    begun = dict(WEIGHTS)
    wanted = [one for one in judgements.lists if one.moment >= since]
    picked = [wanted[at] for at in rng.permutation(len(wanted))[:MOST]]
    lists = _read(search, picked, seconds)
    n = len(lists.half)
    if n < FEWEST:
        return Taught(begun, {"n_lists": n, "why": f"{n} lists with clicks; {FEWEST} are needed"})
    pull, learned, first = max(
        ((pull, *_crossed(lists, pull)) for pull in _PULLS), key=lambda tried: float(np.nanmean(tried[1]))
    )
    gain = paired_bootstrap(learned, first, rng=rng, level=_SURE)
    figures = {
        "n_lists": n,
        "ndcg@10": round(float(np.nanmean(learned)), 4),
        "begun": round(float(np.nanmean(first)), 4),
        "ahead": [round(float(one), 4) for one in gain],
        "pull": pull,
    }
    if gain.low <= 0.0:
        return Taught(begun, figures | {"why": "not ahead on people who taught nothing"})
    weights_F = fit(lists.table, lists.gains, lists.of_list, pull)
    said = {name: round(float(weight), 4) for name, weight in zip(FEATURES, weights_F, strict=True)}
    return Taught(said, figures | {"why": "ahead on people who taught nothing"})


def keep_search(
    draft: Draft, trial: Pipeline, since: datetime, rng: np.random.Generator, *, seconds: float
) -> Mapping[str, Any]:
    """Teach by what was searched for on the held-out days, and keep the weights in the draft; the figures.

    Args:
        trial: fitted on what came before `since` only.
    """
    portraits = trial.portraits
    default = portraits.config.consent_default
    try:
        judgements = judgements_from_clicks(portraits.store, consent_default=default)
    except DataError as error:  # nobody searched
        return {"n_lists": 0, "why": str(error)}
    learned = Learned(portraits.store, trial.catalogue, consent_default=default, before=since)
    taught = teach_search(Search(portraits, lambda: trial, learned), judgements, since=since, rng=rng, seconds=seconds)
    save_weights(draft.part(FOLDER), taught.weights, taught.figures)
    return taught.figures


def _read(search: Search, picked: Sequence[Judged], seconds: float) -> _Lists:
    """The tables of lists, as many as time allows; people fall into halves by the first list of theirs that is read."""
    until = time.perf_counter() + seconds
    tables, gains, numbers, halves = [], [], list[int](), list[int]()
    half_of: dict[str, int] = {}
    for one in picked:
        if time.perf_counter() > until:
            break
        user = None if is_anonymous(one.person) else one.person
        tables.append(search.table(one.query, user, one.shown, now=one.moment))
        gains.append(np.array(one.gains))
        numbers += [len(halves)] * len(one.shown)
        halves.append(half_of.setdefault(one.person, len(half_of) % 2))
    empty = np.zeros((0, len(FEATURES)))
    return _Lists(
        np.concatenate([empty, *tables]),
        np.concatenate([np.zeros(0), *gains]),
        np.array(numbers, np.int64),
        np.array(halves, np.int64),
    )


def _crossed(lists: _Lists, pull: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """ndcg@10 of each list by weights that the other half of the people taught, and by those begun with."""
    learned: list[NDArray[np.float64]] = []
    first: list[NDArray[np.float64]] = []
    for half in (0, 1):
        own, other = lists.part(half), lists.part(1 - half)
        weights_F = fit(other.table, other.gains, other.of_list, pull)
        for kept, weights in ((learned, weights_F), (first, weights_of(WEIGHTS))):
            kept.append(ndcg_of_lists(own.table @ weights, np.log2(1.0 + own.gains), own.of_list))
    return np.concatenate(learned), np.concatenate(first)


def fit(
    table_RF: NDArray[np.float64], gains_R: NDArray[np.float64], of_list_R: NDArray[np.int64], pull: float
) -> NDArray[np.float64]:
    """Weights of the conditional logit, shape (F,), in the bounds that the module names.

    Args:
        pull: strength of the pull towards these, as a number of lists.
    """
    begun_F = weights_of(WEIGHTS)
    n_lists = int(of_list_R.max(initial=-1)) + 1
    mass_J = np.bincount(of_list_R, gains_R, n_lists)
    share_R = gains_R / np.maximum(mass_J, 1e-12)[of_list_R]

    def loss(weights_F: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scores_R = table_RF @ weights_F
        top_J = np.full(n_lists, -np.inf)
        np.maximum.at(top_J, of_list_R, scores_R)
        raised_R = np.exp(scores_R - top_J[of_list_R])
        chance_R = raised_R / np.bincount(of_list_R, raised_R, n_lists)[of_list_R]
        away_F = weights_F - begun_F
        said = -float((share_R * np.log(np.maximum(chance_R, 1e-12))).sum()) + 0.5 * pull * float(away_F @ away_F)
        return said, table_RF.T @ (chance_R - share_R) + pull * away_F

    ends = [(0.0, _MOST * weight) if name in TAUGHT else (weight, weight) for name, weight in WEIGHTS.items()]
    return np.asarray(minimize(loss, begun_F, jac=True, method="L-BFGS-B", bounds=ends).x, np.float64)

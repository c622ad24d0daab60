"""Orders of search beside each other, on what a shop's own people were shown, clicked and bought.

Legend: P items of a list.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.apps.search.engine import Search
from huaxiang.apps.search.scoring import FEATURES
from huaxiang.errors import DataError
from huaxiang.evaluation.search_clicks import Judged, Judgements, Ranking, as_shown, compare
from huaxiang.measure.intervals import Interval
from huaxiang.types import is_anonymous

OURS: Final = "huaxiang"
PROTOCOL: Final = (
    "the last tenth of the time in which people searched; each list is ordered again as it was shown; gains: 1 of a "
    "click, 4 of a purchase, over how likely its place is looked at; discount log2(rank + 1), ideal over the list; "
    "mean over people of the mean over their lists; only what an earlier search let through can be judged; intervals: "
    "95 %, bootstrap over people, differences paired"
)
MOST: Final = 2_000
"""Lists that are judged; of more a seeded draw."""


@dataclass(slots=True)
class _Tables:
    """Features of each list by the search that is judged, kept: every row of the report reads them."""

    search: Search
    said: Callable[[int, int], None]
    n: int
    kept: dict[Judged, NDArray[np.float64]]

    def of(self, judged: Judged) -> NDArray[np.float64]:
        """Shape (P, F)."""
        if judged not in self.kept:
            user = None if is_anonymous(judged.person) else judged.person
            self.kept[judged] = self.search.table(judged.query, user, judged.shown, now=judged.moment)
            self.said(len(self.kept), self.n)
        return self.kept[judged]


def evaluate_clicks(
    search: Search,
    judgements: Judgements,
    *,
    seed: int = 0,
    said: Callable[[int, int], None] = lambda _done, _whole: None,
) -> dict[str, Any]:
    """ndcg@10 of search as it is, for nobody, by words alone, and of the order that was shown; JSON-compatible.

    Args:
        search: over a release and queries that know nothing from `judgements.since` on.
        said: told how many lists of how many were read.

    Raises:
        DataError: no list was clicked on.
    """
    picked = _picked(judgements, seed)
    tables = _Tables(search, said, len(picked), {})
    rankings = _rankings(search, tables)
    rng = np.random.default_rng(seed)
    shortened = Judgements(judgements.since, judgements.propensities, picked, judgements.left_out)
    found = {name: compare(shortened, rankings[OURS], ranking, rng=rng) for name, ranking in rankings.items()}
    report: dict[str, Any] = {name: _row(one.b) for name, one in found.items()}
    report["differences"] = {
        f"{OURS} - {name}": {"ndcg@10": _gap(one.difference)} for name, one in found.items() if name != OURS
    }
    ours = found[OURS]
    return report | {
        "data": {
            "since": judgements.since.isoformat(),
            "n_lists": ours.n_lists,
            "n_people": ours.n_people,
            "n_lists_without_click": judgements.left_out,
            "n_lists_with_click": len(judgements),
        },
        "protocol": PROTOCOL,
    }


def _picked(judgements: Judgements, seed: int) -> tuple[Judged, ...]:
    if not len(judgements):
        raise DataError(
            f"nobody clicked on what a search showed since {judgements.since:%Y-%m-%d %H:%M}; send `view_item_list` "
            "with the query_id of each page and `select_item` or `view_item` of what is clicked (docs/how-to/search.md)"
        )
    drawn = np.sort(np.random.default_rng(seed).permutation(len(judgements))[:MOST])
    return tuple(judgements.lists[at] for at in drawn)


def _rankings(search: Search, tables: _Tables) -> Mapping[str, Ranking]:
    words, profile = FEATURES.index("words"), FEATURES.index("profile")
    nobody_F = search.weights_F.copy()
    nobody_F[profile] = 0.0
    return {
        OURS: lambda judged: (tables.of(judged) @ search.weights_F).tolist(),
        f"{OURS} for nobody": lambda judged: (tables.of(judged) @ nobody_F).tolist(),
        "words alone": lambda judged: tables.of(judged)[:, words].tolist(),
        "as shown": as_shown,
    }


def _row(value: Interval) -> dict[str, Any]:
    return {"ndcg@10": value.mean, "intervals": {"ndcg@10": [value.low, value.high]}}


def _gap(gap: Interval) -> dict[str, Any]:
    return {"mean": gap.mean, "interval": [gap.low, gap.high]}

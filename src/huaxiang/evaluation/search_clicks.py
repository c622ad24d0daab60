"""Judgements of search from a shop's own clicks: the last tenth of time, with what was shown, clicked and bought.

What was clicked depends on where it stood. Each click is therefore weighted by one over how likely its place is looked
at (Joachims et al. 2017), as learned from before that tenth, so that sums over the judgements are what they would have
been had every place been looked at alike. A ranking orders again what was shown; it must have learned nothing from
`since` on.

Legend: J judgements, R rows of their lists, P people.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from huaxiang.apps.search.allowed import Allowed
from huaxiang.apps.search.clicks import Propensities
from huaxiang.apps.search.query_log import QueryLog, QueryLogConfig
from huaxiang.apps.search.trail_rows import BOUGHT, CLICKED, Rows, read_rows
from huaxiang.apps.search.trails import DAY, Trails
from huaxiang.errors import DataError
from huaxiang.measure.graded import ndcg_of_lists
from huaxiang.measure.intervals import Interval, bootstrap, paired_bootstrap
from huaxiang.profiles.state import from_micros, to_micros
from huaxiang.store import Store
from huaxiang.types import ItemId, Subject

HELD_OUT: Final = 0.1
"""Share of the time in which people searched that is judged by."""
PURCHASE_GAIN: Final = 4.0
"""Of what was bought, where a click is 1: as `apps.search.trails.GAINS` has it."""
MOST_WEIGHT: Final = 10.0
"""Of one click: a place that is hardly looked at would decide everything."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A list that somebody was shown for a query, and what they did with it.

    Attributes:
        person: the subject that the list was shown to.
        shown: its items, the first place first. clicked, bought: of those; what was bought is clicked too.
        gains: of each item shown: 0, 1 for a click, more for a purchase, over how likely its place is looked at.
    """

    query: str
    person: Subject
    moment: datetime
    shown: tuple[ItemId, ...]
    clicked: tuple[ItemId, ...]
    bought: tuple[ItemId, ...]
    gains: tuple[float, ...]


Ranking: TypeAlias = Callable[[Judged], Sequence[float]]
"""Scores of the items shown, the higher the better, in the order in which they stood."""


@dataclass(frozen=True, slots=True)
class Judgements:
    """Lists to judge rankings by.

    Attributes:
        since: the first moment of what is judged by; a ranking may know what was before it.
        propensities: that the gains were weighted by.
        lists: in time order, each with a click.
        left_out: lists of queries on which nothing was clicked.
    """

    since: datetime
    propensities: Propensities
    lists: tuple[Judged, ...]
    left_out: int = 0

    def __len__(self) -> int:
        return len(self.lists)


@dataclass(frozen=True, slots=True)
class Compared:
    """Two rankings on the same lists: figures are means over people, of each the mean over their lists.

    Attributes:
        a, b: ndcg@k with its interval over people. difference: a - b, paired.
    """

    a: Interval
    b: Interval
    difference: Interval
    n_lists: int
    n_people: int


def judgements_from_clicks(
    store: Store,
    *,
    consent_default: str = "granted",
    share: float = HELD_OUT,
    config: QueryLogConfig | None = None,
) -> Judgements:
    """Read the last tenth of the time in which people searched.

    Who denied training is left out, as is what was excluded. A list that was clicked on by nobody says nothing of the
    order and is only counted.

    Raises:
        DataError: nobody searched, or the share is not inside (0, 1).
    """
    if not 0.0 < share < 1.0:
        raise DataError(f"the share of time to hold out is {share}; it must lie between 0 and 1")
    since = _since(store, share)
    before = QueryLog(store, consent_default=consent_default, config=config, before=since)
    before.refresh()
    rows, told = _read(store, consent_default, since)
    if rows.is_empty():
        return Judgements(since, before.propensities, ())
    lists = tuple(_judged(rows, told, before.propensities))
    return Judgements(since, before.propensities, lists, rows["list"].n_unique() - len(lists))


def _since(store: Store, share: float) -> datetime:
    batches = store.scan(events=frozenset({"search"}), columns=["timestamp"])
    ends = [
        (part.min(), part.max()) for batch in batches if len(part := pl.DataFrame(pl.from_arrow(batch))["timestamp"])
    ]
    moments = [to_micros(moment) for pair in ends for moment in pair if isinstance(moment, datetime)]
    if not moments:
        raise DataError("nobody searched in this log; there is nothing to judge a search by")
    end = max(moments) + 1
    return from_micros(end - int((end - min(moments)) * share))


@dataclass(slots=True)
class _Told:
    """What hashes stand for."""

    items: dict[int, ItemId] = field(default_factory=dict)
    queries: dict[int, str] = field(default_factory=dict)
    people: dict[int, Subject] = field(default_factory=dict)

    def note(self, rows: Rows) -> None:
        self.items |= dict(rows.shown.select("item", "item_id").unique("item").iter_rows())
        self.queries |= dict(rows.searches.select("query", "text").unique("query").iter_rows())
        self.people |= dict(rows.who.iter_rows())


def _read(store: Store, consent_default: str, since: datetime) -> tuple[pl.DataFrame, _Told]:
    """Showings from `since` on; searches of the day before explain the first of them."""
    until = store.last_seq
    allowed = Allowed(store, consent_default=consent_default)
    allowed.catch_up(0, until)
    trails, told = Trails(most_open=None), _Told()
    begin = to_micros(since)
    for rows in read_rows(store, allowed, after=0, until=until):
        recent = _from(rows, begin - DAY)
        trails.take(recent)
        told.note(recent)
    kept = (pl.col("at") >= begin) & (pl.col("place") >= 0) & pl.col("query").is_in(list(told.queries))
    return trails.showings.filter(kept), told


def _from(rows: Rows, begin: int) -> Rows:
    lists = rows.lists.filter(pl.col("at") >= begin)
    return Rows(
        searches=rows.searches.filter(pl.col("at") >= begin),
        lists=lists,
        shown=rows.shown.join(lists, on="list", how="semi", maintain_order="left"),
        acts=rows.acts.filter(pl.col("at") >= begin),
        who=rows.who.join(lists, on="list", how="semi", maintain_order="left"),
    )


def _judged(showings: pl.DataFrame, told: _Told, propensities: Propensities) -> list[Judged]:
    looked = propensities.at(showings["place"].to_numpy().astype(np.int64))
    gain = pl.when(pl.col("got") >= BOUGHT).then(PURCHASE_GAIN).when(pl.col("got") >= CLICKED).then(1.0).otherwise(0.0)
    weight = pl.Series("weight", np.minimum(1.0 / looked, MOST_WEIGHT))
    weighted = showings.with_columns((gain * weight).alias("gain"))
    found = []
    for row in _by_list(weighted).iter_rows(named=True):
        shown = tuple(told.items[item] for item in row["item"])
        clicked = tuple(item for item, got in zip(shown, row["got"], strict=True) if got >= CLICKED)
        bought = tuple(item for item, got in zip(shown, row["got"], strict=True) if got >= BOUGHT)
        moment, query = from_micros(row["at"]), told.queries[row["query"]]
        found.append(Judged(query, told.people[row["list"]], moment, shown, clicked, bought, tuple(row["gain"])))
    return found


def _by_list(rows: pl.DataFrame) -> pl.DataFrame:
    ordered = rows.sort("at", "list", "place", maintain_order=True)
    of_list = ordered.group_by("list", maintain_order=True).agg(
        pl.col("query", "at").first(), pl.col("item", "got", "gain"), pl.col("got").max().alias("most")
    )
    return of_list.filter(pl.col("most") >= CLICKED)


def as_shown(judged: Judged) -> Sequence[float]:
    """The order in which the list stood."""
    return [-float(place) for place in range(len(judged.shown))]


def ndcg(judgements: Judgements, ranking: Ranking, k: int = 10) -> NDArray[np.float64]:
    """ndcg@k of a ranking on each list, shape (J,): weighted clicks as gains, discount log2(rank + 1), ideal of what
    was shown; items of equal scores keep the order in which they stood.

    Raises:
        DataError: the ranking does not give each item shown one finite score.
    """
    if not len(judgements):
        return np.zeros(0)
    scores: list[float] = []
    for judged in judgements.lists:
        said = [float(score) for score in ranking(judged)]
        if len(said) != len(judged.shown) or not np.isfinite(said).all():
            raise DataError(f"{judged.query!r}: {len(judged.shown)} items were shown, the ranking gave {said[:3]} ...")
        scores += said
    gains_R = np.array([gain for judged in judgements.lists for gain in judged.gains])
    list_R = np.repeat(np.arange(len(judgements)), [len(judged.shown) for judged in judgements.lists])
    return ndcg_of_lists(np.array(scores), np.log2(1.0 + gains_R), list_R, k)


def compare(
    judgements: Judgements, a: Ranking, b: Ranking, *, rng: np.random.Generator, k: int = 10, n_draws: int = 1000
) -> Compared:
    """Two rankings beside each other, 95 % by bootstrap over people: who searches a thousand times is one of them."""
    a_P, b_P = (_by_person(judgements, ndcg(judgements, ranking, k)) for ranking in (a, b))
    return Compared(
        a=bootstrap(a_P, rng=rng, n_draws=n_draws),
        b=bootstrap(b_P, rng=rng, n_draws=n_draws),
        difference=paired_bootstrap(a_P, b_P, rng=rng, n_draws=n_draws),
        n_lists=len(judgements),
        n_people=len(a_P),
    )


def _by_person(judgements: Judgements, values_J: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of each person, shape (P,)."""
    rows = pl.DataFrame({"person": [judged.person for judged in judgements.lists], "value": values_J})
    means = rows.group_by("person", maintain_order=True).agg(pl.col("value").mean())
    return np.asarray(means["value"].to_numpy(), np.float64)

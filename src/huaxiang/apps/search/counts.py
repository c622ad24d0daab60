"""What people typed and what they did with what they were shown, counted query by query.

Masses are kept as if everything had been seen in 2020, each twice as much for every half-life later: sums of them need
no decay. What is told is as of the end of the newest day of the log.
"""

from typing import Final

import polars as pl

from huaxiang.apps.search.allowed import Allowed
from huaxiang.apps.search.asked import AskedQuery, QueryLogConfig
from huaxiang.apps.search.clicks import appeals, assumed, learn_propensities
from huaxiang.apps.search.trail_rows import Rows
from huaxiang.apps.search.trails import DAY, Taken
from huaxiang.profiles.state import from_micros

_U64, _F64 = pl.UInt64(), pl.Float64()
_ASKS: Final = pl.DataFrame(
    schema={
        "query": _U64,
        "subject": _U64,
        "is_user": pl.Boolean(),
        "person": _U64,
        "at": pl.Int64(),
        "total": pl.Int32(),
    }
)
_CELLS: Final = pl.DataFrame(
    schema={"query": _U64, "item": _U64, "place": pl.Int16(), "shown": _F64, "clicked": _F64, "gain": _F64}
)
_ORIGIN: Final = 1_577_836_800_000_000
"""The first moment of 2020, in microseconds."""
_MORE: Final = 1.25
"""How far a table grows before it is put together again, and clicks before places are learned anew."""
_SMALL: Final = 20_000


class Counts:
    """Everything that is counted. Not for several threads at once."""

    def __init__(self, config: QueryLogConfig) -> None:
        self._config = config
        self._asks, self._cells = _ASKS, _CELLS
        self._texts: dict[int, str] = {}
        self._names: dict[int, str] = {}
        self._changed: list[pl.DataFrame] = []
        self._all_changed = False
        self._n_asks = self._n_cells = 0
        self._newest = _ORIGIN
        self._clicks, self._clicks_learned = 0.0, -1.0
        self.propensities = assumed()
        self.known: dict[int, AskedQuery] = {}

    def add(self, rows: Rows, taken: Taken) -> None:
        """Count a part of the log, and what it did to earlier ones."""
        asks = rows.searches.select(_ASKS.columns)
        self._texts |= dict(zip(*rows.searches.select("query", "text").unique().get_columns(), strict=True))
        self._names |= dict(zip(*taken.names.unique("item").get_columns(), strict=True))
        half_life = self._config.click_half_life_days
        cells = taken.cells.with_columns(pl.col("shown", "clicked", "gain") * _mass(half_life)).select(_CELLS.columns)
        self._clicks += float(taken.cells["clicked"].sum())
        self._asks, self._cells = pl.concat([self._asks, asks]), pl.concat([self._cells, cells])
        self._changed += [asks.select("query").unique(), cells.select("query").unique()]
        if isinstance(newest := asks["at"].max(), int):
            self._all_changed |= newest // DAY > self._newest // DAY  # weights are as of another day then
            self._newest = max(self._newest, newest)
        self._tidy()

    def relink(self, allowed: Allowed) -> None:
        """Find out anew who everybody is."""
        before = self._asks
        self._asks = allowed.with_persons(before).select(_ASKS.columns)
        self._changed.append(self._asks.filter(self._asks["person"] != before["person"]).select("query").unique())

    def has_lost(self, allowed: Allowed) -> bool:
        """Whether somebody is counted who may not be any more."""
        who = self._asks.select("person", "at")
        return len(allowed.permitted(who)) < len(who)

    def _tidy(self) -> None:
        """Put together what is counted alike once there is much of it, and keep within the bounds."""
        if len(self._asks) > _MORE * self._n_asks + _SMALL:
            self._put_asks_together()
        if len(self._cells) > _MORE * self._n_cells + _SMALL:
            keys = ["query", "item", "place"]
            self._cells = self._cells.group_by(keys, maintain_order=True).agg(pl.col("shown", "clicked", "gain").sum())
            self._n_cells = len(self._cells)
        most = self._config
        if len(self._texts) > _MORE * most.most_queries or self._n_cells > most.most_cells:
            self._drop_the_rarest()
        if max(self._asks.n_chunks(), self._cells.n_chunks()) > 64:
            self._asks, self._cells = self._asks.rechunk(), self._cells.rechunk()

    def _put_asks_together(self) -> None:
        oldest = self._newest - int(self._config.most_days * DAY)
        kept = self._asks.filter(pl.col("at") >= oldest).sort("at", maintain_order=True)
        kept = kept.with_columns((pl.col("at") // DAY).alias("day"), pl.col("total").forward_fill().over("query"))
        kept = kept.unique(["query", "subject", "day"], keep="last", maintain_order=True).drop("day")
        self._asks = kept.tail(self._config.most_searches)
        self._n_asks = len(self._asks)

    def _drop_the_rarest(self) -> None:
        """Keep the queries of the greatest mass, as many as both bounds allow."""
        mass = _mass(self._config.half_life_days)
        sizes = self._cells.group_by("query").agg(pl.len().alias("cells"))
        rank = self._asks.group_by("query").agg(pl.col("subject").n_unique().alias("people"), mass.sum().alias("mass"))
        rank = rank.join(sizes, on="query", how="left").with_columns(pl.col("cells").fill_null(0))
        rank = rank.sort("people", "mass", "query", descending=True).head(self._config.most_queries)
        kept = rank.filter(pl.col("cells").cum_sum() <= self._config.most_cells).select("query")
        self._asks = self._asks.join(kept, on="query", how="semi", maintain_order="left")
        self._cells = self._cells.join(kept, on="query", how="semi", maintain_order="left")
        self._n_asks, self._n_cells = len(self._asks), len(self._cells)
        self._texts = {query: self._texts[query] for query in kept["query"].to_list()}
        clicked = self._cells.filter(pl.col("clicked") > 0.0)["item"].unique().to_list()
        self._names = {item: self._names[item] for item in clicked if item in self._names}
        self._all_changed |= any(query not in self._texts for query in self.known)

    def settle(self) -> bool:
        """Bring `known` up to date; whether it changed."""
        if self._clicks > _MORE * self._clicks_learned:
            self._clicks_learned = self._clicks
            self.propensities = learn_propensities(self._at_present(self._cells))
            self._all_changed = True
        if self._all_changed:
            known = self._told(self._asks.select("query").unique())
        elif self._changed:
            changed = pl.concat(self._changed).unique()
            gone = set(changed["query"].to_list())
            kept = {query: asked for query, asked in self.known.items() if query not in gone}
            known = kept | self._told(changed)
        else:
            return False
        self._changed, self._all_changed = [], False
        before, self.known = self.known, known
        return known != before

    def _at_present(self, cells: pl.DataFrame) -> pl.DataFrame:
        return cells.with_columns(pl.col("shown", "clicked", "gain") * self._left(self._config.click_half_life_days))

    def _left(self, half_life_days: float) -> float:
        """What is left of a mass at the end of the newest day."""
        end = (self._newest // DAY + 1) * DAY
        return float(2.0 ** (-(end - _ORIGIN) / (DAY * half_life_days)))

    def _told(self, changed: pl.DataFrame) -> dict[int, AskedQuery]:
        """Those of the changed queries that enough people typed."""
        asks = self._asks.filter(pl.col("at") >= self._newest - int(self._config.most_days * DAY))
        asks = asks.join(changed, on="query", how="semi", maintain_order="left").sort("at", maintain_order=True)
        days = asks.group_by("query", "person", pl.col("at") // DAY).agg(pl.col("at").max().alias("last"))
        totals = asks.group_by("query").agg(pl.col("total").drop_nulls().last())
        most = self._config
        mass, click_mass = (_mass(days_, "last").sum() * self._left(days_) for days_ in _half_lives(most))
        asked = (
            days.group_by("query", maintain_order=True)
            .agg(
                pl.col("person").n_unique().alias("people"),
                mass.alias("weight"),
                click_mass.alias("searches"),
                pl.col("last").max(),
            )
            .filter(pl.col("people") >= most.floor)
            .join(totals, on="query", maintain_order="left")
        )
        items, clicks = self._liked(asked)
        found: dict[int, AskedQuery] = {}
        for query, people, weight, last, total in asked.select(
            "query", "people", "weight", "last", "total"
        ).iter_rows():
            of_query = items.get(query, {}), clicks.get(query, 0.0), total
            found[query] = AskedQuery(self._texts[query], people, weight, from_micros(last), *of_query)
        return found

    def _liked(self, asked: pl.DataFrame) -> tuple[dict[int, dict[str, float]], dict[int, float]]:
        """Of each query the clicked items by how much they are liked, and its clicks."""
        cells = self._at_present(self._cells.join(asked, on="query", how="semi", maintain_order="left"))
        liked = appeals(cells, asked.select("query", "searches"), self.propensities).filter(pl.col("clicked") > 0.0)
        clicks = dict(liked.group_by("query").agg(pl.col("clicked").sum()).iter_rows())
        best = liked.group_by("query", maintain_order=True).head(self._config.most_items)
        items: dict[int, dict[str, float]] = {}
        for query, item, appeal in best.select("query", "item", "appeal").iter_rows():
            items.setdefault(query, {})[self._names[item]] = appeal
        return items, clicks


def _half_lives(config: QueryLogConfig) -> tuple[float, float]:
    return config.half_life_days, config.click_half_life_days


def _mass(half_life_days: float, at: str = "at") -> pl.Expr:
    """Of what was seen at a moment. The exponent is bounded: no clock, however wrong, makes it infinite."""
    lives = (pl.col(at) - _ORIGIN) / (DAY * half_life_days)
    return pl.lit(2.0).pow(lives.clip(-1000.0, 1000.0))

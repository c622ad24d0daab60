"""What followed a query: lists belong to searches, and what was done with an item to where it was shown.

A list belongs to a query by its `query_id`, else its `request_id`, else by the words that it names itself. What was
done with an item belongs to one by `query_id`, else by `request_id`; with the request of a list that no query asked
for, to none. Where it names neither, it belongs to the newest list of the same session, within 30 minutes, that showed
the item (what was put into the cart or bought: of any session within a day), else, unlisted, to the session's newest
search within 30 minutes. People are told apart by `Allowed`.
"""

from dataclasses import dataclass
from typing import Final

import polars as pl

from huaxiang.apps.search.allowed import Allowed
from huaxiang.apps.search.trail_rows import CLICKED, Rows

GAINS: Final = (0.0, 0.25, 0.5, 1.0)
"""What a showing brought, by what was done with it: nothing, a click, the cart, a purchase; as profiles weigh them."""
UNLISTED: Final = -1
"""The place of what was done without a list that shows where the item stood."""

DAY: Final = 86_400_000_000
_MOST_OPEN: Final = 500_000
"""Showings that something may still be done with, 60 bytes each; a fifth as many searches and lists."""
_U64, _I64 = pl.UInt64(), pl.Int64()
_PEOPLE: Final = {"person": _U64, "subject": _U64, "is_user": pl.Boolean(), "at": _I64}
_SEARCHES: Final = pl.DataFrame(
    schema={**_PEOPLE, "session": _U64, "query": _U64, "query_id": _U64, "request_id": _U64}
)
_REQUESTS: Final = pl.DataFrame(schema={**_PEOPLE, "query": _U64, "request_id": _U64})
_SHOWINGS: Final = pl.DataFrame(
    schema={
        **_PEOPLE,
        **dict.fromkeys(("session", "query", "item", "list", "key"), _U64),
        "place": pl.Int16(),
        "is_first": pl.Boolean(),
        "got": pl.Int8(),
    }
)


@dataclass(frozen=True, slots=True)
class Taken:
    """What a part of the log adds.

    Attributes:
        cells: `query`, `item`, `place` (`UNLISTED` for none), `at`, and by how much `shown`, `clicked` and `gain` rise.
        names: `item` and `item_id` of what was done something with.
    """

    cells: pl.DataFrame
    names: pl.DataFrame


class Trails:
    """The newest searches and showings, for what is done with them later.

    A person who is shown an item at one place for one query several times in a day counts once, with the most that they
    did with it: one who does a thing a thousand times says it once.

    Args:
        most_open: showings that are kept; None: all of them.
    """

    def __init__(self, *, session_minutes: float = 30.0, most_open: int | None = _MOST_OPEN) -> None:
        self._session, self._most_open = int(session_minutes * 60_000_000), most_open
        self._searches, self._requests = _SEARCHES, _REQUESTS
        self.showings = _SHOWINGS

    def relink(self, allowed: Allowed) -> None:
        """Find out anew who everybody is."""
        self._searches = allowed.with_persons(self._searches)
        self._requests = allowed.with_persons(self._requests).select(_REQUESTS.columns)
        self.showings = allowed.with_persons(self.showings).select(_SHOWINGS.columns)
        self._searches = self._searches.select(_SEARCHES.columns)

    def take(self, rows: Rows) -> Taken:
        """Take in the next part of the log."""
        self._searches = pl.concat([self._searches, rows.searches.select(_SEARCHES.columns)])
        lists = self._of_queries(rows.lists)
        asked = lists.filter(pl.col("request_id").is_not_null()).select(_REQUESTS.columns)
        self._requests = pl.concat([self._requests, asked])
        met = pl.concat([rows.lists.select("person"), rows.acts.select("person")]).unique()
        near = self.showings.with_row_index("row").join(met, on="person", how="semi", maintain_order="left")
        fresh = _showings(lists, rows.shown, near)
        found = self._resolved(rows.acts, pl.concat([near.drop("row"), fresh]))
        outside = _outside(found.filter(pl.col("list").is_null()), near)
        found = _targets(found)
        near = pl.concat([near, fresh, outside], how="diagonal")
        cells = pl.concat([_shown_cells(fresh), _done_cells(near, found)])
        self._mark(near, found)
        self._trim()
        names = rows.acts.join(found.select("item").unique(), on="item", how="semi")
        return Taken(cells, names.select("item", "item_id"))

    def _mark(self, near: pl.DataFrame, found: pl.DataFrame) -> None:
        """Note what was done with showings, and keep those that are new, which have no `row` yet."""
        marked = near.join(found.drop("key"), on=["list", "item"], how="left", maintain_order="left").with_columns(
            pl.max_horizontal("got", pl.col("level").fill_null(0)).cast(pl.Int8).alias("got")
        )
        known = marked.filter(pl.col("row").is_not_null() & pl.col("level").is_not_null())
        if len(known):
            got = self.showings["got"].clone().scatter(known["row"], known["got"])
            self.showings = self.showings.with_columns(got.alias("got"))
        self.showings = pl.concat([self.showings, marked.filter(pl.col("row").is_null()).select(_SHOWINGS.columns)])

    def _trim(self) -> None:
        if self._most_open is not None:
            self.showings = self.showings.tail(self._most_open)
            self._searches = self._searches.tail(self._most_open // 5)
            self._requests = self._requests.tail(self._most_open // 5)
        if self.showings.n_chunks() > 32:
            self.showings, self._searches = self.showings.rechunk(), self._searches.rechunk()
            self._requests = self._requests.rechunk()

    def _of_queries(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Rows with the `query` of the search that they name, else their own."""
        for name in ("request_id", "query_id"):  # the later of the two wins
            searches = self._searches.join(rows, on=["person", name], how="semi", maintain_order="left")
            known = searches.unique(["person", name], keep="last").select("person", name, pl.col("query").alias("_of"))
            rows = rows.join(known, on=["person", name], how="left", maintain_order="left")
            rows = rows.with_columns(pl.coalesce("_of", "query").alias("query")).drop("_of")
        return rows

    def _resolved(self, acts: pl.DataFrame, near: pl.DataFrame) -> pl.DataFrame:
        """What belongs to a query, with `query`, and `list` and `key` of the showing where there is one."""
        acts = acts.with_columns(pl.lit(None, _U64).alias("query")).sort("at", maintain_order=True)
        requests = self._requests.join(acts, on=["person", "request_id"], how="semi", maintain_order="left")
        requests = requests.unique(["person", "request_id"], keep="last").select(
            "person", "request_id", pl.col("query").alias("_of"), pl.lit(True).alias("_is_known")
        )
        acts = acts.join(requests, on=["person", "request_id"], how="left", maintain_order="left")
        acts = self._of_queries(acts.with_columns(pl.col("_of").alias("query")).drop("_of"))
        is_loose = pl.col("query").is_null() & pl.col("_is_known").is_null()
        named = acts.filter(pl.col("query").is_not_null())
        loose = acts.filter(is_loose).drop("query")
        near = near.filter(pl.col("place") != UNLISTED).sort("at", maintain_order=True)
        shown = near.select("person", "session", "item", "query", "list", "key", "at")
        clicked, taken = loose.filter(pl.col("level") == CLICKED), loose.filter(pl.col("level") > CLICKED)
        by_list = [
            _asof(named, shown.drop("session"), ["person", "query", "item"], None),
            _asof(clicked, shown, ["person", "session", "item"], self._session),
            _asof(taken, shown.drop("session"), ["person", "item"], DAY),
        ]
        columns = ["at", "person", "subject", "is_user", "session", "item", "level", "query", "list", "key"]
        found = pl.concat([rows.select(columns) for rows in by_list])
        return pl.concat([found.filter(pl.col("query").is_not_null()), self._by_session(found, columns)])

    def _by_session(self, found: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
        """Those without a query that have a search of their session not long before."""
        lost = found.filter(pl.col("query").is_null()).drop("query").sort("at", maintain_order=True)
        searches = self._searches.join(lost, on="person", how="semi", maintain_order="left")
        searches = searches.select("person", "session", "query", "at").sort("at", maintain_order=True)
        found = _asof(lost, searches, ["person", "session"], self._session)
        return found.filter(pl.col("query").is_not_null()).select(columns)


def _asof(rows: pl.DataFrame, known: pl.DataFrame, by: list[str], tolerance: int | None) -> pl.DataFrame:
    """The newest of the known for each row, not after it. Both are in time order."""
    return rows.join_asof(known, on="at", by=by, tolerance=tolerance, check_sortedness=False)


def _with_key(rows: pl.DataFrame) -> pl.DataFrame:
    """`key`: what counts once: a person, a query, an item, a place, a day."""
    day = (pl.col("at") // DAY).alias("day")
    return rows.with_columns(pl.struct("person", "query", "item", "place", day).hash(0).alias("key"))


def _showings(lists: pl.DataFrame, shown: pl.DataFrame, near: pl.DataFrame) -> pl.DataFrame:
    """Showings of the lists that belong to a query; `is_first` of their key."""
    kept = ["list", "person", "subject", "is_user", "session", "at", "query"]
    rows = lists.filter(pl.col("query").is_not_null()).select(kept).join(shown.drop("item_id"), on="list", how="inner")
    rows = _with_key(rows.with_columns(pl.col("list").cast(_U64)))
    seen = near.select("key").unique().with_columns(pl.lit(True).alias("_seen"))
    rows = rows.join(seen, on="key", how="left", maintain_order="left").with_columns(
        (pl.col("key").is_first_distinct() & pl.col("_seen").is_null()).alias("is_first"),
        pl.lit(0, pl.Int8).alias("got"),
    )
    return rows.select(_SHOWINGS.columns)


def _outside(found: pl.DataFrame, near: pl.DataFrame) -> pl.DataFrame:
    """Showings without a list, one for each person, query, item and day; those that are there already are left out."""
    rows = _with_key(found.with_columns(pl.lit(UNLISTED, pl.Int16).alias("place")).drop("list"))
    rows = rows.unique("key", keep="first", maintain_order=True).join(near, on="key", how="anti", maintain_order="left")
    return rows.with_columns(
        pl.col("key").alias("list"), pl.lit(True).alias("is_first"), pl.lit(0, pl.Int8).alias("got")
    ).select(_SHOWINGS.columns)


def _targets(found: pl.DataFrame) -> pl.DataFrame:
    """The most that was done with each showing: `list`, `item`, `key`, `level`."""
    outside = _with_key(found.filter(pl.col("list").is_null()).with_columns(pl.lit(UNLISTED, pl.Int16).alias("place")))
    outside = outside.with_columns(pl.col("key").alias("list"))
    rows = pl.concat([part.select("list", "item", "key", "level") for part in (outside, found)])
    return rows.filter(pl.col("list").is_not_null()).group_by("list", "item", "key").agg(pl.col("level").max())


def _shown_cells(fresh: pl.DataFrame) -> pl.DataFrame:
    return fresh.filter("is_first").select(
        "query", "item", "place", "at", shown=pl.lit(1.0), clicked=pl.lit(0.0), gain=pl.lit(0.0)
    )


def _done_cells(near: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """By how much clicks and gains of the keys rise; `near` has what was done before."""
    rise = found.group_by("key").agg(pl.col("level").max())
    before = (
        near.join(rise, on="key", how="semi", maintain_order="left")
        .group_by("key", maintain_order=True)
        .agg(pl.col("query", "item", "place", "at").first(), pl.col("got").max())
    )
    rows = before.join(rise, on="key", how="inner").filter(pl.col("level") > pl.col("got"))
    gain = dict(enumerate(GAINS))
    now, then = (pl.col(name).replace_strict(gain, return_dtype=pl.Float64) for name in ("level", "got"))
    return rows.select(
        "query",
        "item",
        "place",
        "at",
        shown=pl.lit(0.0),
        clicked=(pl.col("got") == 0).cast(pl.Float64),
        gain=now - then,
    )

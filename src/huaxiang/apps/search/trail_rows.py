"""The log as search learns from it: searches, the lists that were shown, and what was done with items, as frames.

Ids are hashes of 64 bits; an item's name stays beside its hash until it is known whether it is needed. Times are
microseconds since 1970, no later than the store received the event: a clock that runs ahead outweighs nobody.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import polars as pl

from huaxiang.apps.search.allowed import Allowed, hashed
from huaxiang.apps.search.asked import one_spelling
from huaxiang.store import Store
from huaxiang.types import anonymous_subject

LEVELS: Final[dict[str, int]] = {"select_item": 1, "view_item": 1, "add_to_cart": 2, "purchase": 3}
"""What was done with an item, the strongest highest: it was clicked, put into the cart, bought."""
CLICKED, BOUGHT = LEVELS["select_item"], LEVELS["purchase"]
PLACES: Final = 50
"""Places of a list that are told apart; what stood further down counts as at the last."""
MOST_SHOWN: Final = 200
"""Lines of one list that are read."""

_EVENTS: Final = frozenset({"search", "view_item_list", *LEVELS})
_COLUMNS: Final = [
    *("seq", "event", "subject", "session_id", "item_id", "timestamp", "received_at"),
    *("query", "query_id", "request_id", "items", "properties"),
]
_CHUNK: Final = 400_000
_LINE: Final = pl.List(pl.Struct({"item_id": pl.String, "index": pl.Int64}))
_WHO: Final = ("person", "subject", "is_user", "session", "at")


@dataclass(frozen=True, slots=True)
class Rows:
    """A part of the log; every frame has `person`, `subject`, `is_user`, `session` (0: none) and `at`.

    Attributes:
        searches: `query` (hash of the spelling), `text` (the spelling), `query_id`, `request_id`, `total`, `seq`.
        lists: a row for each: `list` (the event's seq), `query` where it names one itself, `query_id`, `request_id`.
        shown: a row for each item of those lists: `list`, `item`, `item_id`, `place` (from 0).
        acts: a row for each item: `seq`, `item`, `item_id`, `level`, `query_id`, `request_id`.
        who: the plain subject of each list, `list` and `who`; for who must name people.
    """

    searches: pl.DataFrame
    lists: pl.DataFrame
    shown: pl.DataFrame
    acts: pl.DataFrame
    who: pl.DataFrame


def read_rows(
    store: Store, allowed: Allowed, *, after: int, until: int, before: datetime | None = None
) -> Iterator[Rows]:
    """Searches and what followed between two sequence numbers, the second inclusive, some 400,000 events at a time.

    Args:
        allowed: what the log says of consent up to `until`.
        before: only events of before this moment.
    """
    columns = [*_COLUMNS, "event_id"] if len(allowed.excluded) else _COLUMNS
    part: list[pl.DataFrame] = []
    for batch in store.scan(after, before=before, events=_EVENTS, columns=columns):
        part.append(pl.DataFrame(pl.from_arrow(batch)))
        if sum(map(len, part)) >= _CHUNK:
            yield _rows(pl.concat(part), allowed, until)
            part = []
    if part:
        yield _rows(pl.concat(part), allowed, until)


def _rows(log: pl.DataFrame, allowed: Allowed, until: int) -> Rows:
    log = log.filter((pl.col("seq") <= until) & (pl.col("subject") != ""))
    if len(allowed.excluded):
        log = log.join(allowed.excluded, on="event_id", how="anti", maintain_order="left")
    log = log.with_columns(
        pl.min_horizontal("timestamp", "received_at").dt.timestamp("us").alias("at"),
        pl.col("subject").alias("who"),
        hashed("subject").alias("subject"),
        (~pl.col("subject").str.starts_with(anonymous_subject(""))).alias("is_user"),
        hashed("session_id").fill_null(0).alias("session"),
        hashed("query_id").alias("query_id"),
        hashed("request_id").alias("request_id"),
    )
    log = allowed.permitted(allowed.with_persons(log))
    lists = _spelled(log.filter(pl.col("event") == "view_item_list").rename({"seq": "list"}))
    return Rows(
        searches=_searches(log),
        lists=lists.select("list", *_WHO, "query", "query_id", "request_id"),
        shown=_shown(lists),
        acts=_acts(log),
        who=lists.select("list", "who"),
    )


def _spelled(rows: pl.DataFrame) -> pl.DataFrame:
    """`text`, the query in one spelling, null where it has no letters; `query`, its hash."""
    typed: Sequence[Any] = rows["query"].drop_nulls().unique().to_list()
    texts = pl.DataFrame(
        {"query": typed, "text": [one_spelling(text) or None for text in typed]},
        schema={"query": pl.String, "text": pl.String},
    )
    joined = rows.join(texts, on="query", how="left", maintain_order="left")
    return joined.with_columns(hashed("text").alias("query"))


def _searches(log: pl.DataFrame) -> pl.DataFrame:
    """Searches; `total` is what the shop said that it found."""
    found = pl.col("properties").str.json_path_match("$.total").cast(pl.Float64, strict=False)
    total = found.clip(0, 2**31 - 1).cast(pl.Int32, strict=False).alias("total")
    searches = _spelled(log.filter(pl.col("event") == "search")).filter(pl.col("text").is_not_null())
    return searches.with_columns(total).select("seq", *_WHO, "query", "text", "query_id", "request_id", "total")


def _shown(lists: pl.DataFrame) -> pl.DataFrame:
    """Items of lists at their places, each item of a list once. A list whose lowest index is 1 counts from 1."""
    lines = lists.filter(pl.col("items").is_not_null()).select(
        "list", pl.col("items").str.json_decode(_LINE).list.head(MOST_SHOWN).alias("line")
    )
    index = pl.col("line").list.eval(pl.element().struct.field("index"))
    first = (index.list.min() == 1).cast(pl.Int64).fill_null(0).alias("first")
    rows = lines.with_columns(pl.int_ranges(pl.col("line").list.len()).alias("order"), first).explode("line", "order")
    rows = rows.with_columns(pl.col("line").struct.field("item_id"), pl.col("line").struct.field("index"))
    place = pl.coalesce(pl.col("index") - pl.col("first"), "order").clip(0, PLACES - 1).cast(pl.Int16).alias("place")
    rows = rows.filter(pl.col("item_id").is_not_null())
    rows = rows.select("list", hashed("item_id").alias("item"), "item_id", place)
    return rows.unique(["list", "item"], keep="first", maintain_order=True)


def _acts(log: pl.DataFrame) -> pl.DataFrame:
    """What was done with items, one a row; an order of several lines is several."""
    acts = log.filter(pl.col("event").is_in(list(LEVELS))).with_columns(
        pl.col("event").replace_strict(LEVELS, return_dtype=pl.Int8).alias("level")
    )
    kept = ["seq", *_WHO, "item_id", "level", "query_id", "request_id"]
    own = acts.filter(pl.col("item_id").is_not_null()).select(kept)
    lines = (
        acts.filter(pl.col("items").is_not_null())
        .with_columns(pl.col("items").str.json_decode(_LINE).list.head(MOST_SHOWN).alias("line"))
        .explode("line")
        .with_columns(pl.col("line").struct.field("item_id").alias("item_id"))
        .filter(pl.col("item_id").is_not_null())
        .select(kept)
    )
    rows = pl.concat([own, lines]).unique(["seq", "item_id"], keep="first", maintain_order=True)
    return rows.with_columns(hashed("item_id").alias("item"))

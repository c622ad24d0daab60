"""Counting events as they pass, in batches: kinds, people, items, time, languages, what is missing."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import polars as pl
import pyarrow as pa

from huaxiang.types import Event

COLUMNS: Final = (
    "event",
    "user_id",
    "anonymous_id",
    "session_id",
    "item_id",
    "timestamp",
    "value",
    "quantity",
    "rating",
    "text",
    "query",
    "items",
    "reading",
)
_WANTED: Final[Mapping[str, tuple[str, ...]]] = {
    "view_item": ("user_id", "session_id", "item_id"),
    "search": ("user_id", "session_id", "query"),
    "add_to_cart": ("user_id", "session_id", "item_id"),
    "purchase": ("user_id", "session_id", "item_id", "value"),
    "refund": ("user_id", "item_id", "value"),
    "review": ("user_id", "item_id", "rating", "text"),
}
"""Fields without which an event of a kind is allowed but worth less."""
_ITEM_CHANGES: Final = ("set_item", "delete_item")


class Tally:
    """Figures over batches of events. Memory grows with the users, items, sessions and user-item pairs."""

    def __init__(self, known_items: Iterable[str] = ()) -> None:
        self.kinds: Counter[str] = Counter()
        self.items: Counter[str] = Counter()
        self.languages: Counter[str] = Counter()
        self.missing: Counter[tuple[str, str]] = Counter()
        self.described: set[str] = set(known_items)
        self.names: dict[str, str] = {}
        """Of the items most seen, where whoever counts knows them."""
        self.users: set[str] = set()
        self.first: datetime | None = None
        self.last: datetime | None = None
        self._anonymous: set[str] = set()
        self._sessions: set[int] = set()
        self._pairs: set[int] = set()

    def add_events(self, events: Sequence[Event]) -> None:
        """Count events."""
        plain = [name for name in COLUMNS if name not in {"items", "reading"}]
        rows = {name: [getattr(event, name) for event in events] for name in plain}
        frame = pl.DataFrame(rows, schema_overrides=_schema(), strict=False)
        items = [[line.item_id for line in event.items] for event in events]
        languages = [event.reading.language if event.reading else None for event in events]
        self._add(
            frame.with_columns(
                pl.Series("line_items", items, dtype=pl.List(pl.String)),
                pl.Series("language", languages, dtype=pl.String),
            )
        )

    def add_table(self, table: pa.Table | pa.RecordBatch) -> None:
        """Count the events of a table of `EVENT_SCHEMA` or `SCAN_SCHEMA`."""
        frame = pl.from_arrow(table.select([name for name in COLUMNS if name in table.schema.names]))
        assert isinstance(frame, pl.DataFrame)
        absent = [name for name in COLUMNS if name not in frame.columns]
        frame = frame.with_columns(pl.lit(None, _schema().get(name, pl.String)).alias(name) for name in absent)
        lines = pl.col("items").str.json_decode(dtype=pl.List(pl.Struct({"item_id": pl.String})))
        self._add(
            frame.with_columns(
                lines.list.eval(pl.element().struct.field("item_id")).alias("line_items"),
                pl.col("reading").str.json_path_match("$.language").alias("language"),
            )
        )

    def _add(self, frame: pl.DataFrame) -> None:
        self.kinds.update(dict(frame["event"].value_counts().iter_rows()))
        self.languages.update(dict(frame["language"].drop_nulls().value_counts().iter_rows()))
        self.described |= set(frame.filter(pl.col("event") == "set_item")["item_id"])
        acts = frame.filter(~pl.col("event").is_in(_ITEM_CHANGES))
        if acts.is_empty():
            return
        named = pl.concat_list(pl.col("item_id"), pl.col("line_items").fill_null([])).list.drop_nulls().list.unique()
        who = pl.coalesce("user_id", "anonymous_id")
        pairs = (
            acts.select(who.alias("who"), "user_id", named.alias("item_id")).explode("item_id").drop_nulls("item_id")
        )
        self.items.update(dict(pairs["item_id"].value_counts().iter_rows()))
        self._pairs |= set(pairs.drop_nulls("user_id").select(pl.struct("user_id", "item_id").hash()).to_series())
        self.users |= set(acts["user_id"].drop_nulls())
        self._anonymous |= set(acts.filter(pl.col("user_id").is_null())["anonymous_id"].drop_nulls())
        sessions = acts.drop_nulls("session_id")
        self._sessions |= set(sessions.select(pl.struct(who.alias("who"), "session_id").hash()).to_series())
        self._add_times(acts["timestamp"])
        self._add_missing(acts)

    def _add_times(self, times: pl.Series) -> None:
        first, last = times.min(), times.max()
        assert isinstance(first, datetime)
        assert isinstance(last, datetime)
        self.first = first if self.first is None else min(first, self.first)
        self.last = last if self.last is None else max(last, self.last)

    def _add_missing(self, acts: pl.DataFrame) -> None:
        for kind, wanted in _WANTED.items():
            rows = acts.filter(pl.col("event") == kind)
            for name in wanted if rows.height else ():
                absent = pl.col(name).is_null()
                if name == "item_id":
                    absent &= pl.col("line_items").list.len().fill_null(0) == 0
                self.missing[kind, name] += rows.filter(absent).height

    @property
    def unknown_items(self) -> set[str]:
        """Items that events name and no `set_item` describes."""
        return set(self.items) - self.described

    def top(self) -> list[tuple[str, int]]:
        """The ten items most seen, and how often."""
        return self.items.most_common(10)

    def to_json(self) -> dict[str, Any]:
        """The figures; times in ISO 8601 UTC.

        `density` is the share of user-item pairs that have an event; `sessions` counts those that carry a session id;
        `user_item_pairs` tells pairs by a 64-bit hash.
        """
        n_users, n_items = len(self.users), len(self.items)
        return {
            "events": sum(self.kinds.values()),
            "by_event": dict(self.kinds.most_common()),
            "first": None if self.first is None else self.first.isoformat(),
            "last": None if self.last is None else self.last.isoformat(),
            "users": n_users,
            "anonymous": len(self._anonymous),
            "sessions": len(self._sessions),
            "items": n_items,
            "described_items": len(self.described),
            "unknown_items": len(self.unknown_items),
            "user_item_pairs": len(self._pairs),
            "density": len(self._pairs) / (n_users * n_items) if n_users and n_items else None,
            "languages": dict(self.languages.most_common()),
            "missing": {f"{kind}.{name}": n for (kind, name), n in sorted(self.missing.items()) if n},
            "top_items": [{"item_id": item, "events": n, "name": self.names.get(item)} for item, n in self.top()],
        }


def _schema() -> dict[str, Any]:
    """Types of the columns that are no text."""
    numbers = dict.fromkeys(("value", "quantity", "rating"), pl.Float64)
    return dict.fromkeys(COLUMNS, pl.String) | numbers | {"timestamp": pl.Datetime("us", "UTC")}

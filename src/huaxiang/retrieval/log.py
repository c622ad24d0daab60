"""The log as retrievers learn from it: one row for each item of each event that training may use.

Memory: about 120 bytes for each row while it is read; Polars frames stay inside this module's callers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import orjson
import polars as pl
from numpy.typing import NDArray

from huaxiang.profiles.fold import WEIGHTS, resolve
from huaxiang.profiles.portrait import Portraits
from huaxiang.retrieval.base import Interactions
from huaxiang.store import Store
from huaxiang.types import FOREVER, Event, ItemId, Subject

REVIEW_WEIGHT: Final = 2.0
"""A review counts as interest here, whatever it says: people review what they chose."""

_COLUMNS: Final = [
    "seq",
    "event_id",
    "event",
    "subject",
    "anonymous_id",
    "user_id",
    "item_id",
    "timestamp",
    "query",
    "items",
    "properties",
]
_INTEREST: Final = (*(name for name, weight in WEIGHTS.items() if weight > 0.0), "review")
_WANTED: Final = frozenset({*_INTEREST, "search", "consent", "identify", "profile_edit", "refund"})
_ALL: Final = 2_000_000
_KINDS: Final[dict[str, Any]] = {"seq": pl.Int64, "timestamp": pl.Datetime("us", "UTC")}
_MOST_EVENTS: Final = 500
_DAY: Final = 86_400_000_000
_EMPTY: Final = pl.DataFrame(
    schema={"person": pl.String, "item_id": pl.String, "at": pl.Int64, "weight": pl.Float32, "event": pl.String}
)
_EMPTY_SEARCHES: Final = pl.DataFrame(schema={"person": pl.String, "at": pl.Int64, "query": pl.String})


@dataclass(frozen=True, slots=True)
class TrainingLog:
    """What training reads of a log, each frame in time order.

    Attributes:
        interactions: columns `person`, `item_id`, `at` (microseconds), `weight` (> 0), `event`.
        searches: columns `person`, `at`, `query`.
    """

    interactions: pl.DataFrame
    searches: pl.DataFrame


def read_log(
    store: Store,
    *,
    consent_default: str = "granted",
    portraits: Portraits | None = None,
    until_seq: int | None = None,
) -> TrainingLog:
    """Every positive interaction and every search that training may use.

    Left out: people whose consent to training is denied, on whichever of their devices they said so; excluded events
    and refunded lines (where `portraits` is given to resolve them). An anonymous id that one user claimed is that user;
    a shared one is its own person after its first claim.

    Args:
        until_seq: the last event of the log that is read; None: the log's last.
    """
    batches = list(store.scan(events=_WANTED, columns=_COLUMNS))
    if not batches:
        return TrainingLog(_EMPTY, _EMPTY_SEARCHES)
    log = pl.concat([pl.DataFrame(pl.from_arrow(batch)) for batch in batches], rechunk=False)
    return _read(log, consent_default, portraits, until_seq)


def read_people(store: Store, portraits: Portraits, subjects: Sequence[Subject], *, until_seq: int) -> pl.DataFrame:
    """Of the interactions of `read_log`, those of some people and devices, without reading the others.

    Args:
        subjects: users, and all the devices that they claimed.
        until_seq: the last event of the log that was read then.
    """
    events: dict[int, Event] = {}
    for subject in subjects:
        found = store.history(subject, before=FOREVER, limit=_ALL, events=_WANTED)
        events |= {event.seq: event for event in found}
    if not events:
        return _EMPTY
    log = pl.DataFrame(
        [_cells(events[seq]) for seq in sorted(events)],
        schema={name: _KINDS.get(name, pl.String) for name in _COLUMNS},
        orient="row",
    )
    read = _read(log, portraits.config.consent_default, portraits, until_seq).interactions
    return read.filter(pl.col("person").is_in(list(subjects)))


def _cells(event: Event) -> tuple[Any, ...]:
    lines = [{"item_id": line.item_id} for line in event.items]
    said = orjson.dumps(dict(event.properties), default=str).decode() if event.properties else None
    items = orjson.dumps(lines).decode() if lines else None
    who = (event.seq, event.event_id, event.event, event.subject, event.anonymous_id, event.user_id, event.item_id)
    return (*who, event.timestamp, event.query, items, said)


def _read(log: pl.DataFrame, consent_default: str, portraits: Portraits | None, until_seq: int | None) -> TrainingLog:
    """Interactions and searches of rows of the log in the order of `_COLUMNS`."""
    log = log.with_columns(pl.col("timestamp").dt.timestamp("us").alias("at"))
    if until_seq is not None:
        log = log.filter(pl.col("seq") <= until_seq)
    links = log.filter(pl.col("event") == "identify")
    denied = _denied(_with_persons(log.filter(pl.col("event") == "consent"), links), consent_default)
    rows = _item_rows(log.filter(pl.col("event").is_in(_INTEREST)))
    rows = _allowed(_with_persons(rows, links), denied, consent_default)
    if portraits is not None:
        edits = log.filter(pl.col("event").is_in(["profile_edit", "refund"]))
        rows = _without_taken_back(rows, edits, portraits, until_seq)
    searches = log.filter((pl.col("event") == "search") & pl.col("query").is_not_null())
    searches = _allowed(_with_persons(searches, links), denied, consent_default)
    return TrainingLog(
        rows.select("person", "item_id", "at", "weight", "event").sort("at", "person", maintain_order=True),
        searches.select("person", "at", "query").sort("at", "person", maintain_order=True),
    )


def _allowed(rows: pl.DataFrame, others: set[str], consent_default: str) -> pl.DataFrame:
    """Rows of people who consent to training; `others` are those whose word differs from the default."""
    differs = pl.col("person").is_in(list(others))
    return rows.filter(differs if consent_default == "denied" else ~differs)


def _item_rows(log: pl.DataFrame) -> pl.DataFrame:
    """Explode events of several items."""
    weights = {**WEIGHTS, "review": REVIEW_WEIGHT}
    lines = pl.col("items").str.json_decode(pl.List(pl.Struct({"item_id": pl.String})))
    named = lines.list.eval(pl.element().struct.field("item_id"))
    own = pl.concat_list(pl.col("item_id")).fill_null([])
    both = pl.when(pl.col("items").is_null()).then(own).otherwise(pl.concat_list(own, named)).list.drop_nulls()
    return (
        log.with_columns(both.list.unique(maintain_order=True).alias("named"))
        .with_columns(
            (
                pl.col("event").replace_strict(weights, default=0.0, return_dtype=pl.Float32)
                / pl.col("named").list.len().clip(lower_bound=1).sqrt()
            )
            .cast(pl.Float32)
            .alias("weight")
        )
        .drop("item_id")
        .explode("named")
        .rename({"named": "item_id"})
        .filter(pl.col("item_id").is_not_null())
    )


def _with_persons(rows: pl.DataFrame, links: pl.DataFrame) -> pl.DataFrame:
    undo = pl.col("properties").str.json_path_match("$.undo")
    return with_persons(rows, claims_of(standing_links(links.with_columns(undo.alias("undo")))))


def standing_links(links: pl.DataFrame) -> pl.DataFrame:
    """Links that were not undone, without the undoings.

    Args:
        links: `identify` events, columns `anonymous_id`, `event_id` and `undo` (id of the link that it takes back).
    """
    undone = links.filter(pl.col("undo").is_not_null()).select("anonymous_id", pl.col("undo").alias("event_id"))
    standing = links.filter(pl.col("undo").is_null() & pl.col("anonymous_id").is_not_null())
    return standing.join(undone, on=["anonymous_id", "event_id"], how="anti")


def claims_of(links: pl.DataFrame) -> pl.DataFrame:
    """Of each device who claimed it first, when, and how many did.

    Args:
        links: that stand, columns `anonymous_id`, `user_id`, `at`, `seq`.
    """
    return (
        links.sort("at", "seq")
        .group_by("anonymous_id")
        .agg(
            pl.col("user_id").first().alias("claimant"),
            pl.col("user_id").n_unique().alias("n_claimants"),
            pl.col("at").first().alias("claimed_at"),
            pl.col("seq").first().alias("claimed_seq"),
        )
    )


def with_persons(rows: pl.DataFrame, claims: pl.DataFrame) -> pl.DataFrame:
    """`person`: the subject, or the user who claimed it; up to the first claim where others claimed it too.

    Args:
        rows: columns `subject`, `anonymous_id`, `user_id` (null where nobody was logged in), `at`, `seq`.
        claims: of `claims_of`.
    """
    if claims.is_empty():
        return rows.with_columns(pl.col("subject").alias("person"))
    joined = rows.join(claims, on="anonymous_id", how="left", maintain_order="left")
    is_same = (pl.col("at") == pl.col("claimed_at")) & (pl.col("seq") <= pl.col("claimed_seq"))
    is_before = (pl.col("at") < pl.col("claimed_at")) | is_same
    belongs = pl.col("user_id").is_null() & ((pl.col("n_claimants") == 1) | is_before)
    return joined.with_columns(
        pl.when(belongs.fill_null(False)).then(pl.col("claimant")).otherwise(pl.col("subject")).alias("person")
    )


def _denied(consents: pl.DataFrame, default: str) -> set[str]:
    """People whose last word on training differs from the default."""
    said: dict[str, str] = {}
    for person, scope, status in (
        consents.sort("at", "seq")
        .select(
            "person",
            pl.col("properties").str.json_path_match("$.scope").fill_null("all").alias("scope"),
            pl.col("properties").str.json_path_match("$.status").alias("status"),
        )
        .iter_rows()
    ):
        if scope == "all" or "training" in scope:
            said[person] = status
    return {person for person, status in said.items() if status is not None and status != default}


def _without_taken_back(
    rows: pl.DataFrame, edits: pl.DataFrame, portraits: Portraits, until_seq: int | None
) -> pl.DataFrame:
    gone: list[tuple[str, str | None]] = []
    newest = edits["at"].max()
    if newest is None:
        return rows
    for person in edits["subject"].unique().sort().to_list():
        events = [
            event for event in portraits.events(person, before=FOREVER) if until_seq is None or event.seq <= until_seq
        ]
        resolved = resolve(events)
        gone += [(event_id, None) for event_id in resolved.excluded]
        gone += [(event_id, item) for event_id, items in resolved.refunded.items() for item in items]
    whole = [event_id for event_id, item in gone if item is None]
    lines = pl.DataFrame(
        [pair for pair in gone if pair[1] is not None],
        schema={"event_id": pl.String, "item_id": pl.String},
        orient="row",
    )
    return rows.filter(~pl.col("event_id").is_in(whole)).join(lines, on=["event_id", "item_id"], how="anti")


def to_interactions(rows: pl.DataFrame, item_ids: list[ItemId]) -> Interactions:
    """Rows as retrievers read them: an item that a person met several times in a day stands once, at its heaviest.

    People stand in the order of their ids. A person's latest 500 interactions are kept: beyond that it is a crawler or
    a reseller, whose pairs would drown the rest. Items outside `item_ids` are left out.
    """
    met = _merged(rows, item_ids)
    lengths = met.group_by("person", maintain_order=True).len()["len"].to_numpy()
    return Interactions(
        tuple(item_ids),
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        met["index"].to_numpy().astype(np.int32),
        met["at"].to_numpy().astype(np.float64) / _DAY,
        met["weight"].to_numpy().astype(np.float32),
    )


def people_of(rows: pl.DataFrame, item_ids: list[ItemId]) -> list[str]:
    """The people of `to_interactions`, in its order."""
    found: list[str] = _merged(rows, item_ids)["person"].unique(maintain_order=True).to_list()
    return found


def of_kind(rows: pl.DataFrame, item_ids: list[ItemId], event: str) -> NDArray[np.bool_]:
    """Which of the interactions of `to_interactions` hold an event of a kind, such as a purchase."""
    return _merged(rows.with_columns(kind=pl.col("event") == event), item_ids)["kind"].to_numpy()


def _merged(rows: pl.DataFrame, item_ids: list[ItemId]) -> pl.DataFrame:
    known = pl.DataFrame({"item_id": item_ids, "index": np.arange(len(item_ids), dtype=np.int32)})
    kind = pl.col("kind").any() if "kind" in rows.columns else pl.lit(True).alias("kind")
    return (
        rows.join(known, on="item_id", how="inner")
        .with_columns((pl.col("at") // _DAY).alias("day"))
        .group_by("person", "index", "day")
        .agg(pl.col("at").min(), pl.col("weight").max(), kind)
        .sort("person", "at", "index")
        .group_by("person", maintain_order=True)
        .tail(_MOST_EVENTS)
    )

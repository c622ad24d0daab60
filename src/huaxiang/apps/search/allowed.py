"""Whose events may be learned from, and whose they are: words on consent, links of devices, exclusions.

Ids are hashes of 64 bits, so that memory names nobody. What follows is as in training (`retrieval.log`): whoever denied
`training` is left out altogether, on whichever of their devices they said so; what was done while `analytics` was
denied, and is kept for another reason, is left out; so are events that their own person excluded.
"""

from typing import Final

import polars as pl

from huaxiang.collect.identity import sources
from huaxiang.profiles.fold import resolve
from huaxiang.retrieval.log import claims_of, standing_links, with_persons
from huaxiang.store import Store
from huaxiang.types import FOREVER, Event, Subject, anonymous_subject

_WANTED: Final = frozenset({"consent", "identify", "profile_edit"})
_COLUMNS: Final = ["seq", "event_id", "event", "subject", "anonymous_id", "timestamp", "properties"]
_ALL: Final = 2_000_000
_U64, _I64 = pl.UInt64(), pl.Int64()
_LINKS: Final = pl.DataFrame(schema={"anonymous_id": _U64, "user_id": _U64, "at": _I64, "seq": _I64})
_BOOL, _TEXT = pl.Boolean(), pl.String()
_WORDS: Final = pl.DataFrame(
    schema={"subject": _U64, "is_user": _BOOL, "at": _I64, "seq": _I64, "scope": _TEXT, "is_denied": _BOOL}
)
_SCOPES: Final = ("training", "analytics")


def hashed(column: str) -> pl.Expr:
    """An id of a column as 64 bits; null where there is none."""
    return pl.when(pl.col(column).is_not_null()).then(pl.col(column).hash(0))


class Allowed:
    """Follows what the log says of consent, links and exclusions, whenever it was said.

    Memory: 32 bytes for each device that a user claimed, some 40 for each word that differs from the default.
    """

    def __init__(self, store: Store, *, consent_default: str = "granted") -> None:
        self._store = store
        self._is_denied_by_default = consent_default == "denied"
        self._links, self._claims, self._words = _LINKS, claims_of(_LINKS), _WORDS
        self._spoke = pl.DataFrame(schema={"person": _U64, "is_denied": pl.Boolean()})
        self._analytics = pl.DataFrame(schema={"person": _U64, "at": _I64, "is_denied": pl.Boolean()})
        self.excluded = pl.DataFrame(schema={"event_id": pl.String()})

    def catch_up(self, after: int, until: int) -> tuple[bool, bool]:
        """Read what the log says between two sequence numbers, the second inclusive.

        Returns:
            Whether anything changed; and whether it takes back so much that everything must be read again, by another
            object and from the beginning.
        """
        batches = list(self._store.scan(after, events=_WANTED, columns=_COLUMNS))
        if not batches:
            return False, False
        log = pl.concat([pl.DataFrame(pl.from_arrow(batch)) for batch in batches]).filter(pl.col("seq") <= until)
        log = log.with_columns(pl.col("timestamp").dt.timestamp("us").alias("at"))
        edits = self._edits(log)
        links = _links(log)
        takes_back = not edits.is_empty() or not links.filter(pl.col("undo").is_not_null()).is_empty()
        if takes_back and after:
            return True, True
        words = _words(log, self._is_denied_by_default, self._words)
        if not edits.is_empty():
            self.excluded = self._excluded(edits)
        self._link(standing_links(links).select(_LINKS.columns))
        self._words = pl.concat([self._words, words])
        if not (links.is_empty() and words.is_empty()):
            self._listen()
        return not (links.is_empty() and words.is_empty()), False

    def _link(self, links: pl.DataFrame) -> None:
        """Claims of the devices that are new here are counted again."""
        met = links.select("anonymous_id").unique()
        own = pl.concat([self._links.join(met, on="anonymous_id", how="semi"), links]).sort("at", "seq")
        own = own.unique(["anonymous_id", "user_id"], keep="first", maintain_order=True)
        self._links = pl.concat([self._links.join(met, on="anonymous_id", how="anti"), own])
        self._claims = pl.concat([self._claims.join(met, on="anonymous_id", how="anti"), claims_of(own)])

    def _listen(self) -> None:
        """Of each person the last word on training, and every one on analytics in time order."""
        said = self.with_persons(self._words).sort("at", "seq")
        training = said.filter(pl.col("scope") == "training")
        self._spoke = training.unique("person", keep="last").select("person", "is_denied")
        self._analytics = said.filter(pl.col("scope") == "analytics").select("person", "at", "is_denied")

    def with_persons(self, rows: pl.DataFrame) -> pl.DataFrame:
        """`person` of each row.

        Args:
            rows: columns `subject`, `is_user` and `at`, and `seq` where one moment holds more than one event.
        """
        anonymous = pl.when(~pl.col("is_user")).then(pl.col("subject")).alias("anonymous_id")
        known = pl.when(pl.col("is_user")).then(pl.col("subject")).alias("user_id")
        given = rows if "seq" in rows.columns else rows.with_columns(pl.lit(0, pl.Int64).alias("seq"))
        found = with_persons(given.with_columns(anonymous, known), self._claims)
        return found.select([*(name for name in rows.columns if name != "person"), "person"])

    def permitted(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Rows that may be learned from, in their order.

        Args:
            rows: columns `person` and `at`.
        """
        by_default = self._is_denied_by_default
        kept = rows.join(self._spoke, on="person", how="left", maintain_order="left")
        kept = kept.filter(~pl.col("is_denied").fill_null(by_default)).drop("is_denied")
        if self._analytics.is_empty():
            return kept.clear() if by_default else kept
        kept = kept.with_row_index("_row").sort("at")
        words = self._analytics.rename({"at": "_said"})
        kept = kept.join_asof(words, left_on="at", right_on="_said", by="person", check_sortedness=False)
        kept = kept.filter(~pl.col("is_denied").fill_null(by_default)).sort("_row")
        return kept.select(rows.columns)

    def _edits(self, log: pl.DataFrame) -> pl.DataFrame:
        """Edits that exclude an event, or may take such a one back."""
        op = pl.col("properties").str.json_path_match("$.op")
        edits = log.filter((pl.col("event") == "profile_edit") & op.is_in(["exclude_event", "undo"]))
        excludes = not (self.excluded.is_empty() and edits.filter(op == "exclude_event").is_empty())
        return edits if excludes else edits.clear()

    def _excluded(self, edits: pl.DataFrame) -> pl.DataFrame:
        """Events that their own people excluded, by id."""
        found: set[str] = set()
        for subject in edits["subject"].unique().sort().to_list():
            found |= resolve(self._history(subject)).excluded
        return pl.DataFrame({"event_id": sorted(found)}, schema={"event_id": pl.String()})

    def _history(self, subject: Subject) -> list[Event]:
        own: dict[int, Event] = {}
        for source in sources(self._store, subject, before=FOREVER):
            events = self._store.history(source.subject, before=FOREVER, limit=_ALL)
            own |= {event.seq: event for event in events if source.holds(event)}
        return sorted(own.values(), key=lambda event: (event.timestamp, event.seq))


def _links(log: pl.DataFrame) -> pl.DataFrame:
    """Links of devices to users, in the columns of `retrieval.log.standing_links`."""
    links = log.filter(
        (pl.col("event") == "identify")
        & pl.col("anonymous_id").is_not_null()
        & ~pl.col("subject").str.starts_with(anonymous_subject(""))
    )
    undo = pl.col("properties").str.json_path_match("$.undo").alias("undo")
    device = (pl.lit(anonymous_subject("")) + pl.col("anonymous_id")).alias("anonymous_id")
    ids = hashed("anonymous_id").alias("anonymous_id"), hashed("subject").alias("user_id")
    return links.with_columns(undo, device).select(*ids, "at", "seq", "event_id", "undo")


def _words(log: pl.DataFrame, is_denied_by_default: bool, before: pl.DataFrame) -> pl.DataFrame:
    """Words on training and analytics, one a row.

    Where the default grants, a grant of an id that never denied is left out: a shop that asks everyone at the door
    would keep one for each visitor. Who denied on one device and granted on another therefore stays denied.
    """
    consents = log.filter(pl.col("event") == "consent").with_columns(
        pl.col("properties").str.json_path_match("$.scope").fill_null("all").alias("scopes"),
        pl.col("properties").str.json_path_match("$.status").alias("status"),
    )
    consents = consents.filter(pl.col("status").is_in(["granted", "denied"]))
    says = [
        consents.filter(
            pl.col("scopes").is_in(["all", scope])
            | (pl.col("scopes").str.starts_with("[") & pl.col("scopes").str.contains(f'"{scope}"', literal=True))
        ).with_columns(pl.lit(scope).alias("scope"))
        for scope in _SCOPES
    ]
    said = pl.concat(says).select(
        hashed("subject").alias("subject"),
        (~pl.col("subject").str.starts_with(anonymous_subject(""))).alias("is_user"),
        "at",
        "seq",
        "scope",
        (pl.col("status") == "denied").alias("is_denied"),
    )
    if is_denied_by_default:
        return said
    denials = said.filter("is_denied")
    spoke = pl.concat([denials.select("subject", "scope"), before.select("subject", "scope")]).unique()
    return said.join(spoke, on=["subject", "scope"], how="semi")

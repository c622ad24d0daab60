"""The nouns of the system: frozen, and checked once, when they are made.

Raw payloads become these in `collect`; past that line nobody re-checks.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from huaxiang.errors import DataError

UserId: TypeAlias = str
ItemId: TypeAlias = str
EventId: TypeAlias = str
Subject: TypeAlias = str
"""Whose history an event is in: a user id, or `anonymous_subject(anonymous_id)`."""
Vectors: TypeAlias = NDArray[np.float32]

EVENT_NAMES: Final[frozenset[str]] = frozenset(
    [
        *("view_item", "view_item_list", "select_item", "search", "add_to_cart", "remove_from_cart", "add_to_wishlist"),
        *("view_cart", "begin_checkout", "purchase", "refund", "review", "like", "dislike", "share"),
        *("set_user", "set_item", "delete_item", "identify", "consent", "profile_edit", "support_message", "post"),
    ]
)
"""Canonical event names: Google Analytics 4's where it has one."""

FOREVER: Final = datetime(9999, 1, 1, tzinfo=UTC)
"""Later than any event: a reading of everything."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

REACHING_BACK: Final[frozenset[str]] = frozenset(["identify", "consent", "profile_edit", "refund"])
"""Events that change how earlier events are read, whatever their own time."""

CONSENT_SCOPES: Final[tuple[str, ...]] = ("analytics", "personalisation", "advertising", "service", "training")

_ANONYMOUS: Final = "\x1f"


def anonymous_subject(anonymous_id: str) -> Subject:
    """The history that an anonymous id's events are kept under; no user id can collide with it."""
    return _ANONYMOUS + anonymous_id


def is_anonymous(subject: Subject) -> bool:
    """Whether a subject is an anonymous id rather than a user."""
    return subject.startswith(_ANONYMOUS)


def check_id(name: str, value: str) -> None:
    """Refuse the few ids that a store could not keep apart: empty, over 512 characters, U+0000, leading U+001F."""
    if not value:
        raise DataError(f"{name} is empty; give the shop's own id, any text of 1 to 512 characters")
    if len(value) > 512:
        raise DataError(f"{name} has {len(value)} characters; the longest id is 512")
    if "\x00" in value or value.startswith(_ANONYMOUS):
        raise DataError(f"{name} {value!r} holds U+0000 or begins with U+001F; remove that control character")


def check_aware(name: str, value: datetime) -> datetime:
    """The same moment in UTC; a naive time is refused because its zone would be a guess."""
    if value.tzinfo is None:
        raise DataError(f"{name} {value.isoformat()} has no time zone; add one, such as 'Z' or '+08:00'")
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise DataError(f"{name} {value.isoformat()} lies outside the years 1 to 9999 in UTC") from None


def _check_number(name: str, value: float | None, low: float = -math.inf, high: float = math.inf) -> None:
    if value is not None and not (math.isfinite(value) and low <= value <= high):
        raise DataError(f"{name} is {value}; it must be a finite number from {low} to {high}")


@dataclass(frozen=True, slots=True)
class LineItem:
    """One line of an event that names several items: a basket, an order, a list shown."""

    item_id: ItemId
    price: float | None = None
    quantity: float | None = None
    index: int | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_id("items[].item_id", self.item_id)
        _check_number("items[].price", self.price, 0.0)
        _check_number("items[].quantity", self.quantity, 0.0)


@dataclass(frozen=True, slots=True)
class Reading:
    """What the text of an event was read as, once, at intake.

    Attributes:
        reader: version of the reader, so that one command re-reads what an older one read.
        language: ISO 639-1 code, `"und"` where undecided.
        polarity: sentiment in [-1, 1]; None where the text carries none.
        strength: how much sentiment there is, in [0, 1].
        aspects: aspect name (delivery, price, quality ...) to its polarity in [-1, 1].
        keywords: the terms that carry the text, best first.
    """

    reader: str
    language: str = "und"
    polarity: float | None = None
    strength: float = 0.0
    aspects: Mapping[str, float] = field(default_factory=dict)
    keywords: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that one subject did at one moment; the fields are those of CONVENTIONS, GA4's names.

    `seq` and `received_at` are given by the store; `reading` by intake. An empty `event_id` becomes a digest of the
    content, so a retry of the same event is recognised.
    """

    event: str
    timestamp: datetime
    user_id: UserId | None = None
    item_id: ItemId | None = None
    event_id: EventId = ""
    anonymous_id: str | None = None
    session_id: str | None = None
    value: float | None = None
    currency: str | None = None
    quantity: float | None = None
    rating: float | None = None
    text: str | None = None
    query: str | None = None
    query_id: str | None = None
    request_id: str | None = None
    position: int | None = None
    items: tuple[LineItem, ...] = ()
    experiment: str | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)
    reading: Reading | None = None
    seq: int = 0
    received_at: datetime | None = None

    def __post_init__(self) -> None:
        if self.event not in EVENT_NAMES:
            raise DataError(f"unknown event {self.event!r}; known: {', '.join(sorted(EVENT_NAMES))}")
        if self.timestamp.tzinfo is not UTC:
            object.__setattr__(self, "timestamp", check_aware("timestamp", self.timestamp))
        for name in ("user_id", "item_id", "anonymous_id", "session_id"):
            if (value := getattr(self, name)) is not None:
                check_id(name, value)
        if self.user_id is None and self.anonymous_id is None and self.event not in _WITHOUT_SUBJECT:
            raise DataError(f"{self.event} names nobody: give user_id, anonymous_id or session_id")
        _check_number("value", self.value)
        _check_number("quantity", self.quantity, 0.0)
        _check_number("rating", self.rating)
        if not self.event_id:
            object.__setattr__(self, "event_id", self._digest())
        check_id("event_id", self.event_id)

    def _digest(self) -> EventId:
        said = (self.event, self.timestamp, self.user_id, self.anonymous_id, self.session_id, self.item_id, self.value)
        more = (self.quantity, self.rating, self.text, self.query, self.request_id, self.position, self.items)
        content = repr((said, more, sorted(self.properties.items())))
        return "h-" + hashlib.blake2b(content.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()

    @property
    def subject(self) -> Subject:
        """Whose history the event is in: the user's, else the anonymous id's, else the catalogue's (empty)."""
        if self.user_id is not None:
            return self.user_id
        return anonymous_subject(self.anonymous_id) if self.anonymous_id is not None else ""

    @property
    def item_ids(self) -> tuple[ItemId, ...]:
        """Every item the event names, its own first, without repeats."""
        if self.items:
            return named_items(self.item_id, self.items)
        return () if self.item_id is None else (self.item_id,)

    @property
    def micros(self) -> int:
        """Whole microseconds from 1970 to its moment."""
        return (self.timestamp - _EPOCH) // _MICROSECOND


def named_items(item_id: ItemId | None, lines: Sequence[LineItem]) -> tuple[ItemId, ...]:
    """An event's own item first, then those of its lines, without repeats."""
    own = () if item_id is None else (item_id,)
    return tuple(dict.fromkeys((*own, *(line.item_id for line in lines)))) if lines else own


_WITHOUT_SUBJECT: Final = frozenset({"set_item", "delete_item", "post"})


@dataclass(frozen=True, slots=True)
class Item:
    """A thing that can be shown: a product, an ad, an answer. Field names follow Schema.org Product.

    Attributes:
        category: path from the widest to the narrowest, such as `("Home", "Tea", "Pots")`.
        price: in `currency`, None where unknown.
        attributes: Schema.org `additionalProperty`: name to its values.
    """

    item_id: ItemId
    name: str = ""
    brand: str | None = None
    category: tuple[str, ...] = ()
    description: str = ""
    image: str | None = None
    price: float | None = None
    currency: str | None = None
    in_stock: bool = True
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_id("item_id", self.item_id)
        _check_number("price", self.price, 0.0)


@dataclass(frozen=True, slots=True)
class Facet:
    """One readable statement of a profile and what it rests on.

    Attributes:
        facet: its kind: `brand`, `category`, `attribute:<name>`, `keyword`, `price_band`, `search`, `unbought` ...
        score: strength among the facets of its kind, in [-1, 1]; negative is a dislike.
        confidence: in [0, 1]; of an interest, the chance that something with it is among what the person meets on their
            next day; of what they stated 1; of a need or a dislike how much evidence there is.
        half_life_days: after how long without events the score's mass halves.
        evidence: ids of the newest events behind it, newest first, at most eight.
        related: of a keyword, words that stand for like things in this shop, nearest first; evidence of nothing.
    """

    facet: str
    value: str
    score: float
    confidence: float
    half_life_days: float
    evidence: tuple[EventId, ...]
    last_seen: datetime
    related: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not (-1.0 <= self.score <= 1.0 and 0.0 <= self.confidence <= 1.0):
            _check_number("score", self.score, -1.0, 1.0)
            _check_number("confidence", self.confidence, 0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of a user strictly before `as_of`: a fold of the log, no model.

    Attributes:
        behaviour: plain figures: recency in days, frequency, spend, counts by event, price sensitivity, loyalty, hours
            (UTC), the chance to buy again; None where too little is known.
        mood: polarity in [-1, 1] of the recent texts with its evidence; empty where there are none.
        consents: scope to `granted` or `denied`.
        version: changes whenever any event behind the profile does.
    """

    user_id: UserId
    as_of: datetime
    interests: tuple[Facet, ...] = ()
    needs: tuple[Facet, ...] = ()
    behaviour: Mapping[str, Any] = field(default_factory=dict)
    mood: Mapping[str, Any] = field(default_factory=dict)
    summary: str = ""
    consents: Mapping[str, str] = field(default_factory=dict)
    version: str = ""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an item was shown: the events it rests on, and how much of its score they carry.

    Attributes:
        effect: share of the item's score that goes when the evidence is removed, in [-1, 1].
    """

    kind: str
    text: str
    facet: str | None
    evidence: tuple[EventId, ...]
    effect: float


@dataclass(frozen=True, slots=True)
class Ranked:
    """Items best first, with the scores that put them there and, where asked for, the reasons."""

    item_ids: tuple[ItemId, ...]
    scores: NDArray[np.float32]
    reasons: tuple[tuple[Reason, ...], ...] = ()

    def __post_init__(self) -> None:
        if self.scores.shape != (len(self.item_ids),):
            raise DataError(f"{len(self.item_ids)} items but scores of shape {self.scores.shape}")
        if self.reasons and len(self.reasons) != len(self.item_ids):
            raise DataError(f"{len(self.item_ids)} items but reasons for {len(self.reasons)}")

    def top(self, k: int) -> "Ranked":
        """The first `k`."""
        return Ranked(self.item_ids[:k], self.scores[:k], self.reasons[:k])

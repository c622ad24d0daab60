"""A search as it is asked for, and its answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from huaxiang.apps.search.understanding import Understood
from huaxiang.types import ItemId, Reason, UserId

MOST_OFFSET = 9_900
"""Items that may be passed over; beyond them nobody looks, and everybody who copies a catalogue does."""


@dataclass(frozen=True, slots=True)
class SearchAsk:
    """One request.

    Attributes:
        user_id: whose profile orders the page; None: nobody's.
        offset: items passed over, for pages after the first.
        where: filter of items, as in `ranking.rules.compile_filter`; its fields must be known.
        personalise: how much the profile may do, 0: nothing, 1: all that it may.
        explain: with reasons for each item.
    """

    query: str
    user_id: UserId | None = None
    k: int = 20
    offset: int = 0
    where: Mapping[str, Any] = field(default_factory=dict)
    personalise: float = 1.0
    explain: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """An item of the page.

    Attributes:
        matched: for each field of the item the words of the query that it has.
        parts: what each feature added to the score.
    """

    item_id: ItemId
    score: float
    matched: Mapping[str, tuple[str, ...]]
    parts: Mapping[str, float]
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class SearchAnswer:
    """A page of items.

    Attributes:
        query_id: to be sent with what is clicked and bought, so that the shop's search learns from it.
        relaxed: what of the query was given up so that the page is not empty, in the order in which it was.
        facets: values of the items that match, with how many have each, by field.
        total: items that can be paged through. matching: of these, how many have every word that is needed; the others
            have some, or are near in meaning.
        release: whose vectors and profiles were used; None: words alone, because there is no release yet.
        personalised: how much the profile counted, 0 to 1: little where the query says exactly what it wants.
    """

    request_id: str
    query_id: str
    understood: Understood
    relaxed: tuple[Mapping[str, Any], ...]
    found: tuple[Found, ...]
    facets: Mapping[str, Mapping[str, int]]
    total: int
    matching: int
    release: str | None
    personalised: float
    took_ms: float

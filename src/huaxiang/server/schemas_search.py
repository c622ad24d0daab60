"""What comes in and goes out of search over HTTP."""

from itertools import islice
from typing import Any

from pydantic import BaseModel, Field, JsonValue

from huaxiang.apps.search.asking import MOST_OFFSET, Found, SearchAnswer
from huaxiang.collect.catalogue import Catalogue
from huaxiang.server.schemas import ReasonOut, Strict
from huaxiang.types import Item

MOST_FACETS = 12
MOST_VALUES = 20


class SearchIn(Strict):
    """What is searched for, and by whom."""

    query: str = Field(max_length=20_000)
    user_id: str | None = Field(default=None, min_length=1, max_length=512)
    k: int = Field(default=20, ge=1, le=100)
    offset: int = Field(default=0, ge=0, le=MOST_OFFSET)
    filter: dict[str, JsonValue] | None = None
    personalise: float = Field(default=1.0, ge=0.0, le=1.0, description="0: the same for everybody")
    explain: bool = False


class FoundOut(BaseModel):
    """An item of the page. `matched`: the words of the query by the field they stand in; `parts`: what each feature
    added to the score."""

    item_id: str
    score: float
    rank: int
    name: str
    price: float | None
    matched: dict[str, list[str]]
    parts: dict[str, float]
    reasons: list[ReasonOut]


class CountOut(BaseModel):
    """A value of a facet, and how many of the items that match have it."""

    value: str
    count: int


class FacetCountsOut(BaseModel):
    """A field with its commonest values."""

    field: str
    values: list[CountOut]


class SearchOut(BaseModel):
    """A page. `relaxed` says what of the query was given up so that the page is not empty; `release` is null where
    words alone answered; `query_id` belongs into the events of what is clicked and bought."""

    request_id: str
    query_id: str
    release: str | None
    understood: dict[str, Any]
    relaxed: list[dict[str, Any]]
    items: list[FoundOut]
    facets: list[FacetCountsOut]
    total: int
    matching: int
    personalised: float
    took_ms: float


def search_out(answer: SearchAnswer, catalogue: Catalogue, first_rank: int) -> SearchOut:
    """An answer as it is said; ranks go on from page to page.

    It is read from one nested mapping: to make an object for each of some hundred counts takes twice as long.
    """
    items = [_found(found, catalogue.get(found.item_id), rank) for rank, found in enumerate(answer.found, first_rank)]
    return SearchOut.model_validate(
        {
            "request_id": answer.request_id,
            "query_id": answer.query_id,
            "release": answer.release,
            "understood": answer.understood.to_json(),
            "relaxed": [dict(one) for one in answer.relaxed],
            "items": items,
            "facets": facets_out(answer),
            "total": answer.total,
            "matching": answer.matching,
            "personalised": answer.personalised,
            "took_ms": answer.took_ms,
        }
    )


def _found(found: Found, item: Item | None, rank: int) -> dict[str, Any]:
    return {
        "item_id": found.item_id,
        "score": round(found.score, 6),
        "rank": rank,
        "name": item.name if item is not None else "",
        "price": item.price if item is not None else None,
        "matched": {field: list(words) for field, words in found.matched.items()},
        "parts": found.parts,
        "reasons": [ReasonOut.of(reason) for reason in found.reasons],
    }


def facets_out(answer: SearchAnswer) -> list[dict[str, Any]]:
    """Brand and category first, then the attributes that most of the items have; a dozen fields of 20 values."""
    own = [field for field in ("category", "brand") if field in answer.facets]
    others = [field for field in answer.facets if field not in own]
    others.sort(key=lambda field: (-sum(answer.facets[field].values()), field))
    return [
        {
            "field": field.removeprefix("attribute:"),
            "values": [{"value": value, "count": n} for value, n in islice(answer.facets[field].items(), MOST_VALUES)],
        }
        for field in (own + others)[:MOST_FACETS]
    ]

"""Completions while a query is typed."""

import time
from typing import Final

from fastapi import APIRouter, Response

from huaxiang.errors import DataError
from huaxiang.server.schemas import SuggestionOut, SuggestOut
from huaxiang.server.security import ShopDep

router = APIRouter(prefix="/v1", tags=["search"])

_MOST: Final = 50


@router.get("/suggest", response_model=SuggestOut, response_model_exclude_none=True)
def suggest(shop: ShopDep, q: str = "", k: int = 8, user_id: str | None = None) -> Response:
    """Queries of others, categories, brands and items that begin like `q`; what `user_id` likes comes first."""
    if not 1 <= k <= _MOST:
        raise DataError(f"k is {k}; it must be from 1 to {_MOST}")
    started = time.perf_counter()
    found = [
        SuggestionOut(text=one.text, kind=one.kind, highlight=list(one.highlight), scope=dict(one.scope) or None)
        for one in shop.suggest(q, k, user_id)
    ]
    took = (time.perf_counter() - started) * 1000
    said = SuggestOut(suggestions=found, took_ms=round(took, 3))
    return Response(said.model_dump_json(exclude_none=True), media_type="application/json")

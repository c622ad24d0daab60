"""Search for a person, or for nobody."""

from datetime import UTC, datetime

from fastapi import APIRouter, Response

from huaxiang.apps.search.asking import SearchAsk
from huaxiang.server.schemas import answered
from huaxiang.server.schemas_search import SearchIn, SearchOut, search_out
from huaxiang.server.security import ShopDep

router = APIRouter(prefix="/v1", tags=["search"])


@router.post("/search", response_model=SearchOut)
def search(ask: SearchIn, shop: ShopDep) -> Response:
    """Items that answer the query, in the order of `user_id`'s profile as far as the query leaves it open."""
    answer = shop.search(
        SearchAsk(
            query=ask.query,
            user_id=ask.user_id,
            k=ask.k,
            offset=ask.offset,
            where=ask.filter or {},
            personalise=ask.personalise,
            explain=ask.explain,
        ),
        now=datetime.now(UTC),
    )
    return answered(search_out(answer, shop.catalogue, ask.offset + 1))

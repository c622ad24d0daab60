"""Recommendation for a person or for a session without a person."""

from datetime import UTC, datetime

from fastapi import APIRouter, Response

from huaxiang.apps.recommend import Ask
from huaxiang.server.schemas import RecommendIn, RecommendOut, answered, ranked_items
from huaxiang.server.security import ShopDep
from huaxiang.types import check_aware

router = APIRouter(prefix="/v1", tags=["recommend"])


@router.post("/recommend", response_model=RecommendOut)
def recommend(ask: RecommendIn, shop: ShopDep) -> Response:
    """The k best items for `user_id`, or for the events of `session`, with reasons where `explain` is set."""
    now = datetime.now(UTC) if ask.as_of is None else check_aware("as_of", ask.as_of)
    answer = shop.recommend(
        Ask(
            user_id=ask.user_id,
            session=ask.session,
            k=ask.k,
            where=ask.filter or {},
            explain=ask.explain,
            item_ids=ask.candidates,
            diversity=ask.diversity,
        ),
        now=now,
    )
    return answered(
        RecommendOut(
            request_id=answer.request_id,
            release=answer.release,
            basis=answer.basis,
            arranged=list(answer.arranged),
            items=ranked_items(answer.ranked),
            took_ms=answer.took_ms,
        )
    )

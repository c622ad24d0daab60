"""Audiences: how many people match a filter or are like given people, and who, above the floor."""

from datetime import UTC, datetime

from fastapi import APIRouter, Response

from huaxiang.apps.audience import Ask, Like
from huaxiang.server.schemas import AudienceIn, AudienceOut, MemberOut, SizeOut
from huaxiang.server.security import ShopDep

router = APIRouter(prefix="/v1", tags=["audiences"])


@router.post("/audiences", response_model=AudienceOut, response_model_exclude_none=True)
def post_audience(ask: AudienceIn, shop: ShopDep) -> Response:
    """Count an audience over the store as it is now, or name its members; groups below the floor are not told of."""
    like = None if ask.like is None else Like(ask.like.user_ids, ask.like.filter, ask.like.method)
    answer = shop.audiences.answer(Ask(ask.filter or {}, like, ask.k, ask.export), now=datetime.now(UTC))
    named = answer.members
    members = None if named is None else [MemberOut(user_id=user, score=score) for user, score in named]
    said = AudienceOut(
        count=answer.size.count,
        fewer_than=answer.size.fewer_than,
        floor=answer.floor,
        excluded_by_consent=SizeOut.of(answer.excluded),
        members=members,
        withheld=answer.withheld,
        release=answer.release,
        took_ms=answer.took_ms,
    )
    return Response(said.model_dump_json(exclude_none=True), media_type="application/json")

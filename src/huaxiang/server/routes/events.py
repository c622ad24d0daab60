"""Events in, durable before the answer; and their live stream out."""

import time
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import StreamingResponse

from huaxiang.server.schemas import EventsOut, RejectedOut, answered
from huaxiang.server.security import ShopDep, TenantDep

router = APIRouter(prefix="/v1", tags=["events"])


async def body_of(request: Request) -> bytes:
    """The whole body; `Bounded` refuses one over the configured size."""
    return await request.body()


@router.post(
    "/events",
    response_model=EventsOut,
    openapi_extra={"requestBody": {"content": {"application/json": {}, "application/x-ndjson": {}}, "required": True}},
)
def post_events(request: Request, shop: ShopDep, body: Annotated[bytes, Depends(body_of)]) -> Response:
    """Take one event, an array, or NDJSON. What is accepted survives `kill -9`; the rest is named with its reason."""
    started = time.perf_counter()
    taken = shop.intake.take_body(body, request.headers.get("content-type", ""))
    rejected = [RejectedOut(index=bad.index, reason=bad.reason) for bad in taken.rejected]
    took = (time.perf_counter() - started) * 1000
    return answered(
        EventsOut(accepted=taken.accepted, duplicates=taken.duplicates, rejected=rejected, took_ms=round(took, 3))
    )


@router.get("/events/live")
def live(request: Request, tenant: TenantDep) -> StreamingResponse:
    """Accepted events as server-sent events, from now on."""
    stream = request.app.state.shops.live(tenant).stream()
    return StreamingResponse(stream, media_type="text/event-stream", headers={"Cache-Control": "no-store"})

"""Items in and out, and items like an item. A change of an item is an event like any other."""

import time
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Response
from starlette.exceptions import HTTPException

from huaxiang.collect.catalogue import item_from, item_to
from huaxiang.errors import DataError
from huaxiang.server.schemas import EventsOut, ItemIn, RejectedOut, SimilarOut, ranked_items
from huaxiang.server.security import ShopDep
from huaxiang.shop import Shop

router = APIRouter(prefix="/v1/items", tags=["items"])


@router.get("/{item_id:id}/similar")
def similar(item_id: str, shop: ShopDep, k: int = 10) -> SimilarOut:
    """Items like this one, best first."""
    if not 1 <= k <= 1000:
        raise DataError(f"k is {k}; it must be from 1 to 1000")
    started = time.perf_counter()
    pipeline = shop.pipeline
    ranked = pipeline.similar_items([item_id], k)[0]
    took = (time.perf_counter() - started) * 1000
    return SimilarOut(release=pipeline.release_id, items=ranked_items(ranked), took_ms=round(took, 3))


@router.get("/{item_id:id}")
def get_item(item_id: str, shop: ShopDep) -> dict[str, Any]:
    """The item as the shop sees it now."""
    item = shop.catalogue.get(item_id)
    if item is None:
        raise HTTPException(404, f"no item {item_id!r} in the catalogue")
    return {"item_id": item_id} | item_to(item)


@router.put("/{item_id:id}", status_code=204)
def put_item(item_id: str, item: ItemIn, shop: ShopDep) -> Response:
    """Set an item; it can be recommended by its text at once."""
    if item.item_id not in (None, item_id):
        raise DataError(f"the path names item {item_id!r} and the body {item.item_id!r}; let them agree")
    _set(shop, [item.model_copy(update={"item_id": item_id})], whole=True)
    return Response(status_code=204)


@router.delete("/{item_id:id}", status_code=204)
def delete_item(item_id: str, shop: ShopDep) -> Response:
    """Take an item out of the shop; it is not shown again. The history that names it stays."""
    if item_id not in shop.catalogue:
        raise HTTPException(404, f"no item {item_id!r} in the catalogue")
    shop.intake.take([{"event": "delete_item", "item_id": item_id, "timestamp": datetime.now(UTC).isoformat()}])
    return Response(status_code=204)


@router.post("")
def post_items(items: list[ItemIn], shop: ShopDep) -> EventsOut:
    """Set many items at once."""
    started = time.perf_counter()
    accepted, rejected = _set(shop, items, whole=False)
    took = (time.perf_counter() - started) * 1000
    return EventsOut(accepted=accepted, duplicates=0, rejected=rejected, took_ms=round(took, 3))


def _set(shop: Shop, items: list[ItemIn], *, whole: bool) -> tuple[int, list[RejectedOut]]:
    """Append `set_item` events; with `whole` they replace the items, and one bad item is the request's error."""
    now = datetime.now(UTC).isoformat()
    payloads = []
    for item in items:
        said = item.model_dump(exclude={"item_id"}, exclude_unset=True, by_alias=True)
        if whole:  # said in full, so that what the body leaves out is not kept from the item before
            said = item_to(item_from(item.item_id or "", said))
        payloads.append({"event": "set_item", "item_id": item.item_id, "timestamp": now, "properties": said})
    taken = shop.intake.take(payloads)
    if whole and taken.rejected:
        raise DataError(taken.rejected[0].reason)
    return taken.accepted, [RejectedOut(index=bad.index, reason=bad.reason) for bad in taken.rejected]

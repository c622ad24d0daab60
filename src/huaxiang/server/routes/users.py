"""People, their profiles, the evidence behind them, the edits that they make, and what they may ask of the shop."""

from datetime import UTC, datetime
from typing import Any

import orjson
from fastapi import APIRouter, Response

from huaxiang.errors import DataError
from huaxiang.privacy import erase, export
from huaxiang.server.live import brief
from huaxiang.server.schemas import PatchIn, ProfileOut, UserOut, UsersOut
from huaxiang.server.security import ShopDep, VisitorDep
from huaxiang.types import check_aware

router = APIRouter(prefix="/v1/users", tags=["users"])

_MAX_EVIDENCE = 1_000


@router.get("")
def list_users(shop: ShopDep, limit: int = 100, after: str | None = None) -> UsersOut:
    """A page of people in id order."""
    if not 1 <= limit <= 1000:
        raise DataError(f"limit is {limit}; it must be from 1 to 1000")
    page = shop.store.users(after, limit)
    users = [UserOut(user_id=user.user_id, last_seen=user.last_seen, n_events=user.n_events) for user in page]
    return UsersOut(users=users, after=page[-1].user_id if len(page) == limit else None)


def _moment(as_of: datetime | None) -> datetime:
    return datetime.now(UTC) if as_of is None else check_aware("as_of", as_of)


@router.get("/{user_id:id}/profile/evidence")
def evidence(
    user_id: str, shop: ShopDep, visitor: VisitorDep, as_of: datetime | None = None, limit: int = 200
) -> dict[str, Any]:
    """The newest events that the profile was read from, newest first."""
    if not 1 <= limit <= _MAX_EVIDENCE:
        raise DataError(f"limit is {limit}; it must be from 1 to {_MAX_EVIDENCE}")
    stored = visitor.reads(shop, user_id, "evidence")
    events = shop.portraits.events(stored, before=_moment(as_of))
    newest = events[::-1][:limit]
    named = {item_id for event in newest for item_id in event.item_ids}
    names = {item_id: item.name if (item := shop.catalogue.get(item_id)) else None for item_id in sorted(named)}
    said = [brief(event) for event in newest]
    return {"user_id": user_id, "n_events": len(events), "events": said, "item_names": names}


@router.get("/{user_id:id}/profile")
def get_profile(user_id: str, shop: ShopDep, visitor: VisitorDep, as_of: datetime | None = None) -> ProfileOut:
    """The profile as known strictly before a moment, by default now; empty for a stranger."""
    stored = visitor.reads(shop, user_id, "profile")
    return ProfileOut.of(shop.portraits.profile(stored, now=_moment(as_of)))


@router.patch("/{user_id:id}/profile")
def patch_profile(user_id: str, patch: PatchIn, shop: ShopDep, visitor: VisitorDep) -> ProfileOut:
    """Edit a profile; each edit is an event, so it can be undone by its `edit_id`."""
    edits = [edit.model_dump(exclude_none=True) for edit in patch.edits]
    profile, names = shop.edit_profile(user_id, edits)
    visitor.audit.note(shop.gate.raw(user_id), "edit", by=visitor.by, edits=len(edits))
    return ProfileOut.of(profile, names)


@router.delete("/{user_id:id}/profile")
def erase_person(user_id: str, shop: ShopDep, visitor: VisitorDep) -> dict[str, Any]:
    """Erase the person and every device that they claimed, for good; the answer is the signed receipt."""
    return erase(shop, user_id, by=visitor.by).to_json()


@router.get("/{user_id:id}/export")
def export_person(user_id: str, shop: ShopDep, visitor: VisitorDep) -> Response:
    """Everything that is known of the person, as one JSON document."""
    said = export(shop, user_id)
    visitor.audit.note(said["user_id"], "export", by=visitor.by)
    return Response(orjson.dumps(said), media_type="application/json")

"""Everything that is known of a person, in one JSON document that the person can read."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

from huaxiang.privacy.audit import Audit
from huaxiang.privacy.person import Known, known
from huaxiang.shop import Shop
from huaxiang.types import Event

_KINDS: Final = ("snapshot", "elsewhere", "analytics")


def export(shop: Shop, user_id: str, *, now: datetime | None = None) -> dict[str, Any]:
    """Profile, consents, devices, every event, records kept under the person's ids, and who read the profile.

    Raises:
        DataError: the id breaks a rule.
    """
    now = now or datetime.now(UTC)
    person = known(shop.gate, user_id)
    profile = shop.portraits.profile(person.stored, now=now)
    audit = Audit(shop.store, shop.gate.keys)
    return {
        "user_id": person.raw,
        "kept_as": person.stored,
        "made_at": now,
        "profile": asdict(profile),
        "consents": dict(profile.consents),
        "devices": [device[1:] for device in person.raw_devices],
        "n_events": len(person.events),
        "events": [plain_event(event) for event in person.events],
        "records": _records(shop, person),
        "read_by": [asdict(row) for row in audit.of(person.raw)],
    }


def plain_event(event: Event) -> dict[str, Any]:
    """An event as it is kept, without what is empty."""
    return {name: value for name, value in asdict(event).items() if value not in (None, "", (), {})}


def _records(shop: Shop, person: Known) -> list[dict[str, Any]]:
    found = []
    for kind in _KINDS:
        for name, record in shop.store.get(kind, list(person.subjects)).items():
            found.append({"kind": kind, "under": name.lstrip("\x1f"), "body": dict(record.body)})
    return found

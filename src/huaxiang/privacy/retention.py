"""Retention: what is older than the shop keeps things is removed."""

from datetime import datetime
from typing import Final

from huaxiang.privacy.audit import AUDIT
from huaxiang.shop import Shop
from huaxiang.store import open_store
from huaxiang.store.backup import Backup, Backups

KEPT: Final = frozenset({"set_item", "delete_item", "consent", "identify", "profile_edit"})
"""The catalogue, and what people said of their own data: it holds until they say otherwise."""
_KINDS: Final = frozenset({AUDIT})


def retain(shop: Shop, *, before: datetime) -> dict[str, int]:
    """Remove events, quarantine files, backups and audit rows from before a moment; how many of each.

    A backup is removed whole, by when it was made; one that stays loses the old events too. A release is not changed:
    it holds counts, not events, and the next training learns from what is left.
    """
    expired = shop.store.expire(before=before, keep=KEPT, kinds=_KINDS)
    shop.gate.change()  # other processes let go of what they keep of people
    shop.forget()
    return {
        "events": expired.events,
        "audit rows": expired.kinds.get(AUDIT, 0),
        "quarantine files": _quarantine(shop, before),
        "backups": _backups(shop, before),
    }


def _quarantine(shop: Shop, before: datetime) -> int:
    files = (shop.settings.data_dir / "quarantine").glob("*.jsonl")
    old = [path for path in files if path.stat().st_mtime < before.timestamp()]
    for path in old:
        path.unlink()
    return len(old)


def _backups(shop: Shop, before: datetime) -> int:
    backups = Backups(shop.settings.data_dir / "backups")
    n = 0
    with backups.alone():
        for backup in backups.list():
            if backup.made_at < before:
                backups.delete(backup.name)
                n += 1
            elif shop.tenant in backup.databases:
                _expire_in(backup, shop.tenant, before)
                backups.reseal(backup.name)  # where nothing was that old too: opening a database changes its file
    return n


def _expire_in(backup: Backup, tenant: str, before: datetime) -> None:
    store = open_store(f"sqlite:///{backup.path / 'shop.db'}", tenant)
    try:
        store.expire(before=before, keep=KEPT, kinds=_KINDS)
    finally:
        store.close()

"""Erasing a person: from the log, the records, memory, quarantine, backups and the release, with a signed receipt.

First the gate is told, so that nothing of them comes in again while they go; then everything that can be deleted is;
then every file of the data folder is searched for what named them. What cannot be taken out again (what a network has
learned) is named in the receipt, with what will end it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

from huaxiang.collect.catalogue import Catalogue
from huaxiang.collect.gate import Gate
from huaxiang.errors import StoreError
from huaxiang.pipeline.forgetting import Forgotten, forget_people, gone_from
from huaxiang.privacy.audit import Audit
from huaxiang.privacy.person import Known, known
from huaxiang.privacy.quarantined import remove_rows
from huaxiang.privacy.receipt import Receipt, person_in
from huaxiang.privacy.traces import Searched, search
from huaxiang.profiles import ItemFacets, Portraits
from huaxiang.release import Releases
from huaxiang.retrieval.base import Interactions
from huaxiang.shop import Shop
from huaxiang.store import Record, Store, open_store
from huaxiang.store.backup import Backup, Backups
from huaxiang.store.rows import microseconds, moment
from huaxiang.types import Subject

RECEIPT: Final = "receipt"
"""Kind of the records of receipts, under the person's fingerprint and the time."""
_HELD: Final = "weights, decays and the choice of parts, which validation made, are as they were"
_POSTGRESQL: Final = (
    "PostgreSQL: the rows are deleted and the tables vacuumed; pages of the server's files, its write-ahead log, its "
    "archives and the backups that its administrator keeps may hold them until they are overwritten or expire. No "
    "absence is proved for a server."
)


def erase(shop: Shop, user_id: str, *, by: str = "command line") -> Receipt:
    """Erase a person, and every device that they claimed.

    Args:
        user_id: the shop's own id, or a pseudonym.
        by: who asked for it, for the audit log.

    Raises:
        DataError: the id breaks a rule.
        BusyError: an import is writing rows to quarantine, or a backup is being made; erase again.
        StoreError: something could not be deleted; erase again.
    """
    began = datetime.now(UTC)
    person = _told(shop, user_id, began)
    gone = _gone(shop.releases, shop.portraits, person.subjects)
    removed = _removed(shop.store, person)
    shop.forget()
    removed["quarantined"] = remove_rows(shop.settings.data_dir / "quarantine", person.ids)
    forgotten = forget_people(shop.releases, gone) if gone is not None else None
    removed["backups"] = _erase_in_backups(shop, person)
    shop.refresh()
    searched = _search(shop, person)
    return _receipt(shop, person, removed, forgotten, searched, by=by)


def _told(shop: Shop, user_id: str, began: datetime) -> Known:
    """Everything that is known of the person, once the gate lets in nothing more of it.

    Moments ahead of the clock are of before the erasure too: the log had them.
    """
    person = known(shop.gate, user_id)
    while True:
        until = max(microseconds(began), person.latest)
        shop.gate.refuse(dict.fromkeys((person.raw, *person.raw_devices), until))
        again = known(shop.gate, user_id)
        if again.devices == person.devices and again.latest <= until:
            return again
        person = again


def _removed(store: Store, person: Known) -> dict[str, Any]:
    erased = [store.erase(subject) for subject in person.subjects]
    kinds: dict[str, int] = {}
    for each in erased:
        for kind, n in each.kinds.items():
            kinds[kind] = kinds.get(kind, 0) + n
    return {"events": sum(each.events for each in erased), "records": kinds}


def _gone(releases: Releases, portraits: Portraits, subjects: Sequence[Subject]) -> Interactions | None:
    """What the release in use was fitted on of them; None where there is no release."""
    release = releases.current
    return None if release is None else gone_from(release, portraits, subjects)


def _erase_in_backups(shop: Shop, person: Known) -> dict[str, int]:
    """How many events were removed from each backup that had any."""
    backups = Backups(shop.settings.data_dir / "backups")
    removed: dict[str, int] = {}
    with backups.alone():
        for backup in backups.list():
            if shop.tenant in backup.databases:
                n = _erase_in(backup, shop, person)
                backups.reseal(backup.name)  # nobody there too: opening a database changes its file
                removed |= {backup.name: n} if n else {}
    return removed


def _erase_in(backup: Backup, shop: Shop, person: Known) -> int:
    store = open_store(f"sqlite:///{backup.path / 'shop.db'}", shop.tenant)
    try:
        portraits = Portraits(store, ItemFacets(Catalogue(store)), shop.portraits.config)
        releases = backup.releases(shop.tenant)
        gone = _gone(releases, portraits, person.subjects)
        # whoever restores it must refuse the person's old events too
        subjects = (person.raw, *person.raw_devices)
        Gate(store, shop.gate.keys).refuse(shop.gate.erased_until(subjects))
        n = sum(store.erase(subject).events for subject in person.subjects)
        if gone is not None:
            forget_people(releases, gone)
    finally:
        store.close()
    return n


def _search(shop: Shop, person: Known) -> Searched:
    folder = shop.settings.data_dir
    searched = search(folder, person.ids, shop.store, leave_out=(folder / "keys",))
    if searched.found:
        places = ", ".join(searched.found[:5])
        raise StoreError(
            f"erased, but {len(searched.found)} traces of the person are left in the data folder ({places}); where "
            "another program wrote a file there, delete it, then erase again"
        )
    return searched


def _receipt(
    shop: Shop, person: Known, removed: Mapping[str, Any], forgotten: Forgotten | None, searched: Searched, *, by: str
) -> Receipt:
    keys = shop.gate.keys.read(create=False)
    until = shop.gate.erased_until([person.raw])[person.raw]
    receipt = Receipt(
        person=person_in(keys, person.raw),
        erased_at=moment(until).isoformat(),
        tenant=shop.tenant,
        n_devices=len(person.devices),
        removed=removed,
        release=_release(forgotten),
        searched=asdict(searched),
        held_fixed=_HELD if forgotten is not None and forgotten.exact else "",
        not_reached=(_POSTGRESQL,) if shop.settings.store_url.startswith("postgresql") else (),
    ).signed(keys)
    shop.store.put(RECEIPT, [Record(f"{receipt.person}-{until}", receipt.to_json())])
    Audit(shop.store, shop.gate.keys).note(person.raw, "erase", by=by, **{"events": removed["events"]})
    return receipt


def _release(forgotten: Forgotten | None) -> dict[str, Any]:
    if forgotten is None or not forgotten.exact:
        return {}
    said = asdict(forgotten)
    until = "the next training: `huaxiang train` makes a release that never saw the person"
    return {**said, "stale_until": until if forgotten.stale else ""}

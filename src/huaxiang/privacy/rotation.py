"""Changing the key of pseudonyms: everybody gets another id at once, and the old key is destroyed."""

from collections.abc import Callable
from typing import Final

from huaxiang.collect.keys import Keys, version_of
from huaxiang.collect.pseudonyms import PERSON, VERSION, opened, seal
from huaxiang.errors import ConfigError
from huaxiang.shop import Shop
from huaxiang.store import Record, Store, open_store
from huaxiang.store.backup import Backups
from huaxiang.store.base import GATE
from huaxiang.types import Subject, is_anonymous

_DERIVED: Final = frozenset({"snapshot", "resident", PERSON})
"""Kinds whose bodies hold ids: snapshots and residents are folded anew, sealed ids are sealed anew."""
_AT_ONCE: Final = 1_000


def rotate(shop: Shop, *, tell: Callable[[str], None] = lambda _: None) -> int:
    """Give every person and device a pseudonym by a new key; the number of events that were rewritten.

    A process that lets in events meanwhile tries again with the new key; nobody is kept under two ids.

    Raises:
        ConfigError: pseudonyms are off.
    """
    if shop.gate.pseudonyms is None:
        raise ConfigError(
            "privacy.pseudonyms is off: people are kept under the shop's own ids; there is no key to change"
        )
    old, new = shop.gate.keys.prepare()
    backups = Backups(shop.settings.data_dir / "backups")
    with backups.alone():
        for backup in backups.list():
            tell(f"backup {backup.name}")
            if shop.tenant not in backup.databases:
                continue
            store = open_store(f"sqlite:///{backup.path / 'shop.db'}", shop.tenant)
            try:
                _rewrite(store, old, new)
            finally:
                store.close()
            backups.reseal(backup.name)
        tell("log")
        n = _rewrite(shop.store, old, new)
        shop.gate.keys.settle(new.version)
    shop.gate.renew()
    shop.forget()
    return n


def _rewrite(store: Store, old: Keys, new: Keys) -> int:
    rules = store.get(GATE[0], [GATE[1]]).get(GATE[1])
    if rules is not None and rules.body.get(VERSION) == new.version:
        return 0  # a change that was broken off came this far
    # of another version is who was sealed just before an earlier change, and never let in
    sealed = [record for record in _sealed(store) if version_of(record.id.lstrip("\x1f")) == old.version]
    people = {record.id: opened(old, record.body["sealed"]) for record in sealed}
    names = {stored: _named(new, raw) for stored, raw in people.items()}
    fresh = [Record(names[stored], {"sealed": seal(new, raw)}) for stored, raw in people.items()]
    return store.rename(names, drop=_DERIVED, add={PERSON: fresh, GATE[0]: [Record(GATE[1], {VERSION: new.version})]})


def _sealed(store: Store) -> list[Record]:
    found: list[Record] = []
    after = None
    while page := store.find(PERSON, after=after, limit=_AT_ONCE):
        found += page
        after = page[-1].id
    return found


def _named(keys: Keys, subject: Subject) -> Subject:
    return subject[:1] + keys.pseudonym_of(subject[1:]) if is_anonymous(subject) else keys.pseudonym_of(subject)

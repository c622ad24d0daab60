"""Step 1: the log, the items, the snapshots and the applications' records, behind eight methods."""

import re
from collections.abc import Iterator
from importlib.metadata import entry_points
from inspect import signature
from typing import Any, Final

import sqlalchemy as sa

from huaxiang.errors import ConfigError, UnknownNameError
from huaxiang.store.base import (
    EVENT_SCHEMA,
    IMPERSONAL_KINDS,
    SCAN_SCHEMA,
    Appended,
    Erased,
    Record,
    Store,
    Subjects,
)
from huaxiang.store.trace import Deed, Traces

__all__ = [
    "EVENT_SCHEMA",
    "IMPERSONAL_KINDS",
    "SCAN_SCHEMA",
    "Appended",
    "Deed",
    "Erased",
    "Record",
    "Store",
    "Subjects",
    "Traces",
    "every_user",
    "open_store",
]

_USERS_AT_ONCE: Final = 1_000
_TENANT: Final = re.compile(r"[a-z0-9_]{1,40}")


def every_user(store: Store) -> Iterator[Subjects]:
    """Every user of a store, in id order, a page at a time; anonymous subjects are none."""
    after = None
    while page := store.users(after, _USERS_AT_ONCE):
        yield from page
        after = page[-1].user_id


def open_store(url: str, tenant: str = "default", **options: Any) -> Store:
    """Open one tenant's store, made where it is missing.

    Args:
        url: `sqlite:///shop.db`, `postgresql+psycopg://user@host/database`, or the scheme of an engine that a package
            registers in the entry point group `huaxiang.stores` as `open(url: sqlalchemy.URL, tenant, **options)`.
        tenant: 1 to 40 of a-z, 0-9 and `_`. Tenants share nothing.
        options: `clock`, which gives `received_at`, and the engine's own. SQLite takes its own in the URL too, as
            `?synchronous=full`.

    Raises:
        UnknownNameError: no engine is registered for the scheme.
        ConfigError: the URL, tenant or an option is not of the engine.
        MissingExtraError: the engine's driver is not installed.
        StoreError: the store cannot be opened.
    """
    if not _TENANT.fullmatch(tenant):
        raise ConfigError(f"tenant {tenant!r} must be 1 to 40 of a-z, 0-9 and _")
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:
        raise ConfigError(f"{url!r} is no store; write it as sqlite:///shop.db") from None
    engines = {entry.name: entry for entry in entry_points(group="huaxiang.stores")}
    scheme = parsed.drivername.split("+")[0]
    if scheme not in engines:
        raise UnknownNameError("store", scheme, engines)
    engine = engines[scheme].load()
    try:
        signature(engine).bind(parsed, tenant, **options)
    except TypeError as error:
        raise ConfigError(f"options of the {scheme} store: {error}; see its documentation for those it takes") from None
    opened: Store = engine(parsed, tenant, **options)
    return opened

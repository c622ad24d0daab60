"""A small tea shop for the tests of profiles."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from huaxiang.collect.catalogue import Catalogue
from huaxiang.profiles import ItemFacets, Portraits
from huaxiang.profiles.fold import FoldConfig
from huaxiang.store import Store, open_store
from huaxiang.types import Event

DAWN = datetime(2026, 3, 1, tzinfo=UTC)

ITEMS: dict[str, dict[str, Any]] = {
    "sencha": {"name": "Sencha green tea", "brand": "Uji", "category": ["Tea", "Green"], "price": 12.0},
    "matcha": {"name": "Matcha powder", "brand": "Uji", "category": ["Tea", "Green"], "price": 30.0},
    "assam": {"name": "Assam black tea", "brand": "Halmari", "category": ["Tea", "Black"], "price": 9.0},
    "pot": {"name": "Clay teapot", "brand": "Yixing", "category": ["Ware", "Pots"], "price": 80.0},
    "cup": {"name": "Glass cup", "brand": "Yixing", "category": ["Ware", "Cups"], "price": 15.0},
}


def at(hour: float) -> datetime:
    """A moment so many hours after dawn."""
    return DAWN + timedelta(hours=hour)


def event(name: str, hour: float, user: str | None = "ann", item: str | None = None, **more: Any) -> Event:
    """An event of the shop."""
    return Event(event=name, timestamp=at(hour), user_id=user, item_id=item, **more)


def edit(hour: float, op: str, **properties: Any) -> Event:
    """A profile edit by ann, its id the operation and the hour."""
    return event("profile_edit", hour, event_id=f"{op}-{hour}", properties={"op": op, **properties})


def stocked_store(folder: Path, **options: Any) -> Store:
    """A store that knows the shop's items."""
    store = open_store(f"sqlite:///{folder}/shop.db", **options)
    store.append(
        [Event(event="set_item", timestamp=at(-1), item_id=key, properties=said) for key, said in ITEMS.items()]
    )
    return store


def portraits(store: Store, config: FoldConfig | None = None) -> Portraits:
    """Portraits over a store."""
    return Portraits(store, ItemFacets(Catalogue(store)), config)

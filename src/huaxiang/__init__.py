"""huaxiang (画像): living user profiles from a shop's log, and the recommendation that stands on them.

Importing this imports nothing heavy; each name loads its module when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from huaxiang.apps.recommend import Ask
    from huaxiang.config import Settings, load_settings
    from huaxiang.errors import HuaxiangError
    from huaxiang.shop import Shop
    from huaxiang.store import open_store
    from huaxiang.training import train
    from huaxiang.types import Event, Facet, Item, Profile, Ranked, Reason

__version__ = "0.1.0"

_HOMES: Final = {
    "Ask": "huaxiang.apps.recommend",
    "Event": "huaxiang.types",
    "Facet": "huaxiang.types",
    "HuaxiangError": "huaxiang.errors",
    "Item": "huaxiang.types",
    "Profile": "huaxiang.types",
    "Ranked": "huaxiang.types",
    "Reason": "huaxiang.types",
    "Settings": "huaxiang.config",
    "Shop": "huaxiang.shop",
    "load_settings": "huaxiang.config",
    "open_store": "huaxiang.store",
    "train": "huaxiang.training",
}

__all__ = [
    "Ask",
    "Event",
    "Facet",
    "HuaxiangError",
    "Item",
    "Profile",
    "Ranked",
    "Reason",
    "Settings",
    "Shop",
    "load_settings",
    "open_store",
    "train",
]


def __getattr__(name: str) -> object:
    """Load a public name."""
    if name not in _HOMES:
        raise AttributeError(f"module 'huaxiang' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(_HOMES[name]), name)

"""Public sequences as a shop's log with made-up times, so that the whole product can be measured on them.

The files say the order of a person's meetings and no times. Here a person's last meeting lies anywhere in a year, by a
seeded draw, and the ones before it a day apart each: what depends on the calendar, such as fashion, cannot be measured.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np

from huaxiang.config import load_settings
from huaxiang.evaluation.sequence_file import ItemTerms, Sequences
from huaxiang.shop import Shop

END: Final = datetime(2026, 11, 1, tzinfo=UTC)
"""After everything."""
_DAYS: Final = 365
_AT_ONCE: Final = 2_000


def filled(folder: Path, read: Sequences, terms: ItemTerms, rows: Sequence[Sequence[int]], *, seed: int) -> Shop:
    """A new shop that holds the catalogue and these rows of catalogue indices, one for each user, oldest first."""
    shop = Shop(load_settings(None, (), data_dir=folder))
    take_all(shop, _goods(read, terms))
    take_all(shop, _meetings(read, rows, np.random.default_rng(seed)))
    shop.refresh()
    return shop


def take_all(shop: Shop, payloads: Iterable[dict[str, Any]]) -> None:
    """Put payloads into a shop's log, in batches; none may be refused."""
    left = iter(payloads)
    while waiting := list(islice(left, _AT_ONCE)):
        rejected = shop.intake.take(waiting).rejected
        assert not rejected, rejected[:3]


def _goods(read: Sequences, terms: ItemTerms) -> Iterator[dict[str, Any]]:
    """Words become the name, attributes the category, broadest first as they stand."""
    opening = (END - timedelta(days=2 * _DAYS)).isoformat()
    for item, words, tags in zip(read.item_ids, terms.words, terms.attributes, strict=True):
        properties = {"name": " ".join(words) or item, "category": [tag.split("=", 1)[-1] for tag in tags][:8]}
        yield {
            "event": "set_item",
            "event_id": f"set-{item}",
            "item_id": item,
            "timestamp": opening,
            "properties": {name: value for name, value in properties.items() if value},
        }


def _meetings(read: Sequences, rows: Sequence[Sequence[int]], rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    for user, row, share in zip(read.user_ids, rows, rng.random(len(rows)), strict=True):
        last = END - timedelta(days=float(share) * _DAYS, minutes=1)
        for step, item in enumerate(row):
            yield {
                "event": "purchase",
                "event_id": f"{user}-{step}",
                "user_id": user,
                "item_id": read.item_ids[item],
                "timestamp": (last - timedelta(days=len(row) - 1 - step)).isoformat(),
            }

"""What people met in another shop, as scores of items here: kept in the store under their ids, so that erasing a person
takes it along, and read where they may be personalised."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from huaxiang.release import Release
from huaxiang.retrieval.live import Snapshot
from huaxiang.store import Record, Store
from huaxiang.types import ItemId, UserId

ELSEWHERE: Final = "elsewhere"
"""Name of the part, and kind of the records."""
Elsewhere: TypeAlias = Callable[[UserId, datetime], Mapping[ItemId, float]]
"""What is known of a user at a moment; nothing for most."""
Rows: TypeAlias = Mapping[UserId, Mapping[ItemId, float]]

_AT_ONCE: Final = 1_000


def keep(store: Store, release_id: str, rows: Rows, *, at: datetime) -> None:
    """Write what is known of each user, for one release, as of a moment."""
    records = [Record(user, {"release": release_id, "items": dict(items)}, at=at) for user, items in rows.items()]
    for start in range(0, len(records), _AT_ONCE):
        store.put(ELSEWHERE, records[start : start + _AT_ONCE])


def kept(store: Store, release: Release) -> Elsewhere:
    """Reads what `keep` wrote for a release, or for the one that it was made from by forgetting; not before the moment
    it was known."""
    release_id = release.about.get(ELSEWHERE, release.id)

    def of(user: UserId, now: datetime) -> Mapping[ItemId, float]:
        record = store.get(ELSEWHERE, [user]).get(user)
        if record is None or record.body["release"] != release_id or record.at is None or record.at >= now:
            return {}
        items: Mapping[ItemId, float] = record.body["items"]
        return items

    return of


def scores(said: Mapping[ItemId, float], items: Snapshot) -> NDArray[np.float32]:
    """Scores of shape (M,), zeros for what is not named; items that are gone are passed over."""
    scores_M = np.zeros(len(items), np.float32)
    for item, score in said.items():
        if (at := items.position(item)) >= 0:
            scores_M[at] = score
    return scores_M

"""Events as a fold reads them: no columns but those that say something of a person."""

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

import orjson

from huaxiang.types import Event, EventId, ItemId, LineItem, Reading


class Trace(NamedTuple):
    """An event of the log as a fold reads it; the attributes are those of `Event`, and are not checked again.

    A history of them is read in a fraction of the time that events take.

    Attributes:
        micros: microseconds from 1970 to its moment.
        said: its properties as JSON text, which most events are never asked for.
    """

    seq: int
    micros: int
    event_id: EventId
    event: str
    anonymous_id: str | None
    session_id: str | None
    value: float | None
    rating: float | None
    currency: str | None
    query: str | None
    said: str | None
    item_ids: tuple[ItemId, ...] = ()
    items: tuple[LineItem, ...] = ()
    reading: Reading | None = None

    @property
    def properties(self) -> Mapping[str, Any]:
        """What a consent, an edit, a link or a trait says."""
        found: dict[str, Any] = {} if self.said is None else orjson.loads(self.said)
        return found


Deed: TypeAlias = Event | Trace
"""What a fold takes."""

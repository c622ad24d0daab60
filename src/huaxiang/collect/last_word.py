"""A catalogue file that says again what an item was before: as duplicates of the log its rows would change nothing."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from huaxiang.collect.catalogue import Catalogue, item_from, item_to
from huaxiang.collect.moments import EPOCH
from huaxiang.store import Appended
from huaxiang.types import Event, ItemId

_CONTENT: Final = "h-"
"""Ids that are digests of an event's content begin so."""


class LastWord:
    """Finds the items for which a file's last row was in the log already and yet is not what the catalogue says.

    Today's price is yesterday's again: the row of today is the same event as the row of the day before yesterday. Only
    rows without a time and an id of their own count, and none brings a deleted item back. Memory: one event for each
    such item.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._again: dict[ItemId, Event] = {}

    def note(self, events: Sequence[Event], appended: Appended) -> None:
        """Look at rows of the file, in its order, that were just appended."""
        if any(seq is not None for seq in appended.seqs):
            self._catalogue.refresh()
        for event, seq in zip(events, appended.seqs, strict=True):
            if event.event != "set_item" or event.item_id is None:
                continue
            if seq is None and self._differs(event):
                self._again[event.item_id] = event
            else:
                self._again.pop(event.item_id, None)

    def events(self) -> list[Event]:
        """The rows to say once more, under ids of their own."""
        mark = f"-{self._catalogue.seq}"
        return [replace(event, event_id=event.event_id + mark) for event in self._again.values()]

    def _differs(self, event: Event) -> bool:
        item = self._catalogue.get(event.item_id or "")
        if item is None or event.timestamp != EPOCH or not event.event_id.startswith(_CONTENT):
            return False
        return item_from(item.item_id, {**item_to(item), **event.properties}) != item

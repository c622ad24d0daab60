"""Whose histories went on: what is kept in memory of people is dropped by it."""

from collections.abc import Iterator
from typing import Final

from huaxiang.store import Store
from huaxiang.types import EVENT_NAMES, Subject, anonymous_subject

FOLDED: Final = EVENT_NAMES - {"view_item_list", "set_item", "delete_item"}
"""Kinds of events that a fold reads. What was merely shown says nothing of a person, and is the bulk of many logs."""


def met_since(store: Store, after_seq: int) -> Iterator[Subject]:
    """Whose histories have an event after a sequence number, as often as they have; a link is in two."""
    for batch in store.scan(after_seq, events=FOLDED, columns=["subject", "anonymous_id", "event"]):
        for subject, device, event in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            yield subject
            if event == "identify" and device is not None:
                yield anonymous_subject(device)

"""A person's edits of their profile, as events: checked before anything is written."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from huaxiang.collect.check import EDITS
from huaxiang.errors import DataError, UnknownNameError
from huaxiang.types import UserId

KINDS: Final = ("brand", "category", "price_band", "keyword", "attribute:<name>")
"""Facets that may be edited."""

_ATTRIBUTE: Final = "attribute:"
_OF_A_KNOWN_FACET: Final = ("remove", "boost")


def edit_events(
    user_id: UserId, edits: Sequence[Mapping[str, Any]], *, known: Collection[tuple[str, str]], now: datetime
) -> list[dict[str, Any]]:
    """Payloads of `profile_edit` events, one for each edit, in order; where they speak of one facet the last wins.

    Args:
        edits: `op` and, as it needs them, `facet`, `value`, `weight`, `event_id`, `edit_id`.
        known: `(facet, value)` of the profile as it is.

    Raises:
        DataError: an edit lacks what it needs, or names what cannot be edited.
    """
    added = set(known)
    payloads = []
    for edit in edits:
        _check(edit, added)
        if edit["op"] == "add":
            added.add((edit["facet"], edit["value"]))
        payloads.append(
            {
                "event": "profile_edit",
                "event_id": f"edit-{uuid.uuid4().hex}",
                "user_id": user_id,
                "timestamp": now.isoformat(),
                "properties": dict(edit),
            }
        )
    return payloads


def _check(edit: Mapping[str, Any], known: Collection[tuple[str, str]]) -> None:
    op = str(edit.get("op"))
    if op not in EDITS:
        raise UnknownNameError("edit", op, EDITS)
    if not all(edit.get(name) for name in EDITS[op]):
        raise DataError(f"edit {op!r} needs {' and '.join(EDITS[op])}")
    if "facet" not in EDITS[op]:
        return
    facet, value = edit["facet"], edit["value"]
    if facet not in KINDS and not (facet.startswith(_ATTRIBUTE) and len(facet) > len(_ATTRIBUTE)):
        raise UnknownNameError("facet", facet, KINDS)
    if op in _OF_A_KNOWN_FACET and (facet, value) not in known:
        raise DataError(f"edit {op!r} of {facet} {value!r}, which the profile does not have; add it first")

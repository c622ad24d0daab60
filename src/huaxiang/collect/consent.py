"""What a user has agreed to at a moment: a fold of their `consent` events."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from huaxiang.errors import DataError
from huaxiang.types import CONSENT_SCOPES, Event


def consents(events: Iterable[Event], *, before: datetime, default: str = "granted") -> dict[str, str]:
    """Each scope's status from the events strictly before a moment.

    The latest event by (timestamp, seq) that names a scope, or `all`, decides; a recorded consent always wins over the
    default. Events of other kinds are passed over.

    Args:
        default: `granted` or `denied`, for scopes that no event names.
    """
    if default not in {"granted", "denied"}:
        raise DataError(f"consent default is {default!r}; give granted or denied")
    said = [event for event in events if event.event == "consent" and event.timestamp < before]
    found = dict.fromkeys(CONSENT_SCOPES, default)
    for event in sorted(said, key=lambda event: (event.timestamp, event.seq)):
        scope, status = event.properties["scope"], event.properties["status"]
        found.update(dict.fromkeys(CONSENT_SCOPES if scope == "all" else (scope,), status))
    return found


def allows(consents: Mapping[str, str], scope: str) -> bool:
    """Whether a scope is granted."""
    return consents[scope] == "granted"

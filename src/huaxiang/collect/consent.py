"""What a `consent` event says. The latest by (timestamp, seq) that names a scope decides, which the fold applies."""

from collections.abc import Mapping
from typing import Any

from huaxiang.store import Deed
from huaxiang.types import CONSENT_SCOPES


def said_scopes(event: Deed) -> dict[str, str]:
    """Scope to `granted` or `denied`; `all` names every scope, a list several. Empty for what is no consent."""
    return said_in(event.properties) if event.event == "consent" else {}


def said_in(properties: Mapping[str, Any]) -> dict[str, str]:
    """The same of the properties of a consent."""
    scope, status = properties.get("scope", "all"), properties.get("status")
    if status not in {"granted", "denied"}:
        return {}
    named = CONSENT_SCOPES if scope == "all" else scope if isinstance(scope, list | tuple) else (scope,)
    return {name: status for name in named if name in CONSENT_SCOPES}

"""What a `consent` event says. The latest by (timestamp, seq) that names a scope decides, which the fold applies."""

from huaxiang.types import CONSENT_SCOPES, Event


def said_scopes(event: Event) -> dict[str, str]:
    """Scope to `granted` or `denied`; `all` names every scope, a list several. Empty for what is no consent."""
    scope, status = event.properties.get("scope", "all"), event.properties.get("status")
    if event.event != "consent" or status not in {"granted", "denied"}:
        return {}
    named = CONSENT_SCOPES if scope == "all" else scope if isinstance(scope, list | tuple) else (scope,)
    return {name: status for name in named if name in CONSENT_SCOPES}

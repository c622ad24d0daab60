"""Profiles and answers as tables for a terminal."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from huaxiang.apps.recommend import Answer
from huaxiang.collect.catalogue import Catalogue
from huaxiang.profiles.changes import Change
from huaxiang.types import Event, Facet, Profile, Reason

_EVIDENCE = 3


def show_answer(user_id: str, answer: Answer, catalogue: Catalogue) -> dict[str, Any]:
    """Print recommended items with their reasons; answers with the same as JSON-compatible values."""
    table = Table(title=f"{user_id}: release {answer.release}, by {answer.basis}, {answer.took_ms:.1f} ms")
    for column in ("rank", "item", "name", "score", "because"):
        table.add_column(column)
    ranked = answer.ranked
    reasons = ranked.reasons or ((),) * len(ranked.item_ids)
    rows = []
    for rank, (item_id, score, why) in enumerate(zip(ranked.item_ids, ranked.scores, reasons, strict=True), 1):
        item = catalogue.get(item_id)
        name = item.name if item is not None else ""
        because = "\n".join(f"{reason.text} [{reason.effect:.0%}]" for reason in why)
        table.add_row(str(rank), item_id, name[:60], f"{score:.3f}", because)
        said = [plain_reason(reason) for reason in why]
        rows.append({"item_id": item_id, "name": name, "score": float(score), "rank": rank, "reasons": said})
    Console().print(table)
    return {"release": answer.release, "basis": answer.basis, "items": rows, "took_ms": answer.took_ms}


def plain_reason(reason: Reason) -> dict[str, Any]:
    """A reason as JSON-compatible values."""
    evidence = list(reason.evidence)
    return {
        "kind": reason.kind,
        "text": reason.text,
        "facet": reason.facet,
        "evidence": evidence,
        "effect": reason.effect,
    }


def show_profile(profile: Profile, catalogue: Catalogue) -> None:
    """Print a profile's facets with their evidence, and the figures below."""
    table = Table(title=f"{profile.user_id} as of {profile.as_of:%Y-%m-%d %H:%M} UTC\n{profile.summary}")
    for column in ("", "facet", "value", "score", "sure", "last seen", "evidence"):
        table.add_column(column)
    for kind, facets in (("interest", profile.interests), ("need", profile.needs)):
        for facet in facets:
            table.add_row(kind, facet.facet, _value(facet, catalogue), *_figures(facet))
    console = Console()
    console.print(table)
    behaviour = {key: str(value) for key, value in profile.behaviour.items() if value not in (None, {}, [])}
    console.print("behaviour", behaviour)
    console.print("mood", dict(profile.mood))
    console.print("consents", dict(profile.consents))


def show_changes(user_id: str, since: datetime, until: datetime, found: Sequence[Change], catalogue: Catalogue) -> None:
    """Print what became of a profile, greatest change first."""
    span = f"{since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} UTC"
    table = Table(title=f"{user_id}, {span}: {len(found)} facets changed")
    for column in ("", "facet", "value", "before", "after", "by", "new evidence"):
        table.add_column(column)
    for change in found:
        scores = ("-" if score is None else f"{score:+.2f}" for score in (change.before, change.after))
        evidence = ", ".join(change.evidence[:_EVIDENCE]) + (" …" if len(change.evidence) > _EVIDENCE else "")
        item = catalogue.get(change.value) if change.facet == "unbought" else None
        value = change.value if item is None else f"{change.value} {item.name[:40]}"
        table.add_row(change.kind, change.facet, value, *scores, f"{change.by:+.2f}", evidence)
    Console().print(table)


def show_events(user_id: str, n_events: int, newest: Sequence[Event], catalogue: Catalogue) -> None:
    """Print events, as they are given."""
    table = Table(title=f"{user_id}: the newest {len(newest)} of {n_events} events")
    for column in ("when (UTC)", "event", "what", "event id"):
        table.add_column(column)
    for event in newest:
        items = [item for name in event.item_ids[:_EVIDENCE] if (item := catalogue.get(name)) is not None]
        what = event.query or event.text or ", ".join(item.name or item.item_id for item in items)
        table.add_row(f"{event.timestamp:%Y-%m-%d %H:%M}", event.event, (what or "")[:80], event.event_id)
    Console().print(table)


def _value(facet: Facet, catalogue: Catalogue) -> str:
    item = catalogue.get(facet.value) if facet.facet == "unbought" else None
    if item is not None:
        return f"{facet.value} {item.name[:40]}"
    return f"{facet.value} (~ {', '.join(facet.related)})" if facet.related else facet.value


def _figures(facet: Facet) -> tuple[str, str, str, str]:
    more = " …" if len(facet.evidence) > _EVIDENCE else ""
    bar = "█" * round(abs(facet.score) * 10)
    evidence = ", ".join(facet.evidence[:_EVIDENCE]) + more
    return f"{facet.score:+.2f} {bar}", f"{facet.confidence:.2f}", f"{facet.last_seen:%Y-%m-%d %H:%M}", evidence

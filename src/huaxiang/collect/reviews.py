"""The reviews of a shop's log, for figures over all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from huaxiang.collect.consent import said_scopes
from huaxiang.store import Store
from huaxiang.types import Event, Subject, anonymous_subject

_COLUMNS: Final = ("seq", "event", "user_id", "anonymous_id", "timestamp", "rating", "text", "properties")
_SCOPES: Final = ("analytics", "training")


@dataclass(frozen=True, slots=True)
class Reviews:
    """Texts in the order of the log, each with its rating; None where it has none."""

    texts: Sequence[str]
    ratings: Sequence[float | None]


def reviews_of(store: Store, *, consent_default: str = "granted") -> Reviews:
    """Every review with a text, without those of people who deny analytics or training.

    A denial counts for the id it was said under: what the same person wrote under another id stays.
    """
    found: list[tuple[Subject, str, float | None]] = []
    consents: list[dict[str, Any]] = []
    for batch in store.scan(events=frozenset({"review", "consent"}), columns=_COLUMNS):
        for row in batch.to_pylist():
            if row["event"] == "consent":
                consents.append(row)
            elif row["text"] and row["text"].strip():
                found.append((_subject(row), row["text"], row["rating"]))
    said = _consents(consents)
    kept = [
        (text, rating)
        for subject, text, rating in found
        if all(said.get((subject, scope), consent_default) == "granted" for scope in _SCOPES)
    ]
    return Reviews([text for text, _ in kept], [rating for _, rating in kept])


def _consents(rows: list[dict[str, Any]]) -> dict[tuple[Subject, str], str]:
    """The last word of each subject on each scope."""
    said: dict[tuple[Subject, str], str] = {}
    for row in sorted(rows, key=lambda row: (row["timestamp"], row["seq"])):
        properties = orjson.loads(row["properties"]) if row["properties"] else {}
        consent = Event(
            "consent", row["timestamp"], row["user_id"], anonymous_id=row["anonymous_id"], properties=properties
        )
        said |= {(consent.subject, scope): status for scope, status in said_scopes(consent).items()}
    return said


def _subject(row: dict[str, Any]) -> Subject:
    if row["user_id"] is not None:
        return str(row["user_id"])
    return anonymous_subject(row["anonymous_id"]) if row["anonymous_id"] is not None else ""

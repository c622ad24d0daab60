"""What became of a profile between two moments."""

from dataclasses import dataclass

from huaxiang.types import EventId, Facet, Profile


@dataclass(frozen=True, slots=True)
class Change:
    """One facet, before and after.

    Attributes:
        before: its score; None where it was not shown. after: the same.
        evidence: events that the later profile names for it and the earlier one did not.
    """

    kind: str
    facet: str
    value: str
    before: float | None
    after: float | None
    evidence: tuple[EventId, ...]

    @property
    def by(self) -> float:
        """How much the score grew."""
        return (self.after or 0.0) - (self.before or 0.0)


def changes(earlier: Profile, later: Profile) -> tuple[Change, ...]:
    """Facets whose score is another, greatest change first; interests and needs."""
    found: list[Change] = []
    for kind, old, new in (("interest", earlier.interests, later.interests), ("need", earlier.needs, later.needs)):
        before, after = _by_key(old), _by_key(new)
        for key in {**before, **after}:
            was, now = before.get(key), after.get(key)
            seen = set(was.evidence) if was is not None else set()
            evidence = tuple(event for event in now.evidence if event not in seen) if now is not None else ()
            change = Change(
                kind, *key, None if was is None else was.score, None if now is None else now.score, evidence
            )
            if was is None or now is None or change.by:
                found.append(change)
    return tuple(sorted(found, key=lambda change: (-abs(change.by), change.kind, change.facet, change.value)))


def _by_key(facets: tuple[Facet, ...]) -> dict[tuple[str, str], Facet]:
    return {(facet.facet, facet.value): facet for facet in facets}

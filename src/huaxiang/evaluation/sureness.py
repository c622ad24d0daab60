"""Whether profiles are as sure as they say: interests that were shown before a day, beside what was met on it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from huaxiang.evaluation.coming_back import eves
from huaxiang.profiles import Portraits
from huaxiang.profiles.state import DAY, from_micros


@dataclass(frozen=True, slots=True)
class Said:
    """One interest of a profile.

    Attributes:
        days_back: which of the person's days it was asked of, 0 the newest.
        kind: of facet, attributes together.
        sure: how sure the profile said to be. was_met: whether an item of that day had it.
    """

    days_back: int
    kind: str
    sure: float
    was_met: bool


def said_before(portraits: Portraits, people: Sequence[str], *, now: datetime, days: int) -> Iterator[Said]:
    """What the profiles of people showed at the first moment (UTC) of each of their last days on which they met
    anything.

    Args:
        now: of the log only what came before.
        days: of each person, at most.
    """
    for person in people:
        for days_back, (before, items) in enumerate(eves(portraits.events(person, before=now), days)):
            opened = from_micros((before[-1].micros // DAY + 1) * DAY)
            met = {(kind, value) for item in items for kind, value, _ in portraits.item_facets.of(item)}
            for facet in portraits.profile(person, now=opened).interests:
                if facet.score > 0.0:
                    was_met = (facet.facet, facet.value) in met
                    yield Said(days_back, facet.facet.split(":")[0], facet.confidence, was_met)

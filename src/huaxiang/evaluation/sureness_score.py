"""Whether profiles are as sure of interests as they say, on a simulated shop.

Legend: N interests that were shown.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np

from huaxiang.evaluation.coming_back import learned
from huaxiang.evaluation.sureness import said_before
from huaxiang.measure.calibration import calibration_error
from huaxiang.profiles import ItemFacets, Portraits

LIMIT: Final = 0.05
MOST: Final = 500
"""People who are asked."""
_FEWEST: Final = 100
"""Interests below which nothing is known."""
_SECONDS: Final = 10.0
"""For reading those who teach."""


@dataclass(frozen=True, slots=True)
class SurenessScore:
    """Mean difference of the confidence said and the share met (`measure.calibration`), on each person's newest day.

    Attributes:
        error: taught by the other half of the people, as a release is. untaught: by nobody.
        met: share of the interests that were met.
    """

    error: float
    untaught: float
    met: float
    n_interests: int
    n_people: int

    def sentence(self) -> str:
        """For people."""
        verdict = "met" if self.error <= LIMIT else "MISSED"
        return (
            f"how sure an interest is: calibration error {self.error:.3f} (limit {LIMIT}: {verdict}), "
            f"{self.untaught:.3f} without a release; of {self.n_interests} interests of {self.n_people} people "
            f"{self.met:.3f} were met on the newest day"
        )

    def to_json(self) -> dict[str, Any]:
        """JSON-compatible."""
        return {
            "calibration_error": round(self.error, 4),
            "untaught": round(self.untaught, 4),
            "limit": LIMIT,
            "met": round(self.met, 4),
            "n_interests": self.n_interests,
            "n_people": self.n_people,
        }


def score_sureness(
    portraits: Portraits, people: Sequence[str], *, at: datetime, seconds: float = _SECONDS, seed: int = 0
) -> SurenessScore | None:
    """Half of the people teach, as `train` lets them, and up to 500 of the others are asked; None where they showed too
    few interests to tell.

    Args:
        portraits: of a shop without a release.
        at: of the log only what came before.
        seconds: for reading those who teach.
    """
    drawn = random.Random(seed).sample(list(people), len(people))
    half = len(drawn) // 2
    taught, asked = drawn[:half], drawn[half:][:MOST]
    known = learned(portraits, taught, now=at, seconds=seconds)
    items = ItemFacets(portraits.item_facets.catalogue, recurrence=known)
    readers = (Portraits(portraits.store, items, portraits.config), portraits)
    said, untaught = (list(said_before(reader, asked, now=at, days=1)) for reader in readers)
    if min(len(said), len(untaught)) < _FEWEST:
        return None
    error, before = (
        calibration_error(np.array([one.sure for one in each]), np.array([one.was_met for one in each]))
        for each in (said, untaught)
    )
    met = float(np.mean([one.was_met for one in said]))
    return SurenessScore(error, before, met, len(said), len(asked))

"""How well profiles say what a visit is for, beside the simulator's own goals.

Legend: N visits.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np

from huaxiang.demo.simulation import DemoShop
from huaxiang.demo.visit import Goal
from huaxiang.errors import DataError
from huaxiang.measure.calibration import calibration_error
from huaxiang.measure.intervals import wilson
from huaxiang.types import Profile

MOST: Final = 3_000
"""Visits, drawn by chance."""
_CALLED: Final = {"window": "browsing", "gift": "gift", "repeat": "replenishing"}
_ENDS: Final = frozenset({"purchase", "review", "refund"})
_MOMENT: Final = timedelta(milliseconds=1)

Payload = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class IntentScore:
    """Share of visits that were called right, with its 95 % interval (Wilson).

    Attributes:
        usual: share of the commonest kind, which is what always saying it is right about.
        calibration_error: mean difference of the confidence said and the share right (`measure.calibration`).
        right: by kind, of its visits.
    """

    accuracy: float
    low: float
    high: float
    usual: float
    calibration_error: float
    right: Mapping[str, float]
    n_visits: int

    def sentence(self) -> str:
        """For people."""
        kinds = ", ".join(f"{kind} {share:.2f}" for kind, share in self.right.items())
        return (
            f"what a visit is for: {self.accuracy:.3f} [{self.low:.3f}, {self.high:.3f}] of {self.n_visits} visits are "
            f"called right, {self.usual:.3f} by always saying the commonest; by kind {kinds}; calibration error "
            f"{self.calibration_error:.3f}"
        )

    def to_json(self) -> dict[str, Any]:
        """JSON-compatible."""
        return {
            "accuracy": round(self.accuracy, 4),
            "low": round(self.low, 4),
            "high": round(self.high, 4),
            "usual": round(self.usual, 4),
            "calibration_error": round(self.calibration_error, 4),
            "right": {kind: round(share, 4) for kind, share in self.right.items()},
            "n_visits": self.n_visits,
        }


def score_intents(profile_of: Callable[[str, datetime], Profile], shop: DemoShop, *, seed: int = 0) -> IntentScore:
    """Ask in the midst of visits of people who are logged in, before they bought anything.

    Right is the simulator's goal for gifts, repeated purchases and window shopping; of any other visit "about to buy"
    where something lies in the cart, else "comparing". A visit that a profile says nothing of is called wrongly.

    Raises:
        DataError: there is no such visit.
    """
    rng = random.Random(seed)
    visits = _visits(shop)
    rng.shuffle(visits)
    cut = [(user, goal, events[: rng.randint(1, len(events))]) for user, goal, events in visits[:MOST]]
    asked = [(_label(goal, part), user, part) for user, goal, part in cut]
    if not asked:
        raise DataError("nobody who is logged in visited this simulated shop; simulate more days")
    said: list[tuple[float, bool]] = []
    by_kind: dict[str, list[bool]] = defaultdict(list)
    for label, user, part in asked:
        needs = profile_of(user, datetime.fromisoformat(part[-1]["timestamp"]) + _MOMENT).needs
        found = next((need for need in needs if need.facet == "intent"), None)
        is_right = found is not None and found.value == label
        said.append((0.0 if found is None else found.confidence, is_right))
        by_kind[label].append(is_right)
    n, hits = len(said), sum(is_right for _, is_right in said)
    low, high = wilson(hits, n)
    sure_N, right_N = (np.array(column) for column in zip(*said, strict=True))
    right = {kind: sum(marks) / len(marks) for kind, marks in sorted(by_kind.items())}
    usual = max(Counter(label for label, _, _ in asked).values()) / n
    return IntentScore(hits / n, low, high, usual, calibration_error(sure_N, right_N), right, n)


def _visits(shop: DemoShop) -> list[tuple[str, Goal, list[Payload]]]:
    truth, found = shop.truth, defaultdict(list)
    for event in shop.events:
        session = str(event.get("session_id"))
        if session in truth.goals and event.get("user_id") not in (None, *truth.bots, *truth.shared):
            found[session].append(event)
    visits = [(events[0]["user_id"], truth.goals[session], _before_buying(events)) for session, events in found.items()]
    return [visit for visit in visits if visit[2]]


def _before_buying(events: Sequence[Payload]) -> list[Payload]:
    kept: list[Payload] = []
    for event in events:
        if event["event"] in _ENDS:
            break
        kept.append(event)
    return kept


def _label(goal: Goal, part: Sequence[Payload]) -> str:
    cart: Counter[str] = Counter()
    for event in part:
        cart[str(event.get("item_id"))] += {"add_to_cart": 1, "remove_from_cart": -1}.get(event["event"], 0)
    return _CALLED.get(goal.kind) or ("about to buy" if any(n > 0 for n in cart.values()) else "comparing")

"""A resident as an audience's filter reads it: a certain yes or no, else the person has to be folded."""

import functools
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NoReturn

from huaxiang.profiles import facets as view
from huaxiang.profiles.behaviour import habit
from huaxiang.profiles.fold import FoldConfig
from huaxiang.profiles.item_facets import ItemFacets
from huaxiang.profiles.name_bits import may_be_in
from huaxiang.profiles.packing import (
    FIGURES,
    SEARCHES,
    SPEAKS,
    STATUS,
    TRAITS,
    UNBOUGHT,
    bits_of,
    head_of,
    numbers_of,
    scores_of,
    share_of,
)
from huaxiang.profiles.readable import Asked, Readable, Scored, UnsureError
from huaxiang.profiles.resident import FAINT, SLACK, wanting
from huaxiang.profiles.state import FoldState, Tally
from huaxiang.profiles.unpacking import figures_of, needs_of
from huaxiang.profiles.value_table import Values
from huaxiang.types import CONSENT_SCOPES

_ROUNDED: Final = 2.0**-11
"""What a score of eleven bits is off by at most, as a share of it."""
_BITS: Final[Mapping[str, int]] = {scope: 2 * place for place, scope in enumerate(CONSENT_SCOPES)}


class _Unheld(dict[str, Any]):
    """A part of behaviour that was too long for a resident."""

    def get(self, key: str, default: Any = None) -> NoReturn:  # noqa: ARG002
        raise UnsureError(f"the resident does not hold {key!r}")


class ResidentPerson(Readable):
    """One person for a filter, as of a moment within the resident's time.

    Conditions raise UnsureError where the resident cannot tell: an interest that is in the set of names, a score so
    near a bound that rounding decides, a part that was too long.
    """

    def __init__(
        self, packed: bytes, values: Values, item_facets: ItemFacets, *, now: datetime, config: FoldConfig
    ) -> None:
        self._packed, self._values = packed, values
        self._item_facets, self._now, self._config = item_facets, now, config
        self._head = head_of(packed)

    def consent(self, scope: str) -> str:
        """`granted` or `denied`."""
        return STATUS[self._head.consents >> _BITS[scope] & 3] or self._config.consent_default

    def has_interest(self, asked: Asked) -> bool:
        """Whether a condition on interests holds."""
        if self.consent("personalisation") == "denied":
            return False
        numbers = numbers_of(self._packed, self._head)
        if asked.options is None:
            return self._has_any(asked, numbers)
        unsure = False
        for option in asked.options:
            verdict = self._holds(asked, option, numbers)
            if verdict:
                return True
            unsure = unsure or verdict is None
        if unsure:
            raise UnsureError(f"the resident cannot tell of {asked.kind}")
        return False

    def _holds(self, asked: Asked, option: str, numbers: tuple[int, ...]) -> bool | None:
        """Whether the greatest score of what answers to an option is within the bounds; None: unsure."""
        head, answering = self._head, self._values.answering(asked.kind, option)
        best: float | None = None
        places = [place for place in range(head.n_interests) if numbers[place] in answering] if answering else []
        unheld = self._most_unheld(asked.kind, option)
        if not places:
            return False if _all_outside(asked, -unheld, unheld) else None
        scores = scores_of(self._packed, head)
        best = max(scores[place] for place in places)
        margin = SLACK + _ROUNDED * abs(best)
        # another value that answers to the option, and is not held, may have a greater score
        low, high = best - margin, max(best + margin, unheld)
        if asked.low <= low and high <= asked.high:
            return True
        return False if _all_outside(asked, low, high) else None

    def _most_unheld(self, kind: str, option: str) -> float:
        """The greatest share that an interest which is not held by number can have."""
        head = self._head
        if head.rest and may_be_in(bits_of(self._packed, head), head.n_hashes, kind, option):
            return max(FAINT, head.rest + SLACK)
        return FAINT

    def _has_any(self, asked: Asked, numbers: tuple[int, ...]) -> bool:
        """Whether any value of the kind has a score within the bounds."""
        head = self._head
        most = max(FAINT, head.rest + SLACK)
        unsure = not _all_outside(asked, -most, most)
        scores = scores_of(self._packed, head)
        for place in range(head.n_interests):
            score = scores[place]
            margin = SLACK + _ROUNDED * abs(score)
            if score + margin < asked.low or score - margin > asked.high:
                continue
            if self._values.value(numbers[place])[0].casefold() == asked.kind:
                if asked.low <= score - margin and score + margin <= asked.high:
                    return True
                unsure = True
        if unsure:
            raise UnsureError(f"the resident cannot tell of {asked.kind}")
        return False

    def has_need(self, asked: Asked) -> bool:
        """Whether a condition on needs holds."""
        whole = SEARCHES if asked.kind == "search" else UNBOUGHT
        if not self._head.flags & whole and self.consent("personalisation") == "granted":
            raise UnsureError(f"the resident does not hold every {asked.kind}")
        return super().has_need(asked)

    @functools.cached_property
    def interests(self) -> Mapping[str, Scored]:
        """Not to be read whole: a resident does not hold them all."""
        raise UnsureError("a resident does not hold all interests")

    def _wanting(self) -> FoldState:
        return wanting(*needs_of(self._packed, self._head, self._values))

    @functools.cached_property
    def behaviour(self) -> Mapping[str, Any]:
        """As `profiles.facets.behaviour` has it, of what a filter can ask for."""
        if self.consent("analytics") == "denied":
            return {}
        head = self._head
        said = view.figures(figures_of(self._packed, head), self._item_facets, now=self._now)
        if head.n:
            speaks = bool(head.flags & SPEAKS)
            said["language"] = self._values.value(numbers_of(self._packed, head)[-1])[1] if speaks else None
            if not head.flags & FIGURES:
                said["counts"] = said["spend"] = _Unheld()
            if not head.flags & TRAITS:
                said["traits"] = _Unheld()
        return said

    def habit(self, name: str) -> float | None:
        """One of `profiles.behaviour.HABITS`."""
        if self.consent("analytics") == "denied":
            return None
        head = self._head
        if name == "repeat_purchase":  # it changes with time
            return habit(name, figures_of(self._packed, head), self._item_facets, now=self._now)
        return share_of(head.loyalty if name == "loyalty" else head.price_sensitivity)

    def _feeling(self) -> FoldState:
        head = self._head
        return FoldState(mood=Tally(long=head.mood), mood_weight=Tally(long=head.mood_weight, at=head.mood_at))


def _all_outside(asked: Asked, low: float, high: float) -> bool:
    """Whether no score from `low` to `high` is within the bounds."""
    return high < asked.low or low > asked.high

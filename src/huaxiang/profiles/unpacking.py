"""Reading a resident's bytes: figures, needs, or all of it."""

import struct
from typing import Final

import orjson

from huaxiang.profiles.packing import (
    BUYING_FORM,
    EVENTS,
    FIGURES,
    MINUTE,
    SEARCHES,
    SPEAKS,
    STATUS,
    TRAITS,
    UNBOUGHT,
    UNBOUGHT_FORM,
    Head,
    head_of,
    numbers_of,
    scores_of,
    seldom_start,
    share_of,
)
from huaxiang.profiles.resident import Essence, Held, Seqs, Wanted
from huaxiang.profiles.state import FoldState, Tally
from huaxiang.profiles.value_table import Values
from huaxiang.types import CONSENT_SCOPES

_REAL: Final = struct.Struct("<d")
_SHORT: Final = struct.Struct("<f")
_MICROS: Final = struct.Struct("<q")


def figures_of(packed: bytes, head: Head) -> FoldState:
    """A state with the figures of behaviour, when they bought, traits, mood and consents; what is not held is empty."""
    return _Seldom(packed, head).figures()


def needs_of(packed: bytes, head: Head, values: Values) -> tuple[list[Wanted], list[Wanted]]:
    """Open searches and unbought items, strongest first."""
    seldom = _Seldom(packed, head)
    seldom.figures()
    return seldom.searches(), seldom.unbought(values)


def unpack(packed: bytes, values: Values) -> Essence:
    """All that a resident says; scores, confidences and moments of facets are rounded, all else is exact."""
    head = head_of(packed)
    seldom = _Seldom(packed, head)
    figures, searches, unbought = seldom.figures(), seldom.searches(), seldom.unbought(values)
    named = [values.value(number) for number in numbers_of(packed, head)]
    scored = [(*value, score) for value, score in zip(named, scores_of(packed, head), strict=False)]
    about = seldom.intent()
    return Essence(
        as_of=head.as_of,
        until=head.until,
        figures=figures,
        language=named[-1][1] if head.flags & SPEAKS else None,
        facets=tuple(seldom.detail(*each) for each in scored[: head.n_facets]),
        others=tuple(scored[head.n_facets :]),
        is_whole=head.rest == 0.0,
        searches=tuple(searches),
        searches_are_whole=bool(head.flags & SEARCHES),
        unbought=tuple(unbought),
        unbought_is_whole=bool(head.flags & UNBOUGHT),
        intent=about,
        price_sensitivity=share_of(head.price_sensitivity),
        loyalty=share_of(head.loyalty),
    )


class _Seldom:
    """Reads the last part of a resident, whose pieces must be asked for in this order."""

    def __init__(self, packed: bytes, head: Head) -> None:
        self._packed, self._head, self._at = packed, head, seldom_start(head)

    def figures(self) -> FoldState:
        """When they bought, counts, spend and traits, with what stands in the head."""
        head, counts, spend, buying = self._head, {}, {}, [self._number(), 0, 0]
        if buying[0]:
            buying[1:] = BUYING_FORM.unpack(self._bytes(BUYING_FORM.size))
        if head.flags & FIGURES:
            counts = {EVENTS[self._byte()]: self._number() for _ in range(self._number())}
            spend = {self._text(): self._real() for _ in range(self._number())}
        traits = self._bytes(self._number())
        said = ((scope, STATUS[head.consents >> 2 * place & 3]) for place, scope in enumerate(CONSENT_SCOPES))
        return FoldState(
            counts=counts,
            spend=spend,
            consents={scope: status for scope, status in said if status is not None},
            mood=Tally(long=head.mood, at=head.mood_at),
            mood_weight=Tally(long=head.mood_weight, at=head.mood_at),
            traits=orjson.loads(traits) if head.flags & TRAITS else {},
            n_orders=head.n_orders,
            buying=buying,
            active_days=head.active_days,
            first=head.first,
            last=[head.last, head.last_seq],
            n=head.n,
        )

    def searches(self) -> list[Wanted]:
        """Open searches, strongest first."""
        return [Wanted(self._text(), 1.0, self._micros(), 1, self._seqs()) for _ in range(self._number())]

    def unbought(self, values: Values) -> list[Wanted]:
        """Items looked at and not bought, strongest first."""
        head = self._head
        found = []
        for number in numbers_of(self._packed, head)[head.n_interests : head.n_interests + head.n_unbought]:
            short, at, n = UNBOUGHT_FORM.unpack(self._bytes(UNBOUGHT_FORM.size))
            found.append(Wanted(values.value(number)[1], short, at, n, self._seqs()))
        return found

    def intent(self) -> Held | None:
        """Of the newest visit."""
        if not self._byte():
            return None
        value, (score,) = self._text(), _SHORT.unpack(self._bytes(_SHORT.size))
        return self.detail("intent", value, score)

    def detail(self, facet: str, value: str, score: float) -> Held:
        """A facet with its evidence."""
        confidence, at = self._byte() / 255, self._head.last - self._number() * MINUTE
        return Held(facet, value, score, confidence, at, self._seqs())

    def _seqs(self) -> Seqs:
        before, found = self._head.last_seq, []
        for _ in range(self._number()):
            step = self._number()
            before -= step // 2 if step % 2 == 0 else -(step + 1) // 2
            found.append(before)
        return tuple(found)

    def _byte(self) -> int:
        self._at += 1
        return self._packed[self._at - 1]

    def _number(self) -> int:
        n = shift = 0
        while (byte := self._byte()) > 127:
            n |= (byte & 127) << shift
            shift += 7
        return n | byte << shift

    def _bytes(self, n: int) -> bytes:
        self._at += n
        return self._packed[self._at - n : self._at]

    def _text(self) -> str:
        return self._bytes(self._number()).decode("utf-8", "surrogatepass")

    def _real(self) -> float:
        value: float = _REAL.unpack(self._bytes(_REAL.size))[0]
        return value

    def _micros(self) -> int:
        value: int = _MICROS.unpack(self._bytes(_MICROS.size))[0]
        return value

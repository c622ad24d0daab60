"""A resident as bytes, 1,024 at most: a head, numbers of values, scores, a set of names, then what is seldom read.

Numbers of values stand together at a fixed place, so that a record in the store takes its texts with it and is given
numbers of this process when it is read back.
"""

import struct
import zlib
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import orjson

from huaxiang.profiles.name_bits import n_hashes, name_bits
from huaxiang.profiles.readable import answers_to
from huaxiang.profiles.resident import FACETS, Essence, Held, Wanted
from huaxiang.profiles.state import FoldState
from huaxiang.profiles.value_table import ValueTable
from huaxiang.types import CONSENT_SCOPES, EVENT_NAMES

LIMIT: Final = 1_024
"""Bytes of a resident at most."""
LAYOUT: Final = f"resident-3-{zlib.crc32(' '.join(sorted(EVENT_NAMES)).encode()):08x}"

SEARCHES, UNBOUGHT, TRAITS, FIGURES, SPEAKS = (1 << bit for bit in range(5))
"""Flags: whole are the searches, the unbought items; held are the traits, counts and spend; a language is known."""

_HEAD: Final = struct.Struct("<HHqqIIIqqQddqfBHHBBHH")
_MOMENTS, _MOMENTS_AT = struct.Struct("<qq"), 4
"""Of the head, the moments that it holds from and to."""
UNBOUGHT_FORM: Final = struct.Struct("<dqI")
BUYING_FORM: Final = struct.Struct("<qq")
MINUTE: Final = 60_000_000
EVENTS: Final = tuple(sorted(EVENT_NAMES))
_MOST_OF_FIGURES, _MOST_OF_TRAITS, _MOST_OF_SEARCHES = 160, 160, 200
"""Bytes that a part may take; what is longer is left out and said to be."""
_MOST_FOR_REST: Final = 320
"""Bytes that facets leave to the values that a resident knows without evidence."""
_BITS: Final = 10
"""Bits of a name in the set of names: of a hundred that are not in it one seems to be."""
_PER_SCORE: Final = 6
STATUS: Final = (None, "granted", "denied")
"""What was said of a scope, by the two bits that hold it."""


class Head(NamedTuple):
    """The fixed part of a resident, in its order; see `Essence` and `FoldState`.

    Attributes:
        rest: no interest in the set of names has a share above this, of either sign; 0 where there is none.
        n_facets, n_interests: interests with evidence, and with a score at all.
        n_bits: bytes of the set of names. n_hashes: bits of a name in it.
        price_sensitivity, loyalty: 1 more than thousandths; 0: nothing is said.
    """

    flags: int
    consents: int
    as_of: int
    until: int
    n: int
    n_orders: int
    active_days: int
    first: int
    last: int
    last_seq: int
    mood: float
    mood_weight: float
    mood_at: int
    rest: float
    n_facets: int
    n_interests: int
    n_bits: int
    n_unbought: int
    n_hashes: int
    price_sensitivity: int
    loyalty: int

    @property
    def n_numbers(self) -> int:
        """Numbers of values: of interests, of unbought items, of the language."""
        return self.n_interests + self.n_unbought + bool(self.flags & SPEAKS)


def head_of(packed: bytes) -> Head:
    """The head of a resident."""
    return Head._make(_HEAD.unpack_from(packed))


def holds_at(packed: bytes, micros: int) -> bool:
    """Whether a resident speaks of a moment."""
    as_of, until = _MOMENTS.unpack_from(packed, _MOMENTS_AT)
    return bool(as_of <= micros <= until)


def numbers_of(packed: bytes, head: Head) -> tuple[int, ...]:
    """Numbers of values in a table."""
    return struct.unpack_from(f"<{head.n_numbers}I", packed, _HEAD.size)


def renumbered(packed: bytes, head: Head, numbers: Sequence[int]) -> bytes:
    """The same with other numbers of values."""
    end = _HEAD.size + 4 * head.n_numbers
    return packed[: _HEAD.size] + struct.pack(f"<{head.n_numbers}I", *numbers) + packed[end:]


def scores_of(packed: bytes, head: Head) -> tuple[float, ...]:
    """Scores of the interests, rounded to eleven bits."""
    return struct.unpack_from(f"<{head.n_interests}e", packed, _HEAD.size + 4 * head.n_numbers)


def bits_of(packed: bytes, head: Head) -> bytes:
    """The set of the names that further interests answer to."""
    end = seldom_start(head)
    return packed[end - head.n_bits : end]


def seldom_start(head: Head) -> int:
    """Where the part begins that is seldom read."""
    return _HEAD.size + 4 * head.n_numbers + 2 * head.n_interests + head.n_bits


def pack(essence: Essence, table: ValueTable) -> bytes:
    """A resident of at most 1,024 bytes; its values get one more user each in the table.

    What has no room goes in this order: long traits, searches and spending in many currencies; evidence of the weakest
    facets; scores of the weakest interests, keywords first.

    Args:
        essence: whole, as `essence_of` makes it.
    """
    assert essence.is_whole, "an essence that was unpacked does not know what it lacks"
    parts = _Parts(essence)
    interests = [*((held.facet, held.value, held.score) for held in parts.facets), *parts.others]
    values = [(kind, value) for kind, value, _ in interests]
    values += [("item", item.value) for item in essence.unbought]
    values += [] if essence.language is None else [("language", essence.language)]
    scores = [score for _, _, score in interests]
    return b"".join(
        (
            _HEAD.pack(*parts.head(len(interests))),
            struct.pack(f"<{len(values)}I", *(table.take(kind, value) for kind, value in values)),
            struct.pack(f"<{len(scores)}e", *scores),
            parts.bits,
            bytes(parts.seldom),
        )
    )


class _Parts:
    """What fits of an essence."""

    def __init__(self, essence: Essence) -> None:
        self._essence = essence
        figures, traits = _figures(essence.figures), _traits(essence.figures)
        n_asked = _n_fitting([_wanted(search, essence) for search in essence.searches], _MOST_OF_SEARCHES)
        searches = essence.searches[:n_asked]
        is_asked_whole = essence.searches_are_whole and n_asked == len(essence.searches)
        self._flags = (
            (SEARCHES if is_asked_whole else 0)
            | (UNBOUGHT if essence.unbought_is_whole else 0)
            | (FIGURES if figures is not None else 0)
            | (TRAITS if traits is not None else 0)
            | (SPEAKS if essence.language is not None else 0)
        )
        self.seldom = _buying(essence.figures)
        self.seldom += figures or b""
        _number(self.seldom, len(traits or b""))
        self.seldom += traits or b""
        _number(self.seldom, len(searches))
        for search in searches:
            self.seldom += _wanted(search, essence)
        for item in essence.unbought:
            self.seldom += UNBOUGHT_FORM.pack(item.short, item.at, item.n) + _seqs(item.seqs, essence)
        self.seldom.append(essence.intent is not None)
        if essence.intent is not None:
            self.seldom += _text(essence.intent.value) + struct.pack("<f", essence.intent.score)
            self.seldom += _detail(essence.intent, essence)
        self._fill()

    def _fill(self) -> None:
        """Facets while they fit, further interests by score, then the set of the others' names."""
        essence = self._essence
        left = LIMIT - _HEAD.size - len(self.seldom)
        left -= 4 * (len(essence.unbought) + (essence.language is not None))
        reserve = min(_MOST_FOR_REST, _PER_SCORE * len(essence.others))
        details = [_detail(held, essence) for held in essence.facets[:FACETS]]
        n = _n_fitting([bytes(_PER_SCORE) + detail for detail in details], left - reserve)
        self.facets = essence.facets[:n]
        self.seldom += b"".join(details[:n])
        left = max(0, left - _PER_SCORE * n - sum(map(len, details[:n])))
        dropped = [(held.facet, held.value, held.score) for held in essence.facets[n:]]
        # keywords are the most and the weakest, and asked for least
        others = sorted([*dropped, *essence.others], key=lambda other: (other[0] == "keyword", -abs(other[2])))
        n, n_names = _n_scored(others, left)
        self.others, rest = others[:n], others[n:]
        n_bits = min(2 * n_names, left - _PER_SCORE * n)
        self.n_hashes = n_hashes(n_bits, n_names)
        self.bits = name_bits((name for other in rest for name in _names(other)), n_bits, self.n_hashes)
        self._most_of_rest = max((abs(score) for _, _, score in rest), default=0.0)

    def head(self, n_interests: int) -> Head:
        """The head, before it is packed."""
        figures = self._essence.figures
        # rounded up: a float of four bytes may be less than what it stands for
        rest = min(1.0, self._most_of_rest * (1 + 1e-6)) if self._most_of_rest else 0.0
        return Head(
            flags=self._flags,
            consents=_consents(figures),
            as_of=self._essence.as_of,
            until=self._essence.until,
            n=figures.n,
            n_orders=figures.n_orders,
            active_days=figures.active_days,
            first=figures.first,
            last=figures.last[0],
            last_seq=figures.last[1],
            mood=figures.mood.long,
            mood_weight=figures.mood_weight.long,
            mood_at=figures.mood_weight.at,
            rest=rest,
            n_facets=len(self.facets),
            n_interests=n_interests,
            n_bits=len(self.bits),
            n_unbought=len(self._essence.unbought),
            n_hashes=self.n_hashes,
            price_sensitivity=_thousandths(self._essence.price_sensitivity),
            loyalty=_thousandths(self._essence.loyalty),
        )


def _n_fitting(pieces: Iterable[bytes], room: int) -> int:
    """How many of the first pieces fit together."""
    n = 0
    for piece in pieces:
        room -= len(piece)
        if room < 0:
            break
        n += 1
    return n


def _n_scored(others: Sequence[tuple[str, str, float]], room: int) -> tuple[int, int]:
    """How many interests get a number and a score, and how many names the rest answer to: as many as leave enough bits
    for the rest; of those that are no keywords, as many as fit into three quarters of the room all the same."""
    n_names = [_n_names(other) for other in others]
    n, left = 0, sum(n_names)
    fewest = min(sum(kind != "keyword" for kind, _, _ in others), 3 * room // 4 // _PER_SCORE)
    while n < len(others):
        needed = _PER_SCORE * (n + 1) + -(-_BITS * (left - n_names[n]) // 8)
        if n >= fewest and needed > room:
            break
        left -= n_names[n]
        n += 1
    return n, left


def _n_names(interest: tuple[str, str, float]) -> int:
    return len(answers_to("category", interest[1])) if interest[0] == "category" else 1


def _names(interest: tuple[str, str, float]) -> list[tuple[str, str]]:
    kind, value, _ = interest
    return [(kind.casefold(), name) for name in answers_to(kind.casefold(), value)]


def _consents(figures: FoldState) -> int:
    said = (STATUS.index(figures.consents.get(scope)) for scope in CONSENT_SCOPES)
    return sum(status << 2 * place for place, status in enumerate(said))


def _thousandths(share: float | None) -> int:
    return 0 if share is None else 1 + round(1_000 * share)


def share_of(thousandths: int) -> float | None:
    """A share of a head, to the last bit what was rounded to three decimals; None where nothing is said."""
    return (thousandths - 1) / 1_000 if thousandths else None


def _buying(figures: FoldState) -> bytearray:
    """Days on which something was bought, and the first and the newest moment."""
    said = bytearray()
    n_days, *moments = figures.buying
    _number(said, n_days)
    return said + BUYING_FORM.pack(*moments) if n_days else said


def _figures(figures: FoldState) -> bytes | None:
    """Counts and spend; None where they are too long or of another kind."""
    said = bytearray()
    _number(said, len(figures.counts))
    for name, n in figures.counts.items():
        said.append(EVENTS.index(name))
        _number(said, n)
    _number(said, len(figures.spend))
    for currency, amount in figures.spend.items():
        said += _text(currency) + struct.pack("<d", amount)
    return bytes(said) if len(said) <= _MOST_OF_FIGURES else None


def _traits(figures: FoldState) -> bytes | None:
    """Traits as JSON; None where they are too long, or JSON does not give them back."""
    try:
        said = orjson.dumps(figures.traits)
    except (TypeError, ValueError):
        return None
    return said if len(said) <= _MOST_OF_TRAITS and orjson.loads(said) == figures.traits else None


def _wanted(search: Wanted, essence: Essence) -> bytes:
    return _text(search.value) + struct.pack("<q", search.at) + _seqs(search.seqs, essence)


def _detail(held: Held, essence: Essence) -> bytes:
    """Confidence in 255ths, minutes before the newest event, sequence numbers."""
    said = bytearray([round(255 * held.confidence)])
    _number(said, max(0, essence.figures.last[0] - held.at) // MINUTE)
    return bytes(said + _seqs(held.seqs, essence))


def _seqs(seqs: Sequence[int], essence: Essence) -> bytes:
    """Each as what lies between it and the one before, the first as what lies between it and the last of all."""
    said = bytearray()
    _number(said, len(seqs))
    before = essence.figures.last[1]
    for seq in seqs:
        step = before - seq
        _number(said, 2 * step if step >= 0 else -2 * step - 1)
        before = seq
    return bytes(said)


def _text(value: str) -> bytes:
    encoded = value.encode("utf-8", "surrogatepass")
    said = bytearray()
    _number(said, len(encoded))
    return bytes(said) + encoded


def _number(said: bytearray, n: int) -> None:
    """Seven bits a byte, the least first."""
    while n > 127:
        said.append(n & 127 | 128)
        n >>= 7
    said.append(n)

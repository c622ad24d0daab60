"""A resident as bytes, 1,024 at most: a head, numbers of values, scores, fingerprints, then what is seldom read.

Numbers of values stand together at a fixed place, so that a record in the store takes its texts with it and is given
numbers of this process when it is read back.
"""

import struct
import zlib
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import orjson

from huaxiang.profiles.audience_filter import answers_to
from huaxiang.profiles.resident import FACETS, Essence, Held, Wanted
from huaxiang.profiles.state import FoldState
from huaxiang.profiles.value_table import ValueTable
from huaxiang.types import CONSENT_SCOPES, EVENT_NAMES

LIMIT: Final = 1_024
"""Bytes of a resident at most."""
LAYOUT: Final = f"resident-1-{zlib.crc32(' '.join(sorted(EVENT_NAMES)).encode()):08x}"

SEARCHES, UNBOUGHT, TRAITS, FIGURES, CUT, SPEAKS = (1 << bit for bit in range(6))
"""Flags: whole are the searches, the unbought items; held are the traits, counts and spend; interests were cut; a
language is known."""

_HEAD: Final = struct.Struct("<HHqqIIIqqQddqfBHHB")
UNBOUGHT_FORM: Final = struct.Struct("<dqI")
MINUTE: Final = 60_000_000
EVENTS: Final = tuple(sorted(EVENT_NAMES))
_MOST_OF_FIGURES, _MOST_OF_TRAITS, _MOST_OF_SEARCHES = 160, 160, 200
"""Bytes that a part may take; what is longer is left out and said to be."""
_MOST_FOR_REST: Final = 160
"""Bytes that facets leave to the values that a resident knows by score or fingerprint alone."""
STATUS: Final = (None, "granted", "denied")
"""What was said of a scope, by the two bits that hold it."""


class Head(NamedTuple):
    """The fixed part of a resident, in its order; see `Essence` and `FoldState`.

    Attributes:
        rest: no interest that is known by fingerprint alone, or was cut, has a share above this, of either sign.
        n_facets, n_interests: interests with evidence, and with a score at all. n_rest: fingerprints.
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
    n_rest: int
    n_unbought: int

    @property
    def n_numbers(self) -> int:
        """Numbers of values: of interests, of unbought items, of the language."""
        return self.n_interests + self.n_unbought + bool(self.flags & SPEAKS)


def head_of(packed: bytes) -> Head:
    """The head of a resident."""
    return Head._make(_HEAD.unpack_from(packed))


def numbers_of(packed: bytes, head: Head) -> tuple[int, ...]:
    """Numbers of values in a table."""
    return struct.unpack_from(f"<{head.n_numbers}I", packed, _HEAD.size)


def renumbered(packed: bytes, head: Head, numbers: Sequence[int]) -> bytes:
    """The same with other numbers of values."""
    end = _HEAD.size + 4 * head.n_numbers
    return packed[: _HEAD.size] + struct.pack(f"<{head.n_numbers}I", *numbers) + packed[end:]


def scores_of(packed: bytes, head: Head) -> tuple[float, ...]:
    """Scores of the interests; after the first `n_facets` rounded to eleven bits."""
    more = head.n_interests - head.n_facets
    return struct.unpack_from(f"<{head.n_facets}f{more}e", packed, _HEAD.size + 4 * head.n_numbers)


def fingerprints_of(packed: bytes, head: Head) -> tuple[int, ...]:
    """Fingerprints of the names that further interests answer to."""
    return struct.unpack_from(f"<{head.n_rest}H", packed, seldom_start(head) - 2 * head.n_rest)


def seldom_start(head: Head) -> int:
    """Where the part begins that is seldom read."""
    scores = 4 * head.n_facets + 2 * (head.n_interests - head.n_facets)
    return _HEAD.size + 4 * head.n_numbers + scores + 2 * head.n_rest


def fingerprint(kind: str, name: str) -> int:
    """Sixteen bits of a name of a kind of facet, without case."""
    return zlib.crc32(f"{kind}\x00{name}".encode("utf-8", "surrogatepass")) & 0xFFFF


def pack(essence: Essence, table: ValueTable) -> bytes:
    """A resident of at most 1,024 bytes; its values get one more user each in the table.

    What has no room goes in this order: evidence of the weakest facets, scores of the weakest interests, interests
    altogether; and long traits, searches and spending in many currencies before these.
    """
    parts = _Parts(essence)
    interests = [*((held.facet, held.value, held.score) for held in parts.facets), *parts.others]
    values = [(kind, value) for kind, value, _ in interests]
    values += [("item", item.value) for item in essence.unbought]
    values += [] if essence.language is None else [("language", essence.language)]
    scores = [score for _, _, score in interests]
    n = len(parts.facets)
    return b"".join(
        (
            _HEAD.pack(*parts.head(len(interests))),
            struct.pack(f"<{len(values)}I", *(table.take(kind, value) for kind, value in values)),
            struct.pack(f"<{n}f{len(scores) - n}e", *scores),
            struct.pack(f"<{len(parts.rest)}H", *parts.rest),
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
        self.seldom = bytearray(figures or b"")
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
        """Facets while they fit, further interests by score, then fingerprints of the others."""
        essence = self._essence
        left = LIMIT - _HEAD.size - len(self.seldom)
        left -= 4 * (len(essence.unbought) + (essence.language is not None))
        others = list(essence.others)
        reserve = min(_MOST_FOR_REST, 2 * sum(len(_prints(other)) for other in others))
        details = [_detail(held, essence) for held in essence.facets[:FACETS]]
        n = _n_fitting([8 * b"\x00" + detail for detail in details], left - reserve)
        self.facets = essence.facets[:n]
        self.seldom += b"".join(details[:n])
        left -= 8 * n + sum(map(len, details[:n]))
        dropped = [(held.facet, held.value, held.score) for held in essence.facets[n:]]
        others = sorted([*dropped, *others], key=lambda other: -abs(other[2]))
        prints = [_prints(other) for other in others]
        after = sum(map(len, prints))
        n = 0
        while n < len(others) and 6 * (n + 1) + 2 * (after - len(prints[n])) <= left:
            after -= len(prints[n])
            n += 1
        self.is_cut = not essence.is_whole or 6 * n + 2 * after > left
        if self.is_cut:
            n, after = min(len(others), max(0, left) // 6), 0
        self.others = others[:n]
        self.rest = () if self.is_cut else sorted({each for of_one in prints[n:] for each in of_one})
        self._most_of_rest = max((abs(score) for _, _, score in others[n:]), default=0.0)

    def head(self, n_interests: int) -> Head:
        """The head, before it is packed."""
        figures = self._essence.figures
        flags = self._flags | (CUT if self.is_cut else 0)
        # rounded up: a float of four bytes may be less than what it stands for
        rest = min(1.0, self._most_of_rest * (1 + 1e-6)) if self._most_of_rest else 0.0
        return Head(
            flags=flags,
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
            n_rest=len(self.rest),
            n_unbought=len(self._essence.unbought),
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


def _prints(interest: tuple[str, str, float]) -> list[int]:
    kind, value, _ = interest
    return [fingerprint(kind.casefold(), name) for name in answers_to(kind.casefold(), value)]


def _consents(figures: FoldState) -> int:
    said = (STATUS.index(figures.consents.get(scope)) for scope in CONSENT_SCOPES)
    return sum(status << 2 * place for place, status in enumerate(said))


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

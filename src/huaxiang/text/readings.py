"""What may have been meant by what was typed: words of a query, and stretches of Chinese, with likely corrections."""

import itertools
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from rapidfuzz.distance import OSA

from huaxiang.text.known_words import LONGEST, LONGEST_HAN, LONGEST_RUN, KnownWords, is_spelled
from huaxiang.text.pinyin import confused, sound, sounds
from huaxiang.text.slips import SWAPPED, slips

Kind = Literal["edit", "split", "join", "pinyin"]

SHORTEST: Final = 4
"""Shorter words of letters are not changed: too many others are near."""
SHORT: Final = range(2, SHORTEST)
"""Lengths of words that are changed only where the words around call for it."""
LONG: Final = 8
"""From this length on two slips are forgiven."""
BLANK: Final = 0.8
"""A blank lost or added, in slips."""
ENDING: Final = 0.3
"""The ending of a plural dropped, in slips."""
HEARD: Final = 1.0
"""A Chinese character for one of the same sound."""
MISHEARD: Final = 1.3
"""A character for one of a sound that people confuse."""
OTHER: Final = 2.0
"""A character for another one."""
LOST: Final = 1.0
"""A character too few."""
SPELLED_OUT: Final = 0.2
"""Pinyin typed in Latin letters."""

_MOST_EDITS: Final = 12
_MOST_SHORT: Final = 80
_MOST_SPLITS: Final = 4
_MOST_HAN: Final = 16


@dataclass(frozen=True, slots=True)
class Reading:
    """What a stretch of a query may have been meant to say.

    Attributes:
        start, end: the stretch, in words of letters and characters of Chinese.
        words: what it says; as it was typed where `kind` is None.
        distance: in slips.
    """

    start: int
    end: int
    words: tuple[str, ...]
    distance: float = 0.0
    kind: Kind | None = None


def allowed_slips(word: str) -> int:
    """How many slips are forgiven in a word of letters."""
    return 0 if len(word) < SHORTEST else 1 if len(word) < LONG else 2


def letter_readings(known: KnownWords, word: str, at: int) -> Iterator[Reading]:
    """Corrections of one word of letters, beside itself; none of a word that is known well."""
    if not word.isalpha() or len(word) > LONGEST or known.knows_well(word):
        return
    if len(word) >= SHORTEST:
        yield from _edits(known, word, at, allowed_slips(word))
        if word[-1] == "s" and len(word) > SHORTEST:  # the shop may know it without the ending
            for reading in _edits(known, word[:-1], at, allowed_slips(word[:-1])):
                yield replace(reading, distance=reading.distance + ENDING)
        yield from _splits(known, word, at)
    if known.has_sounds and word.isascii() and len(word) >= 3 and word not in known:
        yield from _spelled_out(known, word, at)


def short_readings(known: KnownWords, word: str, at: int, around: Sequence[str]) -> Iterator[Reading]:
    """Corrections of a doubtful word of two or three letters: only to words that were met beside those around it."""
    if not (len(word) in SHORT and word.isalpha() and not known.knows_well(word)):
        return
    readings = list(_edits(known, word, at, 1, _MOST_SHORT))
    if readings and around:
        pairs = [(one.words[0], other) for one in readings for other in around]
        met = known.together([word for word, _ in pairs], [other for _, other in pairs]).reshape(len(readings), -1)
        yield from (one for one, own in zip(readings, met.sum(axis=1).tolist(), strict=True) if own)


def _edits(known: KnownWords, typed: str, at: int, allowed: int, most: int = _MOST_EDITS) -> Iterator[Reading]:
    found = []
    for _, word in known.near([typed], [allowed]):
        apart = OSA.distance(typed, word, score_cutoff=allowed)
        if 0 < apart <= allowed:
            found.append((apart, -known.frequency(word), word))
    for _, _, word in sorted(found)[:most]:
        yield Reading(at, at + 1, (word,), slips(typed, word), "edit")


def _splits(known: KnownWords, typed: str, at: int) -> Iterator[Reading]:
    """Two words run together; both are known well, or were met side by side."""
    found = []
    for cut in range(2, len(typed) - 1):
        left, right = typed[:cut], typed[cut:]
        if left in known and right in known:
            n_met = float(known.together([left], [right])[0])
            if n_met or (min(cut, len(typed) - cut) > 2 and known.knows_well(left) and known.knows_well(right)):
                found.append((-n_met, -min(known.frequency(left), known.frequency(right)), left, right))
    for _, _, left, right in sorted(found)[:_MOST_SPLITS]:
        yield Reading(at, at + 1, (left, right), BLANK, "split")


def joined(known: KnownWords, left: str, right: str, at: int) -> Reading | None:
    """Two words meant as one that is known well: where one of them is not, or they were never met together."""
    word = left + right
    if not (
        is_spelled(word) and left.isalpha() and right.isalpha() and known.frequency(word) and known.knows_well(word)
    ):
        return None
    if known.knows_well(left) and known.knows_well(right) and known.together([left], [right])[0]:
        return None
    return Reading(at, at + 2, (word,), BLANK, "join")


def _spelled_out(known: KnownWords, typed: str, at: int) -> Iterator[Reading]:
    """Chinese words, one or two, whose pinyin was typed."""
    allowed = 1 if len(typed) > 5 else 0
    found = []
    for _, word in known.sounding([typed], [allowed]):
        heard = sound(word)
        apart = OSA.distance(typed, heard, score_cutoff=1)
        is_alike = confused(typed) == confused(heard)
        if apart <= allowed or is_alike:
            distance = min(slips(typed, heard) if apart < 2 else MISHEARD, MISHEARD if is_alike else 2.0)
            found.append((distance, -known.frequency(word), word))
    for distance, _, word in sorted(found)[:_MOST_EDITS]:
        yield Reading(at, at + 1, (word,), distance + SPELLED_OUT, "pinyin")
    if found:
        return
    halves = [half for cut in range(2, len(typed) - 1) for half in (typed[:cut], typed[cut:])]
    likeliest: dict[int, str] = {}
    for place, word in known.sounding(halves, [0] * len(halves)):
        if halves[place] == sound(word) and known.frequency(word) > known.frequency(likeliest.get(place, "")):
            likeliest[place] = word
    for left in range(0, len(halves), 2):
        if left in likeliest and left + 1 in likeliest:
            yield Reading(at, at + 1, (likeliest[left], likeliest[left + 1]), SPELLED_OUT, "pinyin")


def han_readings(known: KnownWords, cuts: Sequence[str], at: int) -> list[Reading]:
    """Of a run of Chinese characters all words that it may be made of, and all that it may have been meant to be.

    Args:
        cuts: the run as it was cut into words. What is inside one of several characters that is known well stays.
    """
    run = "".join(cuts)
    free = _free(known, cuts)
    seams = free | {at + 1 for at in free} | {end for _, end in _bounds(cuts)[:-1]}
    if not free or len(run) > _MOST_HAN or run in known:
        return [Reading(at + start, at + end, (run[start:end],)) for start, end in _bounds(cuts)]
    spans = [
        (start, end) for start in range(len(run)) for end in range(start + 1, min(len(run), start + LONGEST_HAN) + 1)
    ]
    if LONGEST_HAN < len(run) <= LONGEST_RUN + 1:
        spans.append((0, len(run)))
    spans = [span for span in spans if not free.isdisjoint(range(*span))]
    kept = {*_bounds(cuts), *(span for span in spans if span[1] - span[0] == 1 or run[slice(*span)] in known)}
    found = [Reading(at + start, at + end, (run[start:end],)) for start, end in sorted(kept)]
    doubtful = [span for span in spans if span[1] - span[0] > 1 and not known.knows_well(run[slice(*span)])]
    typed = [run[slice(*span)] for span in doubtful]
    for place, word, distance, kind in (*_heard(known, typed), *_mistyped(known, typed)):
        start, end = doubtful[place]
        if _changes_only(typed[place], word, start, free, seams):
            found.append(Reading(at + start, at + end, (word,), distance, kind))
    return found


def _bounds(cuts: Sequence[str]) -> list[tuple[int, int]]:
    ends = [0]
    for cut in cuts:
        ends.append(ends[-1] + len(cut))
    return list(itertools.pairwise(ends))


def _free(known: KnownWords, cuts: Sequence[str]) -> set[int]:
    """The places of characters that may be wrong."""
    bounds = zip(_bounds(cuts), cuts, strict=True)
    return {
        at for (start, end), cut in bounds if len(cut) == 1 or not known.knows_well(cut) for at in range(start, end)
    }


def _heard(known: KnownWords, typed: Sequence[str]) -> Iterator[tuple[int, str, float, Kind]]:
    """Words of as many characters that sound the same, or the same to some."""
    asked = [(place, reading) for place, word in enumerate(typed) for reading in sounds(word)]
    for number, word in known.sounding([reading for _, reading in asked], [0] * len(asked)):
        place, reading = asked[number]
        if len(word) == len(typed[place]) and word != typed[place]:
            n_other = sum(one != other for one, other in zip(word, typed[place], strict=True))
            each = HEARD if sound(word) == reading else MISHEARD
            yield place, word, n_other * each, "pinyin"


def _mistyped(known: KnownWords, typed: Sequence[str]) -> Iterator[tuple[int, str, float, Kind]]:
    """Words with one character lost, replaced or swapped; of two characters only the lost and the swapped."""
    for place, word in known.near_han(typed, [1 if len(one) > 2 else 0 for one in typed]):
        asked = typed[place]
        if len(asked) == len(word) == 2 or len(word) < len(asked):
            continue
        if OSA.distance(asked, word, score_cutoff=1) == 1:
            is_other = len(asked) == len(word) and sorted(asked) != sorted(word)
            yield place, word, OTHER if is_other else LOST if len(asked) < len(word) else SWAPPED, "edit"
    for place, word in enumerate(typed):
        if len(word) == 2 and word != word[::-1] and word[::-1] in known:
            yield place, word[::-1], slips(word, word[::-1]), "edit"


def _changes_only(typed: str, word: str, first: int, free: Collection[int], seams: Collection[int]) -> bool:
    """Whether what differs lies at the free places of the run, and a character was lost at a seam between two words or
    beside a free place; `first`: where in the run the word was typed."""
    if len(word) == len(typed):
        return all(first + at in free for at in range(len(typed)) if typed[at] != word[at])
    start = next((at for at in range(len(typed)) if typed[at] != word[at]), len(typed))
    return first + start in seams

"""What was typed so far, in the form in which prefixes are compared; and which part of a suggestion it is."""

import re
import string
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

import rjieba

from huaxiang.text.pinyin import has_han, parses, units
from huaxiang.text.segment import HAN, normalise

MOST_TYPED: Final = 100
"""Characters that are read; nobody needs a suggestion for so long a beginning."""
MOST_SHOWN: Final = 300
"""Characters of a name that are looked at."""
_LEAST_SLIPPED: Final = 4
_MOST_SLIPPED: Final = 20
_MOST_STARTS: Final = 6
_MOST_PARSES: Final = 4

_APOSTROPHE: Final = re.compile(r"(?<=\w)['’‘ʼ](?=\w)")
_BETWEEN: Final = re.compile(r"[\W_]+")
_BESIDE_HAN: Final = re.compile(rf"(?<=[{HAN}]) | (?=[{HAN}])")
_RUN: Final = re.compile(rf"[{HAN}]+|[^\s{HAN}]+")

Element = tuple[str, str]
"""The beginning of a syllable, and the Chinese character that was typed for it, empty where letters were."""


def plain(text: str) -> str:
    """A text as its prefixes are compared: lower case, words of letters and digits with a blank between, none beside a
    Chinese character; `Men's 12-Gauge` is `mens 12 gauge`. Never raises."""
    spaced = _BETWEEN.sub(" ", _APOSTROPHE.sub("", normalise(text))).strip()
    return spaced if spaced.isascii() else _BESIDE_HAN.sub("", spaced)


def starts(text: str, most: int = _MOST_STARTS) -> list[int]:
    """Where the words of a plain text begin: a suggestion is found by each of the first six."""
    found: list[int] = []
    for run in _RUN.finditer(text):
        found.append(run.start())
        if has_han(run.group()):
            cuts = rjieba.cut(run.group())
            found += [run.start() + sum(map(len, cuts[:n])) for n in range(1, len(cuts))]
        if len(found) >= most:
            break
    return found[:most]


def spoken(text: str, at: Sequence[int]) -> list[tuple[str, str]]:
    """Of a plain text from each of some places on: its sound in one piece, and the initials."""
    said = units(text)
    number = {start: place for place, (start, _, _) in enumerate(said)}
    syllables = [read for _, _, read in said]
    return [
        ("".join(syllables[number[start] :]), "".join(read[0] for read in syllables[number[start] :]))
        for start in at
        if start in number
    ]


def elements(typed: str) -> list[tuple[Element, ...]]:
    """Ways to read a plain text as syllables, some cut to their initials: `连yq` is `lian` typed 连, `y`, `q`."""
    ways: list[tuple[Element, ...]] = [()]
    for _, unit, read in units(typed):
        options = [((read, unit),)] if has_han(unit) else [tuple((part, "") for part in way) for way in parses(unit)]
        ways = [(*way, *option) for way in ways for option in options[:_MOST_PARSES]][:_MOST_PARSES]
    return [way for way in ways if way]


@lru_cache(maxsize=2_048)
def _spoken_units(text: str) -> tuple[str, list[tuple[int, str, str]]]:
    """The initials of a plain text, and its units."""
    said = units(text)
    return "".join(read[0] for _, _, read in said), said


def _sounding(way: Sequence[Element], text: str) -> Iterator[list[tuple[int, str, str]]]:
    """The stretches of a plain text that sound so, in order."""
    firsts, said = _spoken_units(text)
    wanted = "".join(begun[0] for begun, _ in way)
    at = firsts.find(wanted)
    while at >= 0:
        here = said[at : at + len(way)]
        if all(read.startswith(begun) for (begun, _), (_, _, read) in zip(way, here, strict=True)):
            yield here
        at = firsts.find(wanted, at + 1)


def other_characters(way: Sequence[Element], text: str) -> int | None:
    """How many characters of a plain text are others than were typed where it sounds so; None where it nowhere does."""
    return min(
        (
            sum(bool(typed) and typed != unit for (_, typed), (_, unit, _) in zip(way, here, strict=True))
            for here in _sounding(way, text)
        ),
        default=None,
    )


def slipped(typed: str) -> list[str]:
    """Beginnings of Latin letters that are one slip from what was typed.

    Empty for fewer than four and more than twenty letters, where a slip tells nothing or there are too many.
    """
    if not (_LEAST_SLIPPED <= len(typed) <= _MOST_SLIPPED and typed.isascii()):
        return []
    return list(dict.fromkeys(other for other in _others(typed) if not other.startswith(typed)))


def _others(typed: str) -> Iterator[str]:
    for at in range(len(typed)):
        before, after = typed[:at], typed[at:]
        yield before + after[1:]
        if len(after) > 1:
            yield before + after[1] + after[0] + after[2:]
        for letter in string.ascii_lowercase:
            yield before + letter + after[1:]
            yield before + letter + after
        yield before + " " + after


def highlight(text: str, typed: str) -> tuple[tuple[int, int], ...]:
    """The ranges of a suggestion's text that what was typed stands for: half-open, in characters, in order.

    By letters or by sound at the beginning of a word, else word by word; empty where a slip lies between.
    """
    asked = plain(typed)
    if not asked:
        return ()
    lower = text.lower()
    at = lower.find(asked)
    if at >= 0 and len(lower) == len(text) and (at == 0 or text[at - 1] == " "):
        return ((at, at + len(asked)),)  # what most suggestions are
    shown = _spread(text[:MOST_SHOWN])
    whole = "".join(letter for letter, _ in shown)
    for at in starts(whole):
        if whole.startswith(asked, at):
            return (_range(shown, at, at + len(asked)),)
    if has_han(whole):
        for here in (here for way in elements(asked) for here in _sounding(way, whole)):
            return (_range(shown, here[0][0], here[-1][0] + len(here[-1][1])),)
    return _words(shown, whole, asked)


def _spread(text: str) -> list[tuple[str, int]]:
    """The letters of the plain text, each with its place in the text as it is shown."""
    letters = [(letter, at) for at, shown in enumerate(text) for letter in _letters_of(shown)]
    kept: list[tuple[str, int]] = []
    for letter, at in letters:
        is_first_blank = bool(kept) and kept[-1][0] != " " and not _is_inside(text, at)
        if letter != " " or is_first_blank:
            kept.append((letter, at))
    if text.isascii():
        return kept
    return [
        (letter, at)
        for place, (letter, at) in enumerate(kept)
        if letter != " " or not any(has_han(near) for near, _ in kept[max(0, place - 1) : place + 2])
    ]


@lru_cache(maxsize=65_536)
def _letters_of(character: str) -> str:
    """What a character is in a plain text; a blank where it is nothing."""
    return plain(character) or " "


def _is_inside(text: str, at: int) -> bool:
    """Whether an apostrophe stands inside a word."""
    return _APOSTROPHE.match(text, at) is not None


def _range(shown: Sequence[tuple[str, int]], start: int, end: int) -> tuple[int, int]:
    end = min(end, len(shown))
    return shown[start][1], shown[end - 1][1] + 1


def _words(shown: Sequence[tuple[str, int]], whole: str, asked: str) -> tuple[tuple[int, int], ...]:
    """The words that were typed, wherever they stand; the last one may be a beginning."""
    *full, last = asked.split()
    found = set()
    for word, pattern in [*((word, rf"\b{re.escape(word)}\b") for word in full), (last, rf"\b{re.escape(last)}")]:
        match = re.search(pattern, whole)
        if match is not None:
            found.add(_range(shown, match.start(), match.start() + len(word)))
    return tuple(sorted(found))

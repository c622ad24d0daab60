"""Chinese words by their sound: pinyin without tones, initials, classes of sounds that people confuse.

The readings are pypinyin's, read from its tables, which is faster than asking it word by word. They are loaded (about
.3 s and 40 MB) when the first Chinese word comes. `ü` is written `v`, as it is typed.
"""

import itertools
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from typing import Final

from huaxiang.text.segment import HAN

_HAN: Final = re.compile(f"[{HAN}]")
_UNIT: Final = re.compile(rf"[{HAN}]|[^\W{HAN}]+")
_LONGEST_PHRASE: Final = 4
_MOST_READINGS: Final = 4
_MOST_STEPS: Final = 2_000
_LONGEST_TYPED: Final = 40
_CONFUSED: Final = (
    (re.compile("([zcs])h"), r"\1"),
    (re.compile("ng"), "n"),
    (re.compile("n"), "l"),
    (re.compile("v"), "u"),
    (re.compile("fei"), "fi"),
    (re.compile("hu(?=[aeio])"), "f"),
    (re.compile("h(?=u)"), "f"),
)
"""zh/z, ch/c, sh/s; -ng/-n; n/l; ü/u; h/f before what sounds as u. All n become l, so that no cutting is needed."""


def has_han(text: str) -> bool:
    """Whether a text holds a Chinese character."""
    return not text.isascii() and _HAN.search(text) is not None


def sound(word: str) -> str:
    """The common reading of a word in one piece: 连衣裙 is `lianyiqun`. What is not Chinese stays; blanks go."""
    return "".join(syllables(word))


def initials(word: str) -> str:
    """The first letters of the syllables: 连衣裙 is `lyq`, T恤 is `tx`."""
    return "".join(syllable[0] for syllable in syllables(word))


@lru_cache(maxsize=16_384)
def syllables(word: str) -> tuple[str, ...]:
    """The common reading of a text, a syllable for each Chinese character; other words are kept whole, lower case.

    Characters with several readings are read as the longest known phrase around them has it: 银行 is `yin hang`.
    """
    return tuple(_read([unit.group() for unit in _UNIT.finditer(word.lower())]))


def units(text: str) -> list[tuple[int, str, str]]:
    """Of each Chinese character, and of each other word, where it stands, what it is, and its reading."""
    found = list(_UNIT.finditer(text.lower()))
    said = [unit.group() for unit in found]
    return [(unit.start(), one, read) for unit, one, read in zip(found, said, _read(said), strict=True)]


def _read(said: Sequence[str]) -> list[str]:
    phrases, longest, characters = _phrases(), _longest_phrases(), _characters()
    read: list[str] = []
    at = 0
    while at < len(said):
        for length in range(min(longest.get(said[at], 0), len(said) - at), 1, -1):
            phrase = phrases.get("".join(said[at : at + length]))
            if phrase is not None and len(phrase) == length:
                read += phrase
                at += length
                break
        else:
            known = characters.get(said[at])
            read.append(said[at] if known is None else known[0])
            at += 1
    return read


@lru_cache(maxsize=16_384)
def sounds(word: str) -> tuple[str, ...]:
    """The readings of a word in one piece, the common one first, at most four; alternatives only of a word that is no
    phrase of the tables: 长裤 is `zhangku` and `changku`."""
    common = sound(word)
    if word in _known_phrases():
        return (common,)
    choices = [_characters().get(unit.group(), (unit.group(),))[:2] for unit in _UNIT.finditer(word.lower())]
    if all(len(choice) == 1 for choice in choices):
        return (common,)
    others = ("".join(chosen) for chosen in itertools.islice(itertools.product(*choices), 4 * _MOST_READINGS))
    return tuple(itertools.islice(dict.fromkeys((common, *others)), _MOST_READINGS))


@lru_cache(maxsize=16_384)
def confused(reading: str) -> str:
    """One spelling for readings that people confuse: `lianyiqun`, `niangyiqun`; equal ones sound alike to somebody."""
    for pattern, written in _CONFUSED:
        reading = pattern.sub(written, reading)
    return reading


@lru_cache(maxsize=4_096)
def parses(typed: str, *, most: int = 8) -> tuple[tuple[str, ...], ...]:
    """Ways to read Latin letters as syllables, of which each may be cut to its initial: `lianyq` is `lian y q`.

    Longer syllables come first. The last one may be any beginning of a syllable. Empty where the letters cannot be
    read so, or are more than forty; stops after `most` ways or two thousand steps.
    """
    if len(typed) > _LONGEST_TYPED:
        return ()
    return tuple(itertools.islice(_parsed(typed, [_MOST_STEPS]), most))


def _parsed(typed: str, steps: list[int]) -> Iterator[tuple[str, ...]]:
    whole, beginnings = _syllable_table()
    if typed in beginnings:
        yield (typed,)
    for length in range(min(6, len(typed) - 1), 0, -1):
        head = typed[:length]
        if head in whole or (length == 1 and head in beginnings) or head in {"zh", "ch", "sh"}:
            steps[0] -= 1
            if steps[0] < 0:
                return
            for rest in _parsed(typed[length:], steps):
                yield (head, *rest)


@cache
def _characters() -> Mapping[str, tuple[str, ...]]:
    """Characters to their readings, the commonest first."""
    from pypinyin.pinyin_dict import pinyin_dict

    plain = _without_tone
    return {chr(code): tuple(dict.fromkeys(map(plain, said.split(",")))) for code, said in pinyin_dict.items()}


@cache
def _phrases() -> Mapping[str, tuple[str, ...]]:
    """The phrases that are read otherwise than character by character."""
    from pypinyin.phrases_dict import phrases_dict

    plain, characters = _without_tone, _characters()
    found = {}
    for phrase, said in phrases_dict.items():
        read = tuple(plain(options[0]) for options in said)
        if any(syllable != characters.get(one, ("",))[0] for one, syllable in zip(phrase, read, strict=False)):
            found[phrase] = read
    return found


@cache
def _longest_phrases() -> Mapping[str, int]:
    """Of each character the length of the longest phrase that begins with it, up to four."""
    longest: dict[str, int] = {}
    for phrase in _phrases():
        if len(phrase) <= _LONGEST_PHRASE:
            longest[phrase[0]] = max(len(phrase), longest.get(phrase[0], 0))
    return longest


@cache
def _known_phrases() -> frozenset[str]:
    from pypinyin.phrases_dict import phrases_dict

    return frozenset(phrases_dict)


@cache
def _syllable_table() -> tuple[frozenset[str], frozenset[str]]:
    """All syllables, and all beginnings of one."""
    whole = frozenset(said for readings in _characters().values() for said in readings if said.isascii())
    return whole, frozenset(said[:end] for said in whole for end in range(1, len(said) + 1))


@lru_cache(maxsize=8_192)
def _without_tone(syllable: str) -> str:
    letters = unicodedata.normalize("NFD", unicodedata.normalize("NFC", syllable).translate(_UMLAUTS))
    return "".join(letter for letter in letters if not unicodedata.combining(letter)).lower()


_UMLAUTS: Final = str.maketrans(dict.fromkeys("üǖǘǚǜ", "v"))

"""Typing errors, drawn by a seed: what a benchmark asks a speller to undo."""

import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from huaxiang.text.pinyin import has_han, sound
from huaxiang.text.segment import HAN

_WORD: Final = re.compile("[a-z]{2,}")
_HAN: Final = re.compile(f"[{HAN}]")


@dataclass(frozen=True)
class Slip:
    """One typing error in a query.

    Attributes:
        kind: `lost`, `doubled`, `swapped`, `replaced` of a letter; `homophone`, `lost character` in Chinese.
        word: the word, of letters, or the run of Chinese in which it is, as it was meant.
    """

    meant: str
    typed: str
    kind: str
    word: str


def homophones(texts: Sequence[str], least: int = 20) -> Mapping[str, str]:
    """Characters that texts use often to the others of the same sound: nobody's keyboard offers the rare ones first."""
    counts: dict[str, int] = {}
    for text in texts:
        for character in _HAN.findall(text):
            counts[character] = counts.get(character, 0) + 1
    by_sound: dict[str, str] = {}
    for character, n in counts.items():
        if n >= least:
            by_sound[sound(character)] = by_sound.get(sound(character), "") + character
    return {character: alike.replace(character, "") for alike in by_sound.values() for character in alike}


def slip(query: str, alike: Mapping[str, str], rng: np.random.Generator) -> Slip | None:
    """A query with one error, at any of its letters with the same chance; None where it has none that can be wrong."""
    if has_han(query):
        return _in_chinese(query, alike, rng)
    places = [at for word in _WORD.finditer(query) for at in range(*word.span())]
    for _ in range(20):
        if not places:
            break
        at = int(rng.choice(places))
        kind = ("lost", "doubled", "swapped", "replaced")[int(rng.integers(4))]
        word = next(one.group() for one in _WORD.finditer(query) if one.start() <= at < one.end())
        before, letter, after = query[:at], query[at], query[at + 1 :]
        if kind == "lost":
            typed = before + after
        elif kind == "doubled":
            typed = before + 2 * letter + after
        elif kind == "replaced":
            typed = before + string.ascii_lowercase[int(rng.integers(26))] + after
        else:
            typed = before + after[:1] + letter + after[1:] if after[:1].isalpha() else query
        if typed != query:
            return Slip(query, typed, kind, word)
    return None


def _in_chinese(query: str, alike: Mapping[str, str], rng: np.random.Generator) -> Slip | None:
    places = [found.start() for found in _HAN.finditer(query)]
    run = "".join(_HAN.findall(query))
    for _ in range(20):
        at = int(rng.choice(places))
        others = alike.get(query[at], "")
        if len(places) > 2 and rng.random() < 0.5:
            return Slip(query, query[:at] + query[at + 1 :], "lost character", run)
        if others:
            other = others[int(rng.integers(len(others)))]
            return Slip(query, query[:at] + other + query[at + 1 :], "homophone", run)
    return None

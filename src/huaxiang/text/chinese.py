"""Sentiment of Chinese clauses: the project's own lexicon over rjieba's words, and what the words around do to it."""

import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import rjieba

from huaxiang.text import english
from huaxiang.text.lexicons import lines_of, weights_of, words_of
from huaxiang.text.segment import HAN

FLIPPED_PRAISE: Final = -0.8
FLIPPED_BLAME: Final = -0.4
"""A denied word is weaker than its opposite: 不好 is bad, 不差 is hardly good."""
NEGATION_REACH: Final = 5
BEFORE_BUT: Final = 0.6
AFTER_BUT: Final = 1.3
EXCEPT: Final = 0.6
"""What a reservation after praise is worth: 很好，就是有点贵."""
UNREAL: Final = 0.3
"""What praise is worth that was expected, promised, wished for or asked about: 以为质量很好."""
MARK: Final = 0.1
"""What each of up to three exclamation marks adds to its clause."""
MOST_DEGREE: Final = 2.0
FULL_WORD: Final = 1.5
"""A degree word with a larger weight than this is also read as the word it is: 严重."""

_CLAUSE: Final = re.compile(r"([^，。！？；,.!?;…~、:：\n]+)([，。！？；,.!?;…~、:：\n]*)")
_EMOJI: Final = frozenset(weights_of("sentiment_emoji"))
_RUN: Final = re.compile(rf"[{HAN}]+|[a-z][a-z'-]*|[0-9]+|[{re.escape(''.join(sorted(_EMOJI)))}]")
_AGAIN: Final = re.compile(rf"([{HAN}]{{1,2}})\1{{2,}}")
_SPLITS: Final = re.compile(r"[。！？!?；;\n]")


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause as it was read.

    Attributes:
        sentence: number of the sentence it is in; a contrast weakens what stands before it in its sentence.
        words: the longest words known to the lexicon, in order.
        hits: `(place among the words, weight)` of the words that carry sentiment, after negation and degree.
        turn: `but` where it opens with a word like 但是, `except` with one like 就是, empty otherwise.
    """

    sentence: int
    words: Sequence[str]
    hits: Sequence[tuple[int, float]]
    turn: str

    @property
    def valence(self) -> float:
        """The sum of its weights."""
        return sum(weight for _, weight in self.hits)


@dataclass(slots=True)
class _Entry:
    """What the lexicon knows of a word."""

    weight: float = 0.0
    degree: float = 0.0
    denies: bool = False
    unreal: bool = False
    asks: bool = False
    turn: str = ""


@functools.cache
def _lexicon() -> tuple[dict[str, _Entry], frozenset[str]]:
    """Every word known, and every proper beginning of one, which says when to go on looking for a longer word."""
    entries: dict[str, _Entry] = {word: _Entry() for word in words_of("aspects") if not word.isascii()}
    for word, weight in (weights_of("sentiment_zh") | weights_of("sentiment_emoji")).items():
        entries.setdefault(word, _Entry()).weight = weight
    for line in lines_of("roles_zh"):
        role, _, words = line.partition(":")
        for word in words.split():
            entry = entries.setdefault(word, _Entry())
            if role[0].isdigit():
                entry.degree = float(role)
            elif role in ("but", "except"):
                entry.turn = role
            else:
                setattr(entry, {"not": "denies", "if": "unreal", "ask": "asks"}[role], True)
    return entries, frozenset(word[:end] for word in entries for end in range(1, len(word)))


def weight_of(word: str) -> float | None:
    """What one word is worth alone; 0 for degree, denial and words that hold it (很漂亮); None for any other."""
    entry = _lexicon()[0].get(word)
    if entry is None:
        return 0.0 if len(_pieces(word)) > 1 else None
    if entry.degree or entry.denies or entry.turn:
        return 0.0
    return entry.weight or None


def clauses_of(text: str) -> Iterator[Clause]:
    """The clauses of a normalised text, in order; contrasts between them are applied by `weigh`."""
    sentence = 0
    for body, marks in _CLAUSE.findall(_AGAIN.sub(r"\1", text)):  # 赞赞赞赞 is said once, loudly
        words: list[str] = []
        for run in _RUN.findall(body):
            if run[0] in _EMOJI or run.isascii():
                words.append(run)
            else:
                _add_units(run, words)
        yield from _read(words, sentence, marks)
        if _SPLITS.search(marks):
            sentence += 1


def _add_units(run: str, units: list[str]) -> None:
    """Append the longest known words over rjieba's cuts of a run of Chinese characters."""
    known, starts = _lexicon()
    cuts: list[str] = []
    for word in rjieba.cut(run):
        if len(word) < 2 or word in known:
            cuts.append(word)
        else:
            cuts.extend(_pieces(word))
    at, n = 0, len(cuts)
    while at < n:
        longest = joined = cuts[at]
        at = ahead = at + 1
        while ahead < n and joined in starts:
            joined += cuts[ahead]
            ahead += 1
            if joined in known:
                longest, at = joined, ahead
        units.append(longest)


@functools.lru_cache(maxsize=20_000)
def _pieces(word: str) -> tuple[str, ...]:
    """A cut that the lexicon does not know, as the known words it is made of: 很漂亮, 价格便宜; whole if it is not."""
    known = _lexicon()[0]
    for end in range(1, len(word)):
        head, rest = known.get(word[:end]), word[end:]
        if head is None or not (head.degree or head.denies or (end > 1 and len(rest) > 1)):
            continue
        if rest in known:
            return word[:end], rest
        if rest[-1] in "了的" and rest[:-1] in known:
            return word[:end], rest[:-1], rest[-1]
    return (word,)


def _read(words: Sequence[str], sentence: int, marks: str) -> Iterator[Clause]:
    """A clause with its hits; two where a contrast stands inside, because nobody needs a comma before 但是."""
    known = _lexicon()[0]
    found = [(place, entry) for place, word in enumerate(words) if (entry := known.get(word) or _english(word))]
    if not found:
        yield Clause(sentence, words, (), "")
        return
    asked = "？" in marks or "?" in marks or any(entry.asks for _, entry in found)
    praise = UNREAL if asked or any(entry.unreal for _, entry in found) else 1.0
    praise, blame = (share * (1.0 + MARK * min(marks.count("!") + marks.count("！"), 3)) for share in (praise, 1.0))
    turns = [(place, entry.turn) for place, entry in found if entry.turn]
    hits = [(at, weight * (praise if weight > 0 else blame)) for at, weight in _hits(found, len(words) - 1)]
    start, turn = 0, ""
    for place, next_turn in [*turns, (len(words), "")]:
        if place > start:
            inside = [(at - start, weight) for at, weight in hits if start <= at < place]
            yield Clause(sentence, words[start:place], inside, turn)
        start, turn = place, next_turn


def _hits(found: Sequence[tuple[int, _Entry]], last: int) -> Iterator[tuple[int, float]]:
    """The weights of a clause's words after negation and degree; a contrast ends the reach of both."""
    degree, denied_until = 1.0, -1
    for place, entry in found:
        if entry.turn:
            degree, denied_until = 1.0, -1
        if entry.denies and place < last:
            denied_until = -1 if denied_until >= place else place + NEGATION_REACH
            continue
        weight = entry.weight
        if entry.degree and place < last:
            degree *= entry.degree
            if abs(weight) <= FULL_WORD:
                continue
        if weight == 0.0:
            continue
        if place <= denied_until and abs(weight) >= 1.0:
            weight *= FLIPPED_PRAISE if weight > 0 else FLIPPED_BLAME
            denied_until = -1
        yield place, weight * min(degree, MOST_DEGREE)
        degree = 1.0


def _english(word: str) -> _Entry | None:
    """An English word inside a Chinese clause: 质量 good."""
    weight = english.weight_of(word) if word.isascii() and word.isalpha() else None
    return None if weight is None else _Entry(weight)


def weigh(clauses: Sequence[Clause]) -> float:
    """The valence of a text: the sum over its clauses with contrasts.

    What stands before 但是 in its sentence counts less and what follows more; what follows 就是, 只是 is a reservation
    and counts less than the praise before it.
    """
    total, before, share, sentence = 0.0, 0.0, 1.0, -1
    for clause in clauses:
        if clause.sentence != sentence:
            total, before, share, sentence = total + before, 0.0, 1.0, clause.sentence
        if clause.turn == "but":
            before, share = BEFORE_BUT * before, AFTER_BUT
        elif clause.turn == "except":
            share = EXCEPT if before > 0 else 1.0
        before += share * clause.valence
    return total + before

"""`auto`: which of the installed checkpoints reads the language of these texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from huaxiang.encoder.sources.packages import Source, find, installed
from huaxiang.text.language import UNDECIDED, detect

AUTO: Final = "auto"

_SAMPLE: Final = 300
_SMALL: Final = 0.05
"""A share of texts that an encoder need not read: of 300 English titles, reviews or questions of public sets at most
1 in 100 was taken for another language, so more than 5 is no error of detection."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What to begin with.

    Attributes:
        source: the best; None where nothing installed fits, so that the shop's own text is used.
        why: one sentence.
        fitting: every installed one that reads these texts, the best first.
    """

    source: Source | None
    why: str
    fitting: tuple[Source, ...] = ()


def choose(texts: Sequence[str], *, trainable: bool = True) -> Choice:
    """Choose by the languages of a sample of the texts.

    An encoder fits that was taught every language of more than a small share of the texts; of those the one that was
    taught the fewest others, since its size is spent on what is read here.

    Args:
        trainable: only those that open as a network.
    """
    known = [source for source in installed() if source.trainable or not trainable]
    if not known:
        return Choice(None, "no package with a checkpoint is installed, so the shop's own text is used")
    shares = _shares(texts)
    if not shares:
        return Choice(None, "no text whose language can be told, so the shop's own text is used")
    needed = [language for language, share in shares.items() if share > _SMALL]
    said = ", ".join(f"{language} {share:.0%}" for language, share in shares.items() if share > _SMALL)
    fitting = sorted((s for s in known if set(needed) <= set(s.languages)), key=lambda s: len(s.languages))
    if not fitting:
        had = "; ".join(f"{source.name} reads {_listed(source)}" for source in known)
        return Choice(None, f"the texts are {said}; {had}; so the shop's own text is used")
    best = fitting[0]
    return Choice(
        best,
        f"the texts are {said}, which {best.name} of {best.package} {best.version} reads ({_listed(best)})",
        tuple(fitting),
    )


def _listed(source: Source) -> str:
    return ", ".join(source.languages) if len(source.languages) <= 3 else f"{len(source.languages)} languages"


def _shares(texts: Sequence[str]) -> dict[str, float]:
    """Languages of up to `_SAMPLE` evenly spread texts, the most frequent first, without those that nothing tells."""
    step = max(len(texts) // _SAMPLE, 1)
    counts = Counter(detect(texts[i]) for i in range(0, len(texts), step)[:_SAMPLE])
    del counts[UNDECIDED]
    return {language: n / counts.total() for language, n in counts.most_common()}


def settle(named: str | None, texts: Sequence[str]) -> tuple[str | None, tuple[str, ...]]:
    """The checkpoint that a person's word stands for, and sentences for the report.

    `auto` becomes the name of an installed one, or None for the shop's own text; any other word stays.
    """
    notes: list[str] = []
    if named == AUTO:
        choice = choose(texts)
        notes.append(f"auto: {choice.why}")
        named = None if choice.source is None else choice.source.name
    source = None if named is None else find(named)
    if source is not None and (differs := source.note()):
        notes.append(differs)
    return named, tuple(notes)

"""Spans and the BIO labels that spell them, and how well predicted spans agree with the right ones.

A label is `O`, or `B-TYPE` where a span begins, or `I-TYPE` inside it. Units are what carries a label: characters of
Chinese, words of English.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

OUTSIDE: Final = "O"
Bounds: TypeAlias = tuple[int, int, str]
"""First unit, unit after the last, type."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a text that has a tag.

    Attributes:
        start, end: offsets of the first character and after the last.
        confidence: probability that boundaries and label are right, in [0, 1].
    """

    start: int
    end: int
    label: str
    text: str
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class Tagged:
    """A text whose units are labelled.

    Attributes:
        units: offsets of the first character of each unit and after its last.
    """

    text: str
    units: tuple[tuple[int, int], ...]
    labels: tuple[str, ...]

    @property
    def spans(self) -> tuple[Span, ...]:
        """The spans that the labels spell, by their place in the text."""
        return tuple(placed(self.text, self.units, bounds) for bounds in bounds_of(self.labels))


def placed(text: str, units: Sequence[tuple[int, int]], bounds: Bounds, confidence: float = 1.0) -> Span:
    """A span of units as one of characters."""
    start, end = units[bounds[0]][0], units[bounds[1] - 1][1]
    return Span(start, end, bounds[2], text[start:end], confidence)


def label_names(types: Iterable[str]) -> tuple[str, ...]:
    """`O`, then `B-` and `I-` of each type, types by name."""
    return (OUTSIDE, *(f"{place}-{name}" for name in sorted(set(types)) for place in "BI"))


def repaired(labels: Sequence[str]) -> tuple[tuple[str, ...], int]:
    """Every span begins with `B-`, and how many did not: `I-X` after anything but `B-X` and `I-X` begins one.

    So reads conlleval (Tjong Kim Sang & Buchholz 2000).
    """
    whole: list[str] = []
    before = OUTSIDE
    for label in labels:
        broken = label.startswith("I-") and before[2:] != label[2:]
        whole.append(f"B-{label[2:]}" if broken else label)
        before = label
    return tuple(whole), sum(a != b for a, b in zip(whole, labels, strict=True))


def bounds_of(labels: Sequence[str]) -> list[Bounds]:
    """The spans that labels spell, broken ones as `repaired` reads them."""
    found: list[Bounds] = []
    for at, label in enumerate(repaired(labels)[0]):
        if label.startswith("B-"):
            found.append((at, at + 1, label[2:]))
        elif label.startswith("I-"):
            found[-1] = (found[-1][0], at + 1, label[2:])
    return found


def spelled(bounds: Iterable[Bounds], n: int) -> tuple[str, ...]:
    """Labels of `n` units with these spans, which must not overlap."""
    labels = [OUTSIDE] * n
    for start, end, name in bounds:
        labels[start:end] = [f"B-{name}"] + [f"I-{name}"] * (end - start - 1)
    return tuple(labels)


@dataclass(frozen=True, slots=True)
class Agreement:
    """How predicted spans agree with the right ones: a hit has the type and both boundaries right (Nakayama 2018).

    Attributes:
        hits, predicted, right: spans.
        per_type: the same of each type.
    """

    hits: int
    predicted: int
    right: int
    per_type: dict[str, Agreement] = field(default_factory=dict)

    @property
    def precision(self) -> float:
        """Share of the predicted spans that are right; 0 where none is predicted."""
        return self.hits / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        """Share of the right spans that are predicted; 0 where there is none."""
        return self.hits / self.right if self.right else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of both; over all types it is the micro average."""
        return 2.0 * self.hits / max(self.predicted + self.right, 1)

    def figures(self) -> dict[str, float]:
        """Rounded for a report."""
        shares = {"f1": self.f1, "precision": self.precision, "recall": self.recall}
        return {name: round(value, 4) for name, value in shares.items()} | {"support": self.right}


def agreement(right: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> Agreement:
    """Compare labels of the same units, text by text."""
    counts: tuple[Counter[str], Counter[str], Counter[str]] = (Counter(), Counter(), Counter())
    for right_labels, predicted_labels in zip(right, predicted, strict=True):
        ours, theirs = set(bounds_of(predicted_labels)), set(bounds_of(right_labels))
        for counter, spans in zip(counts, (ours & theirs, ours, theirs), strict=True):
            counter.update(name for _, _, name in spans)
    types = sorted({name for counter in counts for name in counter})
    hits, ours_all, right_all = counts
    per_type = {name: Agreement(hits[name], ours_all[name], right_all[name]) for name in types}
    return Agreement(hits.total(), ours_all.total(), right_all.total(), per_type)

"""The texts that an export is checked on, and those that it may learn from: never the same."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from huaxiang.encoder.tokens import Tokens

N_CHECKED: Final = 1_000
MAX_READ: Final = 200_000
"""Texts of a file that are looked at; the rest is left out, and the report says so."""
_LONGEST: Final = 24
"""Pieces of the longest generated text: twice a usual title."""


@dataclass(frozen=True, slots=True)
class Material:
    """Texts for an export.

    Attributes:
        checked: `N_CHECKED` texts: the shop's, filled up with generated ones where it gave fewer.
        n_generated: how many of them are generated.
        learned: texts to calibrate, fit or distil with; generated where the shop gave none.
        is_own: whether `learned` are the shop's.
        notes: what was left out or filled up, for people.
    """

    checked: tuple[str, ...]
    n_generated: int
    learned: tuple[str, ...]
    is_own: bool
    notes: tuple[str, ...] = ()

    @property
    def own_checked(self) -> tuple[str, ...]:
        """The shop's texts of the check."""
        return self.checked[: len(self.checked) - self.n_generated]

    @classmethod
    def of(cls, texts: Iterable[str] | None, tokens: Tokens, rng: np.random.Generator) -> Material:
        """Draw from `texts`; at most a quarter of the distinct ones is kept from learning."""
        own, notes = _distinct(texts or ())
        order = rng.permutation(len(own)).tolist()
        n_checked = min(N_CHECKED, -(-len(own) // 4))
        checked, learned = [own[i] for i in order[:n_checked]], [own[i] for i in order[n_checked:]]
        n_generated = N_CHECKED - len(checked)
        made = generated(tokens, n_generated + (0 if learned else N_CHECKED), rng) if n_generated else []
        if n_generated:
            notes.append(f"{n_generated} of the {N_CHECKED} texts of the check were made of the tokenizer's own pieces")
        return cls(
            (*checked, *made[:n_generated]),
            n_generated,
            tuple(learned or made[n_generated:]),
            bool(learned),
            tuple(notes),
        )


def generated(tokens: Tokens, n: int, rng: np.random.Generator) -> list[str]:
    """Texts of 1 to 24 pieces drawn from the whole vocabulary: what the shop did not write, a query may."""
    pieces = np.setdiff1d(np.arange(tokens.n_pieces), sorted(tokens.special))
    found: list[str] = []
    while len(found) < n:
        text = tokens.text(rng.choice(pieces, int(rng.integers(1, _LONGEST + 1))).tolist()).strip()
        if text:
            found.append(text)
    return found


def _distinct(texts: Iterable[str]) -> tuple[list[str], list[str]]:
    found: dict[str, None] = {}
    for text in texts:
        if text.strip():
            found.setdefault(text)
        if len(found) > MAX_READ:
            found.popitem()
            return list(found), [f"only the first {MAX_READ:,} distinct texts were read"]
    return list(found), []

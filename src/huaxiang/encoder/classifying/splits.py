"""Which training texts judge: folds that keep the shares of the classes and never part copies of one text.

Legend: N texts.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.errors import DataError

SMALL: Final = 1_000
"""Fewer texts than this are all judged, in `FOLDS` rounds: a tenth of 200 texts says nothing."""
FOLDS: Final = 4
_SHARE: Final = 0.1
_MOST: Final = 3_000
_LEAST: Final = 200


@dataclass(frozen=True, slots=True)
class Fold:
    """Indices to learn from and to judge by, each ascending."""

    fit: NDArray[np.int64]
    held: NDArray[np.int64]


def folds(texts: Sequence[str], first_labels: Sequence[str], rng: np.random.Generator) -> list[Fold]:
    """One fold with a tenth held out, or four that judge every text once where there are fewer than `SMALL`.

    Texts that read alike go to the same side, and a label that only one text has is always learned from.

    Args:
        first_labels: of each text; of several the first, "" for none.
    """
    n = len(texts)
    n_folds = FOLDS if n < SMALL else max(2, round(n / min(max(_SHARE * n, _LEAST), _MOST)))
    part_N = _parts(texts, first_labels, n_folds, rng)
    wanted = range(n_folds) if n < SMALL else range(1)
    made = [Fold(np.flatnonzero(part_N != part), np.flatnonzero(part_N == part)) for part in wanted]
    return [fold for fold in made if len(fold.held) and len(fold.fit)]


def whole_groups(
    texts: Sequence[str], first_labels: Sequence[str], groups: Sequence[str], rng: np.random.Generator
) -> list[Fold]:
    """One fold that judges by groups that nothing was learned from: what an answer about a new group is worth.

    Groups are drawn until they hold a tenth of the texts: none with a label of its own, and not more than half of the
    texts. At most `_MOST` of them judge, and none that reads like one that is learned from; the others are on neither
    side.

    Raises:
        DataError: all texts are of one group, or no group can be spared.
    """
    names, of_text_N = np.unique(np.asarray(groups), return_inverse=True)
    if len(names) < 2:
        raise DataError(f"all texts are of the group {str(names[0])!r}; judging by new groups needs two at least")
    labels_N = np.unique(np.asarray(first_labels), return_inverse=True)[1]
    left = np.zeros((len(names), labels_N.max() + 1), dtype=np.int64)
    np.add.at(left, (of_text_N, labels_N), 1)
    out_N = np.zeros(len(texts), dtype=np.bool_)
    for group in rng.permutation(len(names)):
        if out_N.sum() >= _SHARE * len(texts):
            break
        others = left.sum(axis=0) - left[group]
        if 2 * others.sum() >= len(texts) and (others[left[group] > 0] > 0).all():
            left[group] = 0
            out_N |= of_text_N == group
    if not out_N.any():
        raise DataError(
            "each group has a label that no other has, or most of the texts; leave --group out, or join groups"
        )
    learned = {_reads(texts[i]) for i in np.flatnonzero(~out_N).tolist()}
    held = np.array([i for i in np.flatnonzero(out_N).tolist() if _reads(texts[i]) not in learned], dtype=np.int64)
    if len(held) > _MOST:
        held = np.sort(rng.choice(held, _MOST, replace=False))
    return [Fold(np.flatnonzero(~out_N), held)]


def _reads(text: str) -> str:
    """What two texts have in common that read alike."""
    return "".join(unicodedata.normalize("NFKC", text).lower().split())


def _parts(texts: Sequence[str], labels: Sequence[str], n_folds: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """The part each text belongs to, -1 for one that is never held out."""
    copies: dict[str, list[int]] = defaultdict(list)
    for at, text in enumerate(texts):
        copies[_reads(text)].append(at)
    by_label: dict[str, list[list[int]]] = defaultdict(list)
    for group in copies.values():
        by_label[labels[group[0]]].append(group)
    part_N = np.full(len(texts), -1, dtype=np.int64)
    for label in sorted(by_label):
        groups = by_label[label]
        if len(groups) == 1:
            continue
        first = int(rng.integers(n_folds))
        for place, at in enumerate(rng.permutation(len(groups))):
            part_N[groups[at]] = (first + place) % n_folds
    return part_N

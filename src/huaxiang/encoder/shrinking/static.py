"""A static encoder out of any exported one: what it says of each piece alone, then of the shop's texts.

First each piece of the vocabulary is encoded as if it were a text, the mean is taken away and a frequent piece is
weighed less, by its rank (model2vec, Tulkens & van Dongen 2024). Then the vectors are fitted so that their sums come
near to the source's vectors of the shop's texts (the aim of tokenlearn, here by regression). Some encoders say the same
of every text for the most part, and sums cannot follow what is small beside it: how much of the texts' mean is taken
away first is chosen on held-out texts. Last the vectors are turned so that the first directions carry most, and the
rest is cut.

Measured on held-out titles of 10,000, rank correlation with the source and shared neighbours of ten: pieces alone .42
and .41, fitted .88 and .67; of other shops' titles .47, .36 and .70, .53; of queries .50, .59 and .61, .64. Without a
choice of the mean to take away, an encoder whose cosines all lie above .7 reached .33 for .62 on Chinese queries, while
another lost .11 when all of it was taken.

Legend: N texts, V pieces, D width of the source, E of the static encoder.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from huaxiang.encoder.schedule import Clock, Progress
from huaxiang.encoder.serving import OnnxEncoder
from huaxiang.encoder.shrinking.agreement import Likeness
from huaxiang.encoder.shrinking.ridge import fit_sums
from huaxiang.encoder.static import counted, unit_rows
from huaxiang.errors import DataError
from huaxiang.types import Vectors

WIDTH: Final = 256
"""Of the static encoder, at most: 256 of 384 kept a rank correlation of .873 whole; 128: .870, 64: .855, but on other
tasks than likeness they lose (accuracy of a linear head on intents .836, .792, .736)."""
MIN_FITTED: Final = 200
"""Texts from which fitting is worth it."""
_WEIGHT: Final = 1e-4
"""`a` of the weight `a / (a + p)` of a piece of probability p (Arora et al. 2017); of 1e-3 and 1e-4 the better."""
_ZIPF_SHIFT: Final = 2.7
_MEANS: Final = (0.0, 0.5, 0.8, 1.0)
"""Shares of the texts' mean to take away, of which the best is chosen."""
_TRIAL: Final = 4_000
_VALIDATION: Final = 500
"""Texts that each share is tried on, and on which they are compared."""
_CHUNK: Final = 512
_SHARES: Final = {"texts": 0.55, "pieces": 0.9}
"""Of the time, until when texts and then pieces are encoded; the rest is for the regression."""


@dataclass(frozen=True, slots=True)
class Distilled:
    """Vectors of pieces, with what they were made from.

    Attributes:
        pieces_only_VE: the same before they were fitted, to compare with; None where nothing was fitted.
        mean: share of the texts' mean that was taken away.
        n_texts: that they were fitted to.
        n_pieces: that were encoded; the others are zero: not read.
        notes: what the budget cut.
    """

    table_VE: Vectors
    pieces_only_VE: Vectors | None
    mean: float
    n_texts: int
    n_pieces: int
    notes: tuple[str, ...]


def distil_static(
    source: OnnxEncoder,
    texts: Sequence[str],
    *,
    width: int = WIDTH,
    seconds: float,
    progress: Progress | None = None,
) -> Distilled:
    """Make the vectors; `texts` are fitted to where there are at least `MIN_FITTED`.

    Memory: five times pieces x width of the source, in float32.
    """
    clock = Clock(seconds)
    n_pieces = source.tokens.n_pieces
    texts = texts if len(texts) >= MIN_FITTED else ()
    targets_ND = _encoded(source, source.tokens.ids(texts), clock, _SHARES["texts"], "texts", progress)
    counts_NV = counted(source.tokens, texts[: len(targets_ND)], n_pieces)
    used_V = np.bincount(counts_NV.indices, minlength=n_pieces)
    order = _order(used_V, source.tokens.special)
    vectors_PD = _encoded(source, source.tokens.framed(order.tolist()), clock, _SHARES["pieces"], "pieces", progress)
    if not vectors_PD.any() or not np.isfinite(vectors_PD).all():
        raise DataError("the source says nothing finite of the pieces of its vocabulary; train or fetch it again")
    known = order[: len(vectors_PD)]
    table_VD = np.zeros((n_pieces, source.d), dtype=np.float32)
    table_VD[known] = (vectors_PD - vectors_PD.mean(axis=0)) * _weights(known, n_pieces)[:, None]
    notes = _cut(len(texts), len(targets_ND), len(order), len(known))
    if len(targets_ND) < MIN_FITTED:
        return Distilled(_narrowed(table_VD, table_VD[known], width)[0], None, 1.0, 0, len(known), notes)
    before_VD = table_VD.copy()
    mean = _fit(table_VD, np.flatnonzero(used_V), counts_NV, targets_ND)
    narrow_VE, turn_DE = _narrowed(table_VD, unit_rows(counts_NV @ table_VD), width)
    return Distilled(narrow_VE, before_VD @ turn_DE, mean, len(targets_ND), len(known), notes)


def _fit(table_VD: Vectors, used: NDArray[np.int64], counts_NV: sparse.csr_array, targets_ND: Vectors) -> float:
    """Fit the pieces that are `used` in place; the share of the mean that was taken away."""
    counts_NU, start_UD = counts_NV[:, used], table_VD[used]
    n_held = min(_VALIDATION, len(targets_ND) // 4)
    trial = slice(n_held, n_held + _TRIAL)
    found: dict[float, float] = {}
    for share in _MEANS:
        tried_UD = fit_sums(counts_NU[trial], _without_mean(targets_ND[trial], share), start_UD)
        sums_ND = unit_rows(counts_NU[:n_held] @ tried_UD)
        found[share] = Likeness.of(targets_ND[:n_held], sums_ND, np.random.default_rng(0)).spearman
    best = max(_MEANS, key=lambda share: found[share])
    table_VD[used] = fit_sums(counts_NU, _without_mean(targets_ND, best), start_UD)
    return best


def _without_mean(targets_ND: Vectors, share: float) -> Vectors:
    return unit_rows(targets_ND - np.float32(share) * targets_ND.mean(axis=0))


def _encoded(
    source: OnnxEncoder,
    rows: Sequence[Sequence[int]],
    clock: Clock,
    share: float,
    stage: str,
    progress: Progress | None,
) -> Vectors:
    """Vectors of as many rows, from the first on, as fit until `share` of the clock's time is over; a few at least."""
    found: list[Vectors] = []
    ends = (clock.deadline - clock.started) * share
    for start in range(0, len(rows), _CHUNK):
        if found and clock.elapsed > ends:
            break
        found.append(source.encode_ids(rows[start : start + _CHUNK]))
        if progress is not None:
            progress(stage, min(start + _CHUNK, len(rows)), len(rows), max(clock.left, 0.0))
    return np.concatenate(found) if found else np.zeros((0, source.d), dtype=np.float32)


def _order(used_V: NDArray[np.int64], special: frozenset[int]) -> NDArray[np.int64]:
    """Pieces in the order of their worth: those of the texts by count, then the others by id."""
    order = np.argsort(-used_V, kind="stable")
    return order[~np.isin(order, sorted(special))]


def _weights(pieces: NDArray[np.int64], n_pieces: int) -> NDArray[np.float32]:
    """Weights by Zipf's law over the ids, which trainers number by frequency: counting the shop's own frequencies was
    measured too and did worse on other text (.85 for .87 on the fitted text, .66 for .70 elsewhere)."""
    p_V = 1.0 / (np.arange(n_pieces) + _ZIPF_SHIFT)
    p_V /= p_V.sum()
    return np.asarray(_WEIGHT / (_WEIGHT + p_V[pieces]), dtype=np.float32)


def _narrowed(table_VD: Vectors, seen_ND: Vectors, width: int) -> tuple[Vectors, Vectors]:
    """The table in the `width` directions that carry most of `seen_ND`, and the turn `(D, E)` into them."""
    seen_ND = seen_ND.astype(np.float64)
    _, directions_DD = np.linalg.eigh(seen_ND.T @ seen_ND)
    turn_DE = np.asarray(directions_DD[:, ::-1][:, : min(width, table_VD.shape[1])], dtype=np.float32)
    return table_VD @ turn_DE, turn_DE


def _cut(n_texts: int, n_read: int, n_pieces: int, n_known: int) -> tuple[str, ...]:
    notes = []
    if n_read < n_texts:
        notes.append(f"the budget cut the texts to {n_read:,} of {n_texts:,}")
    if n_known < n_pieces:
        notes.append(f"the budget cut the pieces to {n_known:,} of {n_pieces:,}: the others are not read")
    return tuple(notes)

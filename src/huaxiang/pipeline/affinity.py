"""What a person thinks of a few items, for those who rank something else than the whole catalogue: search, ads.

Legend: P items, M items of the index, L entries of a history.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.pipeline.request import Pipeline
from huaxiang.retrieval.factors import Factors
from huaxiang.retrieval.item_to_item import ItemToItem
from huaxiang.retrieval.live import Snapshot
from huaxiang.retrieval.popular import Popular
from huaxiang.retrieval.reading import Person

MUTED: Final = 3.0
"""Standard deviations that an item loses of which the person said "not for me"."""
_ADDED_UP: Final = (ItemToItem, Factors)
"""Kinds that can be asked about a few items at the price of a few."""


def affinity(pipeline: Pipeline, person: Person, items: Snapshot, at_P: NDArray[np.int64]) -> NDArray[np.float64]:
    """The parts of the release that can be asked about single items, each standardised over these, added up by its
    weight in recommendations; shape (P,), zeros for a stranger.

    The sequence model and popularity are not asked: one scores the whole catalogue or nothing, the other is no taste.
    """
    said_P = np.zeros(len(at_P))
    if person.basis != "profile" or not len(at_P):
        return said_P
    for name, weight in pipeline.weights.items():
        scores_P = _part(name, pipeline, person, items, at_P) if weight > 0.0 else None
        if scores_P is not None:
            said_P += weight * standing(scores_P)
    if person.muted:
        said_P[pipeline.shelf(items).having(person.muted)[at_P]] -= MUTED
    return said_P


def _part(
    name: str, pipeline: Pipeline, person: Person, items: Snapshot, at_P: NDArray[np.int64]
) -> NDArray[np.float32] | None:
    """One part's scores; None of a part that cannot be asked."""
    if name == "profile":
        return pipeline.shelf(items).fits_at(person.taste, at_P)
    if name == "content":
        return np.asarray(items.vectors_MD[at_P] @ person.u_D, dtype=np.float32)
    part = pipeline.retrievers.get(name)
    if not isinstance(part, _ADDED_UP):
        return None
    scores_P = np.zeros(len(at_P), np.float32)
    fitted = at_P < part.n_items
    if fitted.any():
        scores_P[fitted] = part.scores_of(person.history, at_P[fitted])
    return scores_P


def popularity(pipeline: Pipeline, at_P: NDArray[np.int64]) -> NDArray[np.float64]:
    """How much items are met lately, in (0, 1] of the most met; 0 for items that came after the release."""
    part = pipeline.retrievers["popular"]
    found_P = np.zeros(len(at_P))
    if isinstance(part, Popular) and part.n_items:
        fitted = at_P < part.n_items
        found_P[fitted] = part.scores_M[at_P[fitted]] / max(part.most, 1e-12)
    return found_P


def standing(scores_P: NDArray[np.float32] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Zero mean and unit deviation over these items; zeros where all are alike."""
    wide_P = scores_P.astype(np.float64)
    mean, deviation = float(wide_P.mean()), float(wide_P.std())
    # less is what rounding leaves of equal numbers
    return (wide_P - mean) / deviation if deviation > 1e-6 * max(abs(mean), 1e-6) else np.zeros(len(wide_P))

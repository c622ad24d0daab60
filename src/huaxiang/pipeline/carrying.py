"""Which events of a person may carry the scores of a page, estimated from the parts that add up; no answer rests on it,
it only says which events are worth leaving out to see.

Legend: K items of a page, L entries of the history, C clues, M items.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse as sp

from huaxiang.ranking.explain import Clue
from huaxiang.ranking.shelf import Shelf
from huaxiang.retrieval.base import Retriever
from huaxiang.retrieval.factors import Factors
from huaxiang.retrieval.item_to_item import ItemToItem
from huaxiang.retrieval.live import Snapshot
from huaxiang.retrieval.reading import Person

_ADDED_UP: Final = (ItemToItem, Factors)
"""Kinds whose score is a sum over the history."""


def carried(
    order_K: NDArray[np.intp],
    person: Person,
    clues: Sequence[Clue],
    retrievers: Mapping[str, Retriever],
    weights: Mapping[str, float],
    items: Snapshot,
    shelf: Shelf,
) -> NDArray[np.float64]:
    """About what each clue carries of each item's score, shape (K, C): the say of the entries that it names, shared
    among the clues that name them; 0 for a clue that names no item.

    Args:
        order_K: positions of the items in the index.
    """
    said_KL = np.zeros((len(order_K), len(person.entries)))
    for name, part in retrievers.items():
        if isinstance(part, _ADDED_UP) and (weight := weights.get(name, 0.0)) > 0.0:
            fitted = np.flatnonzero(order_K < part.n_items)
            said_KL[fitted] += weight * _scaled(part.contributions_of(person.history, order_K[fitted]))
    said_KL += weights.get("profile", 0.0) * _scaled(_alike(order_K, person, items, shelf))
    entry_of = {name: at for at, (name, _) in enumerate(person.entries)}
    named = [[entry_of[name] for name in clue.item_ids if name in entry_of] for clue in clues]
    times_L = np.maximum(np.bincount([at for entries in named for at in entries], minlength=len(entry_of)), 1)
    return np.stack([(said_KL / times_L)[:, entries].sum(axis=1) for entries in named], axis=1)


def _scaled(said_KL: NDArray[np.float32]) -> NDArray[np.float64]:
    """So that parts can be added up: the item that most is said for gets 1."""
    size = float(np.abs(said_KL).sum(axis=1).max(initial=0.0))
    return said_KL.astype(np.float64) / (size if size > 0.0 else 1.0)


def _alike(order_K: NDArray[np.intp], person: Person, items: Snapshot, shelf: Shelf) -> NDArray[np.float32]:
    """Facets that each item shares with each entry, by what they are worth and by the entry's mass, shape (K, L)."""
    rows_MF = shelf.facets.weights_MF
    at_L = items.positions([name for name, _ in person.entries])
    masses_L = np.array([tally.long for _, tally in person.entries], np.float32)

    def rows(at: NDArray[np.int64], worth_F: NDArray[np.float32]) -> sp.csr_matrix:
        known = (at >= 0) & (at < rows_MF.shape[0])  # newer items are not in the matrix
        found = sp.csr_matrix(rows_MF[np.where(known, at, 0)])
        owners = np.repeat(known, np.diff(found.indptr))
        return sp.csr_matrix((found.data * worth_F[found.indices] * owners, found.indices, found.indptr), found.shape)

    worth_F = shelf.facets.worth_F
    shared_KL = rows(order_K.astype(np.int64), worth_F) @ rows(at_L, np.ones_like(worth_F)).T
    return np.asarray(shared_KL.toarray() * masses_L, np.float32)

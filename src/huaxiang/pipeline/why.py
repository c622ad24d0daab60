"""The reasons of a page: which parts put an item there, and what each entry of the history added.

Legend: M items, L entries of one history, K positions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.profiles import Portraits
from huaxiang.profiles.facets import interests, language
from huaxiang.ranking.explain import reasons
from huaxiang.retrieval.base import Retriever
from huaxiang.retrieval.factors import Factors
from huaxiang.retrieval.item_to_item import ItemToItem
from huaxiang.retrieval.live import Snapshot
from huaxiang.retrieval.popular import Popular
from huaxiang.retrieval.reading import Person
from huaxiang.types import Item, Reason

_ADDED_UP: Final = (ItemToItem, Factors)
"""Kinds whose score is a sum over the history."""


@dataclass(frozen=True, slots=True, eq=False)
class Explainer:
    """Explains by the weighted sum of a release's parts; a learned ranker orders what they named, and adds no part."""

    portraits: Portraits
    retrievers: Mapping[str, Retriever]
    weights: Mapping[str, float]

    def reasons(
        self,
        order_K: NDArray[np.intp],
        person: Person,
        parts: Mapping[str, NDArray[np.float32]],
        items: Snapshot,
        now: datetime,
    ) -> tuple[tuple[Reason, ...], ...]:
        """Of items at positions of the index; of what they share, only what is needed is looked up.

        Args:
            parts: standardised scores of shape (M,).
        """
        item_facets, state = self.portraits.item_facets, person.state
        added_KL = self._contributions(order_K, person, parts)
        keys = {(kind, value) for at in order_K for kind, value, _ in item_facets.of(items.item_ids[at])}
        config = self.portraits.config
        facets = interests(state, item_facets, now=now, config=config).facets(state, config=config, among=keys)
        history = [(self._item(name), [seen for _, seen in tally.evidence]) for name, tally in person.entries]
        spoken = language(state, item_facets) or "en"
        return tuple(
            reasons(
                item,
                self._by_kind({name: float(scores_M[at]) for name, scores_M in parts.items()}),
                contributions=added_L,
                history=history,
                interests=facets,
                item_facets=item_facets,
                language=spoken,
            )
            if (item := self._item(items.item_ids[at])) is not None
            else ()
            for at, added_L in zip(order_K, added_KL, strict=True)
        )

    def _item(self, item_id: str) -> Item | None:
        return self.portraits.item_facets.catalogue.get(item_id)

    def _by_kind(self, scores: Mapping[str, float]) -> dict[str, float]:
        """Weighted scores of an item, added up by what can be said of them: what follows from the history's items, what
        many take, and the parts that explain themselves."""
        found: dict[str, float] = {}
        for name, score in scores.items():
            part = self.retrievers.get(name)
            kind = "followed" if isinstance(part, _ADDED_UP) else "popular" if isinstance(part, Popular) else name
            found[kind] = found.get(kind, 0.0) + self.weights.get(name, 0.0) * score
        return found

    def _contributions(
        self, order_K: NDArray[np.intp], person: Person, parts: Mapping[str, NDArray[np.float32]]
    ) -> NDArray[np.float32]:
        """What each entry of the history adds to items in the item-to-item parts, shape (K, L), up to a factor of each
        item."""
        added_KL = np.zeros((len(order_K), len(person.entries)), np.float32)
        for name in parts:
            part = self.retrievers.get(name)
            if isinstance(part, _ADDED_UP) and (weight := self.weights.get(name, 0.0)) > 0.0:
                fitted = np.flatnonzero(order_K < part.n_items)
                own_KL = part.contributions_of(person.history, order_K[fitted])
                size = float(np.abs(own_KL).sum(axis=1).max(initial=0.0))
                added_KL[fitted] += own_KL * np.float32(weight / size if size > 0.0 else 0.0)
        return added_KL

"""Reading who is asked for: what of a state may be used, as history, interests and vector U.

Legend: D width.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.encoder.base import Encoder
from huaxiang.pipeline.elsewhere import Elsewhere
from huaxiang.profiles import FoldState, Portraits
from huaxiang.profiles.facets import interests, muted_by
from huaxiang.profiles.state import Tally
from huaxiang.profiles.taste import Taste, taste_of
from huaxiang.retrieval.live import Snapshot
from huaxiang.retrieval.reading import Basis, Person, history_of, recent_entries
from huaxiang.text.wording import history_text
from huaxiang.types import ItemId, UserId

_QUERIES: Final = 5
_KEPT_VECTORS: Final = 10_000


class People:
    """Reads states as persons. Safe to use from many threads.

    Memory: 10,000 cached vectors U of 4 D bytes.

    Args:
        n_fitted: items that the retrievers know; later ones are none to them.
    """

    def __init__(self, portraits: Portraits, encoder: Encoder, elsewhere: Elsewhere | None, n_fitted: int) -> None:
        self._portraits, self._encoder = portraits, encoder
        self._elsewhere, self._n_fitted = elsewhere, n_fitted
        self._vectors: OrderedDict[str, NDArray[np.float32]] = OrderedDict()

    def forget(self) -> None:
        """Let go of every kept vector; what people searched for is part of the text that it is kept under."""
        self._vectors = OrderedDict()

    def read(
        self,
        states: Sequence[FoldState],
        items: Snapshot,
        *,
        now: datetime,
        user_ids: Sequence[UserId | None],
    ) -> list[Person]:
        """What answers may use of states: nothing where personalisation is denied.

        Args:
            user_ids: whose states they are, for what is known of them elsewhere; None for a session.
        """
        config = self._portraits.config
        denied = [state.consents.get("personalisation", config.consent_default) == "denied" for state in states]
        used = [FoldState() if is_denied else state for state, is_denied in zip(states, denied, strict=True)]
        entries = [recent_entries(state) for state in used]
        texts = [self._text(state, own) for state, own in zip(used, entries, strict=True)]
        vectors = self._vectors_of(texts)
        people = []
        for at, (state, user_id) in enumerate(zip(used, user_ids, strict=True)):
            ask = self._elsewhere if user_id is not None and not denied[at] else None
            elsewhere = {} if ask is None or user_id is None else ask(user_id, now)
            told = state.queries or texts[at] or any(edit.op == "add" for edit in state.edits)
            is_known = bool(entries[at] or told or elsewhere)
            basis: Basis = "consent" if denied[at] else "profile" if is_known else "popularity"
            history = history_of(entries[at], items, now=now, n_fitted=self._n_fitted)
            taste, muted = self._taste(state, items, now), muted_by(state.edits)
            people.append(Person(state, entries[at], history, vectors[at], taste, muted, basis, elsewhere))
        return people

    def _taste(self, state: FoldState, items: Snapshot, now: datetime) -> Taste:
        config = self._portraits.config
        taste = taste_of(state, items.positions(list(state.items)), now=now, config=config)
        if not state.edits:
            return taste
        return replace(taste, shares=interests(state, self._portraits.item_facets, now=now, config=config).shares)

    def _text(self, state: FoldState, entries: Sequence[tuple[ItemId, Tally]]) -> str:
        catalogue = self._portraits.item_facets.catalogue
        items = [item for name, tally in entries if tally.long > 0.0 and (item := catalogue.get(name)) is not None]
        return history_text(items, [search.query for search in state.searches[-_QUERIES:]])

    def _vectors_of(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """U of each text, by the open release's encoder, kept under the text; zeros where there is none."""
        kept = {text: vector for text in texts if (vector := self._vectors.get(text)) is not None}
        fresh = sorted({text for text in texts if text and text not in kept})
        if fresh:
            kept |= zip(fresh, self._encoder.encode(fresh), strict=True)
            self._vectors.update((text, kept[text]) for text in fresh)
            while len(self._vectors) > _KEPT_VECTORS:
                self._vectors.popitem(last=False)
        nothing = np.zeros(self._encoder.d, np.float32)
        return [kept.get(text, nothing) for text in texts]

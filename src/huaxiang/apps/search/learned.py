"""What a shop taught its search: names that the catalogue uses, and what people typed and clicked; follows both."""

import threading
import time
from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.apps.search.known_values import KnownValues
from huaxiang.apps.search.scoring import FEATURES, WEIGHTS
from huaxiang.apps.search.understanding import Understander, Understood
from huaxiang.collect.catalogue import Catalogue
from huaxiang.retrieval.keyword_index import KeywordIndex
from huaxiang.text.terms import read_words
from huaxiang.types import ItemId

_PAUSE: Final = 30.0
"""Seconds between two readings of a catalogue that changes all the time: one takes 20 us an item."""


class Learned:
    """Safe to read from many threads; `refresh` is for one beside them."""

    def __init__(self, weights: Mapping[str, float] = WEIGHTS) -> None:
        self.understander = Understander(KnownValues({}))
        self.weights_F: NDArray[np.float64] = np.array([weights.get(name, 0.0) for name in FEATURES])
        self._version, self._read_at = -1, -_PAUSE
        self._lock = threading.Lock()

    def refresh(self, index: KeywordIndex, catalogue: Catalogue) -> None:
        """Read anew what has changed."""
        with self._lock:
            if index.version == self._version or time.monotonic() - self._read_at < _PAUSE:
                return
            self._version, self._read_at = index.version, time.monotonic()
            names = {_spelled(item.name): item.item_id for item in catalogue if item.name}
            names |= {_spelled(item.item_id): item.item_id for item in catalogue}
            self.understander = Understander(KnownValues(index.values()), names=names)

    def forget(self) -> None:
        """Let go of what is kept of people."""

    def appeal(self, asked: Understood) -> Mapping[ItemId, float]:
        """How much people who asked for this liked items, 0 to 1."""
        return {}


def _spelled(text: str) -> str:
    return " ".join(word.spelled for word in read_words(text) if not word.is_stop)

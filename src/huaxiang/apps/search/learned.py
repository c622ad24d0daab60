"""What a shop taught its search: names that its catalogue uses, and what people typed and chose; follows both."""

import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from huaxiang.apps.search.asked import QueryLogConfig
from huaxiang.apps.search.known_values import KnownValues
from huaxiang.apps.search.query_log import QueryLog
from huaxiang.apps.search.suggest import Suggester
from huaxiang.apps.search.synonym_file import OwnSynonyms, read_synonyms
from huaxiang.apps.search.synonyms import Synonyms, learn_synonyms
from huaxiang.apps.search.understanding import Understander, Understood
from huaxiang.collect.catalogue import Catalogue
from huaxiang.retrieval.keyword_index import KeywordIndex
from huaxiang.store import Store
from huaxiang.text.spelling import Speller
from huaxiang.text.terms import read_words
from huaxiang.types import Item, ItemId

_PATIENCE: Final = 50.0
"""The catalogue is read anew at most for a fiftieth of the time, however often it changes."""
_LOG_PATIENCE: Final = 200.0
"""And the log for a two-hundredth: the first event of a reading costs 25 ms, for which one request in a hundred waited
where the log was read every second."""
_LONGEST_WAIT: Final = 60.0
"""But the log once a minute."""
_ATTRIBUTE: Final = "attribute:"


class Learned:
    """Safe to read from many threads; `refresh` is for one beside them.

    Args:
        synonyms: a file of the shop's own, as `synonym_file.read_synonyms` has it.
        before: what people typed and chose from then on is not read; for what is judged by it.

    Raises:
        DataError: that file cannot be read, or has a line that is wrong.
    """

    def __init__(
        self,
        store: Store,
        catalogue: Catalogue,
        *,
        consent_default: str = "granted",
        config: QueryLogConfig | None = None,
        synonyms: Path | None = None,
        before: datetime | None = None,
    ) -> None:
        self._catalogue = catalogue
        self._own = OwnSynonyms() if synonyms is None else read_synonyms(synonyms)
        self.queries = QueryLog(store, consent_default=consent_default, config=config, before=before)
        self.suggester = Suggester(catalogue, self.queries)
        self.understander = Understander(KnownValues({}))
        self._names: _Names | None = None
        self._read: tuple[int, int] | None = None
        self._next_queries = self._next_reading = 0.0
        self._lock = threading.Lock()

    def refresh(self, index: KeywordIndex) -> None:
        """Read what the log and the catalogue have beyond what was read."""
        with self._lock:
            self._follow_log()
            self.suggester.refresh()
            now, began = (index.version, self.queries.version), time.monotonic()
            if now == self._read or (self._read is not None and began < self._next_reading):
                return
            self.understander = self._understander(index)
            self._read, ended = now, time.monotonic()
            self._next_reading = ended + _PATIENCE * (ended - began)

    def _follow_log(self) -> None:
        began = time.monotonic()
        if began >= self._next_queries:
            self.queries.refresh()
            ended = time.monotonic()
            self._next_queries = ended + min(_LONGEST_WAIT, _LOG_PATIENCE * (ended - began))

    def forget(self) -> None:
        """Let go of what people typed; the next `refresh` reads it again, without who was erased."""
        self._next_queries = 0.0
        self.queries.forget()
        self.suggester.forget()
        self.understander, self._names, self._read = Understander(KnownValues({})), None, None

    def appeal(self, asked: Understood) -> Mapping[ItemId, float]:
        """How much people who asked for this liked items, 0 to 1; as it was typed, else as it was meant."""
        return self.queries.appeal(asked.query) or (self.queries.appeal(asked.corrected) if asked.corrected else {})

    def _understander(self, index: KeywordIndex) -> Understander:
        values, known, names = index.values(), self.queries.known(), self._names
        typed = {asked.text: None for asked in known}
        # queries change oftener, and cost less to read; one that is gone must teach no longer
        if names is None or names.version != index.version or not names.taught <= typed.keys():
            names = self._names = _Names(index.version, list(self._catalogue))
        names.teach(typed)
        synonyms: Synonyms = learn_synonyms(
            known,
            apart=[list(counts) for field, counts in values.items() if field.startswith(_ATTRIBUTE)],
            own=self._own.groups,
            never=self._own.never,
        )
        return Understander(KnownValues(values), names.speller, synonyms, names.by_spelling)


class _Names:
    """The names of one state of the catalogue, and what they and queries teach of spelling."""

    def __init__(self, version: int, items: Sequence[Item]) -> None:
        self.version = version
        self.by_spelling = {_spelled(item.name): item.item_id for item in items if item.name}
        self.by_spelling |= {_spelled(item.item_id): item.item_id for item in items}
        self.speller = Speller({}, (text for item in items for text in _texts(item)))
        self.taught: set[str] = set()

    def teach(self, queries: Iterable[str]) -> None:
        """Learn the words of different queries, each once."""
        new = [text for text in queries if text not in self.taught]
        self.speller.learn(new)
        self.taught.update(new)


def _texts(item: Item) -> Iterator[str]:
    yield item.name
    if item.brand:
        yield item.brand
    yield from item.category
    for values in item.attributes.values():
        yield from values


def _spelled(text: str) -> str:
    return " ".join(word.spelled for word in read_words(text) if not word.is_stop)

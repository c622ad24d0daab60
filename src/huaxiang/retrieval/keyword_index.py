"""The keyword index: items by their words, with filters and counts of values; follows the catalogue.

tantivy keeps and searches it; the terms are cut before (`text.terms`), because it knows no Chinese words.
"""

import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import tantivy

from huaxiang.collect.catalogue import Catalogue
from huaxiang.retrieval.keyword_document import MARK, document_of, index_schema, value_key, values_of
from huaxiang.retrieval.keyword_filter import KeywordFilter
from huaxiang.types import Item, ItemId

_HEAP: Final = 64_000_000
"""Bytes that the writer gathers in before it writes a segment."""
_AT_ONCE: Final = 64
"""Changed items that a request takes in itself; more wait for the follower thread."""
_PAUSE: Final = 0.2
"""Seconds between two commits that requests make: a commit takes a request's time."""
_MOST_VALUES: Final = 2_000
"""Values that are counted for one answer."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """A term and how much an item that has it is worth beside one that has the term asked for (1)."""

    term: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Hits:
    """Items found, best first.

    Attributes:
        scores: BM25F.
        total: how many match, of which these are the best.
    """

    item_ids: tuple[ItemId, ...]
    scores: tuple[float, ...]
    total: int


class KeywordIndex:
    """Items by their words. Safe to use from many threads.

    Memory: the index, about the size of its texts, and 150 bytes an item; the writer's 64 MB.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._schema = index_schema()
        self._index = tantivy.Index(self._schema)
        self._writer = self._index.writer(_HEAP, 1)
        self._slots: dict[ItemId, int] = {}
        self._ids: list[ItemId] = []
        self._values: dict[ItemId, tuple[str, ...]] = {}
        self._counts: Counter[str] = Counter()
        self._shown: dict[str, str] = {}
        self._lock = threading.Lock()
        self._changed, self._seq, self._committed = -1, -1, 0.0
        self.version = 0
        self._searcher = self._index.searcher()
        self.refresh()

    def __len__(self) -> int:
        return self._searcher.num_docs

    def refresh(self) -> None:
        """Take in every item that was set or deleted since the last time."""
        with self._lock:
            changed, upto = self._catalogue.changed, self._catalogue.seq
            if changed == self._changed:
                return
            self._take(self._catalogue.changed_since(self._seq))
            self._changed, self._seq = changed, upto

    def _fresh(self) -> tantivy.Searcher:
        """The newest state; takes in a few changed items first, if the last time is a moment ago."""
        is_due = self._catalogue.changed != self._changed and time.monotonic() - self._committed >= _PAUSE
        if is_due and len(self._catalogue.changed_since(self._seq)) <= _AT_ONCE:
            self.refresh()
        return self._searcher

    def _take(self, names: Sequence[ItemId]) -> None:
        for name in names:
            item = self._catalogue.get(name)
            slot = self._slots.get(name)
            if slot is not None:
                self._writer.delete_documents_by_query(tantivy.Query.term_query(self._schema, "slot", slot))
                self._uncount(name)
            if item is not None:
                if slot is None:
                    slot = self._slots[name] = len(self._ids)
                    self._ids.append(name)
                self._writer.add_document(document_of(item, slot))
                self._count(item)
        self._writer.commit()
        self._index.reload()
        self._searcher = self._index.searcher()
        self._committed = time.monotonic()
        self.version += 1

    def _count(self, item: Item) -> None:
        keys = self._values[item.item_id] = tuple(values_of(item))
        self._counts.update(keys)
        for field, value in _spelled(item):
            self._shown.setdefault(value_key(field, value), value.strip())

    def _uncount(self, name: ItemId) -> None:
        for key in self._values.pop(name, ()):
            self._counts[key] -= 1
            if self._counts[key] <= 0:
                del self._counts[key]

    def values(self, field: str) -> dict[str, int]:
        """The values of a field, in the spelling first met, with how many items have each."""
        start = field + MARK
        return {self._shown[key]: n for key, n in list(self._counts.items()) if key.startswith(start)}

    @property
    def fields(self) -> list[str]:
        """Fields that have values: `brand`, `category` and `attribute:<name>`."""
        return sorted({key.partition(MARK)[0] for key in list(self._counts)})

    def count_of(self, term: str) -> int:
        """How many items have a term."""
        return int(self._fresh().doc_freq("text", term))

    def query(
        self,
        groups: Sequence[Sequence[Alternative]],
        *,
        least: int | None = None,
        where: Mapping[str, Any] | None = None,
        without: Iterable[str] = (),
    ) -> tantivy.Query:
        """What matches at least `least` groups (None: all), passes the filter and has none of the terms `without`.

        Args:
            groups: for each word asked for, the terms that stand for it; no group: everything.

        Raises:
            DataError: the filter has an unknown field or another form than `ranking.rules.compile_filter` takes.
        """
        parts = [self._group(group) for group in groups]
        clauses: list[tuple[tantivy.Occur, tantivy.Query]] = []
        if parts:
            should = [(tantivy.Occur.Should, part) for part in parts]
            wanted = len(parts) if least is None else max(1, min(least, len(parts)))
            clauses.append((tantivy.Occur.Must, tantivy.Query.boolean_query(should, wanted)))
        else:
            clauses.append((tantivy.Occur.Must, tantivy.Query.all_query()))
        if where:
            filters = KeywordFilter(self._schema, self._attributes(), self._texts)
            clauses += filters.query(where)
        clauses += [(tantivy.Occur.MustNot, self._term(term)) for term in without]
        return tantivy.Query.boolean_query(clauses)

    def search(self, query: tantivy.Query, n: int) -> Hits:
        """The `n` best items of a query; those that were deleted this moment are left out."""
        searcher = self._fresh()
        found = searcher.search(query, limit=max(1, n))
        slots = searcher.fast_field_values("slot", [address for _, address in found.hits])
        pairs = [(self._ids[int(slot)], float(score)) for slot, (score, _) in zip(slots, found.hits, strict=True)]
        kept = [pair for pair in pairs if pair[0] in self._catalogue]
        gone = len(pairs) - len(kept)
        return Hits(tuple(name for name, _ in kept), tuple(score for _, score in kept), (found.count or 0) - gone)

    def facets(self, query: tantivy.Query) -> dict[str, dict[str, int]]:
        """How many of the items that match have each value, by field; the 2,000 commonest values of all fields."""
        asked = {"values": {"terms": {"field": "value", "size": _MOST_VALUES}}}
        found = self._fresh().aggregate(query, asked)
        counted: dict[str, dict[str, int]] = {}
        for bucket in found["values"]["buckets"]:
            key = str(bucket["key"])
            field = key.partition(MARK)[0]
            counted.setdefault(field, {})[self._shown.get(key, key.partition(MARK)[2])] = int(bucket["doc_count"])
        return counted

    def _group(self, group: Sequence[Alternative]) -> tantivy.Query:
        queries = [
            self._term(one.term) if one.weight == 1.0 else tantivy.Query.boost_query(self._term(one.term), one.weight)
            for one in group
        ]
        return queries[0] if len(queries) == 1 else tantivy.Query.disjunction_max_query(queries)

    def _term(self, term: str) -> tantivy.Query:
        return tantivy.Query.term_query(self._schema, "text", term, index_option="freq")

    def _attributes(self) -> list[str]:
        return [field.removeprefix("attribute:") for field in self.fields if field.startswith("attribute:")]

    def _texts(self, field: str) -> list[str]:
        start = field + MARK
        return [key.removeprefix(start) for key in list(self._counts) if key.startswith(start)]


def _spelled(item: Item) -> list[tuple[str, str]]:
    """Fields and values as the shop spells them, in the order of `values_of`."""
    brand = [] if item.brand is None else [("brand", item.brand)]
    paths = [("category", " > ".join(item.category[:depth])) for depth in range(1, len(item.category) + 1)]
    named = [(f"attribute:{name}", value) for name, values in item.attributes.items() for value in values]
    return brand + paths + named

"""The keyword index: items by their words, with filters and counts of values; follows the catalogue.

tantivy keeps and searches it; the terms are cut before (`text.terms`), because it knows no Chinese words.
"""

import ctypes
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import tantivy
from numpy.typing import NDArray

from huaxiang.collect.catalogue import Catalogue
from huaxiang.retrieval.item_values import ItemValues
from huaxiang.retrieval.keyword_document import document_of, id_key, index_schema, values_of
from huaxiang.retrieval.keyword_filter import KeywordFilter
from huaxiang.retrieval.name_terms import NameTerms
from huaxiang.text.terms import index_terms
from huaxiang.types import ItemId

_HEAP: Final = 32_000_000
"""Bytes that the writer gathers in before it writes a segment."""
_AT_ONCE: Final = 64
"""Changed items that a request takes in itself; more wait for the follower thread."""
_PAUSE: Final = 0.2
"""Seconds between two commits that requests make: a commit takes a request's time."""
_MANY: Final = 10_000
"""Items taken in at once from which on it is worth some milliseconds to give the writer's memory back."""
_MOST_VALUES: Final = 2_000
"""Values that are counted for one answer."""
_ALL_VALUES: Final = 200_000
"""And of the whole catalogue."""


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
        slots: what the index calls them, for `name_matches`.
        total: how many match, of which these are the best.
    """

    item_ids: tuple[ItemId, ...]
    scores: tuple[float, ...]
    slots: tuple[int, ...]
    total: int


class KeywordIndex:
    """Items by their words. Safe to use from many threads.

    It is built in memory from the catalogue when it is opened, so that there is nothing on disk to be damaged or stale.
    Memory: the index, about the size of its texts, and for each time that an item was set 24 bytes and 4 for each term
    of its name and each value; while it takes items in, the writer's 32 MB.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._schema = index_schema()
        self._index = tantivy.Index(self._schema)
        self._ids: list[ItemId] = []
        self._names, self._values = NameTerms(), ItemValues()
        self._attributes: set[str] = set()
        self._survey: tuple[int, dict[str, dict[str, int]]] = (-1, {})
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
        writer = self._index.writer(_HEAP, 1)
        is_new = not self._ids
        for name in names:
            if not is_new:
                writer.delete_documents_by_query(self._named(name))
            item = self._catalogue.get(name)
            if item is not None:
                terms, values = index_terms(item.name), self._values.numbered(values_of(item))
                writer.add_document(document_of(item, len(self._ids), terms, values))
                self._ids.append(name)
                self._names.add(terms)
                self._values.add(values)
                self._attributes.update(item.attributes)
        self._names.settle()
        self._values.settle()
        writer.commit()
        writer.wait_merging_threads()  # ends the writer
        self._index.reload()
        self._searcher = self._index.searcher()
        self._committed = time.monotonic()
        self.version += 1
        if len(names) >= _MANY:
            give_back()

    def _named(self, name: ItemId) -> tantivy.Query:
        return tantivy.Query.term_query(self._schema, "exact", id_key(name))

    def values(self) -> dict[str, dict[str, int]]:
        """The values of each field (`brand`, `category`, `attribute:<name>`), in the spelling first met, with how many
        items have each; found once for each state of the index."""
        searcher, version = self._searcher, self.version
        if self._survey[0] != version:
            self._survey = (version, self._counted(searcher, tantivy.Query.all_query(), _ALL_VALUES))
        return self._survey[1]

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
        also: Sequence[tuple[Sequence[Sequence[Alternative]], float]] = (),
    ) -> tantivy.Query:
        """What matches at least `least` groups (None: all), passes the filter and has none of the terms `without`.

        Args:
            groups: for each word asked for, the terms that stand for it; no group: everything.
            also: other ways to ask the same, all of whose groups must match, with what such a match is worth.

        Raises:
            DataError: the filter has an unknown field or another form than `ranking.rules.compile_filter` takes.
        """
        clauses = [(tantivy.Occur.Must, self._said(groups, least) if groups else tantivy.Query.all_query())]
        if also and groups:
            others = [tantivy.Query.boost_query(self._said(other, None), weight) for other, weight in also]
            clauses = [(tantivy.Occur.Must, tantivy.Query.disjunction_max_query([clauses[0][1], *others]))]
        if where:
            values = self._values.numbers
            filters = KeywordFilter(self._schema, self._attributes, lambda field: self.values().get(field, {}), values)
            clauses += filters.query(where)
        clauses += [(tantivy.Occur.MustNot, self._term(term)) for term in without]
        return tantivy.Query.boolean_query(clauses)

    def search(self, query: tantivy.Query, n: int) -> Hits:
        """The `n` best items of a query; those that were deleted this moment are left out."""
        searcher = self._fresh()
        found: Any = searcher.search(query, limit=max(1, n))  # its stub lacks `count`
        slots: list[Any] = searcher.fast_field_values("slot", [address for _, address in found.hits])
        ids = self._ids
        names, scores = tuple([ids[slot] for slot in slots]), tuple([score for score, _ in found.hits])
        everything = Hits(names, scores, tuple(slots), found.count or 0)
        if self._catalogue.changed == self._changed and self._searcher is searcher:
            return everything
        return self._still_there(everything)

    def _still_there(self, hits: Hits) -> Hits:
        """Without items that the catalogue has no longer."""
        kept = [row for row in zip(hits.item_ids, hits.scores, hits.slots, strict=True) if row[0] in self._catalogue]
        names, scores, slots = zip(*kept, strict=True) if kept else ((), (), ())
        return Hits(names, scores, slots, hits.total - (len(hits.item_ids) - len(kept)))

    def name_matches(
        self, slots: Sequence[int], rarities: Mapping[str, float], last: str
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Of items by their slots (-1: unknown) the share of some terms, by rarity, that stands in the name, and
        whether the name ends with the term `last`; shape (P,) each."""
        return self._names.matches(slots, rarities, last)

    def in_name(self, slot: int, terms: Iterable[str]) -> set[str]:
        """Those of some terms that stand in the name of an item that was found, by its slot."""
        return self._names.standing(slot, terms)

    def facets(self, query: tantivy.Query, slots: Sequence[int] | None = None) -> dict[str, dict[str, int]]:
        """How many of the items that match have each value, by field; the 2,000 commonest values of all fields.

        Args:
            slots: of all that match, where they were found; then every value is counted, in a tenth of the time.
        """
        if slots is not None:
            return self._values.of_slots(slots)
        return self._counted(self._fresh(), query, _MOST_VALUES)

    def _counted(self, searcher: tantivy.Searcher, query: tantivy.Query, most: int) -> dict[str, dict[str, int]]:
        found = searcher.aggregate(query, {"values": {"terms": {"field": "value", "size": most}}})
        buckets = found["values"]["buckets"]
        return self._values.by_field((int(bucket["key"]), int(bucket["doc_count"])) for bucket in buckets)

    def _said(self, groups: Sequence[Sequence[Alternative]], least: int | None) -> tantivy.Query:
        """What matches at least `least` of the groups; None: all."""
        should = [(tantivy.Occur.Should, self._group(group)) for group in groups]
        wanted = len(groups) if least is None else max(1, min(least, len(groups)))
        return tantivy.Query.boolean_query(should, wanted)

    def _group(self, group: Sequence[Alternative]) -> tantivy.Query:
        queries = [
            self._term(one.term) if one.weight == 1.0 else tantivy.Query.boost_query(self._term(one.term), one.weight)
            for one in group
        ]
        return queries[0] if len(queries) == 1 else tantivy.Query.disjunction_max_query(queries)

    def _term(self, term: str) -> tantivy.Query:
        return tantivy.Query.term_query(self._schema, "text", term, index_option="freq")


def give_back() -> None:
    """Let the system have what the writer freed, which glibc would keep: 65 MB beside an index of 24."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:  # other C libraries than glibc have none, and keep less
        trim(0)

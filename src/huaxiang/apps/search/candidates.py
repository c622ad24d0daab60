"""The items that may answer a query: by all of its words; by some of them and by meaning where that is too few.

Legend: P candidates.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import tantivy

from huaxiang.apps.search.understanding import Understood
from huaxiang.ranking.rules import compile_filter
from huaxiang.retrieval.keyword_document import weighted_text
from huaxiang.retrieval.keyword_index import Hits, KeywordIndex
from huaxiang.text.price import NO_WISH
from huaxiang.text.terms import index_terms, query_terms
from huaxiang.types import Item, ItemId

MOST: Final = 200
"""Candidates that are ranked by more than their words."""
_ENOUGH: Final = 40
"""Items with all words, from which on no others are looked for, unless the page is longer; and items with some, from
which on nothing is looked for by meaning."""
_SOME: Final = 0.6
"""Share of the words that an item must have where too few have all."""

Near = Callable[[str, int], list[ItemId]]
"""Items nearest in meaning to a text, best first, at most so many."""


@dataclass(slots=True)
class Candidates:
    """What was found.

    Attributes:
        scores: BM25F of each item; 0 of what was found by meaning alone.
        slots: in the index, of what was found by words.
        complete: those that have all words that are needed.
        matching: what the counts of values are taken over.
        total: items that match it. all_slots: of these, where they were all found.
        relaxed: what was given up, beside words: those are known when it is known which items are shown.
    """

    scores: dict[ItemId, float] = field(default_factory=dict)
    slots: dict[ItemId, int] = field(default_factory=dict)
    complete: frozenset[ItemId] = frozenset()
    matching: tantivy.Query | None = None
    total: int = 0
    all_slots: tuple[int, ...] | None = None
    relaxed: list[dict[str, Any]] = field(default_factory=list)


class Finder:
    """Looks for candidates.

    Args:
        near: by meaning; None where there is no encoder.
        popular: what is popular, best first, at most so many.
        item: of an id; None where it is gone.
    """

    def __init__(
        self,
        index: KeywordIndex,
        near: Near | None,
        popular: Callable[[int], list[ItemId]],
        item: Callable[[ItemId], Item | None],
    ) -> None:
        self._index, self._near, self._popular, self._item = index, near, popular, item

    def find(self, asked: Understood, where: Mapping[str, Any], n: int) -> Candidates:
        """At most about `n` candidates; none only where no item passes the filter `where`.

        Raises:
            DataError: the filter has an unknown field, or another form than `ranking.rules.compile_filter` takes.
        """
        wanted = max(n, MOST)
        where, bounds = dict(where), _bounds(asked, where)
        found = self._by_words(asked, bounds, wanted)
        enough = max(n, _ENOUGH)
        if len(found.scores) < enough and asked.words:
            self._add_some_words(found, asked, bounds, wanted, enough)
            if not found.scores and bounds != where:  # what was asked for at another price, before something else
                found = self.find(replace(asked, price=NO_WISH), where, n)
                return replace(found, relaxed=[{"kind": "price", "ignored": bounds["price"]}, *found.relaxed])
            if len(found.scores) < enough:  # beside so many with its words, no page shows what is only near
                self._add_near(found, asked, compile_filter(bounds))
        if not found.scores or (not asked.words and not asked.price.is_bounded and asked.query):
            self._take_popular(found, asked, where, wanted)
        return found

    def _by_words(self, asked: Understood, where: Mapping[str, Any], n: int) -> Candidates:
        query = self._index.query(asked.groups, where=where, without=_unwanted(asked), also=asked.also)
        hits = self._index.search(query, n)
        scores = dict(zip(hits.item_ids, hits.scores, strict=True))
        slots = dict(zip(hits.item_ids, hits.slots, strict=True))
        found = Candidates(scores, slots, frozenset(scores))
        _counted(found, query, hits)
        return found

    def _add_some_words(
        self, found: Candidates, asked: Understood, where: Mapping[str, Any], n: int, enough: int
    ) -> None:
        groups = asked.groups
        for least in dict.fromkeys((math.ceil(_SOME * len(groups)), 1)):
            if len(found.scores) >= enough or least >= len(groups):
                continue
            query = self._index.query(groups, least=least, where=where, without=_unwanted(asked))
            hits = self._index.search(query, n)
            if not found.total and hits.total:
                _counted(found, query, hits)
            found.scores = dict(zip(hits.item_ids, hits.scores, strict=True)) | found.scores
            found.slots |= zip(hits.item_ids, hits.slots, strict=True)

    def _add_near(self, found: Candidates, asked: Understood, passes: Callable[[Item], bool]) -> None:
        if self._near is None:
            return
        text, unwanted = " ".join(word.text for word in asked.words), set(_unwanted(asked))
        names = [
            name
            for name in self._near(text, MOST // 2)
            if name not in found.scores
            and (item := self._item(name)) is not None
            and passes(item)
            and not (unwanted and unwanted & set(weighted_text(item, index_terms(item.name)).split()))
        ]
        if not found.scores:
            found.total = len(names)
        found.scores |= dict.fromkeys(names, 0.0)

    def _take_popular(self, found: Candidates, asked: Understood, where: Mapping[str, Any], n: int) -> None:
        """What is popular in place of what was asked for, of which there is nothing."""
        query, passes = self._index.query([], where=where), compile_filter(where)
        popular = [name for name in self._popular(n) if (item := self._item(name)) is not None and passes(item)]
        matching = self._index.search(query, n)
        found.scores = dict.fromkeys([*popular, *matching.item_ids], 0.0)
        _counted(found, query, matching)
        if found.scores:
            found.relaxed.append({"kind": "query", "ignored": asked.query})


def _counted(found: Candidates, query: tantivy.Query, hits: Hits) -> None:
    """Take values over what matches this query."""
    found.matching, found.total = query, hits.total
    found.all_slots = hits.slots if hits.total == len(hits.slots) else None


def _bounds(asked: Understood, where: Mapping[str, Any]) -> dict[str, Any]:
    """The filter with the price that the query names, unless the filter has one of its own."""
    bounds = {"gte": asked.price.low, "lte": asked.price.high}
    named = {name: bound for name, bound in bounds.items() if bound is not None}
    return {"price": named, **where} if named else dict(where)


def _unwanted(asked: Understood) -> list[str]:
    return [term for phrase in asked.unwanted for term in query_terms(phrase)]

"""Search over an open shop: understand, find, order, count, explain.

Legend: P candidates, F features.
"""

import math
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.apps.search.asking import MOST_OFFSET, Found, SearchAnswer, SearchAsk
from huaxiang.apps.search.candidates import MOST, Candidates, Finder
from huaxiang.apps.search.learned import Learned
from huaxiang.apps.search.reasons import Teller
from huaxiang.apps.search.scoring import (
    FEATURES,
    WEIGHTS,
    Known,
    Matcher,
    ambiguity,
    category_votes,
    features,
    weights_of,
)
from huaxiang.apps.search.suggest import Suggestion
from huaxiang.apps.search.understanding import Understood
from huaxiang.errors import DataError
from huaxiang.pipeline import Pipeline
from huaxiang.pipeline.affinity import affinity, popularity
from huaxiang.profiles import Portraits
from huaxiang.profiles.facets import interests, language
from huaxiang.retrieval.base import History, best
from huaxiang.retrieval.keyword_index import KeywordIndex
from huaxiang.retrieval.live import Snapshot
from huaxiang.retrieval.reading import Person
from huaxiang.text.wording import query_text
from huaxiang.types import Item, ItemId, UserId, is_anonymous

_PROFILE: Final = FEATURES.index("profile")
_SHOWN_CATEGORIES: Final = 3
_KEPT_VECTORS: Final = 10_000


class Search:
    """Answers queries. Safe to use from many threads.

    Args:
        pipeline: the open release, None before the first; words alone answer then.
        learned: what the shop's own queries and clicks taught; follows the log by itself.
    """

    def __init__(self, portraits: Portraits, pipeline: Callable[[], Pipeline | None], learned: Learned) -> None:
        self._portraits, self._pipeline = portraits, pipeline
        self._catalogue = portraits.item_facets.catalogue
        self.index = KeywordIndex(self._catalogue)
        self.learned = learned
        self.weights_F = weights_of(WEIGHTS)
        self._vectors: dict[tuple[str, str], NDArray[np.float32]] = {}
        self.refresh()

    def refresh(self) -> None:
        """Take in changed items and new queries; for a thread beside requests."""
        self.index.refresh()
        self.learned.refresh(self.index)

    def forget(self) -> None:
        """Let go of what is kept in memory of people: their queries."""
        self._vectors = {}
        self.learned.forget()

    def use(self, weights: Mapping[str, float]) -> None:
        """Order by these weights of the features from now on."""
        self.weights_F = weights_of(weights)

    def understand(self, query: str) -> Understood:
        """What a query asks for, without looking for it."""
        return self.learned.understander.read(query)

    def search(self, ask: SearchAsk, *, now: datetime) -> SearchAnswer:
        """A page of items for a query.

        Raises:
            DataError: the filter has an unknown field or another form, or a number lies outside its range.
        """
        started = time.perf_counter()
        _check(ask)
        asked, pipeline = self.understand(ask.query), self._pipeline()
        finder = Finder(self.index, self._near(pipeline), self._popular(pipeline), self._catalogue.get)
        candidates = finder.find(asked, ask.where, ask.offset + ask.k)
        order = _Order(self, asked, candidates, pipeline, ask, now)
        shown = order.page()
        facets: Mapping[str, Mapping[str, int]] = {}
        if candidates.matching is not None:
            facets = self.index.facets(candidates.matching, candidates.all_slots)
        took = (time.perf_counter() - started) * 1000
        return SearchAnswer(
            request_id=uuid.uuid4().hex,
            query_id=uuid.uuid4().hex,
            understood=replace(asked, categories=order.categories),
            relaxed=(*candidates.relaxed, *given_up(asked, shown, candidates)),
            found=shown,
            facets=facets,
            total=max(candidates.total, len(candidates.scores)),
            matching=candidates.total,
            release=None if pipeline is None else pipeline.release_id,
            personalised=round(order.personalised, 3),
            took_ms=round(took, 3),
        )

    def person(
        self, pipeline: Pipeline | None, user_id: UserId | None, items: Snapshot, now: datetime
    ) -> Person | None:
        """Who asks; None for nobody, and before the first release."""
        if user_id is None or pipeline is None:
            return None
        if is_anonymous(user_id):
            raise DataError(f"user_id {user_id!r} begins with U+001F; give the shop's own id")
        state = self._portraits.state(user_id, before=now)
        return pipeline.read(state, items, now=now, user_id=user_id)

    def vector(self, pipeline: Pipeline, text: str) -> NDArray[np.float32]:
        """The query's vector by the open release, shape (D,), kept; zeros of an empty text."""
        key = (pipeline.release_id, query_text(text))
        kept = self._vectors.get(key)
        if kept is None:
            said = key[1]
            kept = pipeline.encoder.encode([said])[0] if said else np.zeros(pipeline.encoder.d, np.float32)
            if len(self._vectors) >= _KEPT_VECTORS:
                self._vectors = {}
            self._vectors[key] = kept
        return kept

    def _near(self, pipeline: Pipeline | None) -> Callable[[str, int], list[ItemId]] | None:
        if pipeline is None:
            return None

        def near(text: str, n: int) -> list[ItemId]:
            items = pipeline.index.snapshot()
            alive_M = pipeline.shelf(items).alive_M
            scores_M = items.products(self.vector(pipeline, text)[None])[0]
            scores_M[~alive_M] = -np.inf
            return [items.item_ids[at] for at in best(scores_M, n)[0].tolist()]

        return near

    def _popular(self, pipeline: Pipeline | None) -> Callable[[int], list[ItemId]]:
        def popular(n: int) -> list[ItemId]:
            if pipeline is None:
                return []
            items = pipeline.index.snapshot()
            gone = np.flatnonzero(~pipeline.shelf(items).alive_M)
            found_K, _ = pipeline.retrievers["popular"].candidates(History.of([]), n, exclude=gone)
            return [items.item_ids[at] for at in found_K.tolist()]

        return popular

    def rarity(self, term: str) -> float:
        """Inverse document frequency, as BM25 has it."""
        n, has = len(self.index), self.index.count_of(term)
        return math.log(1.0 + (n - has + 0.5) / (has + 0.5))

    def band(self, item: Item) -> str | None:
        """The item's price band."""
        return self._portraits.item_facets.price_band(item)

    def table(
        self, query: str, user_id: UserId | None, item_ids: Sequence[ItemId], *, now: datetime
    ) -> NDArray[np.float64]:
        """Features of some items as a search at that moment would see them, the profile's times how ambiguous the query
        is, shape (P, F); zeros for an item that is gone.

        They stand among the candidates that the query would find, for some features compare.
        """
        asked, pipeline = self.understand(query), self._pipeline()
        finder = Finder(self.index, self._near(pipeline), self._popular(pipeline), self._catalogue.get)
        found = finder.find(asked, {}, len(item_ids))
        named = self.index.query(asked.groups, least=1, where={"item_id": list(item_ids)})
        hits = self.index.search(named, len(item_ids))
        own = dict.fromkeys(item_ids, 0.0) | dict(zip(hits.item_ids, hits.scores, strict=True))
        found.scores = own | {name: score for name, score in found.scores.items() if name not in own}
        found.slots |= zip(hits.item_ids, hits.slots, strict=True)
        order = _Order(self, asked, found, pipeline, SearchAsk(query, user_id), now)
        row_of = {item.item_id: row for item, row in zip(order.items, order.table_PF, strict=True)}
        return np.stack([row_of.get(name, np.zeros(len(FEATURES))) for name in item_ids])

    def suggest(self, typed: str, k: int, user_id: UserId | None, *, now: datetime) -> list[Suggestion]:
        """Completions of what was typed, best first; what the person likes goes up."""
        return self.learned.suggester.suggest(typed, k, self._likes(user_id, now))

    def _likes(self, user_id: UserId | None, now: datetime) -> Mapping[tuple[str, str], float]:
        if user_id is None or is_anonymous(user_id):
            return {}
        config, item_facets = self._portraits.config, self._portraits.item_facets
        state = self._portraits.state(user_id, before=now)
        if state.consents.get("personalisation", config.consent_default) == "denied":
            return {}
        likes = dict(interests(state, item_facets, now=now, config=config).shares)
        tongue = language(state, item_facets)
        return likes if tongue is None else likes | {("language", tongue): 1.0}

    @property
    def portraits(self) -> Portraits:
        """Of the shop."""
        return self._portraits


class _Order:
    """The order of one answer."""

    def __init__(
        self,
        search: Search,
        asked: Understood,
        candidates: Candidates,
        pipeline: Pipeline | None,
        ask: SearchAsk,
        now: datetime,
    ) -> None:
        self._search, self._asked, self._ask, self._now = search, asked, ask, now
        get = search.portraits.item_facets.catalogue.get
        read = [(item, score) for name, score in candidates.scores.items() if (item := get(name)) is not None]
        self.items, self._tail = [item for item, _ in read[:MOST]], [item for item, _ in read[MOST:]]
        words_P = np.array([score for _, score in read[:MOST]], np.float64)
        complete_P = np.array([item.item_id in candidates.complete for item in self.items], np.bool_)
        self._person: Person | None = None
        known = self._known(pipeline)
        slots = [candidates.slots.get(item.item_id, -1) for item in self.items]
        names = partial(search.index.name_matches, slots)
        votes = category_votes(self.items, words_P)
        self._table = features(asked, self.items, words_P, complete_P, votes, names, known, search.rarity, search.band)
        weights_F = search.weights_F.copy()
        is_known = self._person is not None and self._person.basis == "profile"
        self.personalised = ambiguity(asked, words_P) * ask.personalise if is_known else 0.0
        weights_F[_PROFILE] *= self.personalised
        self.table_PF = self._table.copy()
        self.table_PF[:, _PROFILE] *= self.personalised
        self._parts = self._table * weights_F
        self._scores_P: NDArray[np.float64] = self._parts.sum(axis=1)
        self._order_P = np.argsort(-self._scores_P, kind="stable")
        person = self._person if self.personalised > 0.0 else None
        self._matcher, self._slots = Matcher(asked, search.index.in_name), candidates.slots
        self._teller = Teller(asked, person, search.portraits, now=now) if ask.explain else None
        top = sorted(votes.items(), key=lambda vote: -vote[1])[:_SHOWN_CATEGORIES]
        self.categories = tuple((" > ".join(path), round(share, 3)) for path, share in top if asked.words)

    def _known(self, pipeline: Pipeline | None) -> Known:
        nothing_P = np.zeros(len(self.items))
        appeal = self._search.learned.appeal(self._asked)
        clicks_P = np.array([appeal.get(item.item_id, 0.0) for item in self.items]) if appeal else nothing_P
        if pipeline is None:
            return Known(nothing_P, nothing_P, clicks_P, nothing_P)
        index = pipeline.index.snapshot()
        at_P = index.positions([item.item_id for item in self.items])
        has = np.flatnonzero(at_P >= 0)  # an item that came this moment may not be in it yet
        self._person = self._search.person(pipeline, self._ask.user_id, index, self._now)
        meaning_P, popular_P, liked_P = nothing_P.copy(), nothing_P.copy(), nothing_P.copy()
        text = " ".join(word.text for word in self._asked.words)
        meaning_P[has] = index.vectors_MD[at_P[has]] @ self._search.vector(pipeline, text)
        popular_P[has] = popularity(pipeline, at_P[has])
        if self._person is not None and self._ask.personalise > 0.0:
            liked_P[has] = affinity(pipeline, self._person, index, at_P[has])
        return Known(meaning_P, popular_P, clicks_P, liked_P)

    def page(self) -> tuple[Found, ...]:
        """The items asked for; beyond the candidates that are ranked by everything, in the order of their words."""
        start, end = self._ask.offset, self._ask.offset + self._ask.k
        found = [self._found(int(at)) for at in self._order_P[start:end]]
        first = len(self.items)
        rest = self._tail[max(0, start - first) : max(0, end - first)]
        return (*found, *(Found(item.item_id, 0.0, self._matched(item), {}) for item in rest))

    def _matched(self, item: Item) -> dict[str, tuple[str, ...]]:
        return self._matcher.of(item, self._slots.get(item.item_id, -1))

    def _found(self, at: int) -> Found:
        item = self.items[at]
        matched = self._matched(item)
        said = self._parts[at].round(4).tolist()
        parts: dict[str, float] = {name: part for name, part in zip(FEATURES, said, strict=True) if part}
        reasons = self._teller.of(item, matched, parts) if self._teller is not None else ()
        return Found(item.item_id, float(self._scores_P[at]), matched, parts, reasons)


def given_up(asked: Understood, shown: Sequence[Found], candidates: Candidates) -> list[Mapping[str, Any]]:
    """Words that some item of the page lacks, and how many items were found by their meaning alone."""
    if not asked.words or any(one["kind"] == "query" for one in candidates.relaxed):
        return []
    needed = [word.text for word in asked.words if not word.is_manner] or [word.text for word in asked.words]
    had = [{word for words in found.matched.values() for word in words} for found in shown]
    ignored = [word for word in needed if any(word not in words for words in had if words)]
    said: list[Mapping[str, Any]] = [{"kind": "words", "ignored": ignored}] if ignored else []
    n_near = sum(not words for words in had)
    return said + ([{"kind": "meaning", "items": n_near}] if n_near else [])


def _check(ask: SearchAsk) -> None:
    if not 1 <= ask.k <= 100:
        raise DataError(f"k is {ask.k}; it must be from 1 to 100")
    if not 0 <= ask.offset <= MOST_OFFSET:
        raise DataError(
            f"offset is {ask.offset}; it must be from 0 to {MOST_OFFSET:,}: narrow the search with a filter"
        )
    if not 0.0 <= ask.personalise <= 1.0:
        raise DataError(f"personalise is {ask.personalise}; it must be from 0 to 1")

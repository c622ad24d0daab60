"""Suggestions while a query is typed: queries of others, categories, brands and items that begin so, for who types."""

import math
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final, Protocol

from huaxiang.apps.search.completions import Completions, Entry, Kind
from huaxiang.apps.search.lookup import Lookup, Match, Taste, in_order
from huaxiang.apps.search.offers import Asked, CatalogueOffers, Popularity, QueryOffers, Tags
from huaxiang.apps.search.typed import MOST_SHOWN, MOST_TYPED, highlight, plain, starts
from huaxiang.collect.catalogue import Catalogue
from huaxiang.text.terms import stem
from huaxiang.types import Event, ItemId

_CONTINUED: Final = 0.4
"""Score of a query whose last word alone was completed, and what each factor e of its items adds."""
_CONTINUED_EACH: Final = 0.1
_MOST_CONTINUED: Final = 3
_SHARES: Final[Mapping[Kind, float]] = {"query": 0.75, "category": 0.5, "brand": 0.25, "item": 0.5}
"""Of a page, what one kind may take while others wait."""
_GROUPS: Final = frozenset({"category", "brand"})
_AT_ONCE: Final = 64
"""Changed items that a request takes in itself; more wait for `refresh`."""
_SMALL: Final = 20_000
"""Items up to which a request looks for changes of which nobody told."""
_PATIENCE: Final = 100.0
"""Queries are read anew at most for a hundredth of the time, but once a minute."""
_LONGEST_WAIT: Final = 60.0


class Queries(Protocol):
    """The shop's queries that enough people typed; `query_log.QueryLog` is one."""

    @property
    def version(self) -> int:
        """Changes when the queries do."""

    def known(self) -> Sequence[Asked]:
        """Each with its weight."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One line of the list under a search box.

    Attributes:
        kind: `query`, `category` (a brand within one too), `brand` or `item`.
        highlight: half-open ranges of characters of the text that what was typed stands for.
        scope: a filter of a search that finds what is named, such as `{"category": "Shop > Tea"}`; empty of queries.
    """

    text: str
    kind: Kind
    highlight: tuple[tuple[int, int], ...] = ()
    scope: Mapping[str, str] = field(default_factory=dict)


class Suggester:
    """Completes what is typed. Safe to use from many threads.

    Args:
        queries: of the query log; None: the catalogue alone.
        popularity: of items, any number from 0 on.

    Memory: about 140 MB at 100,000 items and 100,000 queries, half of them Chinese; twice that while it is built.
    """

    def __init__(
        self, catalogue: Catalogue, queries: Queries | None = None, popularity: Popularity | None = None
    ) -> None:
        self._catalogue, self._queries = catalogue, queries
        self._completions, self._tags = Completions(), Tags()
        self._of_catalogue = CatalogueOffers(catalogue, self._completions, self._tags, popularity)
        self._of_queries = QueryOffers(catalogue, self._completions, self._tags)
        self._lock = threading.Lock()
        self._seq, self._changed = -1, -1
        self._version: int | None = None
        self._next_reading = 0.0
        self._waiting: dict[ItemId, None] = {}

    @property
    def n_bytes(self) -> int:
        """Memory of the arrays that are searched."""
        return self._completions.n_bytes

    def __len__(self) -> int:
        """Entries that can be offered."""
        return len(self._completions)

    def refresh(self) -> None:
        """Take in changed items and queries; for a thread beside requests."""
        with self._lock:
            self._take_items()
            if self._queries is not None and self._queries.version != self._version:
                began = time.monotonic()
                if began >= self._next_reading:
                    self._version = self._queries.version
                    self._of_queries.take(self._queries.known())
                    ended = time.monotonic()
                    self._next_reading = ended + min(_LONGEST_WAIT, _PATIENCE * (ended - began))
            if self._completions.is_unsettled:
                self._completions.settle()

    def absorb(self, events: Iterable[Event]) -> None:
        """Note items that were just set or deleted, so that the next request knows them; a listener of the intake."""
        self._waiting.update((event.item_id, None) for event in events if event.item_id and _is_change(event))

    def forget(self) -> None:
        """Offer no query until they are read anew: somebody who typed some was erased."""
        with self._lock:
            self._of_queries.clear()
            self._version, self._next_reading = None, 0.0

    def _take_items(self) -> None:
        changed, upto = self._catalogue.changed, self._catalogue.seq
        self._waiting.clear()
        if changed != self._changed:
            ids = (
                [item.item_id for item in self._catalogue]
                if self._seq < 0
                else self._catalogue.changed_since(self._seq)
            )
            self._of_catalogue.take(ids)
            self._changed, self._seq = changed, upto

    def _catch_up(self) -> None:
        """Take in what changed a moment ago, unless it is much or somebody else is at it."""
        is_told = 0 < len(self._waiting) <= _AT_ONCE
        is_untold = self._catalogue.changed != self._changed and len(self._catalogue) <= _SMALL and self._seq >= 0
        if (is_told or is_untold) and self._lock.acquire(blocking=False):
            try:
                if is_untold:
                    self._take_items()
                else:
                    ids = list(self._waiting)
                    self._of_catalogue.take(ids)
                    for item_id in ids:
                        self._waiting.pop(item_id, None)
            finally:
                self._lock.release()

    def suggest(self, typed: str, k: int = 8, likes: Mapping[tuple[str, str], float] | None = None) -> list[Suggestion]:
        """The best completions of what was typed, best first; of nothing typed the likeliest queries and groups.

        Never raises, whatever was typed; nothing begins with more than a hundred characters.

        Args:
            likes: of the person, `(facet, value)` to a score in [-1, 1]: brands, categories and keywords; of
                `("language", "zh")` any score above 0 says that it is theirs.
        """
        self._catch_up()
        asked = plain(typed[: MOST_TYPED + 1])
        if len(typed) > MOST_TYPED or (typed.strip() and not asked):
            return []
        taste = Taste(likes or {}, self._tags, self._of_catalogue)
        matches = Lookup(self._completions, taste).run(asked, k)
        matches = matches or self._continued(asked)
        page = self._page(sorted(matches, key=in_order), k)
        return [
            Suggestion(
                match.entry.text, match.entry.kind, highlight(match.entry.text, match.typed), _scope(match.entry)
            )
            for match in page
        ]

    def _continued(self, asked: str) -> list[Match]:
        """Where nothing begins with all that was typed: its last words completed, as names and queries have them."""
        for at in starts(asked, most=12)[1:]:
            head, tail = asked[:at], asked[at:]
            if len(tail) < 2 and tail.isascii():
                break
            votes: Counter[str] = Counter()
            for ways in self._completions.ways:
                for number in ways.letters.best(tail):
                    entry = self._completions.entries[number]
                    if entry is not None and (completed := _completed(plain(entry.text[:MOST_SHOWN]), tail)):
                        votes[head + completed] += 1
            votes.pop(asked, None)
            if votes:
                return [
                    Match(_CONTINUED + _CONTINUED_EACH * math.log1p(n), Entry("query", text), asked)
                    for text, n in votes.most_common(_MOST_CONTINUED)
                ]
        return []

    def _page(self, matches: Sequence[Match], k: int) -> list[Match]:
        """The best of each spelling, no kind more than its share while others wait."""
        best: dict[tuple[str, ...], Match] = {}
        taken: Counter[Kind] = Counter()
        waiting: set[tuple[str, ...]] = set()
        for match in matches:
            kind = match.entry.kind
            if len(best) - len(waiting) >= k and kind not in _GROUPS:
                continue
            spelled = _spelled(match.entry.text)
            known = best.get(spelled)
            if known is not None:
                if known.entry.kind == "query" and kind in _GROUPS:
                    best[spelled] = replace(match, score=known.score)  # the same with a scope says more
            elif len(best) - len(waiting) < k and self._is_there(match.entry):
                best[spelled] = match
                if taken[kind] < math.ceil(_SHARES[kind] * k):
                    taken[kind] += 1
                else:
                    waiting.add(spelled)
        chosen = [spelled for spelled in best if spelled not in waiting]
        chosen += [spelled for spelled in best if spelled in waiting][: k - len(chosen)]
        return sorted((best[spelled] for spelled in chosen), key=in_order)

    def _is_there(self, entry: Entry) -> bool:
        """Whether the catalogue has an item by this name now."""
        if entry.item_id is None:
            return True
        item = self._catalogue.get(entry.item_id)
        return item is not None and item.name == entry.text and bool(entry.text.strip())


def _is_change(event: Event) -> bool:
    return event.event in {"set_item", "delete_item"}


def _completed(text: str, tail: str) -> str:
    """A beginning completed to the end of its word, where a plain text has a word that begins so."""
    places = starts(text)
    for at in places:
        if text.startswith(tail, at):
            end = next((start for start in places if start >= at + len(tail)), -1)
            blank = text.find(" ", at + len(tail))
            ends = [place for place in (end, blank) if place >= 0]
            return text[at : min(ends)].strip() if ends else text[at:]
    return ""


def _scope(entry: Entry) -> Mapping[str, str]:
    return {"item_id": entry.item_id} if entry.item_id is not None else entry.scope or {}


@lru_cache(maxsize=16_384)
def _spelled(text: str) -> tuple[str, ...]:
    """What two spellings of one thing share: `dress` and `Dresses`."""
    return tuple(map(stem, plain(text[:MOST_SHOWN]).split())) or (text,)

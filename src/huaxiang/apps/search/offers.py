"""What there is to offer: items, brands, categories and brands within categories of the live catalogue, and queries
that enough people typed; each with its score, kept as both change."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol

from huaxiang.apps.search.completions import Completions, Entry, Kind
from huaxiang.collect.catalogue import Catalogue
from huaxiang.text.tags import PATH, item_tags
from huaxiang.types import Item, ItemId

GRADES: Final[Mapping[Kind, tuple[float, float]]] = {
    "query": (1.0, 0.15),
    "category": (0.9, 0.1),
    "brand": (0.9, 0.1),
    "item": (0.3, 0.15),
}
"""Score of an entry: the first, and the second for each factor e of its weight (searches, items, popularity)."""
_BOTH: Final = -0.4
"""A brand within a category is worth less than either."""
_LEAST_OF_BOTH: Final = 2
_AT_ONCE: Final = 1_000
_TOLD_BY: Final = 5
"""Best liked items of a query that say to which brand and category it belongs; most of them must agree."""

Popularity = Callable[[ItemId], float]


class Asked(Protocol):
    """A query that enough people typed; `query_log.AskedQuery` is one."""

    @property
    def text(self) -> str:
        """In one spelling."""

    @property
    def weight(self) -> float:
        """Searches, newer ones counting more."""

    @property
    def last_asked(self) -> datetime:
        """The newest of them."""

    @property
    def items(self) -> Mapping[ItemId, float]:
        """Items that people took after it, best first."""

    @property
    def total(self) -> int | None:
        """Items that it found the last time; None where that is unknown."""


class Tags:
    """Brands and categories by number. A value is one whatever its case; the first spelling is shown."""

    def __init__(self) -> None:
        self.shown: list[tuple[str, str]] = []
        self._numbers: dict[tuple[str, str], int] = {}
        self._of: dict[tuple[str | None, tuple[str, ...]], tuple[int, ...]] = {}

    def number(self, facet: str, value: str) -> int:
        """The number of a tag, a new one where it is new."""
        key = (facet, value.casefold())
        found = self._numbers.get(key)
        if found is None:
            found = self._numbers[key] = len(self.shown)
            self.shown.append((facet, value))
        return found

    def find(self, facet: str, value: str) -> int | None:
        """The number of a tag that is known."""
        return self._numbers.get((facet, value.casefold()))

    def of(self, item: Item) -> tuple[int, ...]:
        """The item's brand and the levels of its category, widest first."""
        key = (item.brand, item.category)
        found = self._of.get(key)
        if found is None:
            said = item_tags(Item(item.item_id, brand=item.brand, category=item.category))
            found = self._of[key] = tuple(self.number(*tag) for tag in said)
        return found


def score_of(kind: Kind, weight: float) -> float:
    """How good an entry is before anybody typed anything."""
    first, each = GRADES[kind]
    return first + each * math.log1p(max(0.0, weight))


class CatalogueOffers:
    """Items and the groups that they are in, as entries. Memory: about 300 bytes for an item beside its keys."""

    def __init__(
        self, catalogue: Catalogue, completions: Completions, tags: Tags, popularity: Popularity | None = None
    ) -> None:
        self._catalogue, self._completions, self._tags = catalogue, completions, tags
        self._popularity = popularity or (lambda _: 0.0)
        self._items: dict[ItemId, int] = {}
        self._counts: Counter[tuple[int, ...]] = Counter()
        self._groups: dict[tuple[int, ...], int] = {}

    def share(self, tag: int) -> float:
        """Of all items those that have a tag."""
        return self._counts[(tag,)] / max(1, len(self._items))

    def take(self, item_ids: Iterable[ItemId]) -> None:
        """Take in items as the catalogue has them now: new ones, changed ones, and those that are gone."""
        touched: set[tuple[int, ...]] = set()
        fresh: list[Item] = []
        for item_id in item_ids:
            item, number = self._catalogue.get(item_id), self._items.get(item_id)
            entry = None if number is None else self._completions.entries[number]
            if item is not None and entry is not None and self._says(entry, item):
                continue
            if number is not None and entry is not None:
                touched.update(self._count(entry.tags, -1))
                self._completions.drop(number)
                del self._items[item_id]
            if item is not None:
                fresh.append(item)
        for item in fresh:
            touched.update(self._count(self._tags.of(item), 1))
        entries = [Entry("item", item.name, self._tags.of(item), item_id=item.item_id) for item in fresh]
        scores = [score_of("item", self._popularity(item.item_id)) for item in fresh]
        groups = self._changed_groups(touched)
        numbers = self._completions.add([*entries, *groups.values()], [*scores, *map(self._group_score, groups)])
        self._items.update((item.item_id, number) for item, number in zip(fresh, numbers, strict=False))
        self._groups.update(zip(groups, numbers[len(fresh) :], strict=True))

    def _says(self, entry: Entry, item: Item) -> bool:
        return (entry.text, entry.tags) == (item.name, self._tags.of(item))

    def _count(self, tags: Sequence[int], change: int) -> list[tuple[int, ...]]:
        """Count an item in or out of its groups: each tag, and its brand within its narrowest category."""
        groups: list[tuple[int, ...]] = [(tag,) for tag in tags]
        if len(tags) > 1 and self._tags.shown[tags[0]][0] == "brand":
            groups.append((tags[0], tags[-1]))
        for group in groups:
            self._counts[group] += change
        return groups

    def _changed_groups(self, touched: set[tuple[int, ...]]) -> dict[tuple[int, ...], Entry]:
        """Rescore the groups whose count changed; entries for those that are new."""
        new: dict[tuple[int, ...], Entry] = {}
        for group in sorted(touched):
            is_there = self._counts[group] >= (_LEAST_OF_BOTH if len(group) > 1 else 1)
            number = self._groups.get(group)
            if number is not None and not is_there:
                self._completions.drop(self._groups.pop(group))
            elif number is not None:
                self._completions.rescore(number, self._group_score(group))
            elif is_there and (entry := self._group_entry(group)) is not None:
                new[group] = entry
        return new

    def _group_score(self, group: tuple[int, ...]) -> float:
        return score_of("brand", self._counts[group]) + (_BOTH if len(group) > 1 else 0.0)

    def _group_entry(self, group: tuple[int, ...]) -> Entry | None:
        shown = [self._tags.shown[tag] for tag in group]
        names = [value.rsplit(PATH, 1)[-1] for _, value in shown]
        if len(group) > 1 and names[0].casefold() in names[1].casefold():
            return None
        kind: Kind = "brand" if len(group) == 1 and shown[0][0] == "brand" else "category"
        return Entry(kind, " ".join(names), group, dict(shown))


class QueryOffers:
    """Queries as entries."""

    def __init__(self, catalogue: Catalogue, completions: Completions, tags: Tags) -> None:
        self._catalogue, self._completions, self._tags = catalogue, completions, tags
        self._numbers: dict[str, int] = {}

    def take(self, queries: Sequence[Asked]) -> None:
        """Offer these queries and no others; of those that found nothing, none."""
        wanted = {query.text: query for query in queries if query.text.strip() and query.total != 0}
        for text in [text for text in self._numbers if text not in wanted]:
            self._completions.drop(self._numbers.pop(text))
        fresh = []
        for text, query in wanted.items():
            number = self._numbers.get(text)
            if number is None:
                fresh.append(query)
            else:
                self._completions.rescore(number, score_of("query", query.weight))
        entries = [Entry("query", query.text, self._belongs_to(query)) for query in fresh]
        numbers = self._completions.add(entries, [score_of("query", query.weight) for query in fresh])
        self._numbers.update((query.text, number) for query, number in zip(fresh, numbers, strict=True))

    def clear(self) -> None:
        """Offer no query."""
        self.take(())

    def _belongs_to(self, query: Asked) -> tuple[int, ...]:
        """The tags that most of its best liked items have."""
        votes: Counter[int] = Counter()
        n = 0
        for item_id in list(query.items)[:_TOLD_BY]:
            item = self._catalogue.get(item_id)
            if item is not None:
                votes.update(self._tags.of(item))
                n += 1
        return tuple(tag for tag, count in votes.items() if 2 * count > n)

"""What an item says of the person who wants it: its facets, computed once for each item and kept."""

import bisect
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Final, TypeAlias

from huaxiang.collect.catalogue import Catalogue
from huaxiang.profiles.recurrence import Recurrence
from huaxiang.text.keywords import Keywords
from huaxiang.text.language import detect
from huaxiang.text.reader import read
from huaxiang.text.tags import item_tags
from huaxiang.text.word_vectors import WordVectors
from huaxiang.text.wording import item_text
from huaxiang.types import Item, ItemId

PRICE_BANDS: Final[tuple[str, ...]] = ("low", "middle", "high")
"""Thirds of the prices within an item's own category: a dear tea is cheaper than a cheap television."""

_MIN_PRICED: Final = 12
_KEYWORDS: Final = 5
_SAMPLE: Final = 500
_RELATED: Final = 3


@dataclass(slots=True, eq=False)
class Known:
    """An item as profiles read it.

    Attributes:
        facets: `(facet, value, weight)`.
        plain: numbers of the values of weight 1, in the `Reader` that read it. weighted: those of others, with it.
        band: place of its price band in `PRICE_BANDS`, None where it has none.
        line, brand: numbers of its category and its brand; None where it lacks one of the two.
        language: that it is described in, `und` where that is unknown; None before anybody asked.
    """

    item: Item
    facets: tuple[tuple[str, str, float], ...]
    plain: tuple[int, ...]
    weighted: tuple[tuple[int, float], ...]
    band: int | None
    line: int | None
    brand: int | None
    language: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Reader:
    """What was read of items since they were last surveyed.

    Attributes:
        numbers: of facet values and categories, each its own. keys: what each number stands for.
    """

    known: dict[ItemId, Known] = field(default_factory=dict)
    numbers: dict[tuple[str, ...], int] = field(default_factory=dict)
    keys: dict[int, Any] = field(default_factory=dict)
    fresh: Iterator[int] = field(default_factory=count)

    def number(self, key: tuple[str, ...]) -> int:
        """The number of a facet's kind and value, or of a category."""
        number = self.numbers.get(key)
        if number is None:
            fresh = next(self.fresh)
            self.keys[fresh] = key
            number = self.numbers.setdefault(key, fresh)  # another thread may have been first
        return number

    def take(self, item: Item, facets: Sequence[tuple[str, str, float]], band: int | None) -> Known:
        """Keep what an item says."""
        numbered = [(self.number((kind, value)), weight) for kind, value, weight in facets]
        plain = tuple(number for number, weight in numbered if weight == 1.0)
        weighted = tuple(pair for pair in numbered if pair[1] != 1.0)
        line = brand = None
        if item.brand and item.category:
            line, brand = self.number(item.category), self.number(("brand", item.brand))
        known = self.known[item.item_id] = Known(item, tuple(facets), plain, weighted, band, line, brand)
        return known


Goods: TypeAlias = tuple[Reader, Sequence[Known | None]]
"""Items of a state in its order, None where the shop does not know one (any more), and who read them."""


class ItemFacets:
    """`(facet, value, weight)` of items, through the live catalogue.

    A changed item is read anew at once. What is relative to others (price bands, the shop's languages) is read anew
    when a tenth of the catalogue has changed, and when a release brings new keywords.
    """

    def __init__(
        self, catalogue: Catalogue, keywords: Keywords | None = None, recurrence: Recurrence | None = None
    ) -> None:
        self.catalogue = catalogue
        self._keywords = keywords
        self._word_vectors: WordVectors | None = None
        self._reader = Reader()
        self._languages: dict[ItemId, tuple[Item, str]] = {}
        self._spoken: frozenset[str] | None = None
        self._brands_alike: Mapping[tuple[str, ...], float] | None = None
        self.recurrence = Recurrence() if recurrence is None else recurrence
        self.n_surveys = 0
        self._survey()

    def use(self, folder: Path) -> None:
        """Read items with the keywords of a release from now on, and know its related words where it has any."""
        keywords, recurrence = Keywords.load(folder), Recurrence.load(folder)
        self._word_vectors = WordVectors.load(folder) if WordVectors.saved_in(folder) else None
        self._keywords, self.recurrence = keywords, recurrence
        self._survey()

    def related(self, keyword: str) -> tuple[str, ...]:
        """Words that stand for like things in this shop, nearest first, at most three; none without a release's."""
        found = self._word_vectors.related(keyword, _RELATED) if self._word_vectors is not None else []
        return tuple(word for word, _ in found)

    def _survey(self) -> None:
        """Read what is relative to the other items."""
        self._survey_at = self.catalogue.changed + max(_MIN_PRICED, len(self.catalogue) // 10)
        self._edges = price_edges(list(self.catalogue))
        self._reader, self._spoken, self._brands_alike = Reader(), None, None
        self.n_surveys += 1

    def of(self, item_id: ItemId) -> tuple[tuple[str, str, float], ...]:
        """The item's facets; none where the shop does not know the item (any more)."""
        _, (known,) = self.known([item_id])
        return () if known is None else known.facets

    def known(self, item_ids: Iterable[ItemId]) -> Goods:
        """What the shop knows of items."""
        if self.catalogue.changed >= self._survey_at:
            self._survey()
        reader, get = self._reader, self.catalogue.get
        kept, found = reader.known.get, []
        for item_id in item_ids:
            item, known = get(item_id), kept(item_id)
            if item is None:
                known = None
            elif known is None or known.item is not item:
                known = self._learn(reader, item)
            found.append(known)
        return reader, found

    def _learn(self, reader: Reader, item: Item) -> Known:
        facets = [(facet, value, 1.0) for facet, value in item_tags(item)]
        band = self._band(item)
        if band is not None:
            facets.append(("price_band", PRICE_BANDS[band], 1.0))
        if self._keywords is not None:
            terms = self._keywords.top(item_text(item), _KEYWORDS)
        else:
            terms = [(term, 1.0) for term in read(item.name).keywords[:_KEYWORDS]]
        top = max((weight for _, weight in terms), default=1.0) or 1.0
        return reader.take(item, facets + [("keyword", term, weight / top) for term, weight in terms], band)

    def price_band(self, item: Item) -> str | None:
        """`low`, `middle` or `high` within the narrowest category with enough prices; None where there is none."""
        band = self._band(item)
        return None if band is None else PRICE_BANDS[band]

    def _band(self, item: Item) -> int | None:
        if item.price is None:
            return None
        for depth in range(len(item.category), -1, -1):
            edges = self._edges.get(item.category[:depth])
            if edges is not None:
                return bisect.bisect_right(edges, item.price)
        return None

    @property
    def brands_alike(self) -> Mapping[tuple[str, ...], float]:
        """As the function of this name has it, of the catalogue when it was last surveyed."""
        if self.catalogue.changed >= self._survey_at:
            self._survey()
        if self._brands_alike is None:
            self._brands_alike = brands_alike(self.catalogue)
        return self._brands_alike

    def language(self, item_id: ItemId) -> str:
        """The language that the item is described in, `und` where it is unknown."""
        item = self.catalogue.get(item_id)
        if item is None or not item.name:
            return "und"
        kept = self._languages.get(item_id)
        if kept is None or kept[0] is not item:
            kept = self._languages[item_id] = (item, detect(item.name))
        return kept[1]

    def spoken(self, known: Known) -> str:
        """The language that an item is described in, `und` where it is unknown."""
        if known.language is None:
            known.language = self.language(known.item.item_id)
        return known.language

    @property
    def languages(self) -> frozenset[str]:
        """Languages that at least a tenth of a sample of the items are described in."""
        if self._spoken is None:
            sample = list(self.catalogue)[:: max(1, len(self.catalogue) // _SAMPLE)]
            counts = Counter(self.language(item.item_id) for item in sample)
            self._spoken = frozenset(name for name, n in counts.items() if 10 * n >= len(sample) and name != "und")
        return self._spoken


def brands_alike(items: Iterable[Item]) -> dict[tuple[str, ...], float]:
    """How often two items of a category are of one brand, by chance; of narrowest categories with several brands."""
    counts: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for item in items:
        if item.brand and item.category:
            counts[item.category][item.brand] += 1
    return {path: sum((n / own.total()) ** 2 for n in own.values()) for path, own in counts.items() if len(own) > 1}


def price_edges(items: Sequence[Item]) -> Mapping[tuple[str, ...], tuple[float, float]]:
    """The two prices that cut the items of each category, at each level, into thirds."""
    prices: dict[tuple[str, ...], list[float]] = {}
    for item in items:
        if item.price is not None:
            for depth in range(len(item.category) + 1):
                prices.setdefault(item.category[:depth], []).append(item.price)
    edges = {}
    for category, values in prices.items():
        if len(values) >= _MIN_PRICED:
            values.sort()
            edges[category] = (values[len(values) // 3], values[2 * len(values) // 3])
    return edges

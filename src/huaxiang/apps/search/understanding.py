"""What a query asks for: words in the shop's spelling, price, what is not wanted, values that the catalogue knows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Protocol

from huaxiang.apps.search.intent import Intent, read_intent
from huaxiang.apps.search.known_values import KnownValues, Named
from huaxiang.retrieval.keyword_index import Alternative
from huaxiang.text.language import detect
from huaxiang.text.lexicons import words_of
from huaxiang.text.negation import read_negations
from huaxiang.text.price import PriceWish, read_price
from huaxiang.text.terms import Word, query_terms, read_words

MOST_CHARACTERS: Final = 500
"""Of a query that are read."""
_MOST_WORDS: Final = 24
_LONGEST_PHRASE: Final = 3
"""Words of a phrase that may have another name."""
_MOST_VARIANTS: Final = 4
_MANNER: Final = words_of("query_manner")


class Corrects(Protocol):
    """Knows how words are spelled."""

    def correct_query(self, words: Sequence[str]) -> Sequence[str]:
        """The words as they were meant."""


class Synonyms(Protocol):
    """Knows what else a word is called."""

    def of(self, text: str) -> Sequence[tuple[str, float]]:
        """Other names with how surely each is one, in (0, 1]."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A word asked for.

    Attributes:
        terms: what the index is asked for; more than one of a compound.
        is_manner: says how and not what ("best"), so that an item need not have it.
        synonyms: other names that count too, with how surely.
    """

    text: str
    terms: tuple[str, ...]
    is_manner: bool = False
    synonyms: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)  # without slots, so that what is asked for again and again is kept
class Understood:
    """A query as it was understood.

    Attributes:
        query: as it was typed, blanks collapsed.
        corrected: as it was meant, where that differs.
        unwanted: what must not be there, as it was said.
        named: values of the catalogue among the terms.
        variants: the needed terms with a phrase of them called otherwise, and how surely it is the same.
        categories: of what was found, with the share of each.
    """

    query: str
    language: str
    words: tuple[Wanted, ...]
    price: PriceWish
    intent: Intent
    corrected: str | None = None
    unwanted: tuple[str, ...] = ()
    named: tuple[Named, ...] = ()
    variants: tuple[tuple[tuple[str, ...], float], ...] = ()
    categories: tuple[tuple[str, float], ...] = field(default=())

    @cached_property
    def terms(self) -> tuple[str, ...]:
        """All terms asked for, in order."""
        return tuple(term for word in self.words for term in word.terms)

    @cached_property
    def groups(self) -> list[list[Alternative]]:
        """For each term that is needed the terms that stand for it; of manner alone where nothing else is said."""
        needed = [word for word in self.words if not word.is_manner] or list(self.words)
        return [_alternatives(word, term) for word in needed for term in word.terms]

    @cached_property
    def also(self) -> list[tuple[list[list[Alternative]], float]]:
        """`variants` as the index is asked for them."""
        return [([[Alternative(term)] for term in terms], weight) for terms, weight in self.variants]

    def values(self, field_name: str) -> list[str]:
        """Named values of a field."""
        return [one.value for one in self.named if one.field == field_name]

    def to_json(self) -> dict[str, Any]:
        """As the answer shows it; what was not found is left out."""
        attributes: dict[str, list[str]] = {}
        for one in self.named:
            if one.field.startswith("attribute:"):
                attributes.setdefault(one.field.removeprefix("attribute:"), []).append(one.value)
        bounds = {"gte": self.price.low, "lte": self.price.high}
        said: dict[str, Any] = {
            "language": self.language,
            "words": [word.text for word in self.words],
            "corrected": self.corrected,
            "intent": {"kind": self.intent.kind, "confidence": self.intent.confidence, "gift": self.intent.is_gift},
            "brands": self.values("brand"),
            "categories": [{"category": path, "share": share} for path, share in self.categories],
            "attributes": attributes,
            "price": {name: bound for name, bound in bounds.items() if bound is not None},
            "price_band": self.price.band,
            "not": list(self.unwanted),
            "synonyms": {word.text: [name for name, _ in word.synonyms] for word in self.words if word.synonyms},
        }
        return {name: value for name, value in said.items() if value not in (None, [], {})}


class Understander:
    """Reads queries by what a shop knows. Cheap to make; safe to use from many threads."""

    def __init__(
        self,
        values: KnownValues,
        speller: Corrects | None = None,
        synonyms: Synonyms | None = None,
        names: Mapping[str, Any] | None = None,
    ) -> None:
        self._values, self._speller, self._synonyms = values, speller, synonyms
        self._names = names or {}

    def read(self, query: str) -> Understood:
        """Understand a query; of one without letters or digits there are no words. Never raises."""
        typed = " ".join(query[:MOST_CHARACTERS].split())
        price = read_price(typed)
        rest, unwanted = read_negations(price.rest)
        spelled = [word.spelled for word in _content(read_words(rest))]
        meant = list(self._speller.correct_query(spelled)) if self._speller is not None else spelled
        joined = " ".join(meant)
        words = self._words(joined)
        named = tuple(self._values.find([term for word in words for term in word.terms]))
        intent = read_intent(
            price.rest,
            n_terms=sum(len(word.terms) for word in words),
            n_named=sum(one.end - one.start for one in named),
            has_brand=any(one.field == "brand" for one in named),
            is_exact=joined in self._names,
        )
        corrected = joined if meant != spelled else None
        variants = self._variants(words)
        return Understood(typed, detect(typed), words, price, intent, corrected, unwanted, named, variants)

    def _variants(self, words: Sequence[Wanted]) -> tuple[tuple[tuple[str, ...], float], ...]:
        """The query with a phrase of two words or more called by another name, longest phrases first."""
        if self._synonyms is None:
            return ()
        found: list[tuple[tuple[str, ...], float]] = []
        needed = [word for word in words if not word.is_manner]
        for length in range(min(len(needed), _LONGEST_PHRASE), 1, -1):
            for start in range(len(needed) - length + 1):
                phrase = " ".join(word.text for word in needed[start : start + length])
                for other, weight in self._synonyms.of(phrase):
                    around = [*needed[:start], None, *needed[start + length :]]
                    terms = (query_terms(other) if word is None else word.terms for word in around)
                    found.append((tuple(term for said in terms for term in said), weight))
        return tuple(found[:_MOST_VARIANTS])

    def _words(self, text: str) -> tuple[Wanted, ...]:
        said = self._synonyms.of if self._synonyms is not None else _nothing
        return tuple(
            Wanted(word.spelled, word.terms, word.spelled in _MANNER, tuple(said(word.spelled)))
            for word in _content(read_words(text))
            if word.terms
        )


def _nothing(_text: str) -> Sequence[tuple[str, float]]:
    return ()


def _content(words: Sequence[Word]) -> list[Word]:
    """The first 24 words without those that carry no content, unless there are no others."""
    return ([word for word in words if not word.is_stop] or list(words))[:_MOST_WORDS]


def _alternatives(word: Wanted, term: str) -> list[Alternative]:
    """A term and its synonyms; a synonym of several words stands for a word by its last, which says what it is."""
    others = {query_terms(name)[-1]: weight for name, weight in word.synonyms if query_terms(name)}
    others.pop(term, None)
    return [Alternative(term), *(Alternative(other, weight) for other, weight in others.items())]

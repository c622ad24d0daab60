"""The order of what was found: features of each candidate, and one weight for each feature.

A sum of few features, so that each item can say what its place is made of, and so that clicks can teach the weights.

Legend: P candidates, F features.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.apps.search.understanding import Understood
from huaxiang.retrieval.keyword_document import texts_of
from huaxiang.text.terms import index_terms
from huaxiang.types import Item

FEATURES: Final = (
    "complete",
    "words",
    "name",
    "ends",
    "meaning",
    "named",
    "category",
    "popularity",
    "clicks",
    "price_band",
    "sold_out",
    "profile",
)
"""See `features` for what each is."""

WEIGHTS: Final[Mapping[str, float]] = {
    "complete": 3.0,
    "words": 1.0,
    "name": 1.0,
    "ends": 0.3,
    "meaning": 0.5,
    "named": 0.5,
    "category": 0.3,
    "popularity": 0.6,
    "clicks": 1.0,
    "price_band": 0.3,
    "sold_out": -1.0,
    "profile": 0.5,
}
"""What counts before clicks have taught anything (experiments/LOG.md)."""


def weights_of(weights: Mapping[str, float]) -> NDArray[np.float64]:
    """By the order of `FEATURES`, shape (F,); 0 for a feature that is not named."""
    return np.array([weights.get(name, 0.0) for name in FEATURES])


_NEAR_BEST: Final = 0.7
"""Share of the best candidate's words from which on a candidate answers the query as well."""
_KEPT: Final = 5_000
"""Texts of fields whose terms are kept, about 700 bytes each."""
_BY_MEANING: Final = 0.2
_MANY: Final = 50
"""So many answers make a query as ambiguous as can be."""


NamesOf = Callable[[Mapping[str, float], str], tuple[NDArray[np.float64], NDArray[np.bool_]]]


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """What is known of candidates beside their words, shape (P,) each.

    Attributes:
        meaning: cosine of the query's vector with the item's; zeros where there is no encoder.
        popularity: in [0, 1]. clicks: appeal for this query, in [0, 1].
        affinity: what the person thinks of each, standardised; zeros for nobody.
    """

    meaning_P: NDArray[np.float64]
    popularity_P: NDArray[np.float64]
    clicks_P: NDArray[np.float64]
    affinity_P: NDArray[np.float64]


def features(
    asked: Understood,
    items: Sequence[Item],
    words_P: NDArray[np.float64],
    complete_P: NDArray[np.bool_],
    names: NamesOf,
    known: Known,
    rarity: Callable[[str], float],
    band: Callable[[Item], str | None],
) -> NDArray[np.float64]:
    """Shape (P, F), in the order of `FEATURES`.

    Args:
        words_P: BM25F. complete_P: whether every needed word was found.
        names: of terms with their rarities, and the last term, what `KeywordIndex.name_matches` says of the items.
        rarity: of a term, its inverse document frequency.
        band: the price band of an item.

    Features: `complete` whether it has every word that is needed; `words` BM25F as a share of the best; `name` share of
    what is asked for, by rarity, that stands in the name; `ends` whether the name's head is the query's; `meaning` the
    cosine above the mean of these; `named` share of the named values that it has; `category` how many of the best
    candidates share its category; the rest as in `Known`, `profile` before it is known how ambiguous the query is.
    """
    terms = [group[0].term for group in asked.groups]
    named_P, ends_P = names({term: rarity(term) for term in terms}, terms[-1] if terms else "")
    table = np.zeros((len(items), len(FEATURES)))
    column = {name: table[:, at] for at, name in enumerate(FEATURES)}
    column["complete"][:] = complete_P
    column["words"][:] = words_P / max(float(words_P.max(initial=0.0)), 1e-12)
    column["name"][:] = named_P
    column["ends"][:] = ends_P | np.array([_is_called(item, terms) for item in items], np.bool_)
    column["meaning"][:] = known.meaning_P - known.meaning_P.mean() if len(items) else 0.0
    column["named"][:] = [_named(asked, item) for item in items]
    column["category"][:] = _category(items, column["words"])
    column["popularity"][:], column["clicks"][:] = known.popularity_P, known.clicks_P
    if (wanted := asked.price.band) is not None:
        column["price_band"][:] = [float(band(item) == wanted) for item in items]
    column["sold_out"][:] = [float(not item.in_stock) for item in items]
    column["profile"][:] = known.affinity_P
    return table


def ambiguity(asked: Understood, words_P: NDArray[np.float64]) -> float:
    """How much of the order a profile may decide, 0 to 1: by how many items answer the query about as well as the best.

    None of a query that names one item; less where it says much of what is wanted.
    """
    if asked.intent.kind == "navigate" and asked.intent.confidence > 0.9:
        return 0.0
    best = float(words_P.max(initial=0.0))
    if asked.words and best <= 0.0:  # found by meaning alone, which must not drown in taste
        return _BY_MEANING
    n_near = int((words_P >= _NEAR_BEST * best).sum())
    open_share = min(1.0, np.log(max(n_near, 1)) / np.log(_MANY))
    exact = sum(any(letter.isdigit() for letter in term) for term in asked.terms)
    return float(open_share * 0.5**exact)


@lru_cache(maxsize=_KEPT)
def _terms(text: str) -> frozenset[str]:
    """The terms of a field."""
    return frozenset(index_terms(text))


def _is_called(item: Item, terms: Sequence[str]) -> bool:
    """Whether the last word of the query, which says what is wanted, is in the item's narrowest category."""
    return bool(terms and item.category) and terms[-1] in _terms(item.category[-1])


def _named(asked: Understood, item: Item) -> float:
    if not asked.named:
        return 0.0
    has = 0
    for one in asked.named:
        if one.field == "brand":
            has += (item.brand or "").strip().casefold() == one.value.casefold()
        elif one.field == "category":
            has += " > ".join(item.category).casefold().startswith(one.value.casefold())
        else:
            values = item.attributes.get(one.field.removeprefix("attribute:"), ())
            has += one.value.casefold() in {value.strip().casefold() for value in values}
    return has / len(asked.named)


def _category(items: Sequence[Item], words_P: NDArray[np.float64]) -> list[float]:
    """Share of the candidates, by their words, whose category each has."""
    votes = category_votes(items, words_P)
    return [votes.get(item.category, 0.0) for item in items]


def category_votes(items: Sequence[Item], words_P: NDArray[np.float64]) -> dict[tuple[str, ...], float]:
    """Categories of the candidates, the sharper their words the more; shares that sum to 1."""
    votes: dict[tuple[str, ...], float] = {}
    for item, share in zip(items, words_P.tolist(), strict=True):
        if item.category:
            votes[item.category] = votes.get(item.category, 0.0) + share**4
    whole = sum(votes.values())
    return {path: vote / whole for path, vote in votes.items()} if whole > 0.0 else {}


def matched_words(asked: Understood, item: Item) -> dict[str, tuple[str, ...]]:
    """For each field of an item the words of the query that stand in it, by themselves or by a synonym."""
    found: dict[str, tuple[str, ...]] = {}
    groups = asked.groups
    stands_for = {one.term: group[0].term for group in groups for one in reversed(group)}
    spelled = {term: word.text for word in asked.words for term in word.terms}
    for field, text in texts_of(item).items():
        terms = _terms(text)
        words = [spelled.get(own, own) for term, own in stands_for.items() if term in terms]
        if words:
            found[field] = tuple(dict.fromkeys(words))
    return found

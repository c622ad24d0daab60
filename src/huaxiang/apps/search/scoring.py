"""The order of what was found: features of each candidate, and one weight for each feature.

A sum of few features, so that each item can say what its place is made of, and so that clicks can teach the weights.

Legend: P candidates, F features.
"""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.apps.search.known_values import Named
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
    votes: Mapping[tuple[str, ...], float],
    names: NamesOf,
    known: Known,
    rarity: Callable[[str], float],
    band: Callable[[Item], str | None],
) -> NDArray[np.float64]:
    """Shape (P, F), in the order of `FEATURES`.

    Args:
        words_P: BM25F. complete_P: whether every needed word was found. votes: `category_votes` of the items.
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
    column["words"][:] = words_P / max(float(words_P.max(initial=0.0)), 1e-12)
    column["complete"][:], column["name"][:], column["profile"][:] = complete_P, named_P, known.affinity_P
    paths = [item.category for item in items]
    column["ends"][:] = ends_P | _called(paths, terms)
    column["meaning"][:] = known.meaning_P - known.meaning_P.mean() if len(items) else 0.0
    column["named"][:] = _named(asked.named, items)
    column["category"][:] = [votes.get(path, 0.0) for path in paths]
    column["popularity"][:], column["clicks"][:] = known.popularity_P, known.clicks_P
    if (wanted := asked.price.band) is not None:
        column["price_band"][:] = [float(band(item) == wanted) for item in items]
    column["sold_out"][:] = [float(not item.in_stock) for item in items]
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


def _called(paths: Sequence[tuple[str, ...]], terms: Sequence[str]) -> NDArray[np.bool_]:
    """Whether the last word of the query, which says what is wanted, is in the narrowest category, shape (P,)."""
    called = {path for path in set(paths) if terms and path and terms[-1] in _terms(path[-1])}
    return np.array([path in called for path in paths], np.bool_)


def _named(named: Sequence[Named], items: Sequence[Item]) -> NDArray[np.float64]:
    """Share of the named values that each item has, shape (P,)."""
    has_P = np.zeros(len(items))
    for one in named:
        value = one.value.casefold()
        if one.field == "brand":
            has_P += [(item.brand or "").strip().casefold() == value for item in items]
        elif one.field == "category":
            paths = {item.category for item in items}
            within = {path for path in paths if " > ".join(path).casefold().startswith(value)}
            has_P += [item.category in within for item in items]
        else:
            name = one.field.removeprefix("attribute:")
            has_P += [value in {said.strip().casefold() for said in item.attributes.get(name, ())} for item in items]
    return has_P / max(1, len(named))


def category_votes(items: Sequence[Item], words_P: NDArray[np.float64]) -> dict[tuple[str, ...], float]:
    """Categories of the candidates, the sharper their words the more; shares that sum to 1."""
    votes: dict[tuple[str, ...], float] = {}
    sharp_P = (words_P / max(float(words_P.max(initial=0.0)), 1e-12)) ** 4
    for item, vote in zip(items, sharp_P.tolist(), strict=True):
        if path := item.category:
            votes[path] = votes.get(path, 0.0) + vote
    whole = sum(votes.values())
    return {path: vote / whole for path, vote in votes.items()} if whole > 0.0 else {}


class Matcher:
    """Knows which words of a query stand in an item, by themselves or by a synonym.

    Args:
        in_name: those of some terms that stand in a name, as `KeywordIndex.in_name`.
    """

    def __init__(self, asked: Understood, in_name: Callable[[int, Iterable[str]], Container[str]]) -> None:
        self._in_name = in_name
        spelled = {term: word.text for word in asked.words for term in word.terms}
        self._word_of = {
            one.term: spelled.get(group[0].term, group[0].term) for group in asked.groups for one in reversed(group)
        }

    def of(self, item: Item, slot: int) -> dict[str, tuple[str, ...]]:
        """The words in each field that has some.

        Args:
            slot: of the item in the index; -1: the index was not asked for it.
        """
        found: dict[str, tuple[str, ...]] = {}
        for field, text in texts_of(item).items():
            is_cut = field == "name" and slot >= 0
            terms: Container[str] = self._in_name(slot, self._word_of) if is_cut else _terms(text) if text else ()
            words = [word for term, word in self._word_of.items() if term in terms]
            if words:
                found[field] = tuple(dict.fromkeys(words))
        return found

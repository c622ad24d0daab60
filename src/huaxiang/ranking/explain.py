"""What could be said of why an item was shown: reasons to choose from, each with the events that it rests on.

Nothing here is true yet: a reason is shown only after folding the log without its events has lowered the item's score
(`pipeline.counterfactual`). Which events may carry a reason is estimated by what each of them, left out alone, takes
from the score.

Legend: C clues of one person.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.profiles import ItemFacets
from huaxiang.types import EventId, Facet, Item, ItemId, Reason

MOST: Final = 3
"""Events that a reason may cite; there is one such reason for an item."""
_TRIED: Final = 3
"""Reasons of a kind that an item may choose from."""
_FOLLOWED: Final = {"en": "goes with {names}, which you looked at or bought", "zh": "与您看过或买过的{names}相配"}
_AGAIN: Final = {"en": "you looked at it or bought it before", "zh": "您之前看过或买过它"}
_QUOTED: Final = "“{name}”"
_AND: Final = {"en": " and ", "zh": "和"}
_INTEREST: Final = {"en": "fits your interest in {value} ({share:.0%})", "zh": "符合您对{value}的兴趣（{share:.0%}）"}
_RELATED: Final = {"en": "{value} (related: {words})", "zh": "{value}（相关词：{words}）"}
_BETWEEN: Final = {"en": ", ", "zh": "、"}
_MEANING: Final = {"en": "close in meaning to what you did", "zh": "与您浏览过的内容相近"}
_ELSEWHERE: Final = {"en": "like what you met in another of our shops", "zh": "与您在我们另一家店看过的商品相近"}
_POPULAR: Final = {"en": "popular in this shop now", "zh": "本店近期热门"}
_POPULAR_IN: Final = {"en": "popular in {category} now", "zh": "{category}近期热门"}


@dataclass(frozen=True, slots=True)
class Clue:
    """An event that says something of its person's interest, and may be cited.

    Attributes:
        item_ids: items that it names.
        facets: that it names itself: words of a search as keywords, what an edit stated.
    """

    event_id: EventId
    item_ids: tuple[ItemId, ...] = ()
    facets: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Choice:
    """A reason that may be shown if it passes.

    Attributes:
        cited: places of its events among the clues, the strongest first; these are left out to check it.
    """

    reason: Reason
    cited: tuple[int, ...]


class Told:
    """What is known of the person whose page is explained, looked up once for all of its items.

    Attributes:
        clues: oldest first.
        interests: facets of the profile.
        by_item, by_facet: places of the clues that name an item, or speak of a facet of an interest.
        tongue: `zh` or `en`.
    """

    def __init__(
        self, clues: Sequence[Clue], interests: Sequence[Facet], item_facets: ItemFacets, language: str = "en"
    ) -> None:
        self.clues, self.interests, self.item_facets = clues, interests, item_facets
        self.tongue = "zh" if language == "zh" else "en"
        self.by_item: dict[ItemId, list[int]] = {}
        self.by_facet: dict[tuple[str, str], list[int]] = {(facet.facet, facet.value): [] for facet in interests}
        for at, clue in enumerate(clues):
            for name in clue.item_ids:
                self.by_item.setdefault(name, []).append(at)
            of_items = {(kind, value) for name in clue.item_ids for kind, value, _ in item_facets.of(name)}
            for key in (clue.facets | of_items) & self.by_facet.keys():
                self.by_facet[key].append(at)


def shares_of(parts: Mapping[str, float]) -> dict[str, float]:
    """Of all that raises a score, the share of each kind of part; what lowers it has none."""
    total = sum(part for part in parts.values() if part > 0.0) or 1.0
    return {name: max(0.0, part) / total for name, part in parts.items()}


def choices(item: Item, shares: Mapping[str, float], drops_C: NDArray[np.float64], told: Told) -> tuple[Choice, ...]:
    """Reasons with events to cite, the likeliest first: by what their events take from the score, times the share of
    the score in the parts which the reason speaks of. The last one cites the strongest events, whatever they are.

    Args:
        shares: of the score, by kind: `followed` (from the history's items), `profile`, `content` and others.
        drops_C: shape (C,): by how much the item's score falls without each clue alone.
    """
    found: list[tuple[float, Choice]] = []
    if (share := shares.get("followed", 0.0)) > 0.0:
        found += ((share * _sum(drops_C, one.cited), one) for one in _followed(item, drops_C, told))
    if (share := shares.get("profile", 0.0)) > 0.0:
        found += ((share * _sum(drops_C, one.cited), one) for one in _interest(item, drops_C, told))
    found.sort(key=lambda one: -one[0])
    kept = [one for _, one in found]
    if (last := _strongest_of_all(item, shares, drops_C, told)) is not None:
        kept.append(last)
    return tuple({(one.reason.text, one.cited): one for one in kept}.values())


def uncited(shares: Mapping[str, float], *, category: str | None = None, language: str = "en") -> tuple[Reason, ...]:
    """What can be said without an event of the person here; popularity, which is about nobody, comes last.

    Args:
        category: that the item is among the most popular of; None: none.
    """
    tongue = "zh" if language == "zh" else "en"
    found = []
    if (share := shares.get("elsewhere", 0.0)) > 0.0:
        found.append(Reason("elsewhere", _ELSEWHERE[tongue], None, (), share))
    if (share := shares.get("popular", 0.0)) > 0.0:
        text = _POPULAR[tongue] if category is None else _POPULAR_IN[tongue].format(category=category)
        found.append(Reason("popular", text, None if category is None else f"category:{category}", (), share))
    return tuple(found)


def _sum(drops_C: NDArray[np.float64], cited: Sequence[int]) -> float:
    return float(drops_C[list(cited)].sum())


def _cited(places: Sequence[int], drops_C: NDArray[np.float64]) -> tuple[int, ...]:
    """The strongest of some clues that lower the score: at most three, and no more than there are others to compare
    with. All that is known of a person may be cited together, for of three looks at one thing none matters alone."""
    n = len(drops_C)
    strongest = sorted(places, key=lambda at: (-drops_C[at], -at))
    if len(strongest) == n <= MOST:
        return tuple(strongest)
    lowering = [at for at in strongest[:MOST] if drops_C[at] > 0.0]
    return tuple(lowering[: max(1, n // 2)])


def _choice(kind: str, text: str, facet: str | None, cited: tuple[int, ...], told: Told) -> Choice:
    return Choice(Reason(kind, text, facet, tuple(told.clues[at].event_id for at in cited), 0.0), cited)


def _followed(item: Item, drops_C: NDArray[np.float64], told: Told) -> list[Choice]:
    """For items of the history that the shop still has a name for."""
    found = {name: cited for name, of_item in told.by_item.items() if (cited := _cited(of_item, drops_C))}
    best = sorted(found, key=lambda name: (-_sum(drops_C, found[name]), name))
    named = [name for name in best if name in told.item_facets.catalogue][:_TRIED]
    return [_choice("followed", _going_with(item, [name], told), None, found[name], told) for name in named]


def _going_with(item: Item, names: Sequence[ItemId], told: Told) -> str:
    if list(names) == [item.item_id]:
        return _AGAIN[told.tongue]
    met = [told.item_facets.catalogue.get(name) for name in names]
    quoted = [_QUOTED.format(name=(one.name or one.item_id)[:60]) for one in met if one is not None]
    joined = _AND[told.tongue].join([_BETWEEN[told.tongue].join(quoted[:-1]), quoted[-1]] if quoted[1:] else quoted)
    return _FOLLOWED[told.tongue].format(names=joined)


def _interest(item: Item, drops_C: NDArray[np.float64], told: Told) -> list[Choice]:
    """For facets that item and person share."""
    has = {(kind, value) for kind, value, _ in told.item_facets.of(item.item_id)}
    found: list[tuple[float, Choice]] = []
    for facet in told.interests:
        key = (facet.facet, facet.value)
        if key not in has or facet.score <= 0.0 or facet.facet == "price_band":
            continue
        if cited := _cited(told.by_facet[key], drops_C):
            of_facet = _choice("interest", _text_of(facet, has, told), f"{facet.facet}:{facet.value}", cited, told)
            found.append((_sum(drops_C, cited), of_facet))
    # of equals a brand or a category says more than a word, and a narrow category more than the one around it
    found.sort(key=lambda one: (-one[0], not (one[1].reason.facet or "").startswith(("brand:", "category:"))))
    return [one for _, one in found[:_TRIED]]


def _text_of(facet: Facet, has: set[tuple[str, str]], told: Told) -> str:
    # a keyword says more beside the words of the item that stand for like things here; they carry no score
    related = told.item_facets.related(facet.value) if facet.facet == "keyword" else ()
    near = [word for word in related if ("keyword", word) in has]
    words = _BETWEEN[told.tongue].join(near)
    value = _RELATED[told.tongue].format(value=facet.value, words=words) if near else facet.value
    return _INTEREST[told.tongue].format(value=value, share=facet.score)


def _strongest_of_all(
    item: Item, shares: Mapping[str, float], drops_C: NDArray[np.float64], told: Told
) -> Choice | None:
    cited = _cited(range(len(drops_C)), drops_C)
    names = list(dict.fromkeys(name for at in cited for name in told.clues[at].item_ids[:1]))
    known = [name for name in names if name in told.item_facets.catalogue]
    all_named = all(told.clues[at].item_ids for at in cited) and known == names
    if not cited:
        return None
    if shares.get("followed", 0.0) > 0.0 and all_named:
        others = [name for name in names if name != item.item_id] or names
        return _choice("followed", _going_with(item, others, told), None, cited, told)
    if shares.get("content", 0.0) > 0.0:
        return _choice("meaning", _MEANING[told.tongue], None, cited, told)
    return None

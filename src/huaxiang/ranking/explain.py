"""Why an item was shown: the events behind its score, and the share of the score that they carry.

`effect` is the additive share: the part of the item's positive score that a retriever gives to those events. It is not
a counterfactual (the answer without the events), which costs a second answer.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.profiles import ItemFacets
from huaxiang.types import EventId, Facet, Item, Reason

_MOST: Final = 3
_FOLLOWED: Final = {"en": "goes with “{name}”, which you looked at or bought", "zh": "与您看过或买过的“{name}”相配"}
_INTEREST: Final = {"en": "fits your interest in {value} ({share:.0%})", "zh": "符合您对{value}的兴趣（{share:.0%}）"}
_RELATED: Final = {"en": "{value} (related: {words})", "zh": "{value}（相关词：{words}）"}
_BETWEEN: Final = {"en": ", ", "zh": "、"}
_MEANING: Final = {"en": "close in meaning to what you did lately", "zh": "与您最近的浏览内容相近"}
_ELSEWHERE: Final = {"en": "like what you met in another of our shops", "zh": "与您在我们另一家店看过的商品相近"}
_POPULAR: Final = {"en": "popular in this shop now", "zh": "本店近期热门"}


def reasons(
    item: Item,
    parts: Mapping[str, float],
    *,
    contributions: NDArray[np.float32],
    history: Sequence[tuple[Item | None, Sequence[EventId]]],
    interests: Sequence[Facet],
    item_facets: ItemFacets,
    language: str,
) -> tuple[Reason, ...]:
    """At most three reasons, strongest first; popularity, which is about nobody, comes last.

    Args:
        parts: what each kind of retriever adds to the fused score of the item: `followed` (from the history's items),
            `profile`, `content`, `elsewhere`, `popular`, others; only what is positive explains.
        contributions: shape (L,), what each entry of the history adds to what followed.
        history: for each entry, its item and the events behind it.
        language: `zh` for Chinese texts, anything else for English.
    """
    tongue = "zh" if language == "zh" else "en"
    total = sum(part for part in parts.values() if part > 0.0) or 1.0
    share = {name: max(0.0, part) / total for name, part in parts.items()}
    found = _followed(contributions, history, share.get("followed", 0.0), tongue)
    found += _shared(item, interests, item_facets, share.get("profile", 0.0), tongue)
    if share.get("content", 0.0) > 0.0 and history:
        evidence = tuple(ids[0] for _, ids in reversed(history[-_MOST:]) if ids)
        found.append(Reason("meaning", _MEANING[tongue], None, evidence, share["content"]))
    if share.get("elsewhere", 0.0) > 0.0:
        found.append(Reason("elsewhere", _ELSEWHERE[tongue], None, (), share["elsewhere"]))
    found.sort(key=lambda reason: -reason.effect)
    if share.get("popular", 0.0) > 0.0 or not found:
        found.append(Reason("popular", _POPULAR[tongue], None, (), share.get("popular", 1.0 if not found else 0.0)))
    return tuple(found[:_MOST])


def _followed(
    contributions: NDArray[np.float32],
    history: Sequence[tuple[Item | None, Sequence[EventId]]],
    share: float,
    tongue: str,
) -> list[Reason]:
    positive = np.maximum(contributions, 0.0)
    named = np.array([0.0 if item is None else 1.0 for item, _ in history])  # an item that is gone has no name to say
    if share <= 0.0 or not (positive * named).sum() > 0.0:
        return []
    best = int((positive * named).argmax())
    item, evidence = history[best]
    assert item is not None
    effect = share * float(positive[best] / positive.sum())
    text = _FOLLOWED[tongue].format(name=(item.name or item.item_id)[:60])
    return [Reason("followed", text, None, tuple(evidence), effect)]


def _shared(item: Item, interests: Sequence[Facet], item_facets: ItemFacets, share: float, tongue: str) -> list[Reason]:
    has = {(kind, value) for kind, value, _ in item_facets.of(item.item_id)}
    shared = [f for f in interests if (f.facet, f.value) in has and f.score > 0.0 and f.facet != "price_band"]
    if share <= 0.0 or not shared:
        return []
    whole = sum(facet.score for facet in shared)
    best = max(shared, key=lambda facet: (facet.facet in {"brand", "category"}, facet.score, facet.value.count(">")))
    # a keyword says more beside the words of the item that stand for like things here; they carry no score
    related = item_facets.related(best.value) if best.facet == "keyword" else ()
    near = [word for word in related if ("keyword", word) in has]
    value = _RELATED[tongue].format(value=best.value, words=_BETWEEN[tongue].join(near)) if near else best.value
    text = _INTEREST[tongue].format(value=value, share=best.score)
    facet = f"{best.facet}:{best.value}"
    return [Reason("interest", text, facet, best.evidence, share * best.score / whole)]

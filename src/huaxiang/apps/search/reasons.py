"""Why an item stands where it does, in words."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from huaxiang.apps.search.understanding import Understood
from huaxiang.profiles import Portraits
from huaxiang.profiles.facets import interests
from huaxiang.retrieval.reading import Person
from huaxiang.types import Item, Reason

_WORDS: Final = {"en": "has {words} in its {field}", "zh": "{field}中有{words}"}
_FIELDS: Final = {
    "en": {"name": "name", "brand": "brand", "category": "category", "attributes": "attributes", "description": "text"},
    "zh": {"name": "名称", "brand": "品牌", "category": "类目", "attributes": "属性", "description": "描述"},
}
_MEANING: Final = {"en": "close in meaning to what you asked for", "zh": "与您要找的意思相近"}
_CLICKS: Final = {"en": "others who searched for this chose it", "zh": "搜索同样内容的人选择了它"}
_POPULAR: Final = {"en": "popular in this shop now", "zh": "本店近期热门"}
_INTEREST: Final = {"en": "fits your interest in {value}", "zh": "符合您对{value}的兴趣"}
_MOST: Final = 3
_LEAST: Final = 0.05
"""What a feature must add to the score to be worth a word."""


class Teller:
    """Tells why, to one person about one query.

    Args:
        person: who asks; None for nobody.
    """

    def __init__(self, asked: Understood, person: Person | None, portraits: Portraits, *, now: datetime) -> None:
        self._tongue = "zh" if asked.language == "zh" else "en"
        self._person, self._portraits = person, portraits
        self._interests = None
        if person is not None:
            self._interests = interests(person.state, portraits.item_facets, now=now, config=portraits.config)

    def of(self, item: Item, matched: Mapping[str, tuple[str, ...]], parts: Mapping[str, float]) -> tuple[Reason, ...]:
        """At most three reasons, what adds most first; of the profile an interest that the item meets, with evidence.

        Args:
            parts: what each feature added to the score.
        """
        whole = sum(part for part in parts.values() if part > 0.0) or 1.0
        shares = {name: part / whole for name, part in parts.items()}
        found: list[Reason] = []
        said = shares.get("words", 0.0) + shares.get("name", 0.0)
        if matched and said > 0.0:
            field, words = next(iter(matched.items()))
            text = _WORDS[self._tongue].format(words=", ".join(words), field=_FIELDS[self._tongue][field])
            found.append(Reason("words", text, None, (), round(min(said, 1.0), 3)))
        for name, told in (("clicks", _CLICKS), ("meaning", _MEANING), ("popularity", _POPULAR)):
            if shares.get(name, 0.0) >= _LEAST:
                found.append(Reason(name, told[self._tongue], None, (), round(shares[name], 3)))
        if shares.get("profile", 0.0) >= _LEAST:
            found += self._interest(item, round(shares["profile"], 3))
        return tuple(sorted(found, key=lambda reason: -reason.effect)[:_MOST])

    def _interest(self, item: Item, effect: float) -> list[Reason]:
        if self._interests is None or self._person is None:
            return []
        own = {(kind, value) for kind, value, _ in self._portraits.item_facets.of(item.item_id)}
        met = self._interests.facets(self._person.state, config=self._portraits.config, among=own)
        best = max(met, key=lambda facet: facet.score, default=None)
        if best is None or best.score <= 0.0:
            return []
        text = _INTEREST[self._tongue].format(value=best.value)
        return [Reason("interest", text, f"{best.facet}:{best.value}", best.evidence[:_MOST], effect)]

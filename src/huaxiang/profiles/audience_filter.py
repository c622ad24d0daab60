"""Filters of people: conditions on the facets of a readable profile, checked whole before anybody is read.

The language is that of every filter: `{field: value | [values] | {gte, lte} | {not: ...}}`, all fields must hold. Of
interests and needs a condition may ask for a score too: `{"value": "Uji", "score": {"gte": 0.1}}`; and
`{"any": [filter, ...]}` holds where one of its filters does.
"""

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from huaxiang.errors import DataError
from huaxiang.profiles import facets as view
from huaxiang.profiles.fold import FoldConfig
from huaxiang.profiles.item_facets import PRICE_BANDS, ItemFacets
from huaxiang.profiles.state import FoldState
from huaxiang.text.segment import segment
from huaxiang.text.tags import PATH
from huaxiang.types import CONSENT_SCOPES

Condition = Callable[["Readable"], bool]

FIELDS: Final[tuple[str, ...]] = (
    *("interests.brand", "interests.category", "interests.keyword", "interests.price_band"),
    *("interests.attribute:NAME", "needs.search", "needs.unbought"),
    *("behaviour.recency_days", "behaviour.frequency_per_week", "behaviour.n_orders", "behaviour.n_events"),
    *("behaviour.language", "behaviour.spend.CURRENCY", "behaviour.counts.EVENT", "behaviour.traits.NAME"),
    *("mood.label", "mood.polarity", "consents.SCOPE"),
)
"""What can be asked; words in capitals stand for a name of the shop's."""

_NUMBERS: Final = frozenset({"recency_days", "frequency_per_week", "n_orders", "n_events"})
_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "interests.price_band": PRICE_BANDS,
    "mood.label": ("positive", "neutral", "negative"),
    "consents": ("granted", "denied"),
}
_BOUNDS: Final = frozenset({"gte", "lte"})
_MOST: Final = 100
"""Conditions of one filter, and `not` around one of them."""
_DEEPEST: Final = 5
_LONGEST: Final = 10_000

Scored = Sequence[tuple[str, float]]
"""Values of one kind of facet with their scores."""


class UnsureError(Exception):
    """A condition asks for what a resident does not hold for certain: the person has to be folded."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A condition on the facets of one kind: that one of some values has a score within bounds.

    Attributes:
        kind: of facet, without case.
        options: what the value has to answer to, as `answers_to` has it, or the words of a search; None: any value.
        low, high: bounds of the score, both included.
    """

    kind: str
    options: tuple[str, ...] | None
    low: float
    high: float

    def fits(self, score: float) -> bool:
        """Whether a score lies within the bounds."""
        return self.low <= score <= self.high

    def holds_of(self, scored: Scored) -> bool:
        """Whether it holds of all the values of the kind that a person has."""
        if self.options is None:
            return any(self.fits(score) for _, score in scored)
        if self.kind == "search":
            found = (_best_search(scored, option) for option in self.options)
            return any(self.fits(best) for best in found if best is not None)
        return any(
            self.fits(max(scores))
            for option in self.options
            if (scores := [score for value, score in scored if option in answers_to(self.kind, value)])
        )


class Readable:
    """What a filter may read of one person: the readable profile, each part of it when it is first asked for.

    Where `analytics` is denied there is no behaviour, where `personalisation` is there are no interests, needs or mood.
    """

    def __init__(self, state: FoldState, item_facets: ItemFacets, *, now: datetime, config: FoldConfig) -> None:
        self._state, self._item_facets, self._now, self._config = state, item_facets, now, config

    def consent(self, scope: str) -> str:
        """`granted` or `denied`."""
        return self._state.consents.get(scope, self._config.consent_default)

    @functools.cached_property
    def interests(self) -> Mapping[str, Scored]:
        """Kind to its values with their signed shares of all interest; also those that a page has no room for."""
        if self.consent("personalisation") == "denied":
            return {}
        found: dict[str, list[tuple[str, float]]] = {}
        known = view.interests(self._state, self._item_facets, now=self._now, config=self._config)
        for (kind, value), score in known.shares.items():
            found.setdefault(kind.casefold(), []).append((value, score))
        return found

    def has_interest(self, asked: Asked) -> bool:
        """Whether a condition on interests holds."""
        return asked.holds_of(self.interests.get(asked.kind, ()))

    def has_need(self, asked: Asked) -> bool:
        """Whether a condition on needs holds."""
        return asked.holds_of(self.needs.get(asked.kind, ()))

    @functools.cached_property
    def needs(self) -> Mapping[str, Scored]:
        """Kind to its values with their strength in [0, 1]."""
        if self.consent("personalisation") == "denied":
            return {}
        found: dict[str, list[tuple[str, float]]] = {}
        for need in view.needs(self._wanting(), self._item_facets, now=self._now, config=self._config):
            found.setdefault(need.facet, []).append((need.value, need.score))
        return found

    @functools.cached_property
    def behaviour(self) -> Mapping[str, Any]:
        """As `profiles.facets.behaviour` has it."""
        if self.consent("analytics") == "denied":
            return {}
        return view.figures(self._state, self._item_facets, now=self._now)

    @functools.cached_property
    def mood(self) -> Mapping[str, Any]:
        """As `profiles.facets.mood` has it."""
        if self.consent("personalisation") == "denied":
            return {}
        return view.mood(self._feeling(), now=self._now, config=self._config)

    def _wanting(self) -> FoldState:
        """What needs are read from, where personalisation is allowed."""
        return self._state

    def _feeling(self) -> FoldState:
        """What a mood is read from, where personalisation is allowed."""
        return self._state


def compile_audience_filter(where: Mapping[str, Any]) -> Condition:
    """A test of people; an empty filter lets everybody through.

    A value of `interests` or `needs` holds where its score is at least .005. A category holds its children, and is
    named by its path joined with " > " or by the name of any level; its score is the greatest of its own and theirs. A
    search is found by its words, in order. Text is compared without case. Of whom nothing is known in a field, only
    what is negated holds.

    Raises:
        DataError: an unknown field, a condition of the wrong type, or too much of it.
    """
    conditions, _ = _all_of(where, 0, 0)
    return conditions


def _all_of(where: Mapping[str, Any], depth: int, n: int) -> tuple[Condition, int]:
    """The test, and how many conditions there are with the `n` before it."""
    tests: list[Condition] = []
    for field, wanted in sorted(where.items(), key=lambda said: _cost(said[0])):
        if field == "any":
            test, n = _any_of(wanted, depth, n)
        else:
            test, n = _negatable(field, wanted), n + 1
        tests.append(test)
        if n > _MOST:
            raise DataError(f"the filter has more than {_MOST} conditions; ask for less at once, or list values")
    return functools.partial(_all, tests), n


def _all(tests: Sequence[Condition], person: Readable) -> bool:
    """Whether all hold: what fails for certain decides, whatever is unsure beside it."""
    unsure = None
    for test in tests:
        try:
            if not test(person):
                return False
        except UnsureError as error:
            unsure = error
    if unsure is not None:
        raise unsure
    return True


def _any(tests: Sequence[Condition], person: Readable) -> bool:
    """Whether one holds: what holds for certain decides."""
    unsure = None
    for test in tests:
        try:
            if test(person):
                return True
        except UnsureError as error:
            unsure = error
    if unsure is not None:
        raise unsure
    return False


def _cost(field: str) -> int:
    """Cheap parts of a profile are read first: to read interests takes ten times as long as behaviour."""
    return 2 if field == "any" else int(field.startswith("interests."))


def _any_of(wanted: Any, depth: int, n: int) -> tuple[Condition, int]:
    if not isinstance(wanted, list | tuple) or not wanted or not all(isinstance(one, Mapping) for one in wanted):
        raise DataError('filter \'any\': it takes a list of filters, such as {"any": [{"mood.label": "positive"}]}')
    if depth >= _DEEPEST:
        raise DataError(f"filter 'any': nested deeper than {_DEEPEST}; write it flatter")
    tests: list[Condition] = []
    for one in wanted:
        test, n = _all_of(one, depth + 1, n + 1)
        tests.append(test)
        if n > _MOST:
            raise DataError(f"the filter has more than {_MOST} conditions; ask for less at once, or list values")
    return functools.partial(_any, tests), n


def _negatable(field: str, wanted: Any) -> Condition:
    negations = 0
    while isinstance(wanted, Mapping) and set(wanted) == {"not"}:
        wanted, negations = wanted["not"], negations + 1
        if negations > _MOST:
            raise _refused(field, f"more than {_MOST} times `not`")
    test = _plain(field, wanted)
    return test if negations % 2 == 0 else lambda person: not test(person)


def _plain(field: str, wanted: Any) -> Condition:
    part, _, name = field.partition(".")
    kind, _, below = name.partition(".")
    if part == "interests" and (name in {"brand", "category", "keyword", "price_band"} or _is_attribute(name)):
        asked = _scored(field, wanted, name.casefold())
        return lambda person: person.has_interest(asked)
    if part == "needs" and name in {"search", "unbought"}:
        need = _scored(field, wanted, name)
        return lambda person: person.has_need(need)
    if part == "behaviour" and name in _NUMBERS:
        return _number_is(field, wanted, lambda person: person.behaviour.get(name))
    if part == "behaviour" and kind in {"spend", "counts"} and below:
        return _number_is(field, wanted, lambda person: person.behaviour.get(kind, {}).get(below))
    if part == "behaviour" and kind == "traits" and below:
        return _trait_is(field, wanted, lambda person: person.behaviour.get("traits", {}).get(below))
    if field == "behaviour.language":
        return _text_is(field, wanted, lambda person: person.behaviour.get("language"))
    if field == "mood.label":
        return _text_is(field, wanted, lambda person: person.mood.get("label"))
    if field == "mood.polarity":
        return _number_is(field, wanted, lambda person: person.mood.get("polarity"))
    if part == "consents" and name in CONSENT_SCOPES:
        return _text_is(field, wanted, lambda person: person.consent(name))
    raise _refused(
        field, f"no such field; scopes are {', '.join(CONSENT_SCOPES)}" if part == "consents" else "no such field"
    )


def _is_attribute(name: str) -> bool:
    return name.startswith("attribute:") and len(name) > len("attribute:")


def _refused(field: str, rule: str) -> DataError:
    return DataError(f"filter {field!r}: {rule}; known fields: {', '.join(FIELDS)}")


def _scored(field: str, wanted: Any, kind: str) -> Asked:
    """A value, or several, of a kind of facet, with a score or without."""
    is_asked = isinstance(wanted, Mapping)
    if is_asked and (not wanted or not set(wanted) <= {"value", "score"}):
        raise _refused(field, 'use a text, a list of texts, {"value": ..., "score": {gte, lte}}, or {not: ...}')
    low, high = view.LEAST_SHOWN, float("inf")
    if is_asked and "score" in wanted:
        low, high = _bounds(field, wanted["score"])
    if is_asked and "value" not in wanted:
        return Asked(kind, None, low, high)
    options = _texts(field, wanted["value"] if is_asked else wanted)
    if kind == "search":
        options = [" ".join(["", *segment(option), ""]) for option in options]
    return Asked(kind, tuple(options), low, high)


def _best_search(scored: Scored, phrase: str) -> float | None:
    """The strongest search that has these words, one after the other; None where there is none."""
    return max((score for query, score in scored if phrase.strip() and phrase in _words(query)), default=None)


@functools.lru_cache(maxsize=20_000)
def _words(query: str) -> str:
    return " ".join(["", *segment(query), ""])


def answers_to(kind: str, value: str) -> frozenset[str]:
    """What a value is found by: a category by each level above it and itself, by name and by path."""
    return _category_names(value) if kind == "category" else frozenset((fold_text(value),))


@functools.lru_cache(maxsize=20_000)
def _category_names(path: str) -> frozenset[str]:
    levels = path.split(PATH)
    paths = (PATH.join(levels[:depth]) for depth in range(1, len(levels) + 1))
    return frozenset(fold_text(name) for name in (*levels, *paths))


def fold_text(text: str) -> str:
    """Text as it is compared: without case, blanks at its ends dropped."""
    return text.strip().casefold()


def _texts(field: str, wanted: Any) -> list[str]:
    options = list(wanted) if isinstance(wanted, list | tuple) else [wanted]
    if not all(isinstance(option, str) for option in options):
        raise _refused(field, "it takes a text, a list of texts, or {not: ...}")
    if len(options) > _LONGEST:
        raise _refused(field, f"{len(options)} values; at most {_LONGEST}")
    choices = _CHOICES.get(field) or _CHOICES.get(field.partition(".")[0])
    folded = [fold_text(option) for option in options]
    if choices and not set(folded) <= set(choices):
        raise _refused(field, f"its values are {', '.join(choices)}")
    return folded


def _text_is(field: str, wanted: Any, read: Callable[[Readable], str | None]) -> Condition:
    options = frozenset(_texts(field, wanted))
    return lambda person: (value := read(person)) is not None and fold_text(value) in options


def _number_is(field: str, wanted: Any, read: Callable[[Readable], float | None]) -> Condition:
    fits = _within(field, wanted) if isinstance(wanted, Mapping) else _one_of(field, wanted)
    return lambda person: (value := read(person)) is not None and fits(value)


def _one_of(field: str, wanted: Any) -> Callable[[float], bool]:
    options = wanted if isinstance(wanted, list | tuple) else [wanted]
    if not all(map(_is_number, options)):
        raise _refused(field, "it takes a number, a list of numbers, {gte, lte} with numbers, or {not: ...}")
    found = frozenset(options)
    return lambda value: value in found


def _within(field: str, wanted: Any) -> Callable[[float], bool]:
    low, high = _bounds(field, wanted)
    return lambda value: low <= value <= high


def _bounds(field: str, wanted: Any) -> tuple[float, float]:
    if (
        not isinstance(wanted, Mapping)
        or not wanted
        or not set(wanted) <= _BOUNDS
        or not all(map(_is_number, wanted.values()))
    ):
        raise _refused(field, "bounds are {gte, lte} with numbers, one of them or both")
    return wanted.get("gte", float("-inf")), wanted.get("lte", float("inf"))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < float("inf")


def _trait_is(field: str, wanted: Any, read: Callable[[Readable], Any]) -> Condition:
    """A trait is whatever the shop sent: text, a number, true or false, or a list of these."""
    if isinstance(wanted, Mapping):
        fits = _within(field, wanted)
        return lambda person: any(_is_number(value) and fits(value) for value in _several(read(person)))
    options = wanted if isinstance(wanted, list | tuple) else [wanted]
    if not all(isinstance(option, str | bool) or _is_number(option) for option in options):
        raise _refused(
            field, "it takes a text, a number, true or false, a list of these, {gte, lte} with numbers, or {not: ...}"
        )
    folded = {_plain_value(option) for option in options}
    return lambda person: any(_plain_value(value) in folded for value in _several(read(person)))


def _several(value: Any) -> Iterable[Any]:
    """The plain values of a trait; what is nested deeper cannot be asked for."""
    values = value if isinstance(value, list | tuple) else (value,)
    return (one for one in values if isinstance(one, str | int | float))


def _plain_value(value: Any) -> object:
    if isinstance(value, bool):
        return ("is", value)  # Python takes True for 1
    return fold_text(value) if isinstance(value, str) else value

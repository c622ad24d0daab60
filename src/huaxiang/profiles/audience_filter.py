"""Filters of people: conditions on the facets of a readable profile, checked whole before anybody is read.

The language is that of every filter: `{field: value | [values] | {gte, lte} | {not: ...}}`, all fields must hold. Of
interests and needs a condition may ask for a score too: `{"value": "Uji", "score": {"gte": 0.1}}`; and
`{"any": [filter, ...]}` holds where one of its filters does.
"""

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from huaxiang.errors import DataError
from huaxiang.profiles import facets as view
from huaxiang.profiles.behaviour import HABITS
from huaxiang.profiles.item_facets import PRICE_BANDS
from huaxiang.profiles.readable import Asked, Readable, UnsureError, fold_text
from huaxiang.text.segment import segment
from huaxiang.types import CONSENT_SCOPES

Condition = Callable[[Readable], bool]

FIELDS: Final[tuple[str, ...]] = (
    *("interests.brand", "interests.category", "interests.keyword", "interests.price_band"),
    *("interests.attribute:NAME", "needs.search", "needs.unbought"),
    *("behaviour.recency_days", "behaviour.frequency_per_week", "behaviour.n_orders", "behaviour.n_events"),
    *("behaviour.price_sensitivity", "behaviour.loyalty", "behaviour.repeat_purchase"),
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
    if part == "behaviour" and name in HABITS:
        return _number_is(field, wanted, lambda person: person.habit(name))
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

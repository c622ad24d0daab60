"""What may be shown: filters, stock, and purchases that are bought once or again and again."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from huaxiang.errors import DataError
from huaxiang.types import Item

_BOUNDS: Final = frozenset({"gte", "lte"})


def compile_filter(where: Mapping[str, Any]) -> Callable[[Item], bool]:
    """A test of items from `{field: value | [values] | {gte, lte} | {not: ...}}`; all fields must hold.

    Fields are `item_id name brand category price currency in_stock` and attribute names. A category matches at any
    level of the item's path, by its name or by the path joined with " > ". Text is compared without case.

    Raises:
        DataError: a condition of another form.
    """
    tests = [(field, _condition(field, wanted)) for field, wanted in where.items()]
    return lambda item: all(test(_values(item, field)) for field, test in tests)


def _values(item: Item, field: str) -> tuple[Any, ...]:
    if field == "category":
        return (*item.category, *(" > ".join(item.category[:n]) for n in range(2, len(item.category) + 1)))
    if field in {"item_id", "name", "brand", "price", "currency", "in_stock"}:
        value = getattr(item, field)
        return () if value is None else (value,)
    return tuple(item.attributes.get(field.removeprefix("attribute:"), ()))


def _condition(field: str, wanted: Any) -> Callable[[Sequence[Any]], bool]:
    negations = 0
    while isinstance(wanted, Mapping) and set(wanted) == {"not"}:  # a loop: a request may nest them without end
        wanted, negations = wanted["not"], negations + 1
    test = _plain(field, wanted)
    return test if negations % 2 == 0 else lambda values: not test(values)


def _plain(field: str, wanted: Any) -> Callable[[Sequence[Any]], bool]:
    if isinstance(wanted, Mapping):
        return _bounds(field, wanted)
    options = wanted if isinstance(wanted, list | tuple) else [wanted]
    if any(isinstance(option, Mapping | list) or option is None for option in options):
        raise DataError(f"filter {field!r}: a value must be text, a number or true/false")
    folded = {_fold(option) for option in options}
    return lambda values: any(_fold(value) in folded for value in values)


def _bounds(field: str, wanted: Mapping[str, Any]) -> Callable[[Sequence[Any]], bool]:
    if not wanted or not set(wanted) <= _BOUNDS or not all(_is_number(bound) for bound in wanted.values()):
        raise DataError(f"filter {field!r}: use a value, a list, {{gte, lte}} with numbers, or {{not: ...}}")
    low, high = wanted.get("gte", float("-inf")), wanted.get("lte", float("inf"))
    return lambda values: any(low <= number <= high for value in values if (number := _number(value)) is not None)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: object) -> float | None:
    try:
        return None if isinstance(value, bool) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None


def _fold(value: object) -> object:
    if isinstance(value, bool):
        return ("is", value)  # Python takes True for 1
    return value.strip().casefold() if isinstance(value, str) else value


def repeat_categories(
    purchases: Mapping[str, Sequence[tuple[str, str]]], *, least_rate: float = 0.1, least_buyers: int = 20
) -> frozenset[str]:
    """Categories whose items are bought again: at least a tenth of their buyers bought the same item twice.

    Args:
        purchases: category to (user id, item id) of every purchase of one of its items.
        least_rate: share of (user, item) pairs that stand at least twice.
        least_buyers: pairs needed for the rate to mean something.
    """
    found = set()
    for category, bought in purchases.items():
        times: dict[tuple[str, str], int] = {}
        for pair in bought:
            times[pair] = times.get(pair, 0) + 1
        again = sum(n > 1 for n in times.values())
        if len(times) >= least_buyers and again / len(times) >= least_rate:
            found.add(category)
    return frozenset(found)

"""A request's filter as a query of the keyword index; keeps what `ranking.rules.compile_filter` keeps."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import tantivy

from huaxiang.errors import DataError
from huaxiang.retrieval.keyword_document import attribute_field, value_key

_COUNTED: Final = frozenset({"brand", "category"})
_EXACT: Final = frozenset({"item_id", "name", "currency"})
_OWN: Final = ("item_id", "name", "brand", "category", "price", "currency", "in_stock")

ValuesOf = Callable[[str], Iterable[str]]
"""The known values of a field, folded in case."""
NumbersOf = Callable[[Iterable[str]], list[int]]
"""Numbers of values by their keys, without those that no item has."""


class KeywordFilter:
    """Turns filters into queries.

    Args:
        attributes: names of the attributes that items have.
        values_of: known values of an attribute's field, for bounds.
        numbers_of: what the index keeps values as.
    """

    def __init__(
        self, schema: tantivy.Schema, attributes: Iterable[str], values_of: ValuesOf, numbers_of: NumbersOf
    ) -> None:
        self._schema = schema
        self._attributes = frozenset(attributes)
        self._values_of, self._numbers_of = values_of, numbers_of

    def query(self, where: Mapping[str, Any]) -> list[tuple[tantivy.Occur, tantivy.Query]]:
        """Clauses that keep what passes every condition; they do not score.

        Raises:
            DataError: a field that no item has, or a condition of another form than `compile_filter` takes.
        """
        clauses = []
        for field, condition in where.items():
            wanted, negations = condition, 0
            while isinstance(wanted, Mapping) and set(wanted) == {"not"}:
                wanted, negations = wanted["not"], negations + 1
            found = tantivy.Query.const_score_query(self._plain(self._known(field), wanted), 0.0)
            clauses.append((tantivy.Occur.MustNot if negations % 2 else tantivy.Occur.Must, found))
        if clauses and all(occur == tantivy.Occur.MustNot for occur, _ in clauses):
            # a boolean query of negations alone matches nothing
            everything = tantivy.Query.const_score_query(tantivy.Query.all_query(), 0.0)
            clauses.append((tantivy.Occur.Must, everything))
        return clauses

    def _known(self, field: str) -> str:
        name = field.removeprefix("attribute:")
        if field in _OWN:
            return field
        if name in self._attributes:
            return attribute_field(name)
        some = ", ".join([*_OWN, *sorted(self._attributes)[:20]])
        raise DataError(f"filter {field!r}: no item has such a field; known: {some}")

    def _plain(self, field: str, wanted: Any) -> tantivy.Query:
        if isinstance(wanted, Mapping):
            return self._bounds(field, wanted)
        options = list(wanted) if isinstance(wanted, list | tuple) else [wanted]
        if any(isinstance(option, Mapping | list) or option is None for option in options):
            raise DataError(f"filter {field!r}: a value must be text, a number or true/false")
        if field == "price":
            return self._prices(options)
        if field == "in_stock":
            flags = [option for option in options if isinstance(option, bool)]
            return self._any([tantivy.Query.term_query(self._schema, "in_stock", flag) for flag in flags])
        return self._texts(field, [option for option in options if isinstance(option, str)])

    def _texts(self, field: str, texts: Sequence[str]) -> tantivy.Query:
        keys = [value_key(field, text) for text in texts]
        numbers = [] if field in _EXACT else self._numbers_of(keys)
        asked: list[tuple[str, list[Any]]] = [("value", numbers)]
        if field in _EXACT or field == "category":
            asked.append(("exact", keys))
        return self._any([tantivy.Query.term_set_query(self._schema, name, said) for name, said in asked if said])

    def _prices(self, options: Sequence[Any]) -> tantivy.Query:
        numbers = [float(option) for option in options if _is_number(option)]
        return self._any([self._range(number, number) for number in numbers])

    def _bounds(self, field: str, wanted: Mapping[str, Any]) -> tantivy.Query:
        if not wanted or not set(wanted) <= {"gte", "lte"} or not all(map(_is_number, wanted.values())):
            raise DataError(f"filter {field!r}: use a value, a list, {{gte, lte}} with numbers, or {{not: ...}}")
        low, high = wanted.get("gte"), wanted.get("lte")
        if field == "price":
            return self._range(low, high)
        return self._texts(field, [text for text in self._values_of(field) if _is_between(text, low, high)])

    def _range(self, low: float | None, high: float | None) -> tantivy.Query:
        least, most = (None if bound is None else float(bound) for bound in (low, high))
        return tantivy.Query.range_query(self._schema, "price", tantivy.FieldType.Float, least, most)

    @staticmethod
    def _any(queries: Sequence[tantivy.Query]) -> tantivy.Query:
        if not queries:
            return tantivy.Query.empty_query()
        if len(queries) == 1:
            return queries[0]
        return tantivy.Query.boolean_query([(tantivy.Occur.Should, query) for query in queries])


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_between(text: str, low: float | None, high: float | None) -> bool:
    try:
        number = float(text)
    except ValueError:
        return False
    return (low is None or number >= low) and (high is None or number <= high)

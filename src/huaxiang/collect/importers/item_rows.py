"""One row of a catalogue to a `set_item` payload: prices, stock, categories and attributes as shops write them."""

import ast
import math
import re
import warnings
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from huaxiang.collect.clock import read_moment
from huaxiang.collect.importers.base import Options
from huaxiang.collect.moments import EPOCH
from huaxiang.errors import DataError

_PRICE: Final = re.compile(
    r"(?:[A-Z]{3}|US\$|[$€£¥￥])?\s*(-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?)\s*(?:[A-Z]{3}|[€元])?", re.ASCII
)
_SEPARATOR: Final = re.compile(r" > |\|")
_STOCK: Final = {
    **dict.fromkeys(["true", "yes", "y", "instock", "onlineonly", "limitedavailability"], True),
    **dict.fromkeys(["有", "有货", "是", "在售", "现货"], True),
    **dict.fromkeys(["false", "no", "n", "outofstock", "soldout", "discontinued", "preorder", "backorder"], False),
    **dict.fromkeys(["无", "无货", "否", "缺货", "售罄", "下架"], False),
}
"""Words of stock, lower case, without signs."""
_LONGEST_NAME: Final = 120
_SENTENCE: Final = re.compile(r".{20,118}?(?:[.!?](?=\s)|[。！？])", re.DOTALL)
_LONGEST_LIST: Final = 100_000


def item_payload(row: Mapping[str, Any], options: Options, attributes: Mapping[str, str]) -> dict[str, Any]:
    """A row as a `set_item` payload.

    Each field whose column the file has is named, with null where the cell is empty: the file knows its own columns.

    Args:
        row: column to value, as the file has it.
        options: `columns` gives field to column.
        attributes: column to the name of the attribute that it becomes.

    Raises:
        DataError: no id, or a cell that cannot be what its field needs.
    """
    cells = {field: _cell(row.get(column), field) for field, column in options.columns.items()}
    item_id = cells.pop("item_id", None)
    if item_id is None:
        raise DataError("item_id is missing; give the shop's own id of the item")
    at = cells.pop("timestamp", None)
    said: dict[str, Any] = {field: None if value is None else _READERS[field](value) for field, value in cells.items()}
    if "description" not in said and len(said.get("name") or "") > _LONGEST_NAME:
        said["name"], said["description"] = _cut(said["name"])
    if said.get("in_stock", False) is None:
        del said["in_stock"]  # an empty cell does not say that there is none
    if attributes or "attributes" in said:
        kept = {name: _values(_cell(row.get(column), name), name) for column, name in attributes.items()}
        said["attributes"] = (said.get("attributes") or {}) | {name: values for name, values in kept.items() if values}
    moment = EPOCH if at is None else read_moment(at, options.timezone, options.day_first) or at
    return {"event": "set_item", "item_id": _id(item_id), "timestamp": moment, "properties": said}


def _cut(text: str) -> tuple[str, str]:
    """A text that stands for a name as a short name, its first sentence where that is short enough, and the rest."""
    sentence = _SENTENCE.match(text)
    at = sentence.end() if sentence else text.rfind(" ", 0, _LONGEST_NAME + 1)
    at = at if at > 0 else _LONGEST_NAME
    return text[:at].strip(), text[at:].strip()


def amount(value: Any) -> float:
    """A price: a number of at least 0, as text also with a currency's sign and commas between thousands."""
    number = value
    if isinstance(value, str):
        found = _PRICE.fullmatch(value.strip())
        number = float(found[1].replace(",", "")) if found else value
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise DataError(f"price is {_short(value)}; give a number, such as 1299.50")
    if not (math.isfinite(number) and number >= 0.0):
        raise DataError(f"price is {_short(value)}; give a finite number of at least 0")
    return float(number)


def in_stock(value: Any) -> bool:
    """Whether there is any: true or false, a count, or Schema.org's InStock and its kin."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float) and math.isfinite(value):
        return value > 0
    word = re.sub(r"[\W_]+", "", str(value).rsplit("/", 1)[-1]).lower()
    if word in _STOCK:
        return _STOCK[word]
    try:
        count = float(str(value))
    except ValueError:
        count = math.nan
    if not math.isfinite(count):
        raise DataError(f"in_stock is {_short(value)}; give true or false, a count, InStock or OutOfStock")
    return count > 0


def _cell(value: Any, field: str) -> Any:
    """A cell's value, None where it is empty; a number that is none is refused."""
    if isinstance(value, float) and not math.isfinite(value):
        raise DataError(f"{field} is {value}; leave the cell empty where there is no value")
    if isinstance(value, str):
        value = value.strip()
    return None if value is None or value in ("", []) else value


def _id(value: Any) -> Any:
    """An id as the file has it; a float that data frames with gaps make of a whole number loses its `.0`."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise DataError(f"item_id is {_short(value)}; give text or a whole number")
    return value


def _words(value: Any) -> str:
    value = _opened(value)
    if isinstance(value, Mapping):
        value = value.get("name", "")
    return " ".join(_plain(part) for part in value) if isinstance(value, list | tuple) else _plain(value)


def _first(value: Any) -> str | None:
    value = _opened(value)
    if isinstance(value, list):
        return _plain(value[0]) if value else None
    return _plain(value)


def _path(value: Any) -> list[str]:
    """A category's levels, the widest first; of several paths the first."""
    value = _opened(value)
    if isinstance(value, list) and value and isinstance(value[0], list):
        value = value[0]
    steps = [_plain(part) for part in value] if isinstance(value, list) else _SEPARATOR.split(_plain(value))
    return [step.strip() for step in steps if step.strip()]


def _attributes(value: Any) -> dict[str, list[str]]:
    value = _opened(value)
    if isinstance(value, list):  # Schema.org: [{"name": ..., "value": ...}]
        value = {part.get("name"): part.get("value") for part in value if isinstance(part, Mapping)}
    if not isinstance(value, Mapping):
        raise DataError(f"attributes is {_short(value)}; give a JSON object of names to values")
    found = {str(name): _values(_cell(inner, str(name)), str(name)) for name, inner in value.items() if name}
    return {name: values for name, values in found.items() if values}


def _values(value: Any, name: str) -> list[str]:
    """An attribute's values: a list's, or those between bars."""
    value = _opened(value)
    if value is None:
        return []
    if isinstance(value, Mapping):
        raise DataError(f"attribute {name!r} is an object; give text, a number or a list")
    parts = [_plain(part) for part in value] if isinstance(value, list) else _plain(value).split("|")
    return [part.strip() for part in parts if part.strip()]


def _opened(value: Any) -> Any:
    """Text that is a list or an object in JSON, or a list as Python writes it, opened; everything else as it is."""
    if not isinstance(value, str) or value[:1] not in {"[", "{"} or len(value) > _LONGEST_LIST:
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        pass
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a text is not to be lectured on its backslashes
            return ast.literal_eval(value)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return value  # a name may begin with a bracket


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."


_READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "name": _words,
    "brand": _words,
    "category": _path,
    "description": _words,
    "image": _first,
    "price": amount,
    "currency": _first,
    "in_stock": in_stock,
    "attributes": _attributes,
}

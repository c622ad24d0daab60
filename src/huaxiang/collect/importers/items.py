"""A catalogue: one item on each row, with an id and fields of an item, and neither a time nor a user."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from huaxiang.collect.importers.base import BadRow, Batch, Guess, Options, Sample
from huaxiang.collect.importers.delimited import table_batches
from huaxiang.collect.importers.headers import (
    EVENT_LOOKUP,
    by_name,
    check_given,
    fits,
    lookup_of,
    shown_columns,
    untyped,
)
from huaxiang.collect.importers.item_rows import amount, in_stock, item_payload
from huaxiang.collect.importers.jsonl import json_rows
from huaxiang.collect.importers.parquet import parquet_batches
from huaxiang.errors import DataError

ITEM_FIELDS: Final[Mapping[str, str]] = {
    "item_id": "itemid productid skuid sku asin parentasin goodsid articleid spuid stockcode contentid movieid "
    "商品id 商品编号 商品编码 货号 产品id 产品编号 宝贝id 编号 id item product article 商品 货品 产品 宝贝",
    "name": "name title itemname productname itemtitle producttitle 名称 标题 商品名 商品名称 商品标题 产品名称 "
    "产品标题 宝贝标题 宝贝名称 品名",
    "brand": "brand brandname 品牌 品牌名 品牌名称",
    "category": "category categories categoryname categorypath 类目 分类 类别 商品类目 商品分类 品类",
    "description": "description text details 描述 详情 商品描述 商品详情 简介",
    "image": "image images imageurl imgurl 图片 主图 图片地址",
    "price": "price unitprice saleprice 价格 售价 单价 现价",
    "currency": "currency currencycode pricecurrency 币种 货币",
    "in_stock": "instock availability stock available 库存 有货 库存数量",
    "attributes": "attributes attribute additionalproperty 属性 商品属性",
    "timestamp": "",
}
"""Field of an item to the names it goes by, the surest first; a time only where `--map` names it."""

ITEM_ONLY: Final = frozenset({"name", "brand", "category", "description", "image", "in_stock", "attributes"})
"""Fields that no event has, so that mapping one says that the file is a catalogue."""

_DESCRIBING: Final = frozenset({"name", "brand", "category", "description", "price"})
_OF_EVENTS: Final = frozenset({"timestamp", "user_id", "anonymous_id", "session_id", "event"})
_LOOKUP: Final = lookup_of(ITEM_FIELDS)
_IDS: Final = re.compile(r"(?:_ids?|[a-z]Ids?)$", re.IGNORECASE | re.ASCII)
_KINDS: Final = frozenset({"table", "json", "parquet"})


class Items:
    """Each row is a `set_item`; columns are guessed or mapped, what is left becomes attributes."""

    name = "items"
    guesses = True
    clock = "none"

    def matches(self, sample: Sample) -> bool:
        """Whether there is an item id and something that describes it, and nothing that an event needs."""
        if sample.kind not in _KINDS:
            return False
        found = by_name(sample, {}, _LOOKUP, fit=_fits)
        return "item_id" in found and bool(_DESCRIBING & set(found)) and not is_of_events(sample)

    def batches(self, path: Path, sample: Sample, options: Options) -> Iterator[Batch]:
        """One payload for each row."""
        attributes = {column: untyped(column) for column in _attribute_columns(sample, options.columns)}
        for lines, rows, bad in _rows(path, sample):
            yield _batch(lines, rows, bad, options, attributes)

    def notes(self, options: Options) -> tuple[str, ...]:
        """When items are set, and how cells are read."""
        dated = "timestamp" in options.columns
        return (
            *(() if dated else ("items have no time here: they are taken as set at 1970-01-01, before every event",)),
            "categories are cut at ' > ' and '|', attributes at '|'; an empty cell empties its field",
        )


def is_of_events(sample: Sample) -> bool:
    """Whether a column's name and values are those of a time, a user, a session or a kind of event."""
    return bool(_OF_EVENTS & set(by_name(sample, {}, EVENT_LOOKUP)))


def guess_items(sample: Sample, given: Mapping[str, str]) -> Guess:
    """The columns of a catalogue's beginning; what is given wins.

    Where no column is called a name, the description is taken for it: an item without a name shows as its id.

    Raises:
        UnknownNameError: a given field or column does not exist.
        DataError: no item id, or nothing that describes an item.
    """
    if sample.kind not in _KINDS:
        raise DataError("a catalogue needs a header, or one JSON object per line, with an item id and a name")
    check_given(sample, given, ITEM_FIELDS)
    found = by_name(sample, given, _LOOKUP, fit=_fits)
    columns = {**given, **found}
    why = {**dict.fromkeys(given, "given"), **dict.fromkeys(found, "by its name and values")}
    if "name" not in columns and "description" in found:
        columns["name"], why["name"] = columns.pop("description"), "no other column is a name"
        del why["description"]
    if "item_id" not in columns:
        raise DataError(f"no column holds the item id; give --map item_id=COLUMN (columns: {shown_columns(sample)})")
    kept = _attribute_columns(sample, columns)
    if not kept and len(columns) == 1:
        raise DataError(f"no column describes the items; give --map name=COLUMN (columns: {shown_columns(sample)})")
    order = [field for field in ITEM_FIELDS if field in columns]
    others = [column for column in sample.columns if column not in columns.values()]
    becomes = {column: "(attribute)" if column in kept else "(left out)" for column in others}
    return Guess({field: columns[field] for field in order}, {field: why[field] for field in order}, becomes)


def _attribute_columns(sample: Sample, columns: Mapping[str, str]) -> list[str]:
    """What is no field; columns of ids are left out: they mean something to the shop's own tables only."""
    others = (column for column in sample.columns if column not in columns.values())
    return [column for column in others if not _IDS.search(untyped(column))]


def _fits(field: str, values: Sequence[Any]) -> bool:
    """Whether most values can be what an item's field needs."""
    readers = {"price": amount, "in_stock": in_stock}
    if field not in readers or not values:
        return fits("text", values) if field in {"description", "name"} else True
    return sum(_is_read(readers[field], value) for value in values) * 2 > len(values)


def _is_read(reader: Any, value: Any) -> bool:
    try:
        reader(value)
    except DataError:
        return False
    return True


def _rows(path: Path, sample: Sample) -> Iterator[tuple[Sequence[int], Sequence[Mapping[str, Any]], list[BadRow]]]:
    if sample.kind == "json":
        yield from json_rows(path)
        return
    for batch in parquet_batches(path) if sample.kind == "parquet" else table_batches(path, sample):
        rows = [] if batch.frame is None else batch.frame.drop("line").to_dicts()
        lines = [] if batch.frame is None else batch.frame["line"].to_list()
        yield lines, rows, list(batch.bad)


def _batch(
    lines: Sequence[int],
    rows: Sequence[Mapping[str, Any]],
    bad: list[BadRow],
    options: Options,
    attributes: Mapping[str, str],
) -> Batch:
    payloads = []
    for line, row in zip(lines, rows, strict=True):
        try:
            payloads.append((line, item_payload(row, options, attributes)))
        except DataError as error:
            bad.append(BadRow(line, str(error), {name: value for name, value in row.items() if value is not None}))
    return Batch(payloads=tuple(payloads), bad=tuple(bad))

"""Which column of a file is which field: from the header in English or Chinese, and from the values."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from huaxiang.collect.clock import read_moment
from huaxiang.collect.importers.base import Sample
from huaxiang.errors import DataError, UnknownNameError
from huaxiang.types import EVENT_NAMES

_NAMES: Final[Mapping[str, str]] = {
    "event_id": "eventid messageid insertid 事件id 事件编号 流水号",
    "event": "event eventname eventtype action behavior behaviour behaviortype type activity "
    "事件 事件名 行为 行为类型 动作 操作",
    "user_id": "userid user uid customerid customer custid clientid client buyerid buyer memberid member shopperid "
    "visitorid reviewerid username accountid 用户 用户id 用户编号 用户名 客户 客户id 客户编号 "
    "会员 会员id 会员编号 会员号 买家 买家id 顾客 顾客id",
    "anonymous_id": "anonymousid deviceid cookieid clientuuid 设备 设备id 匿名id 访客id 访客",
    "session_id": "sessionid session visitid orderid order invoiceno invoice basketid transactionid "
    "会话 会话id 订单 订单号 订单id 订单编号",
    "item_id": "itemid item productid product sku skuid asin asins goodsid articleid spuid stockcode contentid movieid "
    "商品 商品id 商品编号 货号 货品 产品 产品id 产品编号 宝贝 宝贝id 商品编码",
    "timestamp": "timestamp time datetime date eventtime eventtimestamp createdat created occurredat orderdate "
    "invoicedate purchasedate unixtime ts unixreviewtime "
    "时间 时间戳 日期 下单时间 购买时间 创建时间 发生时间 订单时间 付款时间 评论时间",
    "value": "value amount total revenue totalprice sales 金额 总价 总金额 实付 实付金额 销售额 支付金额",
    "currency": "currency currencycode 币种 货币",
    "quantity": "quantity qty count units pieces 数量 件数 购买数量",
    "price": "price unitprice 价格 单价 售价",
    "rating": "rating stars star score overall 评分 星级 打分",
    "text": "text reviewtext review comment content body message 评论 评论内容 内容 评价 评价内容 留言 正文",
    "query": "query searchquery searchterm keyword keywords 搜索词 查询 关键词 检索词",
    "query_id": "queryid",
    "request_id": "requestid",
    "position": "position rank 位置",
    "items": "items",
    "properties": "properties",
    "experiment": "experiment variant 实验",
    "tenant": "tenant",
}
_LOOKUP: Final = {name: (field, at) for field, names in _NAMES.items() for at, name in enumerate(names.split())}
_NUMERIC: Final = frozenset({"value", "quantity", "price", "rating", "position"})


@dataclass(frozen=True, slots=True)
class Guess:
    """Canonical field to column, with why, and the columns that become properties."""

    columns: Mapping[str, str]
    why: Mapping[str, str]
    others: tuple[str, ...]


def guess_columns(sample: Sample, given: Mapping[str, str], *, event: str | None = None) -> Guess:
    """The columns of a file's beginning; what is given wins.

    A column is taken for a field by its name where its values can be what the field needs; a time also by its values
    alone. `event` as default makes a column of other values than event names a property.

    Raises:
        UnknownNameError: a given field or column does not exist.
        DataError: no time, or neither a kind of event nor a default, or nobody.
    """
    _check_given(sample, given)
    columns, why = dict(given), dict.fromkeys(given, "given")
    ranked: dict[str, list[tuple[int, str]]] = {}
    for column in sample.columns:
        field, priority = _named(column)
        if field is not None and field not in columns and column not in given.values():
            ranked.setdefault(field, []).append((priority, column))
    for field, candidates in ranked.items():
        for _, column in sorted(candidates):
            if column == field or _fits(field, _values(sample, column)):
                columns[field], why[field] = column, "by its name and values"
                break
    if "timestamp" not in columns:
        for column in sample.columns:
            if column not in columns.values() and _is_time(_values(sample, column)):
                columns["timestamp"], why["timestamp"] = column, "by its values"
                break
    _check_enough(sample, columns, event)
    others = tuple(column for column in sample.columns if column not in columns.values())
    return Guess(columns, why, others)


def _check_given(sample: Sample, given: Mapping[str, str]) -> None:
    for field, column in given.items():
        if field not in _NAMES:
            raise UnknownNameError("field", field, _NAMES)
        if column not in sample.columns:
            raise UnknownNameError("column", column, sample.columns)


def _check_enough(sample: Sample, columns: Mapping[str, str], event: str | None) -> None:
    shown = ", ".join(sample.columns)
    if "timestamp" not in columns:
        raise DataError(f"no column holds the time of events; name it with --map timestamp=COLUMN (columns: {shown})")
    if "event" not in columns and event is None:
        raise DataError(f"no column names the kind of event; give --event purchase, or --map event=COLUMN ({shown})")
    if not {"user_id", "anonymous_id", "session_id"} & set(columns) and not _known_kinds(sample, columns, event):
        raise DataError(f"no column says who; name it with --map user_id=COLUMN (columns: {shown})")


def _known_kinds(sample: Sample, columns: Mapping[str, str], event: str | None) -> bool:
    """Whether the rows may be of kinds that need nobody, such as items."""
    kinds = {event} if event is not None else set(_values(sample, columns["event"]))
    return bool(kinds & {"set_item", "delete_item", "post"})


def _named(column: str) -> tuple[str | None, int]:
    """The field that a header names, and how far down its list of names: first the whole, then the part after a dot."""
    for shift, name in ((0, column), (50, re.split(r"[./]", column)[-1])):
        plain = re.sub(r"[\W_]+", "", name.lower())
        if plain in _LOOKUP:
            field, at = _LOOKUP[plain]
            return field, at + shift
    return None, 0


def _values(sample: Sample, column: str) -> list[Any]:
    return [value for row in sample.rows if (value := row.get(column)) is not None and value != ""]


def _fits(field: str, values: Sequence[Any]) -> bool:
    if not values:
        return True
    if field == "timestamp":
        return _is_time(values)
    if field == "event":
        return _share(values, lambda value: value in EVENT_NAMES) > 0.5
    if field in _NUMERIC:
        return _share(values, _is_number) > 0.5
    if field == "text":
        return _share(values, lambda value: isinstance(value, str) and not _is_number(value)) > 0.5
    return True


def _is_time(values: Sequence[Any]) -> bool:
    """Whether most values are moments, bare numbers only from 2000 on: a count is no time."""
    return len(values) > 0 and _share(values, _is_moment) > 0.5


def _is_moment(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    moment = read_moment(value, UTC, True) or read_moment(value, UTC, False)
    return moment is not None and (not _is_number(value) or datetime(2000, 1, 1, tzinfo=UTC) <= moment)


def _is_number(value: Any) -> bool:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return True
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return isinstance(value, str)


def _share(values: Sequence[Any], test: Any) -> float:
    return sum(1 for value in values if test(value)) / len(values)

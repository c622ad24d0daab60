"""Headers of files: which field a column's name means, in English or Chinese, and whether its values can be that."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from huaxiang.collect.clock import read_moment
from huaxiang.collect.importers.base import Sample
from huaxiang.errors import UnknownNameError, listed
from huaxiang.types import EVENT_NAMES

EVENT_FIELDS: Final[Mapping[str, str]] = {
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
"""Canonical field of an event to the names it goes by, the surest first; lower case, without signs."""

Lookup: TypeAlias = Mapping[str, tuple[str, int]]
Fit: TypeAlias = Callable[[str, Sequence[Any]], bool]
"""Whether values, none of them empty, can be what a field needs."""

_TYPED: Final = re.compile(r":(?:token|token_seq|float|float_seq)$")
"""How RecBole's atomic files type their columns."""
_NUMERIC: Final = frozenset({"value", "quantity", "price", "rating", "position"})
_MOST_SHOWN: Final = 12


def lookup_of(names: Mapping[str, str]) -> Lookup:
    """Each name to its field and its place in the field's list."""
    return {name: (field, at) for field, known in names.items() for at, name in enumerate(known.split())}


EVENT_LOOKUP: Final = lookup_of(EVENT_FIELDS)


def untyped(column: str) -> str:
    """A column's name without RecBole's type: `item_id:token` is `item_id`."""
    return _TYPED.sub("", column) or column


def named(column: str, lookup: Lookup) -> tuple[str | None, int]:
    """The field that a header names, and how far down its list of names: first the whole, then the part after a dot."""
    column = untyped(column)
    for shift, name in ((0, column), (50, re.split(r"[./]", column)[-1])):
        plain = re.sub(r"[\W_]+", "", name.lower())
        if plain in lookup:
            field, at = lookup[plain]
            return field, at + shift
    return None, 0


def by_name(sample: Sample, given: Mapping[str, str], lookup: Lookup, *, fit: Fit | None = None) -> dict[str, str]:
    """Field to column for what names and values tell; given columns and fields are left alone."""
    fit = fit or fits
    ranked: dict[str, list[tuple[int, str]]] = {}
    for column in sample.columns:
        field, priority = named(column, lookup)
        if field is not None and field not in given and column not in given.values():
            ranked.setdefault(field, []).append((priority, column))
    found: dict[str, str] = {}
    for field, candidates in ranked.items():
        for _, column in sorted(candidates):
            if untyped(column) == field or fit(field, values_of(sample, column)):
                found[field] = column
                break
    return found


def check_given(sample: Sample, given: Mapping[str, str], fields: Mapping[str, str]) -> None:
    """Refuse a mapping of a field or from a column that there is not."""
    for field, column in given.items():
        if field not in fields:
            raise UnknownNameError("field", field, fields)
        if column not in sample.columns:
            raise UnknownNameError("column", column, sample.columns, most=_MOST_SHOWN)


def shown_columns(sample: Sample) -> str:
    """The columns of a file, for an error."""
    return listed(sample.columns, _MOST_SHOWN)


def values_of(sample: Sample, column: str) -> list[Any]:
    """What a column holds in the file's beginning, empty values left out."""
    return [value for row in sample.rows if (value := row.get(column)) is not None and value != ""]


def fits(field: str, values: Sequence[Any]) -> bool:
    """Whether most values can be what a field needs; a column without values can."""
    if not values:
        return True
    if field == "timestamp":
        return is_time(values)
    if field == "event":
        return _share(values, lambda value: value in EVENT_NAMES) > 0.5
    if field in _NUMERIC:
        return _share(values, _is_number) > 0.5
    if field == "text":
        return _share(values, lambda value: isinstance(value, str) and not _is_number(value)) > 0.5
    return True


def is_time(values: Sequence[Any]) -> bool:
    """Whether most values are moments, bare numbers only from 2000 on: a count is no time."""
    return len(values) > 0 and _share(values, _is_moment) > 0.5


def has_times(sample: Sample) -> bool:
    """Whether any column's values are moments, whatever it is called."""
    return any(is_time(values_of(sample, column)) for column in sample.columns)


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


def _share(values: Sequence[Any], test: Callable[[Any], bool]) -> float:
    return sum(1 for value in values if test(value)) / len(values)

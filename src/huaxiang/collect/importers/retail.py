"""Invoice lines, as UCI Online Retail publishes them: Parquet, or CSV."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import polars as pl

from huaxiang.collect.clock import read_moment
from huaxiang.collect.importers.base import BadRow, Batch, Options, Sample
from huaxiang.collect.importers.delimited import table_batches
from huaxiang.collect.importers.parquet import parquet_batches

_NAMES: Final = {
    "invoice": "session_id",
    "invoiceno": "session_id",
    "stockcode": "code",
    "description": "description",
    "quantity": "pieces",
    "invoicedate": "timestamp",
    "unitprice": "price",
    "price": "price",
    "customerid": "user_id",
    "country": "country",
}
_NEEDED: Final = frozenset({"session_id", "code", "pieces", "timestamp", "price"})


class OnlineRetail:
    """One event per invoice line: a purchase, or a refund if the invoice is cancelled; the invoice is the session."""

    name = "online-retail"
    guesses = False
    clock = "zone"

    def matches(self, sample: Sample) -> bool:
        """Whether the columns are an invoice's: number, stock code, quantity, date, price."""
        return sample.kind in {"parquet", "table"} and set(_renaming(sample.columns).values()) >= _NEEDED

    def batches(self, path: Path, sample: Sample, options: Options) -> Iterator[Batch]:
        """Purchases, refunds and, where a description is new, items."""
        seen: Counter[int] = Counter()
        named: dict[str, str] = {}
        tables = parquet_batches(path) if sample.kind == "parquet" else table_batches(path, sample)
        for table in tables:
            if table.frame is None:
                yield table
                continue
            yield _lines(table.frame.rename(_renaming(sample.columns)), table.bad, seen, named, options)

    def notes(self, _: Options) -> tuple[str, ...]:
        """How lines that are no plain purchase were taken."""
        return (
            "cancelled invoices are refunds; lines without a customer belong to their invoice as an anonymous session",
            "stock codes without a digit (postage, fees) name no item: the code is kept as charge",
            "negative quantities outside a cancellation are stock corrections and go to quarantine",
            "identical lines of an invoice are different purchases and are numbered",
        )


def _renaming(columns: tuple[str, ...]) -> dict[str, str]:
    plain = {column: "".join(sign for sign in column.lower() if sign.isalnum()) for column in columns}
    return {column: _NAMES[name] for column, name in plain.items() if name in _NAMES}


def _lines(
    rows: pl.DataFrame, bad: tuple[BadRow, ...], seen: Counter[int], named: dict[str, str], options: Options
) -> Batch:
    pieces = pl.col("pieces").cast(pl.Float64, strict=False)
    price = pl.col("price").cast(pl.Float64, strict=False)
    invoice = pl.col("session_id").cast(pl.String)
    typed = rows.with_columns(
        invoice,
        _code().alias("code"),
        pieces.alias("n"),
        price.alias("unit"),
        invoice.str.to_uppercase().str.starts_with("C").fill_null(False).alias("cancelled"),
    )
    faults = typed.select(_fault().alias("fault"))["fault"]
    kept = typed.filter(faults.is_null())
    refused = rows.with_columns(faults.alias("fault")).filter(faults.is_not_null())
    broken = [_bad(row) for row in refused.iter_rows(named=True)]
    return Batch(_events(kept, seen), bad=(*bad, *broken), derived=tuple(_items(kept, named, options)))


def _code() -> pl.Expr:
    return pl.col("code").cast(pl.String).str.strip_chars()


def _bad(row: dict[str, Any]) -> BadRow:
    raw = {name: value for name, value in row.items() if name not in {"line", "fault"}}
    return BadRow(row["line"], row["fault"], raw)


def _fault() -> pl.Expr:
    """Why a line is no event of a customer, null where it is one."""
    n, unit = pl.col("n"), pl.col("unit")
    return (
        pl.when(n.is_null() | ~n.is_finite() | (n == 0))
        .then(pl.lit("quantity is missing, zero or no number; give the pieces of the line"))
        .when(unit.is_null() | ~unit.is_finite() | (unit < 0))
        .then(pl.lit("price is missing, negative or no number; an adjustment of the books is no event of a customer"))
        .when(pl.col("code").is_null() | (pl.col("code") == ""))
        .then(pl.lit("stock code is missing; say what was sold"))
        .when((n < 0) & ~pl.col("cancelled"))
        .then(pl.lit("negative quantity outside a cancelled invoice; a stock correction is no event of a customer"))
    )


def _events(kept: pl.DataFrame, seen: Counter[int]) -> pl.DataFrame | None:
    if kept.is_empty():
        return None
    product = pl.col("code").str.contains(r"\d")
    others = [name for name in ("country",) if name in kept.columns]
    user = [pl.col("user_id")] if "user_id" in kept.columns else []
    frame = kept.select(
        "line",
        *user,
        "session_id",
        pl.when("cancelled").then(pl.lit("refund")).otherwise(pl.lit("purchase")).alias("event"),
        pl.when(product).then("code").alias("item_id"),
        "timestamp",
        (pl.col("n").abs() * pl.col("unit")).round(6).alias("value"),
        pl.col("n").abs().alias("quantity"),
        pl.col("unit").alias("price"),
        pl.when(~product).then("code").alias("charge"),
        *others,
    )
    return frame.with_columns(pl.Series("occurrence", _occurrences(frame, seen), dtype=pl.String))


def _occurrences(frame: pl.DataFrame, seen: Counter[int]) -> list[str | None]:
    """The number of a line among its identical ones, in file order; null for the first. About 100 bytes a line."""
    found: list[str | None] = []
    for content in frame.select(pl.struct(pl.exclude("line")).hash()).to_series():
        n = seen[content]
        seen[content] = n + 1
        found.append(str(n) if n else None)
    return found


def _items(kept: pl.DataFrame, named: dict[str, str], options: Options) -> Iterator[dict[str, Any]]:
    """A `set_item` at the first sale under each new description of a stock code."""
    if "description" not in kept.columns:
        return
    sold = kept.filter(~pl.col("cancelled") & (pl.col("unit") > 0) & pl.col("code").str.contains(r"\d")).with_columns(
        pl.col("description").cast(pl.String).str.strip_chars()
    )
    first = sold.filter(pl.col("description").str.len_chars() > 0).unique(
        ["code", "description"], keep="first", maintain_order=True
    )
    for code, description, price, at in first.select("code", "description", "unit", "timestamp").iter_rows():
        if named.get(code) != description:
            named[code] = description
            properties = {"name": description, "price": price}
            moment = read_moment(at, options.timezone, options.day_first)
            yield {"event": "set_item", "item_id": code, "timestamp": moment, "properties": properties}

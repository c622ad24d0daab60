"""Titles, queries and judgements of Home Depot, as the benchmarks of search read them."""

import csv
import gzip
from collections.abc import Iterator

from benchmarks.classify import data_root


def rows() -> Iterator[dict[str, str]]:
    """A query with a product and how well it answers, 1 to 3."""
    path = data_root() / "home_depot_relevance" / "train_80pct_queries.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def products() -> dict[str, str]:
    """Titles by product, in the order of the file."""
    return {row["product_uid"]: row["product_title"] for row in rows()}


def titles() -> list[str]:
    """Distinct titles, in the order of the file."""
    return list(dict.fromkeys(products().values()))


def queries() -> list[str]:
    """Distinct queries, in the order of the alphabet."""
    return sorted({row["search_term"] for row in rows()})

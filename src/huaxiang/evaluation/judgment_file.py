"""Files of search judgments, gzip or plain, as others hand them over: how relevant a product is to a query.

Legend: N judged pairs, Q queries, M different products.
"""

import csv
import gzip
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.errors import DataError, listed
from huaxiang.evaluation.text_file import GZIP, reading

_NAMES: Final = {
    "query": ("query", "search_term", "search_query", "query_text", "keyword", "keywords", "q"),
    "product_title": ("product_title", "title", "product_name", "item_name", "name"),
    "relevance": ("relevance", "relevance_score", "grade", "rating", "gain", "label", "median_relevance"),
    "product_id": ("product_id", "product_uid", "item_id", "doc_id", "docid", "sku", "asin"),
    "product_description": ("product_description", "description", "item_description"),
}
"""Names that a column may have, the first that is there counts; blanks and case do not."""
_NEEDED: Final = ("query", "product_title", "relevance")
_HIGHEST: Final = 100.0
"""Grade above which a gain of 2^g would leave no room for any other."""
_LONGEST_CELL: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Product:
    """What is judged. Two rows of one title and description are one product."""

    title: str
    description: str = ""

    @property
    def text(self) -> str:
        """Both, title first."""
        return f"{self.title}. {self.description}" if self.description else self.title


@dataclass(frozen=True)
class Judgments:
    """Judged pairs in the order of the file.

    Attributes:
        queries: shape (Q,), in order of first appearance. products: shape (M,), likewise.
        query_N, product_N: index of each pair's query and product.
        columns: what each column of the contract is called in the file.
    """

    queries: tuple[str, ...]
    products: tuple[Product, ...]
    query_N: NDArray[np.int64]
    product_N: NDArray[np.int64]
    grades_N: NDArray[np.float64]
    columns: dict[str, str]

    def __len__(self) -> int:
        return len(self.grades_N)

    @cached_property
    def rows_Q(self) -> tuple[NDArray[np.int64], ...]:
        """Pairs of each query."""
        order_N = np.argsort(self.query_N, kind="stable")
        return tuple(np.split(order_N, np.cumsum(np.bincount(self.query_N, minlength=len(self.queries)))[:-1]))

    def without(self, queries: Sequence[int]) -> "Judgments":
        """The same without some queries, and without products that only those named."""
        kept_Q = np.setdiff1d(np.arange(len(self.queries)), queries)
        kept_N = np.isin(self.query_N, kept_Q)
        place_Q = np.searchsorted(kept_Q, self.query_N[kept_N])
        kept_M = np.unique(self.product_N[kept_N])
        return Judgments(
            tuple(self.queries[at] for at in kept_Q.tolist()),
            tuple(self.products[at] for at in kept_M.tolist()),
            place_Q,
            np.searchsorted(kept_M, self.product_N[kept_N]),
            self.grades_N[kept_N],
            self.columns,
        )

    def followed_by(self, other: "Judgments") -> "Judgments":
        """These pairs and then the other's; a product of both is one, a query of both stays two."""
        place: dict[Product, int] = {}
        for product in (*self.products, *other.products):
            place.setdefault(product, len(place))
        moved_M = np.array([place[product] for product in other.products], np.int64)
        return Judgments(
            (*self.queries, *other.queries),
            tuple(place),
            np.concatenate([self.query_N, other.query_N + len(self.queries)]),
            np.concatenate([self.product_N, moved_M[other.product_N]]),
            np.concatenate([self.grades_N, other.grades_N]),
            self.columns,
        )


def read_judgments(path: Path) -> Judgments:
    """Read a CSV with a header: query, product_title, relevance, optionally product_id and product_description.

    Columns are known by other usual names too, see `_NAMES`; others are ignored. Rows of one query need not stand
    together; a pair that is judged twice counts twice.

    Raises:
        DataError: no such file, no header with these columns, no row, a row without a query, or a grade that is no
            number up to 100; with the line.
    """
    rows = _cells(path)
    header = next(rows, None)
    if header is None:
        raise DataError(f"{path.name} is empty; give a CSV with a header: {', '.join(_NEEDED)}")
    columns = _columns(path, header[1])
    place = {name: header[1].index(said) for name, said in columns.items()}
    queries: dict[str, int] = {}
    products: dict[Product, int] = {}
    found: list[tuple[int, int, float]] = []
    for line, cells in rows:
        query, title, grade, description = (
            cells[place[name]] if name in place and place[name] < len(cells) else ""
            for name in (*_NEEDED, "product_description")
        )
        if not query.strip():
            raise DataError(f"{path.name}, line {line}: the query in column {columns['query']!r} is empty; name one")
        product = Product(title.strip(), description.strip())
        found.append(
            (
                queries.setdefault(query, len(queries)),
                products.setdefault(product, len(products)),
                _grade(path, line, columns["relevance"], grade),
            )
        )
    if not found:
        raise DataError(f"{path.name} has a header and no row; give at least one judged pair")
    query_N, product_N, grades_N = (np.array(column) for column in zip(*found, strict=True))
    return Judgments(tuple(queries), tuple(products), query_N, product_N, grades_N.astype(np.float64), columns)


def _columns(path: Path, header: Sequence[str]) -> dict[str, str]:
    known = {name.strip().lower().replace(" ", "_").replace("-", "_"): name for name in reversed(header)}
    found = {
        wanted: known[next(name for name in names if name in known)]
        for wanted, names in _NAMES.items()
        if any(name in known for name in names)
    }
    missing = [name for name in _NEEDED if name not in found]
    if missing:
        also = "; ".join(f"{name} may be called {', '.join(_NAMES[name][1:4])}" for name in missing)
        raise DataError(
            f"{path.name} has no column {' and no column '.join(missing)}; it has: {listed(list(header)) or 'none'}; "
            f"{also}"
        )
    return found


def _grade(path: Path, line: int, column: str, said: str) -> float:
    try:
        grade = float(said)
    except ValueError:
        grade = math.nan
    if not abs(grade) <= _HIGHEST:
        raise DataError(
            f"{path.name}, line {line}: {said!r} in column {column!r} is no grade; give a number from -100 to 100, "
            "higher is better"
        )
    return grade


def _cells(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Lines of the file by their numbers, blank ones left out."""
    csv.field_size_limit(_LONGEST_CELL)
    reader = csv.reader(io.StringIO(_text(path), newline=""))
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield reader.line_num, cells
    except csv.Error as error:
        raise DataError(f"{path.name}, line {reader.line_num}: {error}; save the file again as CSV in UTF-8") from error


def _text(path: Path) -> str:
    with reading(path, "a CSV"):
        raw = path.read_bytes()
        return (gzip.decompress(raw) if raw[:2] == GZIP else raw).decode("utf-8-sig")

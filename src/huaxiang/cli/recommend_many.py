"""`recommend` for many people at once: into a file that is there whole or not at all."""

import csv
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from huaxiang.encoder.writing import writing
from huaxiang.errors import ConfigError, DataError
from huaxiang.types import Ranked, UserId

if TYPE_CHECKING:
    from huaxiang.shop import Shop

COLUMNS: Final = ("user_id", "rank", "item_id", "score")
_AT_ONCE: Final = 1_000

Write = Callable[[Sequence[UserId], Sequence[Ranked]], None]


def write_many(shop: "Shop", users: Sequence[UserId], out: Path, *, k: int, now: datetime) -> None:
    """Recommend to users, with a progress bar.

    Args:
        out: `.jsonl` has a line for each person, `.csv` and `.parquet` a row for each item.
    """
    from threadpoolctl import threadpool_limits

    from huaxiang.cli.progress import bar

    pipeline = shop.pipeline
    with threadpool_limits(1, "blas"), _written(out) as write, bar() as advance:
        for start in range(0, len(users), _AT_ONCE):
            block = users[start : start + _AT_ONCE]
            write(block, pipeline.recommend(block, now=now, k=k))
            advance("recommending", start + len(block), len(users), 0.0)


def users_of(path: Path) -> list[UserId]:
    """The user ids of a file, one on each line; blank lines are passed over.

    Raises:
        DataError: no UTF-8, or nobody in it.
    """
    try:
        found = [line.strip() for line in path.read_text("utf-8-sig").splitlines()]
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is no UTF-8 text; give a file with one user id on each line") from error
    users = [user for user in found if user]
    if not users:
        raise DataError(f"{path} names nobody; give a file with one user id on each line")
    return users


def check_out(out: Path | None) -> Path:
    """Refuse a file that could not be written, before the work.

    Raises:
        ConfigError: there is none, or its ending is unknown.
    """
    if out is None:
        raise ConfigError("recommending to many people needs a file to write; give --out FILE.jsonl, .csv or .parquet")
    if out.suffix not in _WRITERS:
        raise ConfigError(f"{out} ends in {out.suffix or 'nothing'}; give a name that ends in {', '.join(_WRITERS)}")
    return out


@contextmanager
def _written(out: Path) -> Iterator[Write]:
    """Writes beside the file, and puts it in place at the end."""
    with writing(out), tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as folder:
        part = Path(folder) / out.name
        with _WRITERS[out.suffix](part) as write:
            yield write
        part.replace(out)


def _rows(users: Sequence[UserId], pages: Sequence[Ranked]) -> Iterator[tuple[UserId, int, str, float]]:
    for user, ranked in zip(users, pages, strict=True):
        for rank, (item, score) in enumerate(zip(ranked.item_ids, ranked.scores.tolist(), strict=True), 1):
            yield user, rank, item, round(score, 6)


@contextmanager
def _jsonl(path: Path) -> Iterator[Write]:
    with path.open("w", encoding="utf-8") as file:

        def write(users: Sequence[UserId], pages: Sequence[Ranked]) -> None:
            for user, ranked in zip(users, pages, strict=True):
                scored = zip(ranked.item_ids, ranked.scores.tolist(), strict=True)
                items = [{"item_id": item, "score": round(score, 6)} for item, score in scored]
                file.write(json.dumps({"user_id": user, "items": items}, ensure_ascii=False) + "\n")

        yield write


@contextmanager
def _csv(path: Path) -> Iterator[Write]:
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        yield lambda users, pages: rows.writerows(_rows(users, pages))


@contextmanager
def _parquet(path: Path) -> Iterator[Write]:
    import pyarrow as pa
    from pyarrow import parquet

    kinds: tuple[Any, ...] = (pa.string(), pa.int32(), pa.string(), pa.float32())
    schema = pa.schema(list(zip(COLUMNS, kinds, strict=True)))
    with parquet.ParquetWriter(path, schema) as file:

        def write(users: Sequence[UserId], pages: Sequence[Ranked]) -> None:
            rows = list(_rows(users, pages))
            columns = zip(*rows, strict=True) if rows else [()] * len(COLUMNS)
            arrays = [pa.array(values, kind) for values, kind in zip(columns, kinds, strict=True)]
            file.write_table(pa.table(arrays, schema=schema))

        yield write


_WRITERS: Final = {".jsonl": _jsonl, ".csv": _csv, ".parquet": _parquet}

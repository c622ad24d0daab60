"""`recommend` for many people at once: into a file that is there whole or not at all."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from huaxiang.cli.row_file import check_ending, rows_in, whole
from huaxiang.errors import ConfigError
from huaxiang.types import Ranked, UserId

if TYPE_CHECKING:
    from huaxiang.shop import Shop

COLUMNS: Final = {"user_id": "string", "rank": "int32", "item_id": "string", "score": "float32"}
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
    with threadpool_limits(1, "blas"), whole(out, _pages_in(out.suffix)) as write, bar() as advance:
        for start in range(0, len(users), _AT_ONCE):
            block = users[start : start + _AT_ONCE]
            write(block, pipeline.recommend([shop.gate.stored_id(user) for user in block], now=now, k=k))
            advance("recommending", start + len(block), len(users), 0.0)


def check_out(out: Path | None) -> Path:
    """Refuse a file that could not be written, before the work.

    Raises:
        ConfigError: there is none, or its ending is unknown.
    """
    if out is None:
        raise ConfigError("recommending to many people needs a file to write; give --out FILE.jsonl, .csv or .parquet")
    check_ending(out)
    return out


def _pages_in(suffix: str) -> Callable[[Path], AbstractContextManager[Write]]:
    return _lines if suffix == ".jsonl" else lambda path: _table(path, suffix)


@contextmanager
def _lines(path: Path) -> Iterator[Write]:
    with path.open("w", encoding="utf-8") as file:

        def write(users: Sequence[UserId], pages: Sequence[Ranked]) -> None:
            for user, ranked in zip(users, pages, strict=True):
                scored = zip(ranked.item_ids, ranked.scores.tolist(), strict=True)
                items = [{"item_id": item, "score": round(score, 6)} for item, score in scored]
                file.write(json.dumps({"user_id": user, "items": items}, ensure_ascii=False) + "\n")

        yield write


@contextmanager
def _table(path: Path, suffix: str) -> Iterator[Write]:
    with rows_in(suffix, COLUMNS)(path) as write:
        yield lambda users, pages: write(list(_rows(users, pages)))


def _rows(users: Sequence[UserId], pages: Sequence[Ranked]) -> Iterator[tuple[UserId, int, str, float]]:
    for user, ranked in zip(users, pages, strict=True):
        for rank, (item, score) in enumerate(zip(ranked.item_ids, ranked.scores.tolist(), strict=True), 1):
            yield user, rank, item, round(score, 6)

"""Plain sequences: on each line a user and the ids of items in time order, separated by blanks."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final

import polars as pl

from huaxiang.collect.clock import MOMENT
from huaxiang.collect.importers.base import BadRow, Batch, Options, Sample
from huaxiang.collect.importers.files import Block, line_blocks

_MINUTE: Final = timedelta(minutes=1)


class Sequences:
    """Order without time: each sequence ends at the same stated moment, its events a minute apart."""

    name = "sequences"
    guesses = False

    def matches(self, sample: Sample) -> bool:
        """Whether lines are words that no header cuts into columns."""
        return sample.kind == "words"

    def batches(self, path: Path, _: Sample, options: Options) -> Iterator[Batch]:
        """One row for each item of each line."""
        for block in line_blocks(path):
            yield _batch(block, options)

    def notes(self, options: Options) -> tuple[str, ...]:
        """Times are made up, and so is the kind of event where none was named."""
        return (
            "this format has an order and no times: events were set one minute apart, each sequence ending at "
            f"{options.ending.isoformat()}",
            f"each item of a line is one row, taken as {options.event or 'view_item'}",
        )


def _batch(block: Block, options: Options) -> Batch:
    lines: list[int] = []
    users: list[str] = []
    items: list[str] = []
    steps: list[int] = []
    bad: list[BadRow] = []
    texts = block.data.splitlines()
    if block.cut is not None:
        texts, last = (texts, b"") if block.data[-1:] in (b"\n", b"\r", b"") else (texts[:-1], texts[-1])
        bad.append(BadRow(block.first_line + len(texts), block.cut, last.decode("utf-8", "replace")))
    for line, text in enumerate(texts, block.first_line):
        try:
            words = text.decode().split()
        except UnicodeDecodeError:
            bad.append(BadRow(line, "broken UTF-8; save the file as UTF-8", text.decode("utf-8", "replace")))
            continue
        if len(words) == 1:
            bad.append(BadRow(line, "a user without items; write the user, then items in time order", words[0]))
        n = max(len(words) - 1, 0)
        lines += [line] * n
        users += words[:1] * n
        items += words[1:]
        steps += range(n - 1, -1, -1)
    frame = pl.DataFrame(
        {"line": lines, "user_id": users, "item_id": items, "step": steps},
        schema={"line": pl.Int64, "user_id": pl.String, "item_id": pl.String, "step": pl.Int64},
    )
    times = (pl.lit(options.ending).cast(MOMENT) - pl.col("step") * _MINUTE).alias("timestamp")
    event = pl.lit(options.event or "view_item").alias("event")
    return Batch(frame.select("line", event, "user_id", "item_id", times) if lines else None, bad=tuple(bad))

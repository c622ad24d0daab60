"""Plain sequences: on each line a user and the ids of items in time order, separated by blanks."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Final

import polars as pl

from huaxiang.collect.clock import MOMENT
from huaxiang.collect.importers.base import BadRow, Batch, Options, Sample
from huaxiang.collect.importers.files import Block, line_blocks

SPAN: Final = timedelta(days=10)
"""Made-up time that every sequence is spread over, however long it is: its last tenth is the last tenth of the log.

Ten days did better than thirty, a hundred or a year: what serving forgets by the calendar hardly tells the eve of the
held-out part from the end of the log, and steps still are no single visit.
"""


class Sequences:
    """Order without time: each sequence is spread evenly over the same days, and ends at the same stated moment.

    Training holds out the last tenth of the log's time. Spread so, that is the last tenth of each person's own sequence
    and at least its last item; at equal steps it would be the whole of nearly everybody's.
    """

    name = "sequences"
    guesses = False
    clock = "none"

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
            f"each item of a line is one row, taken as {options.event or 'view_item'}",
            "there is an order here and no time: each sequence is spread evenly over the "
            f"{SPAN.days} days before {options.ending:%Y-%m-%d %H:%M} UTC",
            "held-out figures are about the last tenth of each sequence, not about a later time",
        )


def _batch(block: Block, options: Options) -> Batch:
    lines: list[int] = []
    users: list[str] = []
    items: list[str] = []
    ages: list[float] = []
    ids: list[str] = []
    bad: list[BadRow] = []
    event = options.event or "view_item"
    for line, words in _lines(block, bad):
        user, *named = words
        if not named:
            bad.append(BadRow(line, "a user without items; write the user, then items in time order", user))
        n = len(named)
        lines += [line] * n
        users += [user] * n
        items += named
        ages += _ages(n)
        ids += _ids(event, user, named)
    columns = {"line": lines, "user_id": users, "item_id": items, "event_id": ids, "age": ages}
    frame = pl.DataFrame(columns, schema_overrides={"line": pl.Int64, "age": pl.Float64})
    micros = (pl.col("age") * (SPAN / timedelta(microseconds=1))).round().cast(pl.Int64)
    times = (pl.lit(options.ending).cast(MOMENT) - pl.duration(microseconds=micros)).cast(MOMENT).alias("timestamp")
    named_event = pl.lit(event).alias("event")
    chosen = frame.select("line", named_event, "user_id", "item_id", "event_id", times) if lines else None
    return Batch(chosen, bad=tuple(bad))


def _ages(n: int) -> list[float]:
    """How long before the end each of `n` events lies, as a share of the span; the last one at the end."""
    return [(n - 1 - at) / n for at in range(n)]


def _lines(block: Block, bad: list[BadRow]) -> Iterator[tuple[int, list[str]]]:
    """Line number and words of each line that has any."""
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
        if words:
            yield line, words


def _ids(event: str, user: str, items: Sequence[str]) -> list[str]:
    """Ids by place rather than by time: a sequence that grew, with a later ending, adds only what is new at its end."""
    begun = blake2b(f"{event}\x1f{user}".encode(), digest_size=12)
    found = []
    for at, item in enumerate(items):
        content = begun.copy()
        content.update(f"\x1f{at}\x1f{item}".encode())
        found.append("s-" + content.hexdigest())
    return found

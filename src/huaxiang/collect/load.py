"""A file into a store: read, check, read the texts, append; every row is accepted, a duplicate or in quarantine."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any, Final, Protocol, TypeAlias

import numpy as np
import orjson
import polars as pl
import pyarrow as pa

from huaxiang.collect.catalogue import Catalogue
from huaxiang.collect.check import FUTURE, check_event
from huaxiang.collect.clock import MOMENT, day_stands_first
from huaxiang.collect.columns import event_table, split, to_arrow, to_payload
from huaxiang.collect.gate import Gate
from huaxiang.collect.guess import guess
from huaxiang.collect.importers import BadRow, Batch, Format, Options, Sample, find_format, sample_of
from huaxiang.collect.importers.base import Guess
from huaxiang.collect.intake import READ_AT_INTAKE, read_event, read_query, read_text
from huaxiang.collect.last_word import LastWord
from huaxiang.collect.masking import Mask
from huaxiang.collect.quarantine import LEFT_OUT, Quarantine, values_of
from huaxiang.errors import DataError
from huaxiang.store import Appended
from huaxiang.types import EVENT_NAMES, Event

ITEM_CHANGES: Final = frozenset({"set_item", "delete_item"})
"""Kinds whose times are the catalogue's, not the shoppers': they count in no time span."""


class Sink(Protocol):
    """Where checked events go: a store, or what only counts them."""

    def append(self, events: Sequence[Event] | pa.Table) -> Appended:
        """As a store's."""
        ...


@dataclass(frozen=True, slots=True)
class Plan:
    """How a file will be read; to be shown before it is."""

    path: Path
    format: Format
    sample: Sample
    options: Options
    guess: Guess | None

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the report must know."""
        zone = (f"times without a zone are taken in {self.options.timezone}",) if self.format.clock == "zone" else ()
        return (*zone, *self.format.notes(self.options))


@dataclass(slots=True)
class Report:
    """What became of a file. `rows == accepted + duplicates + quarantined + refused` always holds.

    Attributes:
        refused: rows of people who were erased, or denied analytics; they are kept nowhere, quarantine neither.
        derived: events that rows implied (items described in order lines) and that were new.
        converted: rows judged one by one rather than in columns.
        out_of_order: rows earlier than one before them in the file; they were sorted within their part.
        clock_skew: accepted or duplicate rows over a day ahead of the clock.
        reading_seconds: the part of `seconds` that went into reading texts.
    """

    file: str
    format: str
    rows: int = 0
    accepted: int = 0
    duplicates: int = 0
    quarantined: int = 0
    refused: int = 0
    derived: int = 0
    converted: int = 0
    out_of_order: int = 0
    clock_skew: int = 0
    first: datetime | None = None
    last: datetime | None = None
    seconds: float = 0.0
    reading_seconds: float = 0.0
    reasons: Counter[str] = field(default_factory=Counter)
    quarantine: str | None = None
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As figures for `--json`; times in ISO 8601 UTC."""
        said = asdict(self)
        for name in ("first", "last"):
            said[name] = None if said[name] is None else said[name].isoformat()
        return {**said, "reasons": dict(self.reasons.most_common()), "notes": list(self.notes)}


def plan_import(
    path: Path, *, format: str = "auto", columns: Mapping[str, str] | None = None, options: Options | None = None
) -> Plan:
    """Tell the format and the columns of a file from its beginning.

    Args:
        columns: canonical field to column, as `--map` gives them.
        options: event and timezone to use; its columns and order of day and month are found here.

    Raises:
        DataError, UnknownNameError: the file is missing or empty, or what is needed is not in it.
    """
    options = options or Options()
    if options.event is not None and options.event not in EVENT_NAMES:
        raise DataError(f"unknown event {options.event!r}; known: {', '.join(sorted(EVENT_NAMES))}")
    sample = sample_of(path)
    given = columns or {}
    chosen = find_format(format, sample, given=given, event=options.event)
    if given and not chosen.guesses:
        raise DataError(f"the columns of format {chosen.name} are fixed; leave --map out, or give another --format")
    guessed = guess(chosen, sample, given, event=options.event)
    values = [value for row in sample.rows for value in row.values()]
    options = replace(options, columns=guessed.columns if guessed else {}, day_first=day_stands_first(values))
    return Plan(path, chosen, sample, options, guessed)


def load(
    plan: Plan,
    sink: Sink | Gate,
    quarantine: Quarantine,
    *,
    tenant: str = "default",
    now: datetime | None = None,
    catalogue: Catalogue | None = None,
    mask: Mask | None = None,
    progress: Callable[[int], None] | None = None,
) -> Report:
    """Read a file into a sink; the parts that were appended before an error stay, and a second run skips them.

    Args:
        now: the clock that skew is told by; default the machine's.
        catalogue: over the store; with it a row that gives an item back what it had before changes it back.
        mask: hides personal data in texts before they are read; None: texts are kept as they come.
        progress: called with the rows of each part.
    """
    report = Report(plan.path.name, plan.format.name, notes=plan.notes)
    last_word = None if catalogue is None else LastWord(catalogue)
    loading = _Loading(plan.options, sink, quarantine, tenant, now or datetime.now(UTC), report, last_word, mask)
    begun = perf_counter()
    for batch in plan.format.batches(plan.path, plan.sample, plan.options):
        loading.take(batch)
        if progress is not None:
            progress(batch.n_rows)
    loading.finish()
    if plan.format.clock == "none":
        report.out_of_order = 0  # times that the importer made up were never out of order
    report.seconds = perf_counter() - begun
    if report.rows != report.accepted + report.duplicates + report.quarantined + report.refused:
        raise AssertionError(f"rows were lost in {plan.path.name}: {report}")
    report.quarantine = str(quarantine.path) if quarantine.used else None
    return report


_Single: TypeAlias = tuple[int, Mapping[str, Any], Mapping[str, Any]]
"""A row to be judged alone: its line, the payload made of it, and the row itself."""


class _Loading:
    """One run over one file."""

    def __init__(
        self,
        options: Options,
        sink: Sink | Gate,
        quarantine: Quarantine,
        tenant: str,
        now: datetime,
        report: Report,
        last_word: LastWord | None,
        mask: Mask | None,
    ) -> None:
        self._mask = mask
        self._options, self._sink, self._quarantine, self._last_word = options, sink, quarantine, last_word
        self._tenant, self._now, self._report = tenant, now, report
        self._latest = 0

    def take(self, batch: Batch) -> None:
        self._report.rows += batch.n_rows
        for row in batch.bad:
            self._refuse(row)
        if batch.derived:
            self._derive(batch.derived)
        payloads = [(line, payload, payload) for line, payload in batch.payloads]
        if batch.frame is not None:
            payloads += self._take_columns(batch.frame)
        if payloads:
            self._take_payloads(payloads)

    def finish(self) -> None:
        """Say again what is no news to the log and yet the file's last word."""
        if self._last_word is not None and (events := self._last_word.events()):
            n = self._append(events)[1].accepted
            self._report.accepted += n
            self._report.duplicates -= n

    def _append(self, events: Sequence[Event]) -> tuple[Sequence[Event], Appended]:
        """Those that came in, and what the store says of them."""
        if not isinstance(self._sink, Gate):
            return events, self._sink.append(events)
        let = self._sink.append(events)
        self._refused(Counter(let.refused.values()))
        return let.events, let.appended

    def _append_table(self, table: pa.Table) -> Appended:
        if not isinstance(self._sink, Gate):
            return self._sink.append(table)
        appended, reasons = self._sink.append_table(table)
        self._refused(reasons)
        return appended

    def _refused(self, reasons: Counter[str]) -> None:
        self._report.refused += reasons.total()
        self._report.reasons.update(reasons)

    def _refuse(self, row: BadRow) -> None:
        self._report.quarantined += 1
        self._report.reasons[_kind_of(row.reason)] += 1
        if isinstance(self._sink, Gate) and self._sink.names_erased(values_of(row.raw)):
            row = BadRow(row.line, _kind_of(row.reason), LEFT_OUT)
        self._quarantine.keep(row)

    def _take_columns(self, frame: pl.DataFrame) -> list[_Single]:
        """Append what is plainly right; the rest as payloads, with the row as the file has it."""
        default = pl.lit(self._options.event, pl.String)
        event = pl.col("event").fill_null(default) if "event" in frame.columns else default
        frame = frame.with_columns(event.alias("event"))
        right, rest = split(frame, timezone=self._options.timezone, day_first=self._options.day_first)
        if right.height:
            self._count_order(right["timestamp"])
            events = event_table(right)
            self._note_times(events["timestamp"])
            self._count(self._append_table(to_arrow(self._with_readings(self._masked(events)))))
        return [(row["line"], to_payload(row), self._raw(row)) for row in rest.iter_rows(named=True)]

    def _raw(self, row: Mapping[str, Any]) -> dict[str, Any]:
        names, made = self._options.columns, ("line", "moment", "occurrence")
        return {names.get(name, name): value for name, value in row.items() if value is not None and name not in made}

    def _masked(self, events: pl.DataFrame) -> pl.DataFrame:
        if self._mask is None:
            return events
        hidden = {"text": self._mask.text, "query": self._mask.query}
        return events.with_columns(
            pl.Series(name, [None if said is None else hide(said) for said in events[name]], dtype=pl.String)
            for name, hide in hidden.items()
            if name in events.columns
        )

    def _with_readings(self, events: pl.DataFrame) -> pl.DataFrame:
        kinds = set(events["event"].unique())
        if not kinds & (READ_AT_INTAKE | {"search"}):
            return events
        begun = perf_counter()
        names = [name for name in ("text", "rating", "query") if name in events.columns]
        texts = (dict(zip(("event", *names), row, strict=True)) for row in events.select("event", *names).iter_rows())
        readings = pl.Series("reading", [_reading(row) for row in texts], dtype=pl.String)
        self._report.reading_seconds += perf_counter() - begun
        return events.with_columns(readings)

    def _take_payloads(self, payloads: Sequence[_Single]) -> None:
        events: list[Event] = []
        self._report.converted += len(payloads)
        for line, payload, raw in payloads:
            try:
                events.append(self._checked(payload))
            except DataError as error:
                self._refuse(BadRow(line, str(error), raw))
        if not events:
            return
        times = [event.timestamp for event in events if event.event not in ITEM_CHANGES]
        if times:
            self._count_order(pl.Series(times, dtype=MOMENT))
            self._note_times(pl.Series(times, dtype=MOMENT))
        begun = perf_counter()
        events = [read_event(event if self._mask is None else self._mask.event(event)) for event in events]
        self._report.reading_seconds += perf_counter() - begun
        events.sort(key=lambda event: event.timestamp)
        let_in, appended = self._append(events)
        self._count(appended)
        if self._last_word is not None:
            self._last_word.note(let_in, appended)

    def _checked(self, payload: Mapping[str, Any]) -> Event:
        if payload.get("event") is None and self._options.event is not None:
            payload = {**payload, "event": self._options.event}
        return check_event(payload, tenant=self._tenant, timezone=self._options.timezone)

    def _derive(self, payloads: Sequence[Mapping[str, Any]]) -> None:
        events = []
        for payload in payloads:
            try:
                events.append(self._checked(payload))
            except DataError as error:
                self._report.reasons[f"a described item: {_kind_of(str(error))}"] += 1
        if events:
            self._report.derived += self._append(events)[1].accepted

    def _count(self, appended: Appended) -> None:
        self._report.accepted += appended.accepted
        self._report.duplicates += appended.duplicates

    def _count_order(self, times: pl.Series) -> None:
        """Rows earlier than any row before them in the file."""
        micros = times.to_physical().to_numpy()
        before = np.maximum.accumulate(np.concatenate([[self._latest], micros[:-1]]))
        self._report.out_of_order += int((micros < before).sum())
        self._latest = max(int(before[-1]), int(micros[-1]))

    def _note_times(self, times: pl.Series) -> None:
        first, last = times.min(), times.max()
        assert isinstance(first, datetime)
        assert isinstance(last, datetime)
        report = self._report
        report.first = first if report.first is None else min(first, report.first)
        report.last = last if report.last is None else max(last, report.last)
        report.clock_skew += int((times > self._now + FUTURE).sum())


def _reading(row: Mapping[str, Any]) -> str | None:
    """The reading of a row's text as JSON with the fields of `Reading`; null where there is nothing to read."""
    reading = None
    if row["event"] in READ_AT_INTAKE:
        reading = read_text(row.get("text"), row.get("rating"))
    elif row["event"] == "search" and row.get("query"):
        reading = read_query(row["query"])
    return None if reading is None else orjson.dumps(reading).decode()


def _kind_of(reason: str) -> str:
    """A reason without the values that it names, so that reasons can be counted."""
    head, _, tail = reason.partition(";")
    if not tail:
        return reason[:120]
    words = ["..." if any(sign in word for sign in "'\"0123456789") else word for word in head.split()]
    return f"{' '.join(words)[:120]};{tail[:120]}"

"""A dry run: what an import would do with a file, and what is in it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from huaxiang.collect.catalogue import Catalogue
from huaxiang.collect.importers import BadRow
from huaxiang.collect.load import Plan, Report, load
from huaxiang.collect.quarantine import Quarantine
from huaxiang.collect.tally import Tally
from huaxiang.store import Appended
from huaxiang.types import Event

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Validation:
    """What a dry run found: the import's report, the figures of the good rows, and the first bad ones."""

    report: Report
    tally: Tally
    bad: tuple[BadRow, ...]

    def to_json(self) -> dict[str, Any]:
        """As figures for `--json`."""
        bad = [{"line": row.line, "reason": row.reason} for row in self.bad]
        return {**self.report.to_json(), "bad_rows": bad, "figures": self.tally.to_json()}


class DryRun:
    """Takes events as a store does and keeps only their ids, to tell duplicates, and figures."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._seen: set[str] = set()

    def append(self, events: Sequence[Event] | pa.Table) -> Appended:
        """Count the events that are new."""
        if isinstance(events, pa.Table):
            new = self._new(events["event_id"].to_pylist())
            self._tally.add_table(events.filter(pa.array([number is not None for number in new])))
        else:
            new = self._new([event.event_id for event in events])
            self._tally.add_events([event for event, number in zip(events, new, strict=True) if number is not None])
        return Appended(tuple(new), len(self._seen))

    def _new(self, event_ids: Sequence[str]) -> list[int | None]:
        found: list[int | None] = []
        for event_id in event_ids:
            known = event_id in self._seen
            self._seen.add(event_id)
            found.append(None if known else len(self._seen))
        return found


class _Shown(Quarantine):
    """A quarantine that writes nothing and remembers the first rows."""

    def __init__(self) -> None:
        self.rows: list[BadRow] = []

    def __exit__(self, *_: object) -> None:
        pass

    @property
    def used(self) -> bool:
        return False

    def keep(self, row: BadRow) -> None:
        if len(self.rows) < _SHOWN:
            self.rows.append(row)


def validate(
    plan: Plan, catalogue: Catalogue | None = None, *, progress: Callable[[int], None] | None = None
) -> Validation:
    """Read a whole file as an import would and keep nothing; duplicates are those within the file.

    Args:
        catalogue: of the shop, whose items count as known; None where only the file's own items do.
    """
    tally = Tally(item.item_id for item in catalogue) if catalogue is not None else Tally()
    shown = _Shown()
    report = load(plan, DryRun(tally), shown, progress=progress)
    return Validation(report, tally, tuple(shown.rows))


def quarantine_folder(data_dir: Path) -> Path:
    """Where a shop's bad rows go."""
    return data_dir / "quarantine"

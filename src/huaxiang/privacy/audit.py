"""Who read or changed which profile, when. Rows name the person under a fingerprint, so they outlive an erasure.

A row is written before the answer is given. Where the store cannot take it, a full disk say, an export, an edit or an
erasure fails; a reading is answered, its row waits in memory for the next that can be written, and the log says so.
"""

import getpass
import logging
import secrets
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

from huaxiang.collect.keys import KeyFile
from huaxiang.errors import StoreError
from huaxiang.store import Record, Store
from huaxiang.store.rows import microseconds
from huaxiang.types import Subject

logger: Final = logging.getLogger(__name__)

AUDIT: Final = "audit"
"""Kind of the records of rows."""
_PURPOSE: Final = "audit"
_PAGE: Final = 1_000
_ONE_READING: Final = 60.0
_MOST_RECENT: Final = 10_000


@dataclass(frozen=True, slots=True)
class Row:
    """One access: `what` is profile, evidence, export, edit, erase ...; `by` is the door and the key or account."""

    at: str
    by: str
    what: str
    details: dict[str, Any]


def at_the_terminal() -> str:
    """Who asks by the command line, as rows name them."""
    return f"command line: {getpass.getuser()}"


class Audit:
    """The audit log of one tenant. Safe to use from many threads."""

    def __init__(self, store: Store, keys: KeyFile) -> None:
        self._store, self._keys = store, keys
        self._recent: OrderedDict[tuple[str, str, str], float] = OrderedDict()
        self._waiting: deque[Record] = deque(maxlen=_MOST_RECENT)
        self._lock = threading.Lock()

    def read(self, subject: Subject, what: str, *, by: str) -> None:
        """Write that somebody read; a page that reads the same again within a minute is one reading."""
        now, asked = time.monotonic(), (subject, what, by)
        if now - self._recent.get(asked, -_ONE_READING) < _ONE_READING:
            return
        with self._lock:
            self._waiting.append(self._record(subject, what, by, {}))
        try:
            self._write([])
        except StoreError as error:
            logger.error(
                "%d readings of profiles wait in memory to be written to the audit log: %s", self.n_waiting, error
            )
        self._recent[asked] = now
        while len(self._recent) > _MOST_RECENT:
            self._recent.popitem(last=False)

    @property
    def n_waiting(self) -> int:
        """Readings that could not be written yet."""
        return len(self._waiting)

    def note(self, subject: Subject, what: str, *, by: str, **details: Any) -> None:
        """Write a row; it is durable when this returns.

        Raises:
            StoreError: it could not be written.
        """
        self._write([self._record(subject, what, by, details)])

    def _write(self, rows: Sequence[Record]) -> None:
        """These rows and all that wait, which are bounded: the log says how many there are."""
        with self._lock:
            self._store.put(AUDIT, [*self._waiting, *rows])
            self._waiting.clear()

    def _record(self, subject: Subject, what: str, by: str, details: Mapping[str, Any]) -> Record:
        now = datetime.now(UTC)
        person = self._keys.read(create=True).fingerprint(_PURPOSE, subject)
        # ids begin with the person, so that one person's rows are one page; then the time, which orders them
        name = f"{person}-{microseconds(now):020d}-{secrets.token_hex(3)}"
        return Record(name, asdict(Row(now.isoformat(), by, what, dict(details))), at=now)

    def of(self, subject: Subject) -> list[Row]:
        """The rows about a person, oldest first; of one who was erased too."""
        if not self._keys.path.exists():
            return []
        person = self._keys.read(create=False).fingerprint(_PURPOSE, subject)
        rows, after = [], f"{person}-"
        while page := self._store.find(AUDIT, after=after, limit=_PAGE):
            mine = [record for record in page if record.id.startswith(f"{person}-")]
            rows += [Row(**record.body) for record in mine]
            if len(mine) < len(page):
                break
            after = page[-1].id
        return rows

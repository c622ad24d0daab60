"""The shop's own queries: what people type, how many of them, what they find and what they do with it.

A fold of the log in memory, which follows it. Nothing of a query is told before five different people typed it; what is
told names nobody. Readers take one state, whatever is read meanwhile.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from huaxiang.apps.search.allowed import Allowed
from huaxiang.apps.search.asked import AskedQuery, QueryLogConfig, one_spelling
from huaxiang.apps.search.clicks import Propensities, assumed
from huaxiang.apps.search.counts import Counts
from huaxiang.apps.search.trail_rows import read_rows
from huaxiang.apps.search.trails import Trails
from huaxiang.store import Store
from huaxiang.types import ItemId

__all__ = ["AskedQuery", "QueryLog", "QueryLogConfig", "one_spelling"]


@dataclass(frozen=True, slots=True)
class _State:
    """What readers see."""

    by_text: Mapping[str, AskedQuery] = field(default_factory=dict)
    ranked: tuple[AskedQuery, ...] = ()
    propensities: Propensities = field(default_factory=assumed)
    version: int = 0


_NOBODY: Final = _State()


class _Fold:
    """What was read of the log, up to `seq`."""

    def __init__(self, store: Store, consent_default: str, config: QueryLogConfig, before: datetime | None) -> None:
        self._store, self._before = store, before
        self._allowed = Allowed(store, consent_default=consent_default)
        self._trails = Trails(session_minutes=config.session_minutes)
        self.counts = Counts(config)
        self.seq = 0

    def catch_up(self, until: int) -> bool:
        """Read up to a sequence number; False where what was read must be read again from the beginning."""
        if until < self.seq:  # another log, as after a backup was put back
            return False
        is_new, takes_back = self._allowed.catch_up(self.seq, until)
        if takes_back:
            return False
        if is_new and self.seq:
            self._trails.relink(self._allowed)
            self.counts.relink(self._allowed)
            if self.counts.has_lost(self._allowed):
                return False
        for rows in read_rows(self._store, self._allowed, after=self.seq, until=until, before=self._before):
            self.counts.add(rows, self._trails.take(rows))
        self.seq = until
        return True


class QueryLog:
    """Queries of one shop. Safe to read from many threads; `refresh` is for one beside them.

    A reading follows the log; where somebody denies `training` of whom something was learned, takes a link back or
    excludes an event, everything is read again. What was counted of an erased person goes with `forget`.

    Memory: within the bounds of `config`, 36 bytes for each person, query and day (two million), 42 for each item at a
    place of a query's lists (two million), some 200 for each query (200,000), 70 for each showing that something may
    still be done with (500,000), and what `Allowed` keeps: in all some 250 MB at the most. The queries that fewest
    people typed go first; one that comes back is counted from then on.

    Args:
        consent_default: what holds for people who said nothing.
        before: only what happened before this moment; for what is judged on what came after it. Consent is as of now.
    """

    def __init__(
        self,
        store: Store,
        *,
        consent_default: str = "granted",
        config: QueryLogConfig | None = None,
        before: datetime | None = None,
    ) -> None:
        self.config = config or QueryLogConfig()
        self._store, self._consent_default, self._before = store, consent_default, before
        self._refreshing, self._guard = threading.Lock(), threading.Lock()
        self._state, self._fold, self._n_forgotten = _NOBODY, self._new(), 0

    def _new(self) -> _Fold:
        return _Fold(self._store, self._consent_default, self.config, self._before)

    def refresh(self) -> None:
        """Read what the log has beyond what was read; at once where there is nothing."""
        with self._refreshing:
            with self._guard:
                n_forgotten, fold = self._n_forgotten, self._fold
            until = self._store.last_seq
            if until == fold.seq:
                return
            try:
                if not fold.catch_up(until):
                    fold = self._new()
                    fold.catch_up(until)
                has_changed = fold.counts.settle() or fold is not self._fold
            except BaseException:  # half of a part may be counted
                with self._guard:
                    self._fold = self._new()
                raise
            with self._guard:
                if n_forgotten == self._n_forgotten:  # else somebody was forgotten meanwhile
                    self._fold = fold
                    self._state = self._seen(fold.counts) if has_changed else self._state

    def _seen(self, counts: Counts) -> _State:
        ranked = tuple(sorted(counts.known.values(), key=lambda asked: (-asked.weight, asked.text)))
        by_text = {asked.text: asked for asked in ranked}
        return _State(by_text, ranked, counts.propensities, self._state.version + 1)

    def forget(self) -> None:
        """Let go of everything; the next `refresh` reads the log again."""
        with self._guard:
            self._n_forgotten += 1
            self._fold = self._new()
            self._state = _State(version=self._state.version + 1)

    @property
    def version(self) -> int:
        """Changes whenever anything that is told does."""
        return self._state.version

    @property
    def propensities(self) -> Propensities:
        """How likely each place of a list is looked at."""
        return self._state.propensities

    def known(self, floor: int | None = None) -> Sequence[AskedQuery]:
        """Queries that enough different people typed, most frequent first.

        Args:
            floor: how many, where that is more than the shop's own floor; None: the shop's.
        """
        ranked = self._state.ranked
        if floor is None or floor <= self.config.floor:
            return ranked
        return tuple(asked for asked in ranked if asked.people >= floor)

    def get(self, text: str) -> AskedQuery | None:
        """What is known of a query in any of its spellings; None where too few people typed it."""
        return self._state.by_text.get(one_spelling(text))

    def appeal(self, text: str) -> Mapping[ItemId, float]:
        """How much those who looked at an item after this query liked it, 0 to 1; empty where too few typed it."""
        asked = self.get(text)
        return {} if asked is None else asked.items

    def without_results(self) -> list[AskedQuery]:
        """Known queries for which the shop last said that it found nothing, most frequent first."""
        return [asked for asked in self._state.ranked if asked.total == 0]

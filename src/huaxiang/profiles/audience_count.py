"""Who passes a filter: answered by residents where they can tell for certain, by a fold where they cannot.

Of people who are to be compared, what was computed of them is kept beside their residents, under a mark that says by
what: who did nothing since is not folded again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final

from huaxiang.profiles.audience_filter import Condition
from huaxiang.profiles.audiences import ASKED_CONSENTS
from huaxiang.profiles.packing import head_of
from huaxiang.profiles.portrait import Portraits
from huaxiang.profiles.readable import Readable, UnsureError
from huaxiang.profiles.resident_reading import ResidentPerson
from huaxiang.profiles.residents import Mark
from huaxiang.profiles.state import FoldState
from huaxiang.profiles.unpacking import figures_of
from huaxiang.types import UserId, is_anonymous

_AT_ONCE: Final = 250


@dataclass(frozen=True, slots=True)
class Passed:
    """Of some people of the store those who pass, in the order in which they were named.

    Attributes:
        n_read: people that were looked at. n_folded: of these, those whose events had to be read.
        n_excluded: known people of these who said no; no filter is applied to them.
    """

    user_ids: tuple[UserId, ...]
    n_read: int
    n_folded: int
    n_excluded: int


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """Those who pass, to be compared.

    Attributes:
        states: of each of them; only figures and consents of who is among `beside`.
        beside: what was kept beside their residents.
        mark: from before any of them was read. stays: of whom what is computed now stays until their next event.
    """

    passed: Passed
    states: Mapping[UserId, FoldState]
    beside: Mapping[UserId, bytes]
    mark: Mark
    stays: frozenset[UserId]


def passing(portraits: Portraits, user_ids: Iterable[UserId], passes: Condition, *, now: datetime) -> Iterator[Passed]:
    """Those who pass a filter and may be addressed, as known strictly before `now`, a block of people at a time.

    A person is folded who has no resident (nobody counted them yet, or they did something since) or whose resident
    cannot tell; the fold leaves a resident. The states that requests read from are neither used nor driven out.
    """
    for block in _blocks(portraits, user_ids, passes, now, None):
        yield block.passed()


def comparing(
    portraits: Portraits, user_ids: Iterable[UserId], passes: Condition, *, now: datetime, by: str
) -> Iterator[Compared]:
    """The same people with what they are compared by: kept beside their residents, else the state that it is computed
    from.

    Args:
        by: name of what computes it.
    """
    for block in _blocks(portraits, user_ids, passes, now, by):
        passed = block.passed()
        states = {user: block.states[user] for user in passed.user_ids}
        yield Compared(passed, states, block.beside, block.mark, frozenset(block.stays))


def may_be_addressed(person: Readable) -> bool:
    """Whether a person's consents allow them in an audience."""
    return all(person.consent(scope) == "granted" for scope in ASKED_CONSENTS)


def _blocks(
    portraits: Portraits, user_ids: Iterable[UserId], passes: Condition, now: datetime, by: str | None
) -> Iterator["_Block"]:
    left = iter(user_ids)
    while ids := list(islice(left, _AT_ONCE)):
        yield _Block(portraits, ids, passes, now, by)


class _Block:
    """Some people, and what is found out of them.

    Args:
        by: what they are to be compared by; None: they are counted.
    """

    def __init__(
        self, portraits: Portraits, user_ids: Sequence[UserId], passes: Condition, now: datetime, by: str | None
    ) -> None:
        self._portraits, self._passes, self._now, self._by = portraits, passes, now, by
        self._n_read, self._user_ids = len(user_ids), [user for user in user_ids if not is_anonymous(user)]
        self._found: set[UserId] = set()
        self._n_excluded = 0
        self._to_fold: list[UserId] = []
        self._has_resident: set[UserId] = set()
        self.states: dict[UserId, FoldState] = {}
        self.beside: dict[UserId, bytes] = {}
        self.stays: set[UserId] = set()
        self.mark = portraits.residents.mark()

    def passed(self) -> Passed:
        """Those who pass; asked once."""
        self._ask_residents()
        facets, config = self._portraits.item_facets, self._portraits.config
        for user in self._to_fold:
            read = self._portraits.read(user, before=self._now)
            if read.state.n == 0:
                continue
            if self._judge(user, Readable(read.state, facets, now=self._now, config=config)) and self._by is not None:
                self.states[user] = read.state
                self.stays.update([user] if read.is_latest else [])
            if user not in self._has_resident:
                self._portraits.settle(user, read, now=self._now, mark=self.mark)
        members = tuple(user for user in self._user_ids if user in self._found)
        return Passed(members, self._n_read, len(self._to_fold), self._n_excluded)

    def _ask_residents(self) -> None:
        facets, config = self._portraits.item_facets, self._portraits.config
        with self._portraits.residents.reading(self._user_ids, now=self._now) as found:
            self._has_resident.update(found)
            for user in self._user_ids:
                if user not in found:
                    self._to_fold.append(user)
                    continue
                person = ResidentPerson(*found[user], facets, now=self._now, config=config)
                try:
                    if self._judge(user, person) and self._by is not None:
                        self._take_beside(user, found[user][0])
                except UnsureError:
                    self._to_fold.append(user)

    def _take_beside(self, user: UserId, packed: bytes) -> None:
        """What was computed of somebody; else they are folded for it, though their resident could tell."""
        beside = self._portraits.residents.beside(user, str(self._by))
        if beside is None:
            self._to_fold.append(user)
        else:
            self.beside[user], self.states[user] = beside, figures_of(packed, head_of(packed))

    def _judge(self, user: UserId, person: Readable) -> bool:
        if not may_be_addressed(person):
            self._n_excluded += 1
            return False
        if self._passes(person):
            self._found.add(user)
            return True
        return False

"""Who passes a filter: answered by residents where they can tell for certain, by a fold where they cannot."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final

from huaxiang.profiles.audience_filter import Condition, Readable, UnsureError
from huaxiang.profiles.audiences import ASKED_CONSENTS
from huaxiang.profiles.portrait import Portraits
from huaxiang.profiles.resident_reading import ResidentPerson
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


def passing(portraits: Portraits, user_ids: Iterable[UserId], passes: Condition, *, now: datetime) -> Iterator[Passed]:
    """Those who pass a filter and may be addressed, as known strictly before `now`, a block of people at a time.

    A person is folded who has no resident (nobody counted them yet, or they did something since) or whose resident
    cannot tell; the fold leaves a resident. The states that requests read from are neither used nor driven out.
    """
    left = iter(user_ids)
    while ids := list(islice(left, _AT_ONCE)):
        block = _Block(portraits, [user for user in ids if not is_anonymous(user)], passes, now)
        yield Passed(block.members(), len(ids), len(block.to_fold), block.n_excluded)


class _Block:
    """Some people, and what is found out of them."""

    def __init__(self, portraits: Portraits, user_ids: Sequence[UserId], passes: Condition, now: datetime) -> None:
        self._portraits, self._user_ids, self._passes, self._now = portraits, user_ids, passes, now
        self._found: set[UserId] = set()
        self.n_excluded = 0
        self.to_fold: list[UserId] = []
        self._has_resident: set[UserId] = set()

    def members(self) -> tuple[UserId, ...]:
        """Those who pass."""
        mark = self._portraits.residents.mark()
        self._ask_residents()
        for user in self.to_fold:
            read = self._portraits.read(user, before=self._now)
            if read.state.n == 0:
                continue
            facets, config = self._portraits.item_facets, self._portraits.config
            self._judge(user, Readable(read.state, facets, now=self._now, config=config))
            if user not in self._has_resident:
                self._portraits.settle(user, read, now=self._now, mark=mark)
        return tuple(user for user in self._user_ids if user in self._found)

    def _ask_residents(self) -> None:
        facets, config = self._portraits.item_facets, self._portraits.config
        with self._portraits.residents.reading(self._user_ids, now=self._now) as found:
            self._has_resident.update(found)
            for user in self._user_ids:
                if user not in found:
                    self.to_fold.append(user)
                    continue
                person = ResidentPerson(*found[user], facets, now=self._now, config=config)
                try:
                    self._judge(user, person)
                except UnsureError:
                    self.to_fold.append(user)

    def _judge(self, user: UserId, person: Readable) -> None:
        if any(person.consent(scope) != "granted" for scope in ASKED_CONSENTS):
            self.n_excluded += 1
        elif self._passes(person):
            self._found.add(user)

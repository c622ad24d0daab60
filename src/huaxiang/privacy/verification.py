"""Proving an erasure again: the receipts' signatures, the log by its index, and every file byte by byte."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from huaxiang.errors import DataError
from huaxiang.privacy.erasure import RECEIPT
from huaxiang.privacy.receipt import Receipt, person_in
from huaxiang.privacy.traces import Searched, search
from huaxiang.shop import Shop
from huaxiang.types import FOREVER, anonymous_subject


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found of a person.

    Attributes:
        erased_at: of each receipt that was checked, ISO 8601.
        n_events: events that the log holds under the id: of a new person, who came after the erasure.
        n_before: of those, events from before the last erasure; there must be none.
        searched: the search of the data folder for the id, and for the pseudonym.
    """

    erased_at: tuple[str, ...]
    n_events: int
    n_before: int
    searched: Searched

    @property
    def is_absent(self) -> bool:
        """Whether nothing of the person is left; of a new person's events, only that none is from before."""
        return self.n_before == 0 and (not self.searched.found or self.n_events > 0)

    def to_json(self) -> dict[str, Any]:
        """As figures for `--json`."""
        return {"is_absent": self.is_absent, **asdict(self)}


def verify(shop: Shop, user_id: str, receipt: Receipt | None = None) -> Verified:
    """Look for a person who was erased.

    Args:
        receipt: what the person was given; None: those that the shop keeps of the person.

    Raises:
        DataError: the receipt is of somebody else, was changed, or there is none.
    """
    keys = shop.gate.keys.read(create=False)
    person = person_in(keys, user_id)
    receipts = [receipt] if receipt is not None else _kept(shop, person)
    if not receipts:
        raise DataError(f"no receipt of {user_id!r} is kept: nobody of this id was erased here")
    for each in receipts:
        each.check(keys)
        if each.person != person:
            raise DataError(f"the receipt is not of {user_id!r}; give the id that was erased")
    stored, folder = shop.gate.stored_id(user_id), shop.settings.data_dir
    events = [
        event
        for subject in (stored, anonymous_subject(stored))
        for event in shop.store.history(subject, before=FOREVER, limit=1_000_000)
    ]
    last = max(datetime.fromisoformat(each.erased_at) for each in receipts)
    searched = search(folder, {user_id, stored}, shop.store, leave_out=(folder / "keys",))
    n_before = sum(event.timestamp <= last for event in events)
    return Verified(tuple(each.erased_at for each in receipts), len(events), n_before, searched)


def _kept(shop: Shop, person: str) -> list[Receipt]:
    records = shop.store.find(RECEIPT, after=f"{person}-", limit=1_000)
    mine = [record.body for record in records if record.id.startswith(f"{person}-")]
    return [Receipt(**{**said, "not_reached": tuple(said["not_reached"])}) for said in mine]

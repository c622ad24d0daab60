"""A trial on a shop's own log: what was known a week ago is learned, the last week is asked, and ten people are shown.

Legend: N people, M items.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np

from huaxiang.collect.catalogue import Catalogue
from huaxiang.collect.describe import describe
from huaxiang.errors import DataError
from huaxiang.evaluation.budget import Budget
from huaxiang.evaluation.protocols import Protocol, by_time
from huaxiang.evaluation.rows import Row
from huaxiang.evaluation.running import Report, run
from huaxiang.evaluation.sequence_file import ItemTerms
from huaxiang.profiles import ItemFacets
from huaxiang.profiles.portrait import Portraits
from huaxiang.profiles.state import from_micros
from huaxiang.retrieval.log import of_kind, people_of, read_log, to_interactions
from huaxiang.store import Store
from huaxiang.text.wording import item_terms
from huaxiang.types import Facet, Item, Profile

WEEK: Final = 7.0
_SHOWN: Final = 10
_LATEST: Final = 6
_DAY: Final = 86_400_000_000
PEER: Final = "ALS"


@dataclass(frozen=True, slots=True)
class Shopper:
    """Someone drawn from the test, as they were on its eve.

    Attributes:
        before: their latest items, newest first, with the day. shown: what was recommended, and whether they took it.
        then: what they took in the test.
    """

    user_id: str
    profile: Profile
    before: tuple[tuple[str, str], ...]
    shown: tuple[tuple[str, bool], ...]
    then: tuple[str, ...]

    def facets(self, most: int = 5) -> Sequence[Facet]:
        """Their strongest interests, of whichever kind."""
        return sorted(self.profile.interests, key=lambda facet: -facet.score)[:most]


@dataclass(frozen=True, slots=True)
class Trial:
    """What a trial found.

    Attributes:
        health: figures of the log. report: the table. asked: what counts as an answer: `purchase`, or `event`.
        moment: when the test begins; `end`: when the log ends.
    """

    health: Mapping[str, Any]
    report: Report
    shoppers: tuple[Shopper, ...]
    asked: str
    moment: datetime
    end: datetime

    def json(self) -> dict[str, Any]:
        """Everything, for machines."""
        people = [
            {
                "user_id": each.user_id,
                "summary": each.profile.summary,
                "interests": [{"facet": f.facet, "value": f.value, "score": f.score} for f in each.facets()],
                "before": [list(pair) for pair in each.before],
                "recommended": [{"item": name, "taken": taken} for name, taken in each.shown],
                "taken": list(each.then),
            }
            for each in self.shoppers
        ]
        when = {"test_from": self.moment.isoformat(), "log_ends": self.end.isoformat()}
        return {**self.report.json(), "health": dict(self.health), "asked": self.asked, **when, "shoppers": people}


def run_trial(store: Store, budget: Budget, *, peers: bool = True, seed: int = 0) -> Trial:
    """Learn from what was known before the last week, and ask about it.

    Args:
        store: holds the log, and nothing else that matters.
        peers: whether ALS of the package `implicit` runs too.
    Raises:
        DataError: the log is too short, or nobody comes back.
    """
    budget.say("reading the log")
    portraits = Portraits(store, ItemFacets(Catalogue(store)))
    catalogue = portraits.item_facets.catalogue
    catalogue.refresh()
    rows = read_log(store, portraits=portraits).interactions
    if rows.is_empty():
        raise DataError("the file holds no event of a person with an item; a trial needs purchases, views or the like")
    item_ids = sorted({*rows["item_id"].unique().to_list(), *(item.item_id for item in catalogue)})
    log = to_interactions(rows, item_ids)
    bought_E = of_kind(rows, item_ids, "purchase")
    asked = "purchase" if bought_E.any() else "event"
    protocol = by_time(log, days=WEEK, counts_E=bought_E if bought_E.any() else None)
    items = [catalogue.get(item_id) or Item(item_id) for item_id in item_ids]
    models = ["huaxiang", *([PEER] if peers else [])]
    report = run(protocol, terms_of(items), budget, models=models, seed=seed)
    moment = _moment(protocol)
    people = people_of(rows, item_ids)
    shoppers = _shoppers(report.row("huaxiang"), portraits, items, people, moment, seed)
    end = from_micros(int(log.days_E.max() * _DAY))
    return Trial(describe(store).to_json(), report, tuple(shoppers), asked, moment, end)


def terms_of(items: Sequence[Item]) -> ItemTerms:
    """Words and tags of the items, as the parts read them."""
    named = [item_terms(item) for item in items]
    return ItemTerms(tuple(words for words, _ in named), tuple(tags for _, tags in named), 0, 0)


def _moment(protocol: Protocol) -> datetime:
    """Just after the newest event that was known before the test."""
    return from_micros(int(protocol.test.known.days_E.max() * _DAY)) + timedelta(microseconds=1)


def _shoppers(
    ours: Row,
    portraits: Portraits,
    items: Sequence[Item],
    people: Sequence[str],
    moment: datetime,
    seed: int,
) -> list[Shopper]:
    """Ten people who were answered, drawn by chance among those with at least three items."""
    n = len(ours.answers)
    able = [at for at in range(n) if len(ours.asked.histories[at]) >= 3] or list(range(n))
    rng = np.random.default_rng(seed)
    drawn = sorted(rng.choice(able, min(_SHOWN, len(able)), replace=False).tolist())
    return [_shopper(at, ours, portraits, items, people, moment) for at in drawn]


def _shopper(
    at: int,
    ours: Row,
    portraits: Portraits,
    items: Sequence[Item],
    people: Sequence[str],
    moment: datetime,
) -> Shopper:
    asked, list_K = ours.asked, ours.answers.lists_NK[at]
    history, right = asked.histories[at], set(asked.targets[at].tolist())
    latest = list(zip(history.items_L[-_LATEST:].tolist(), history.ages_L[-_LATEST:].tolist(), strict=True))[::-1]
    days = [(moment - timedelta(days=age)).astimezone(UTC).date().isoformat() for _, age in latest]
    user_id = people[int(asked.users_N[at])]
    return Shopper(
        user_id,
        portraits.profile(user_id, now=moment),
        tuple((name_of(items[item]), day) for (item, _), day in zip(latest, days, strict=True)),
        tuple((name_of(items[item]), item in right) for item in list_K.tolist() if item >= 0),
        tuple(name_of(items[item]) for item in sorted(right)),
    )


def name_of(item: Item) -> str:
    """How a page calls an item."""
    return item.name or item.item_id
